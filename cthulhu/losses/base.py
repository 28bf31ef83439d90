"""What a loss is: an object that gives the loss of each sample, with weights and a reduction."""

import numpy as np

from cthulhu import backend as K
from cthulhu.utils.arguments import checked
from cthulhu.utils.losses_utils import Reduction, as_tensor, compute_weighted_loss, what_counts
from cthulhu.utils.reprs import settings_repr

DEFAULT = Reduction.SUM_OVER_BATCH_SIZE


def kind_said(loss):
    """What a loss (function or object) says that its targets are: its `target_kind`, or that of its function; None where it does not say."""
    return getattr(loss, 'target_kind', None) or getattr(getattr(loss, 'fn', None), 'target_kind', None)


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
    def __init__(self, reduction=DEFAULT, name=None):
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
            value = self.call(*what_counts(y_true, y_pred, sample_weight, labels=kind_said(self) == 'sparse'))
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

    def __init__(self, fn, reduction=DEFAULT, name=None, **kwargs):
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


def tensors(y_true, y_pred):
    """Targets and predictions as tensors of the dtype of the predictions."""
    y_pred = as_tensor(y_pred)
    return as_tensor(y_true, K.dtype(y_pred)), y_pred
