"""Layers that add or multiply noise in training."""

import numpy as np

from cthulhu import backend as K
from cthulhu import names
from cthulhu.engine.settings import ConfiguredLayer, arguments
from cthulhu.layers.core import resolved_noise_shape
from cthulhu.utils.arguments import checked

__all__ = ['AlphaDarkness', 'GaussianDarkness', 'GaussianNoise', 'StochasticDepth']

# The value to which dropped elements are set: -alpha * scale of selu, its limit for small inputs.
_SELU_FLOOR = -1.6732632423543772 * 1.0507009873554805


class _Noise(ConfiguredLayer):
    """The base of layers that keep the shape, pass the mask on, and do nothing outside of training."""

    keeps_feature_order = True

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def compute_output_shape(self, input_shape):
        return input_shape


class GaussianNoise(_Noise):
    """Adds noise of mean 0 in training.

    Arguments:
        stddev: float from 0 up, the standard deviation of the noise.
    """

    @checked
    def __init__(self, stddev, **kwargs):
        super().__init__(**kwargs)
        if stddev < 0:
            raise ValueError(f'GaussianNoise: `stddev` cannot be negative; got {stddev!r}.')
        self.stddev = stddev

    settings = arguments(__init__)

    def call(self, inputs, training=None):
        def noised():
            return inputs + K.random_normal(K.shape(inputs), mean=0.0, stddev=self.stddev, dtype=K.dtype(inputs))

        return K.in_train_phase(noised, inputs, training=training)


class GaussianDarkness(_Noise):
    """GaussianDropout: multiplies by noise of mean 1 in training, with the variance that dropout of the same rate has.

    Arguments:
        rate: float from 0 up to, not including, 1; the standard deviation is `sqrt(rate / (1 - rate))`.

    Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15, 2014.
    """

    @checked
    def __init__(self, rate, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate

    settings = arguments(__init__)

    def call(self, inputs, training=None):
        if self.rate == 0:
            return inputs

        def noised():
            stddev = float(np.sqrt(self.rate / (1.0 - self.rate)))
            return inputs * K.random_normal(K.shape(inputs), mean=1.0, stddev=stddev, dtype=K.dtype(inputs))

        return K.in_train_phase(noised, inputs, training=training)


class AlphaDarkness(_Noise):
    """AlphaDropout: dropout that keeps the mean and the variance of its inputs, to go with the activation `selu`.

    Arguments:
        rate: float from 0 up to, not including, 1, the part that is dropped.
        noise_shape: as for Darkness.
        seed: int, of the random numbers.

    Source: Klambauer et al., "Self-normalizing neural networks", 2017.
    """

    @checked
    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate
        self.noise_shape = noise_shape
        self.seed = seed

    settings = ('rate',)

    def call(self, inputs, training=None):
        if self.rate == 0:
            return inputs
        noise_shape = resolved_noise_shape(self.noise_shape, inputs)

        def dropped():
            dtype = K.dtype(inputs)
            shape = K.shape(inputs) if noise_shape is None else noise_shape
            keep = K.cast(K.greater_equal(K.random_uniform(shape, dtype=dtype, seed=self.seed), self.rate), dtype)
            # a * x + b brings mean and variance back to what they were
            a = ((1 - self.rate) * (1 + self.rate * _SELU_FLOOR**2)) ** -0.5
            b = -a * _SELU_FLOOR * self.rate
            return a * (inputs * keep + _SELU_FLOOR * (1 - keep)) + b

        return K.in_train_phase(dropped, inputs, training=training)

    def get_config(self):
        config = super().get_config()
        # Keras forgets these two; a layer without them has its configuration.
        if self.noise_shape is not None:
            config['noise_shape'] = self.noise_shape
        if self.seed is not None:
            config['seed'] = self.seed
        return config


class StochasticDepth(_Noise):
    """Zeroes whole samples at random in training, and scales the others up: what is added to them is left out. The ConvNeXt networks of tf.keras have it.

    Arguments:
        drop_path_rate: float from 0 up to, not including, 1, the share that is zeroed.

    Source: Huang et al., Deep networks with stochastic depth, ECCV 2016.
    """

    @checked
    def __init__(self, drop_path_rate, **kwargs):
        super().__init__(**kwargs)
        self.drop_path_rate = drop_path_rate

    settings = arguments(__init__)

    def call(self, inputs, training=None):
        if not self.drop_path_rate:
            return inputs

        def dropped():
            one_each = (None,) + (1,) * (K.ndim(inputs) - 1)
            return K.dropout(inputs, self.drop_path_rate, resolved_noise_shape(one_each, inputs))

        return K.in_train_phase(dropped, inputs, training=training)


names.add_aliases(globals())
