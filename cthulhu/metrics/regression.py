"""Errors of predicted quantities, averaged over all samples."""

import numpy as np

from cthulhu import backend as K
from cthulhu import losses
from cthulhu.metrics import functions
from cthulhu.metrics.base import Mean, MeanMetricWrapper
from cthulhu.utils.arguments import checked
from cthulhu.utils.losses_utils import as_tensor, squeeze_or_expand_dimensions


class MeanSquaredError(MeanMetricWrapper):
    """The mean of the squared differences.

    Arguments:
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.
    """

    def __init__(self, name='mean_squared_error', dtype=None):
        super().__init__(losses.mean_squared_error, name, dtype=dtype)


class RootMeanSquaredError(Mean):
    """The square root of the mean of the squared differences, all of one weight or each of its own.

    Arguments:
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.

    Example:
    ```python
    >>> from cthulhu import backend as K, metrics
    >>> float(K.eval(metrics.RootMeanSquaredError()([2., 4., 6.], [1., 3., 7.])))
    1.0

    ```
    """

    def __init__(self, name='root_mean_squared_error', dtype=None):
        super().__init__(name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds the squared differences of a batch.

        Arguments:
            y_true: true values: a tensor, array or list.
            y_pred: predictions of the same shape.
            sample_weight: scalar, or of a shape that broadcasts to theirs.

        Returns:
            List of updates.
        """
        y_true, y_pred = as_tensor(y_true, self.dtype), as_tensor(y_pred, self.dtype)
        y_pred, y_true = squeeze_or_expand_dimensions(y_pred, y_true)
        return super().update_state(K.square(y_pred - y_true), sample_weight=sample_weight)

    def result(self):
        """The root of the mean so far: a scalar."""
        return K.sqrt(self.total / self.count)


class MeanRelativeError(Mean):
    """The mean of the absolute differences, each divided by a given number; 0 where that is 0.

    Arguments:
        normalizer: the divisors, numbers in a shape that broadcasts to that of the predictions.
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.

    Example:
    ```python
    >>> from cthulhu import backend as K, metrics
    >>> float(K.eval(metrics.MeanRelativeError([1., 3., 2., 4.])([1., 3., 2., 3.], [2., 6., 6., 8.])))
    1.3125

    ```
    """

    @checked
    def __init__(self, normalizer, name='mean_relative_error', dtype=None):
        super().__init__(name or 'mean_relative_error', dtype=dtype)
        self.normalizer = np.asarray(normalizer, self.dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds the relative errors of a batch. Arguments and result as for `RootMeanSquaredError.update_state`."""
        y_true, y_pred = as_tensor(y_true, self.dtype), as_tensor(y_pred, self.dtype)
        y_pred, y_true = squeeze_or_expand_dimensions(y_pred, y_true)
        counts = self.normalizer != 0
        divisors, counts = np.where(counts, self.normalizer, 1), counts.astype(self.dtype)
        errors = K.abs(y_true - y_pred) / K.constant(divisors, dtype=self.dtype) * K.constant(counts, dtype=self.dtype)
        return super().update_state(errors, sample_weight=sample_weight)

    def get_config(self):
        """The arguments of the constructor, as a dict."""
        return dict(super().get_config(), normalizer=self.normalizer.tolist())


class MeanAbsoluteError(MeanMetricWrapper):
    """The mean of the absolute differences.

    Arguments:
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.
    """

    def __init__(self, name='mean_absolute_error', dtype=None):
        super().__init__(losses.mean_absolute_error, name, dtype=dtype)


class MeanAbsolutePercentageError(MeanMetricWrapper):
    """The mean of the absolute differences, in percent of the true values.

    Arguments:
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.
    """

    def __init__(self, name='mean_absolute_percentage_error', dtype=None):
        super().__init__(losses.mean_absolute_percentage_error, name, dtype=dtype)


class MeanSquaredLogarithmicError(MeanMetricWrapper):
    """The mean of the squared differences of `log(1 + value)`.

    Arguments:
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.
    """

    def __init__(self, name='mean_squared_logarithmic_error', dtype=None):
        super().__init__(losses.mean_squared_logarithmic_error, name, dtype=dtype)


class LogCoshError(MeanMetricWrapper):
    """The mean of the logarithm of the hyperbolic cosine of the differences.

    Arguments:
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.
    """

    def __init__(self, name='logcosh', dtype=None):
        super().__init__(losses.logcosh, name, dtype=dtype)


class Poisson(MeanMetricWrapper):
    """The mean of `y_pred - y_true * log(y_pred)`.

    Arguments:
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.
    """

    def __init__(self, name='poisson', dtype=None):
        super().__init__(losses.poisson, name, dtype=dtype)


class CosineSimilarity(MeanMetricWrapper):
    """The mean cosine of the angle between labels and predictions; 1 is best.

    Arguments:
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.
        axis: the axis along which labels and predictions are vectors.
    """

    @checked
    def __init__(self, name='cosine_similarity', dtype=None, axis=-1):
        super().__init__(functions.cosine_proximity, name, dtype=dtype, axis=axis)
