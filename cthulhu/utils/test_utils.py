"""Keras's path for what tests of layers and models use: data to learn, and the check of a layer."""

import functools

import numpy as np

from cthulhu import backend as K
from cthulhu.utils import layer_test as checks

__all__ = ['get_test_data', 'keras_test', 'layer_test']


def get_test_data(
    num_train=1000, num_test=500, input_shape=(10,), output_shape=(2,), classification=True, num_classes=2
):
    """Random data in which there is something to learn: the mean of what a sample holds says what its target is.

    Arguments:
        num_train, num_test: numbers of samples.
        input_shape: tuple, the shape of a sample.
        output_shape: tuple, the shape of a target that is no class.
        classification: whether the targets are class numbers.
        num_classes: how many classes.

    Returns:
        (x, y), (x, y): to train with and to test with.
    """
    count = num_train + num_test
    centers = np.random.randint(0, num_classes, count) if classification else np.random.random(count)

    def around(shape):
        """Draws of deviation 0.7 around the center of each sample."""
        means = centers.reshape((count,) + (1,) * len(shape))
        return np.random.normal(means, 0.7, (count,) + tuple(shape)).astype('float32')

    x = around(input_shape)
    y = centers if classification else around(output_shape)
    return (x[:num_train], y[:num_train]), (x[num_train:], y[num_train:])


def layer_test(
    layer_cls,
    kwargs=None,
    input_shape=None,
    input_dtype=None,
    input_data=None,
    expected_output=None,
    expected_output_dtype=None,
    fixed_batch_size=False,
    custom_objects=None,
):
    """Check a layer as Keras does: values, shapes, configuration, weights and a step of training. `utils.layer_test` checks more.

    Arguments: those of `cthulhu.utils.layer_test.layer_test`. Random data go from 0 to 10.

    Returns:
        The output of the layer, an array.

    Raises:
        AssertionError: the first thing that is wrong.
    """
    if input_data is None:
        sizes = [np.random.randint(1, 4) if size is None else size for size in input_shape]
        input_data = (10 * np.random.random(sizes)).astype(input_dtype or K.floatx())
    return checks.layer_test(
        layer_cls,
        kwargs,
        input_shape=input_shape,
        input_dtype=input_dtype,
        input_data=input_data,
        expected_output=expected_output,
        expected_output_dtype=expected_output_dtype,
        fixed_batch_size=fixed_batch_size,
        custom_objects=custom_objects,
        gradients=False,
    )


def keras_test(func):
    """Decorator for a test: what it made in the backend's graph is forgotten afterwards."""

    @functools.wraps(func)
    def test(*args, **kwargs):
        try:
            return func(*args, **kwargs)
        finally:
            K.clear_session()

    return test
