"""What a metric is (state, update, result), and the metrics that sum or average values."""

import functools
import threading

import numpy as np

from cthulhu import backend as K
from cthulhu import losses, registry
from cthulhu.backend import meta
from cthulhu.engine.base_layer import Layer
from cthulhu.metrics import functions
from cthulhu.utils.foreign import described, library_of
from cthulhu.utils.losses_utils import as_labels, as_tensor, squeeze_or_expand_dimensions, what_counts
from cthulhu.utils.metrics_utils import weigh

REDUCTIONS = ('sum', 'sum_over_batch_size', 'weighted_mean')

# Functions that average something over the last axis. When that axis is the batch itself, each value is a sample.
_MEANS_OVER_LAST_AXIS = (
    losses.mean_squared_error,
    losses.mean_absolute_error,
    losses.mean_absolute_percentage_error,
    losses.mean_squared_logarithmic_error,
    losses.hinge,
    losses.squared_hinge,
    losses.logcosh,
    losses.poisson,
    losses.binary_crossentropy,
    functions.binary_accuracy,
)


# The updates that the `update_state` in progress in this thread has added so far.
_local = threading.local()


def _registers_updates(update_state):
    """Wraps `update_state`: its updates, returned or added, are the metric's, and are returned as a list.

    Those of an `update_state` that it calls, its base's or that of a metric inside, are its own.
    """

    @functools.wraps(update_state)
    def wrapper(self, *args, **kwargs):
        outer, _local.updates = getattr(_local, 'updates', None), []
        try:
            with K.graph_scope():
                returned = update_state(self, *args, **kwargs)
            updates = _local.updates
        finally:
            _local.updates = outer
        # An update may iterate as a pair itself, so only plain lists and tuples are taken apart.
        returned = returned if type(returned) in (list, tuple) else [returned]
        known = {id(update) for update in updates}
        updates.extend(update for update in returned if update is not None and id(update) not in known)
        self.add_update(updates)
        return updates

    return wrapper


def _gives_tensor(result):
    """Wraps `result`: it is built anew in the backend's graph, so that it reads the weights where it is called."""

    @functools.wraps(result)
    def wrapper(self, *args, **kwargs):
        with K.graph_scope():
            return K.identity(as_tensor(result(self, *args, **kwargs)))

    return wrapper


class Metric(Layer):
    """A figure accumulated over batches in weights of its own; the base of all metrics.

    A subclass makes its weights in `__init__` with `add_weight`, returns from `update_state` the updates of one batch
    (`K.update_add(...)`, one or a list), and computes from the weights its `result()`. Calling the metric does both:
    the tensor that comes back, when evaluated, counts the batch and gives the value so far.

    Arguments:
        name: string; by default the class's name in snake case, numbered.
        dtype: dtype of the weights and the result; by default `K.floatx()`.

    Example:
    ```python
    >>> from cthulhu import backend as K, metrics
    >>> class Largest(metrics.Metric):
    ...     def __init__(self, name='largest', dtype=None):
    ...         super().__init__(name=name, dtype=dtype)
    ...         self.largest = self.add_weight('largest', initializer='zeros')
    ...     def update_state(self, values, sample_weight=None):
    ...         return K.update(self.largest, K.maximum(self.largest, K.max(values)))
    ...     def result(self):
    ...         return self.largest
    >>> largest = Largest()
    >>> values = K.constant([3., 5., 2.])
    >>> float(K.eval(largest(values)))
    5.0

    ```
    """

    _is_metric = True

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        # Here, not on the instance: a metric can be copied and pickled, and its signatures can be read.
        if 'update_state' in cls.__dict__:
            cls.update_state = _registers_updates(cls.update_state)
        if 'result' in cls.__dict__:
            cls.result = _gives_tensor(cls.result)

    def __init__(self, name=None, dtype=None, **kwargs):
        super().__init__(name=name, dtype=K.floatx() if dtype is None else dtype, **kwargs)
        self.stateful = True
        self.built = True

    def __call__(self, *args, **kwargs):
        """Counts a batch and gives the value so far, of this batch and all before.

        Arguments:
            As those of `update_state`.

        Returns:
            A tensor of the shape and dtype of `result()`, computed after the updates.
        """
        updates = self.update_state(*args, **kwargs)
        with K.graph_scope(), K.control_dependencies(updates):
            result = self.result()
        meta.set_metric(result, self)
        return result

    def add_weight(self, name, shape=(), initializer=None, dtype=None):
        """Makes a state variable, which is not trained.

        Arguments:
            name: string.
            shape: tuple of integers.
            initializer: name or instance; zeros by default.
            dtype: that of the metric by default.

        Returns:
            The variable.
        """
        return super().add_weight(
            name=name,
            shape=shape,
            dtype=dtype or self.dtype,
            initializer='zeros' if initializer is None else initializer,
            trainable=False,
        )

    @property
    def weights(self):
        """All weights, those of metrics inside included."""
        weights = list(super().weights)
        for metric in self._metrics:
            weights.extend(weight for weight in metric.weights if not any(weight is known for known in weights))
        return weights

    def add_update(self, updates, inputs=None):
        """Adds updates of the weights; in `update_state` an alternative to returning them."""
        if getattr(_local, 'updates', None) is None:
            super().add_update(updates, inputs)
        else:
            _local.updates.extend(updates if type(updates) in (list, tuple) else [updates])

    def update_state(self, *args, **kwargs):
        """The updates that count one batch: one update or a list. To be written by subclasses."""
        raise NotImplementedError(
            f'{type(self).__name__} has no `update_state`: write one that returns the updates of its weights.'
        )

    def result(self):
        """The value so far, a tensor computed from the weights. To be written by subclasses."""
        raise NotImplementedError(
            f'{type(self).__name__} has no `result`: write one that computes a tensor from its weights.'
        )

    def reset_states(self):
        """Sets every weight to 0."""
        K.batch_set_value([(weight, np.zeros(K.int_shape(weight), K.dtype(weight))) for weight in self.weights])

    def get_config(self):
        """The arguments that make such a metric anew."""
        return {'name': self.name, 'dtype': self.dtype}


class Reduce(Metric):
    """The sum or a mean of all values seen.

    Arguments:
        reduction: 'sum' (of weighted values), 'weighted_mean' (that sum over the sum of the weights), or
            'sum_over_batch_size' (that sum over the number of values).
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.

    Raises:
        ValueError: if the reduction is none of these.
    """

    def __init__(self, reduction, name, dtype=None):
        if reduction not in REDUCTIONS:
            raise ValueError('`reduction` must be one of {}, not {!r}.'.format(', '.join(REDUCTIONS), reduction))
        super().__init__(name=name, dtype=dtype)
        self.reduction = reduction
        self.total = self.add_weight('total', initializer='zeros')
        if reduction != 'sum':
            self.count = self.add_weight('count', initializer='zeros')

    def update_state(self, values, sample_weight=None):
        """Adds values.

        Arguments:
            values: tensor, array or list of any shape.
            sample_weight: scalar, or of a shape that broadcasts to that of `values`, leading axes first.

        Returns:
            List of updates.
        """
        values = as_tensor(values, self.dtype)
        counted = None
        if sample_weight is not None:
            values, counted = weigh(values, sample_weight)
            values = K.multiply_no_nan(values, counted)
        updates = [K.update_add(self.total, K.sum(values))]
        if self.reduction != 'sum':
            if counted is None or self.reduction == 'sum_over_batch_size':
                counted = K.ones_like(values)
            updates.append(K.update_add(self.count, K.sum(counted)))
            for update in updates:
                update.counts_batches = sample_weight is None and not K.ndim(values)
        return updates

    def result(self):
        """The sum or mean so far: a scalar; a mean of nothing is not a number."""
        return self.total if self.reduction == 'sum' else self.total / self.count

    def get_config(self):
        config = super().get_config()
        if type(self) is Reduce:
            config['reduction'] = self.reduction
        return config


class Sum(Reduce):
    """The weighted sum of all values.

    Arguments:
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.

    Example:
    ```python
    >>> from cthulhu import backend as K, metrics
    >>> total = metrics.Sum()
    >>> float(K.eval(total([1, 3, 5, 7], sample_weight=[1, 1, 0, 0])))
    4.0

    ```
    """

    def __init__(self, name='sum', dtype=None):
        super().__init__(reduction='sum', name=name, dtype=dtype)


class Mean(Reduce):
    """The weighted mean of all values: the sum of value times weight over the sum of the weights.

    Arguments:
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.

    Example:
    ```python
    >>> from cthulhu import backend as K, metrics
    >>> mean = metrics.Mean()
    >>> float(K.eval(mean([1, 3, 5, 7])))
    4.0
    >>> float(K.eval(mean([9])))
    5.0

    ```
    """

    def __init__(self, name='mean', dtype=None):
        super().__init__(reduction='weighted_mean', name=name, dtype=dtype)


class MeanMetricWrapper(Mean):
    """The weighted mean of what a function gives for each sample.

    The mean is the same however the samples are cut into batches. That holds for a function that gives one value for a
    whole batch too, if it is a mean: its value counts once for each sample.

    Arguments:
        fn: function `fn(y_true, y_pred, **kwargs)` that gives a tensor whose first axes are those of `y_true`.
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.
        **kwargs: given on to `fn`.
    """

    def __init__(self, fn, name=None, dtype=None, **kwargs):
        super().__init__(name=name, dtype=dtype)
        self._fn = fn
        self._fn_kwargs = kwargs

    def __repr__(self):
        # 'accuracy' stands for one of several functions: `model.metrics` shows which one it became.
        fn = getattr(self._fn, '__name__', repr(self._fn))
        return f'<{type(self).__name__} {self.name!r}: mean of {fn}>'

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds the function's values for a batch.

        Arguments:
            y_true: true values: a tensor, array or list.
            y_pred: predictions: a tensor, array or list.
            sample_weight: scalar, or of a shape that broadcasts to that of the function's values.

        Returns:
            List of updates.
        """
        labels = losses.target_kind(self._fn) == 'sparse'
        y_true, y_pred = as_labels(y_true) if labels else as_tensor(y_true, self.dtype), as_tensor(y_pred, self.dtype)
        y_pred, y_true = squeeze_or_expand_dimensions(y_pred, y_true)
        if self._fn in _MEANS_OVER_LAST_AXIS and K.ndim(y_true) == K.ndim(y_pred) == 1:
            y_true, y_pred = K.expand_dims(y_true, -1), K.expand_dims(y_pred, -1)
        counted = what_counts(y_true, y_pred, sample_weight, labels)
        values = as_tensor(K.call_function(self._fn, *counted, **self._fn_kwargs), self.dtype)
        if not K.ndim(values):
            values = as_tensor(K.call_function(self._fn, y_true, y_pred, **self._fn_kwargs), self.dtype)
        if K.ndim(values) == 0 and K.ndim(y_pred) and sample_weight is None:
            sample_weight = K.shape(y_pred)[0]
        return super().update_state(values, sample_weight=sample_weight)

    def get_config(self):
        config = {
            key: K.eval(value) if K.is_tensor(value) or K.is_variable(value) else value
            for key, value in self._fn_kwargs.items()
        }
        if type(self) is MeanMetricWrapper:
            config['fn'] = serialize(self._fn)
        return dict(super().get_config(), **config)

    @classmethod
    def from_config(cls, config):
        """The metric that `get_config` described; `fn` may be a name, looked up among metrics and custom objects."""
        if cls is MeanMetricWrapper:
            config = dict(config, fn=get(config['fn']))
        return cls(**config)


def clone_metric(metric):
    """A new metric of the same configuration, which counts for itself; what is no `Metric` is given back as it is."""
    return type(metric).from_config(metric.get_config()) if isinstance(metric, Metric) else metric


def clone_metrics(metrics):
    """`clone_metric` for each of a list, or each value of a dict; None gives None."""
    if metrics is None:
        return None
    if isinstance(metrics, dict):
        return {name: clone_metric(metric) for name, metric in metrics.items()}
    return [clone_metric(metric) for metric in metrics]


def serialize(metric):
    """The name of a metric function, or `{'class_name': ..., 'config': ...}` of a metric."""
    return registry.metrics.serialize(metric)


def deserialize(config, custom_objects=None):
    """The metric that a name or a configuration stands for.

    Arguments:
        config: name, or a dict as `serialize` gives.
        custom_objects: dict of name to function or class, looked up first.

    Returns:
        A function or a `Metric`.

    Raises:
        ValueError: if the name is unknown.
    """
    return registry.metrics.deserialize(config, custom_objects)


def get(identifier):
    """The metric that an identifier stands for.

    Arguments:
        identifier: name of a function or class, configuration, function, `Metric`, or class.

    Returns:
        A function or a `Metric`; of a class, an instance made with its defaults.

    Raises:
        ValueError: if it stands for no metric.
    """
    if isinstance(identifier, (str, dict)):
        identifier = deserialize(identifier)
    if isinstance(identifier, type) and issubclass(identifier, Metric):
        identifier = identifier()
    if isinstance(identifier, Metric):
        return identifier
    if hasattr(identifier, 'update_state') and library_of(identifier) is not None:
        raise ValueError(
            f'Could not interpret metric identifier: got {described(identifier, "metrics", registry.metrics)}.'
        )
    if callable(identifier):
        return identifier
    raise ValueError(
        f'Could not interpret metric identifier: {identifier!r}. Give the name of a metric, a function of `(y_true, y_pred)`, '
        'a `Metric`, or the configuration of one.'
    )
