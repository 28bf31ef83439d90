"""Layers that bring data to a scale which does not change in training."""

import numpy as np

from cthulhu import backend as K
from cthulhu import initializers, names
from cthulhu.engine.base_layer import InputSpec
from cthulhu.engine.settings import ConfiguredLayer, arguments, take
from cthulhu.layers.vocabulary import batches_of
from cthulhu.utils.arguments import checked

__all__ = ['LayerScale', 'Normalization', 'Rescaling']


def _plain(value):
    """A number, or the nested lists of an array, as a configuration has them."""
    return np.asarray(value).tolist() if value is not None else None


def _of_file(value):
    """What a configuration has for an array: the array."""
    if isinstance(value, dict):  # as Keras writes NumPy's arrays
        value = value.get('value', (value.get('config') or {}).get('value'))
    return value


class Rescaling(ConfiguredLayer):
    """Multiplies its inputs by a factor and adds an offset, as 1 / 255 and 0 bring pixels between 0 and 1.

    Arguments:
        scale: number, or an array of them that broadcasts to the inputs, such as one for each channel.
        offset: the same.

    Output: tensor of the shape of the input, of floats.
    """

    @checked
    def __init__(self, scale, offset=0.0, **kwargs):
        super().__init__(**kwargs)
        self.scale, self.offset = scale, offset
        self.supports_masking = True

    def get_config(self):
        return dict(super().get_config(), scale=_plain(self.scale), offset=_plain(self.offset))

    @classmethod
    def from_config(cls, config):
        return cls(**dict(config, scale=_of_file(config['scale']), offset=_of_file(config.get('offset', 0.0))))

    def call(self, inputs):
        x = inputs if K.dtype(inputs).startswith('float') else K.cast(inputs, self.dtype)
        scale, offset = (
            value if np.ndim(value) == 0 else K.constant(np.asarray(value), dtype=K.dtype(x))
            for value in (self.scale, self.offset)
        )
        return x * scale + offset

    def compute_output_shape(self, input_shape):
        return input_shape


class LayerScale(ConfiguredLayer):
    """Multiplies each channel by a factor of its own, which is trained and begins small. The ConvNeXt networks of tf.keras and Keras 3 have it.

    Arguments:
        init_values: number, what all factors are at first.
        projection_dim: int, the number of channels.

    Weights: gamma (projection_dim,). Output: tensor of the shape of the input.

    Source: Touvron et al., Going deeper with image transformers, arXiv:2103.17239.
    """

    @checked
    def __init__(self, init_values, projection_dim, **kwargs):
        super().__init__(**kwargs)
        self.init_values, self.projection_dim = init_values, projection_dim
        self.supports_masking = True

    settings = arguments(__init__)

    def build(self, input_shape):
        self.gamma = self.add_weight(
            name='gamma', shape=(self.projection_dim,), initializer=initializers.Constant(self.init_values)
        )
        super().build(input_shape)

    def call(self, inputs):
        return inputs * self.gamma

    def compute_output_shape(self, input_shape):
        return input_shape


class Normalization(ConfiguredLayer):
    """Brings data to mean 0 and standard deviation 1, by a mean and a variance that it was given or that `adapt` found; training does not change them.

    Arguments:
        axis: int or tuple of int, the axes along which each place has a mean and variance of its own, such as that of the features; None for one of all.
        mean, variance: numbers or arrays that broadcast to the sizes of `axis`; both or neither.
        invert: whether the layer does the opposite: multiplies by the standard deviation and adds the mean.

    Output: tensor of the shape of the input, of floats. Weights, where mean and variance are not given: mean, variance, of the sizes of `axis`, and count,
    of how many elements they are.

    Raises:
        ValueError: if only one of mean and variance is given, an axis does not exist, or a size along `axis` is not known.

    Example:
        >>> layer = Normalization()
        >>> layer.adapt(np.array([[1.0, 10.0], [3.0, 30.0]]))
        >>> [weight.tolist() for weight in layer.get_weights()]
        [[2.0, 20.0], [1.0, 100.0], 2]
    """

    keeps_feature_order = True
    computes_in_dtype_of_weights = True

    @checked
    def __init__(self, axis=-1, mean=None, variance=None, invert=False, **kwargs):
        super().__init__(**kwargs)
        take(self, locals())
        self.supports_masking = True
        if (mean is None) != (variance is None):
            raise ValueError(
                f'Normalization: `mean` and `variance` are both given, or neither; got mean={mean!r} and variance={variance!r}.'
            )
        if mean is not None and np.min(variance) < 0:
            raise ValueError(f'Normalization: `variance` is not negative; got {variance!r}.')

    settings = arguments(__init__)

    def get_config(self):
        return dict(super().get_config(), mean=_plain(self.mean), variance=_plain(self.variance))

    @classmethod
    def from_config(cls, config):
        return cls(**dict(config, mean=_of_file(config.get('mean')), variance=_of_file(config.get('variance'))))

    def _kept(self, shape):
        """The axes of inputs of a shape that have statistics of their own: list, ascending."""
        named = () if self.axis is None else self.axis if isinstance(self.axis, (list, tuple)) else (self.axis,)
        rank = len(shape)
        if any(not -rank <= axis < rank for axis in named):
            raise ValueError(
                f'Normalization "{self.name}": `axis` names axes of the inputs; got {self.axis} for inputs of shape {tuple(shape)}.'
            )
        return sorted({axis % rank for axis in named})

    def build(self, input_shape):
        axes = self._kept(input_shape)
        sizes = tuple(input_shape[axis] for axis in axes)
        if None in sizes:
            raise ValueError(
                f'Normalization "{self.name}": sizes of the inputs along `axis`, {self.axis}, must be known; their shape is {tuple(input_shape)}.'
            )
        self.input_spec = InputSpec(ndim=len(input_shape), axes=dict(zip(axes, sizes)))
        self._sizes = sizes
        self._statistics = None
        if self.mean is None:
            mean = self.add_weight(name='mean', shape=sizes, initializer='zeros', trainable=False)
            variance = self.add_weight(name='variance', shape=sizes, initializer='ones', trainable=False)
            self.count = self.add_weight(name='count', shape=(), initializer='zeros', dtype='int64', trainable=False)
            self._statistics = mean, variance
        self.built = True

    def call(self, inputs):
        x = inputs if K.dtype(inputs).startswith('float') else K.cast(inputs, self.dtype)
        shape = K.int_shape(x)
        axes, dtype = self._kept(shape), K.dtype(x)
        around = [shape[axis] if axis in axes else 1 for axis in range(len(shape))]
        if self._statistics is None:
            given = (np.broadcast_to(np.asarray(value, 'float64'), self._sizes) for value in (self.mean, self.variance))
            mean, variance = (K.constant(value.reshape(around), dtype=dtype) for value in given)
        else:
            mean, variance = (K.reshape(K.cast(value, dtype), around) for value in self._statistics)
        deviation = K.maximum(K.sqrt(variance), K.epsilon())
        return x * deviation + mean if self.invert else (x - mean) / deviation

    def compute_output_shape(self, input_shape):
        return input_shape

    def adapt(self, data, batch_size=None, steps=None):
        """Find mean and variance of data; what was found before is forgotten. Models that have the layer use them from then on.

        Arguments:
            data: array, or an iterable of them, each a batch; a batch may be a tuple that begins with it.
            batch_size: int, not needed: an array is gone through as a whole.
            steps: int, how many batches of an iterable are used; None for all.

        Raises:
            ValueError: the layer was given its mean and variance, or there are no data, or they have other sizes.
        """
        if self.mean is not None:
            raise ValueError(f'Normalization "{self.name}" was given `mean` and `variance`: there is nothing to adapt.')
        count, mean, spread = 0, 0.0, 0.0
        for batch in batches_of(data, steps):
            batch = batch.astype('float64')
            batch = batch[:, None] if batch.ndim == 1 else batch
            with K.name_scope(self.name):
                self.build_once((None,) + batch.shape[1:])
            axes = self._kept(batch.shape)
            sizes = tuple(batch.shape[axis] for axis in axes)
            if sizes != self._sizes:
                raise ValueError(
                    f'Normalization "{self.name}": `data` have the sizes {sizes} along `axis`, and the layer was built for {self._sizes}.'
                )
            others = tuple(axis for axis in range(batch.ndim) if axis not in axes)
            size = int(np.prod([batch.shape[axis] for axis in others], dtype='int64'))
            if not size:
                continue
            # The statistics of all, of those of what came before and of the batch.
            of_batch, total = batch.mean(axis=others), count + size
            apart = of_batch - mean
            spread = spread + batch.var(axis=others) * size + apart**2 * (count * size / total)
            mean, count = mean + apart * (size / total), total
        if not count:
            raise ValueError(
                f'Normalization "{self.name}": `data` is an array, or an iterable of batches, with something in it.'
            )
        K.batch_set_value(list(zip(self._statistics + (self.count,), (mean, spread / count, count))))


names.add_aliases(globals())
