"""Losses: how far predictions are from targets.

A loss function takes `y_true` and `y_pred` of shape `(batch, ..., n)` and gives the loss of each sample, of shape
`(batch, ...)`. A `Loss` object adds weights and a reduction. A function says what its targets are by an attribute
`target_kind`: 'sparse' for integer class indices, 'binary' for independent yes-or-no values, 'same' for other targets that must have
the shape of the predictions, as those of all losses here but the sparse one must; without one, whatever the function makes of them. `is_sparse` and `accuracy_kind` read it, for names, functions and objects alike, so a function of a
user's own may carry it too.
"""

import numbers

import numpy as np

from cthulhu import backend as K
from cthulhu import registry
from cthulhu.utils.arguments import checked, require_call
from cthulhu.utils.graph_utils import in_graph
from cthulhu.utils.losses_utils import Reduction as Reduction
from cthulhu.utils.losses_utils import as_labels, as_tensor, compute_weighted_loss, what_counts
from cthulhu.utils.reprs import settings_repr

_DEFAULT = Reduction.SUM_OVER_BATCH_SIZE


class Loss:
    """Base class. A subclass defines `call(y_true, y_pred)`, which gives the loss of each sample.

    Arguments:
        reduction: 'sum_over_batch_size' (the mean over samples), 'sum' or 'none'.
        name: str or None.

    Raises:
        ValueError: an unknown reduction.
    """

    def __repr__(self):
        return settings_repr(self, dict(vars(self), **self.get_config()))

    @checked
    def __init__(self, reduction=_DEFAULT, name=None):
        Reduction.validate(reduction)
        self.reduction = reduction
        self.name = name

    def __call__(self, y_true, y_pred, sample_weight=None):
        """Compute the weighted and reduced loss.

        Arguments:
            y_true: targets, tensor or array.
            y_pred: predictions, tensor or array.
            sample_weight: None, a scalar, or weights with the shape of the first axes of the losses.

        Returns:
            Scalar tensor; for the reduction 'none' one loss a sample.
        """
        with K.name_scope('lambda' if self.name == '<lambda>' else self.name or type(self).__name__):
            value = self.call(*what_counts(y_true, y_pred, sample_weight, labels=is_sparse(self)))
            if not K.is_tensor(value) and not isinstance(value, np.ndarray):
                raise TypeError(
                    f'The loss "{self.name or type(self).__name__}" gave {value!r}, which is no tensor. A loss is computed from the tensors that it is called '
                    'with, by functions of cthulhu.backend: one value for each sample, such as K.mean(K.square(y_true - y_pred), axis=-1).'
                )
            if not K.ndim(value):  # of the batch as a whole, which what does not count is a part of
                value = self.call(y_true, y_pred)
            return compute_weighted_loss(value, sample_weight, reduction=self.reduction)

    def call(self, y_true, y_pred):
        """The loss of each sample, a tensor of shape `(batch, ...)`."""
        raise NotImplementedError(f'{type(self).__name__} must define `call(self, y_true, y_pred)`.')

    def get_config(self):
        """The arguments of the constructor, as a dict."""
        return {'reduction': self.reduction, 'name': self.name}

    @classmethod
    def from_config(cls, config):
        """Make a loss of what `get_config` gave."""
        return cls(**config)


class LossFunctionWrapper(Loss):
    """A loss object around a loss function.

    Arguments:
        fn: function of `(y_true, y_pred, **kwargs)`.
        reduction: as in `Loss`.
        name: str or None.
        **kwargs: further arguments for `fn`.
    """

    def __init__(self, fn, reduction=_DEFAULT, name=None, **kwargs):
        super().__init__(reduction=reduction, name=name)
        self.fn = fn
        self._fn_kwargs = kwargs

    def call(self, y_true, y_pred):
        return K.call_function(self.fn, y_true, y_pred, **self._fn_kwargs)

    def get_config(self):
        config = super().get_config()
        for key, value in self._fn_kwargs.items():
            config[key] = K.eval(value) if K.is_tensor(value) or K.is_variable(value) else value
        return config


def _tensors(y_true, y_pred):
    y_pred = as_tensor(y_pred)
    return as_tensor(y_true, K.dtype(y_pred)), y_pred


@in_graph
def mean_squared_error(y_true, y_pred):
    """Mean over the last axis of `(y_true - y_pred) ** 2`."""
    y_true, y_pred = _tensors(y_true, y_pred)
    return K.mean(K.square(y_pred - y_true), axis=-1)


@in_graph
def mean_absolute_error(y_true, y_pred):
    """Mean over the last axis of `abs(y_true - y_pred)`."""
    y_true, y_pred = _tensors(y_true, y_pred)
    return K.mean(K.abs(y_pred - y_true), axis=-1)


@in_graph
def mean_absolute_percentage_error(y_true, y_pred):
    """100 times the mean over the last axis of `abs((y_true - y_pred) / y_true)`."""
    y_true, y_pred = _tensors(y_true, y_pred)
    return 100.0 * K.mean(K.abs((y_true - y_pred) / K.clip(K.abs(y_true), K.epsilon(), None)), axis=-1)


@in_graph
def mean_squared_logarithmic_error(y_true, y_pred):
    """Mean over the last axis of `(log(y_true + 1) - log(y_pred + 1)) ** 2`; negative values count as zero."""
    y_true, y_pred = _tensors(y_true, y_pred)
    logs = [K.log(K.clip(y, K.epsilon(), None) + 1.0) for y in (y_pred, y_true)]
    return K.mean(K.square(logs[0] - logs[1]), axis=-1)


def _signed(y_true):
    # If every target is 0 or 1, they are labels and become -1 and 1; the factor is 1 then, else 0.
    is_binary = K.cast(K.all(K.logical_or(K.equal(y_true, 0.0), K.equal(y_true, 1.0))), K.dtype(y_true))
    return y_true + is_binary * (y_true - 1.0)


@in_graph
def hinge(y_true, y_pred):
    """Mean over the last axis of `max(0, 1 - y_true * y_pred)`; targets are -1 or 1 (0 and 1 are converted)."""
    y_true, y_pred = _tensors(y_true, y_pred)
    return K.mean(K.maximum(1.0 - _signed(y_true) * y_pred, 0.0), axis=-1)


@in_graph
def squared_hinge(y_true, y_pred):
    """Mean over the last axis of `max(0, 1 - y_true * y_pred) ** 2`; targets are -1 or 1 (0 and 1 are converted)."""
    y_true, y_pred = _tensors(y_true, y_pred)
    return K.mean(K.square(K.maximum(1.0 - _signed(y_true) * y_pred, 0.0)), axis=-1)


@in_graph
def categorical_hinge(y_true, y_pred):
    """`max(0, 1 + highest prediction of a wrong class - prediction of the right one)`; targets are one-hot."""
    y_true, y_pred = _tensors(y_true, y_pred)
    right = K.sum(y_true * y_pred, axis=-1)
    wrong = K.max((1.0 - y_true) * y_pred, axis=-1)
    return K.maximum(wrong - right + 1.0, 0.0)


@in_graph
def logcosh(y_true, y_pred):
    """Mean over the last axis of `log(cosh(y_pred - y_true))`: squared for small errors, absolute for large ones."""
    y_true, y_pred = _tensors(y_true, y_pred)
    error = y_pred - y_true
    # log(cosh(x)) = x + log(1 + exp(-2x)) - log(2), which does not overflow.
    return K.mean(error + K.softplus(-2.0 * error) - 0.6931471805599453, axis=-1)


@in_graph
@checked
def huber_loss(y_true, y_pred, delta=1.0):
    """Elementwise: `error ** 2 / 2` up to `delta`, beyond it linear with that slope. Shape of `y_pred`.

    Source: Huber, Robust Estimation of a Location Parameter, 1964.
    """
    y_true, y_pred = _tensors(y_true, y_pred)
    error = K.abs(y_pred - y_true)
    quadratic = K.minimum(error, delta)
    return 0.5 * K.square(quadratic) + delta * (error - quadratic)


def _smooths(label_smoothing):
    return not (isinstance(label_smoothing, numbers.Number) and label_smoothing == 0)


@in_graph
@checked
def categorical_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0):
    """Crossentropy of one-hot targets and predicted class probabilities.

    Arguments:
        y_true: shape `(batch, ..., classes)`.
        y_pred: shape `(batch, ..., classes)`.
        from_logits: bool, whether `y_pred` holds logits in place of probabilities.
        label_smoothing: float in [0, 1], the part of each target that is spread evenly over the classes.

    Returns:
        Tensor of shape `(batch, ...)`.
    """
    y_true, y_pred = _tensors(y_true, y_pred)
    if _smooths(label_smoothing):
        classes = K.cast(K.shape(y_true)[-1], K.dtype(y_pred))
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / classes
    return K.categorical_crossentropy(y_true, y_pred, from_logits=from_logits)


@in_graph
@checked
def sparse_categorical_crossentropy(y_true, y_pred, from_logits=False, axis=-1):
    """Crossentropy of integer targets and predicted class probabilities.

    Arguments:
        y_true: integers (of any dtype), shape `(batch, ...)` or `(batch, ..., 1)`.
        y_pred: shape `(batch, ..., classes)`.
        from_logits: bool, whether `y_pred` holds logits in place of probabilities.
        axis: int, the axis of the classes.

    Returns:
        Tensor of shape `(batch, ...)`.
    """
    return K.sparse_categorical_crossentropy(as_labels(y_true), as_tensor(y_pred), from_logits=from_logits, axis=axis)


@in_graph
@checked
def binary_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0):
    """Mean over the last axis of the crossentropy of yes-or-no targets and predicted probabilities.

    Arguments:
        y_true: values in [0, 1], shape `(batch, ..., n)`.
        y_pred: shape `(batch, ..., n)`.
        from_logits: bool, whether `y_pred` holds logits in place of probabilities.
        label_smoothing: float in [0, 1], how far targets move towards 1/2.

    Returns:
        Tensor of shape `(batch, ...)`.
    """
    y_true, y_pred = _tensors(y_true, y_pred)
    if _smooths(label_smoothing):
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    return K.mean(K.binary_crossentropy(y_true, y_pred, from_logits=from_logits), axis=-1)


@in_graph
def kullback_leibler_divergence(y_true, y_pred):
    """Sum over the last axis of `y_true * log(y_true / y_pred)`, with both clipped to `[epsilon, 1]`."""
    y_true, y_pred = (K.clip(y, K.epsilon(), 1.0) for y in _tensors(y_true, y_pred))
    return K.sum(y_true * K.log(y_true / y_pred), axis=-1)


@in_graph
def poisson(y_true, y_pred):
    """Mean over the last axis of `y_pred - y_true * log(y_pred)`."""
    y_true, y_pred = _tensors(y_true, y_pred)
    return K.mean(y_pred - y_true * K.log(y_pred + K.epsilon()), axis=-1)


@in_graph
@checked
def cosine_proximity(y_true, y_pred, axis=-1):
    """Minus the cosine of the angle between targets and predictions: -1 where they point the same way."""
    y_true, y_pred = (K.l2_normalize(y, axis=axis) for y in _tensors(y_true, y_pred))
    return -K.sum(y_true * y_pred, axis=axis)


sparse_categorical_crossentropy.target_kind = 'sparse'
binary_crossentropy.target_kind = 'binary'
for _loss in (
    mean_squared_error, mean_absolute_error, mean_absolute_percentage_error, mean_squared_logarithmic_error, hinge, squared_hinge,
    categorical_hinge, logcosh, huber_loss, categorical_crossentropy, kullback_leibler_divergence, poisson, cosine_proximity,
):  # fmt: skip
    _loss.target_kind = 'same'


class MeanSquaredError(LossFunctionWrapper):
    """`mean_squared_error` as a loss object."""

    def __init__(self, reduction=_DEFAULT, name='mean_squared_error'):
        super().__init__(mean_squared_error, reduction, name)


class MeanAbsoluteError(LossFunctionWrapper):
    """`mean_absolute_error` as a loss object."""

    def __init__(self, reduction=_DEFAULT, name='mean_absolute_error'):
        super().__init__(mean_absolute_error, reduction, name)


class MeanAbsolutePercentageError(LossFunctionWrapper):
    """`mean_absolute_percentage_error` as a loss object."""

    def __init__(self, reduction=_DEFAULT, name='mean_absolute_percentage_error'):
        super().__init__(mean_absolute_percentage_error, reduction, name)


class MeanSquaredLogarithmicError(LossFunctionWrapper):
    """`mean_squared_logarithmic_error` as a loss object."""

    def __init__(self, reduction=_DEFAULT, name='mean_squared_logarithmic_error'):
        super().__init__(mean_squared_logarithmic_error, reduction, name)


class BinaryCrossentropy(LossFunctionWrapper):
    """`binary_crossentropy` as a loss object."""

    @checked
    def __init__(self, from_logits=False, label_smoothing=0, reduction=_DEFAULT, name='binary_crossentropy'):
        super().__init__(binary_crossentropy, reduction, name, from_logits=from_logits, label_smoothing=label_smoothing)


class CategoricalCrossentropy(LossFunctionWrapper):
    """`categorical_crossentropy` as a loss object."""

    @checked
    def __init__(self, from_logits=False, label_smoothing=0, reduction=_DEFAULT, name='categorical_crossentropy'):
        super().__init__(
            categorical_crossentropy, reduction, name, from_logits=from_logits, label_smoothing=label_smoothing
        )


class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """`sparse_categorical_crossentropy` as a loss object."""

    @checked
    def __init__(self, from_logits=False, reduction=_DEFAULT, name='sparse_categorical_crossentropy'):
        super().__init__(sparse_categorical_crossentropy, reduction, name, from_logits=from_logits)


class Hinge(LossFunctionWrapper):
    """`hinge` as a loss object."""

    def __init__(self, reduction=_DEFAULT, name='hinge'):
        super().__init__(hinge, reduction, name)


class SquaredHinge(LossFunctionWrapper):
    """`squared_hinge` as a loss object."""

    def __init__(self, reduction=_DEFAULT, name='squared_hinge'):
        super().__init__(squared_hinge, reduction, name)


class CategoricalHinge(LossFunctionWrapper):
    """`categorical_hinge` as a loss object."""

    def __init__(self, reduction=_DEFAULT, name='categorical_hinge'):
        super().__init__(categorical_hinge, reduction, name)


class Poisson(LossFunctionWrapper):
    """`poisson` as a loss object."""

    def __init__(self, reduction=_DEFAULT, name='poisson'):
        super().__init__(poisson, reduction, name)


class LogCosh(LossFunctionWrapper):
    """`logcosh` as a loss object."""

    def __init__(self, reduction=_DEFAULT, name='logcosh'):
        super().__init__(logcosh, reduction, name)


class KLDivergence(LossFunctionWrapper):
    """`kullback_leibler_divergence` as a loss object."""

    def __init__(self, reduction=_DEFAULT, name='kullback_leibler_divergence'):
        super().__init__(kullback_leibler_divergence, reduction, name)


class Huber(LossFunctionWrapper):
    """`huber_loss` as a loss object."""

    @checked
    def __init__(self, delta=1.0, reduction=_DEFAULT, name='huber_loss'):
        super().__init__(huber_loss, reduction, name, delta=delta)


mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
kld = KLD = kullback_leibler_divergence
cosine = cosine_similarity = cosine_proximity

registry.losses.register(
    {
        name: thing
        for name, thing in globals().items()
        if getattr(thing, '__module__', None) == __name__
        and not name.startswith('_')
        # The loss functions are those that `in_graph` made.
        and (hasattr(thing, '__wrapped__') or isinstance(thing, type) and thing not in (Loss, LossFunctionWrapper))
    }
)


def serialize(loss):
    """Describe a loss object by its class name and configuration, a loss function by its name."""
    return registry.losses.serialize(loss)


def deserialize(name, custom_objects=None):
    """Find the loss that a name or a configuration describes.

    Arguments:
        name: str, or `{'class_name': ..., 'config': {...}}`.
        custom_objects: dict of the caller's own, name -> class or function.

    Raises:
        ValueError: the name is unknown.
    """
    found = registry.losses.deserialize(name, custom_objects)
    return found() if isinstance(found, type) and issubclass(found, Loss) else found


def get(identifier):
    """Find a loss by None (gives None), a name, a configuration, a class, an object or a function.

    Raises:
        ValueError: the name is unknown, or the identifier is none of these.

    >>> get('mse') is mean_squared_error, get('Huber').get_config()['delta']
    (True, 1.0)
    """
    if identifier is None or isinstance(identifier, (str, dict)):
        return deserialize(identifier)
    if isinstance(identifier, type) and issubclass(identifier, Loss):
        return identifier()
    if isinstance(identifier, Loss):
        return identifier
    if callable(identifier):
        name = getattr(identifier, '__name__', type(identifier).__name__)
        require_call(identifier, ['y_true', 'y_pred'], f'The loss "{name}"')
        return identifier
    raise ValueError(
        'Could not interpret loss function identifier: expected a name, a configuration dict, '
        f'a `Loss` object or a function of (y_true, y_pred), got {identifier!r}.'
    )


def target_kind(loss):
    """What the targets of a loss (name, function or object) are: 'sparse', 'binary', 'same', or None where the loss does not say."""
    loss = loss if callable(loss) and not isinstance(loss, type) else get(loss)
    return getattr(loss, 'target_kind', None) or getattr(getattr(loss, 'fn', None), 'target_kind', None)


def is_sparse(loss):
    """Whether the targets of a loss (name, function or object) are class indices, with a last axis of one.

    >>> is_sparse('sparse_categorical_crossentropy'), is_sparse(MeanSquaredError())
    (True, False)
    """
    return target_kind(loss) == 'sparse'


def is_categorical_crossentropy(loss):
    """Whether a loss (name, function or object) is the one of one-hot classes.

    >>> is_categorical_crossentropy('categorical_crossentropy'), is_categorical_crossentropy(Huber())
    (True, False)
    """
    names = getattr(getattr(loss, 'fn', None), '__name__', None), getattr(loss, '__name__', None), loss
    return 'categorical_crossentropy' in names


def class_axis(loss):
    """The axis of the classes in the predictions that a sparse loss (object or function) takes."""
    return getattr(loss, '_fn_kwargs', {}).get('axis', -1)


def checks_target_shape(loss):
    """Whether a loss (name, function or object) goes with targets of one shape only."""
    return target_kind(loss) is not None


def accuracy_kind(loss, output_shape):
    """Which accuracy (or crossentropy) goes with a loss, for metrics that are given as 'accuracy' or 'crossentropy'.

    Arguments:
        loss: name, function, object or None.
        output_shape: tuple, the static shape of the output.

    Returns:
        'binary', 'sparse_categorical' or 'categorical'.
    """
    if output_shape[-1] == 1 or target_kind(loss) == 'binary':
        return 'binary'
    return 'sparse_categorical' if is_sparse(loss) else 'categorical'
