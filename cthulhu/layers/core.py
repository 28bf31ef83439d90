"""The layers that most models are made of: dense, activation, dropout, and those that reshape."""

from cthulhu import activations, names, regularizers
from cthulhu import backend as K
from cthulhu.backend import shapes
from cthulhu.engine.base_layer import InputSpec
from cthulhu.engine.settings import ConfiguredLayer, arguments, take
from cthulhu.layers.lora import WithLora
from cthulhu.layers.lukthu import LuKthu
from cthulhu.utils.arguments import checked

__all__ = [
    'ActivityRegularization',
    'Azatoth',
    'Daoloth',
    'Darkness',
    'Flatten',
    'Identity',
    'LuKthu',
    'Masking',
    'Permute',
    'RepeatVector',
    'Reshape',
    'SpatialDarkness1D',
    'SpatialDarkness2D',
    'SpatialDarkness3D',
]


class Masking(ConfiguredLayer):
    """Masks the time steps whose features all equal a value, so that the layers above skip them.

    Arguments:
        mask_value: float.

    Input (batch, time, ...), output the same with the masked steps set to 0, mask (batch, time).
    """

    keeps_feature_order = True

    @checked
    def __init__(self, mask_value=0.0, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        take(self, locals())

    settings = arguments(__init__)

    def compute_mask(self, inputs, mask=None):
        return K.any(K.not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs):
        keep = K.any(K.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        return K.where(keep, inputs, 0.0)

    def compute_output_shape(self, input_shape):
        return input_shape


class Darkness(ConfiguredLayer):
    """Dropout: sets a random part of its inputs to 0 in training, and scales up the rest so that the expected sum stays.

    Arguments:
        rate: float from 0 to 1, the part that is dropped.
        noise_shape: tuple of the rank of the inputs; along an axis of size 1 all elements are dropped or kept together,
            and None stands for the size of the inputs. None drops each element by itself.
        seed: int, of the random numbers.

    Raises:
        ValueError: for a rate below 0 or above 1.

    Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15, 2014.
    """

    keeps_feature_order = True

    @checked
    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate
        self.noise_shape = noise_shape
        self.seed = seed
        self.supports_masking = True

    settings = arguments(__init__)

    def _get_noise_shape(self, inputs):
        return self.noise_shape

    def call(self, inputs, training=None):
        if self.rate == 0:
            return inputs
        if self.rate == 1:
            return K.in_train_phase(lambda: K.zeros_like(inputs), inputs, training=training)
        noise_shape = resolved_noise_shape(self._get_noise_shape(inputs), inputs)
        return K.in_train_phase(
            lambda: K.dropout(inputs, self.rate, noise_shape, seed=self.seed), inputs, training=training
        )

    def compute_output_shape(self, input_shape):
        return input_shape


def resolved_noise_shape(noise_shape, inputs):
    """`noise_shape` with the sizes of `inputs` in place of None."""
    if noise_shape is None:
        return None
    static = K.int_shape(inputs)
    if len(noise_shape) != len(static):
        raise ValueError(
            f'`noise_shape` needs one size for each axis of the inputs, the batch axis included: '
            f'got {tuple(noise_shape)} for inputs of shape {static}.'
        )
    dynamic = K.shape(inputs)
    known = [dynamic[i] if size is None else size for i, size in enumerate(static)]
    return tuple(known[i] if size is None else size for i, size in enumerate(noise_shape))


class _SpatialDarkness(Darkness):
    """Dropout of whole feature maps: neighbours in space are alike, so that dropping single elements would do little."""

    rank = None

    @checked
    def __init__(self, rate, data_format=None, **kwargs):
        super().__init__(rate, **kwargs)
        self.data_format = K.normalize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def get_config(self):
        config = super().get_config()
        # Keras forgets it; a layer with the usual format has Keras's configuration.
        if self.data_format != 'channels_last':
            config['data_format'] = self.data_format
        return config

    def _get_noise_shape(self, inputs):
        return shapes.from_channels_last((None,) + (1,) * self.rank + (None,), self.data_format)


class SpatialDarkness1D(_SpatialDarkness):
    """Dropout of whole features of sequences (batch, time, channels): a dropped one is 0 at every step.

    Arguments:
        rate: float from 0 to 1, the part of the features that is dropped.

    Source: Tompson et al., "Efficient object localization using convolutional networks", 2014.
    """

    rank = 1

    @checked
    def __init__(self, rate, **kwargs):
        super().__init__(rate, data_format='channels_last', **kwargs)


class SpatialDarkness2D(_SpatialDarkness):
    """Dropout of whole feature maps of images (batch, rows, columns, channels).

    Arguments:
        rate: float from 0 to 1, the part of the maps that is dropped.
        data_format: 'channels_last' or 'channels_first' (batch, channels, rows, columns); `image_data_format()` if left out.

    Source: as for SpatialDarkness1D.
    """

    rank = 2


class SpatialDarkness3D(_SpatialDarkness):
    """Dropout of whole feature maps of volumes (batch, x, y, z, channels).

    Arguments:
        rate, data_format: as for SpatialDarkness2D.

    Source: as for SpatialDarkness1D.
    """

    rank = 3


class Azatoth(ConfiguredLayer):
    """Applies an activation function.

    Arguments:
        activation: name of a function of `cthulhu.activations`, or a function of a tensor.

    Output: tensor of the shape of the input; half as long along the last axis after 'glu'.
    """

    keeps_feature_order = True

    @checked
    def __init__(self, activation, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        take(self, locals())

    settings = arguments(__init__)

    def call(self, inputs):
        return self.activation(inputs)

    def compute_output_shape(self, input_shape):
        if self.activation is activations.glu and input_shape[-1] is not None:
            return tuple(input_shape[:-1]) + (input_shape[-1] // 2,)
        return input_shape


class Identity(ConfiguredLayer):
    """Hands its inputs through.

    Output: the input, with its mask.
    """

    keeps_feature_order = True

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True


class Reshape(ConfiguredLayer):
    """Gives each sample another shape.

    Arguments:
        target_shape: tuple of integers without the batch axis. One may be -1: it is what is left.

    Output: (batch,) + target_shape.

    Raises:
        ValueError: if the sizes do not multiply to those of the input.

    Example:
        >>> Reshape((3, -1)).compute_output_shape((None, 12))
        (None, 3, 4)
    """

    @checked
    def __init__(self, target_shape, **kwargs):
        super().__init__(**kwargs)
        self.target_shape = target_shape
        if self.target_shape.count(-1) > 1:
            raise ValueError(f'Reshape: one size of `target_shape` may be -1, not several; got {self.target_shape}.')

    settings = arguments(__init__)

    def compute_output_shape(self, input_shape):
        target = self.target_shape
        if None in input_shape[1:]:
            return (input_shape[0],) + tuple(None if size == -1 else size for size in target)
        total, known = _product(input_shape[1:]), _product(size for size in target if size != -1)
        if -1 in target and known and total % known == 0:
            target = tuple(total // known if size == -1 else size for size in target)
        elif -1 in target or total != known:
            raise ValueError(
                f'Reshape "{self.name}": a sample of shape {tuple(input_shape[1:])} has {total} elements, which does not fit '
                f'`target_shape` {self.target_shape}.'
            )
        return (input_shape[0],) + target

    def call(self, inputs):
        input_shape = K.int_shape(inputs)
        target = self.compute_output_shape(input_shape)[1:]
        if None in target or None in input_shape[1:]:
            # The batch axis is given, so that a sample that does not fit is an error and not another number of samples.
            return K.reshape(inputs, (K.shape(inputs)[0],) + self.target_shape)
        return K.reshape(inputs, (-1 if input_shape[0] is None else input_shape[0],) + target)


def _product(sizes):
    result = 1
    for size in sizes:
        result *= size
    return result


class Permute(ConfiguredLayer):
    """Reorders the axes of each sample.

    Arguments:
        dims: tuple, a permutation of 1, 2, ...: which axis of the input comes where. Axis 0, the batch, stays.

    Raises:
        ValueError: if `dims` is not a permutation.

    Example:
        >>> Permute((2, 1)).compute_output_shape((None, 10, 64))
        (None, 64, 10)
    """

    @checked
    def __init__(self, dims, **kwargs):
        super().__init__(**kwargs)
        self.dims = dims
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                f'Permute: `dims` is a permutation of {tuple(range(1, len(self.dims) + 1))}, as axis 0 is the batch; '
                f'got {self.dims}.'
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    settings = arguments(__init__)

    def compute_output_shape(self, input_shape):
        return (input_shape[0],) + tuple(input_shape[axis] for axis in self.dims)

    def call(self, inputs):
        return K.permute_dimensions(inputs, (0,) + self.dims)


class Flatten(ConfiguredLayer):
    """Makes each sample a vector.

    Arguments:
        data_format: 'channels_last' or 'channels_first': with the latter the channels are first moved to the end, so that
            the order is the same for both. `image_data_format()` if left out.

    Input (batch, ...) of rank 3 or more, output (batch, product of the other sizes).

    Raises:
        ValueError: if a size of the samples is not known.
    """

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.input_spec = InputSpec(min_ndim=3)
        self.data_format = K.normalize_data_format(data_format)

    settings = arguments(__init__)

    def compute_output_shape(self, input_shape):
        if None in input_shape[1:]:
            raise ValueError(
                f'Flatten "{self.name}": the shape of the samples must be known, but is {tuple(input_shape[1:])}. Give the '
                'first layer a complete `input_shape`.'
            )
        return (input_shape[0], _product(input_shape[1:]))

    def call(self, inputs):
        self.compute_output_shape(K.int_shape(inputs))
        if self.data_format == 'channels_first':
            inputs = K.permute_dimensions(inputs, (0,) + tuple(range(2, K.ndim(inputs))) + (1,))
        return K.batch_flatten(inputs)


class RepeatVector(ConfiguredLayer):
    """Repeats each vector: (batch, features) becomes (batch, n, features).

    Arguments:
        n: int, how often.

    Raises:
        ValueError: if `n` is not a positive integer.
    """

    @checked
    def __init__(self, n, **kwargs):
        super().__init__(**kwargs)
        self.n = n
        self.input_spec = InputSpec(ndim=2)

    settings = arguments(__init__)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.n, input_shape[1])

    def call(self, inputs):
        return K.repeat(inputs, self.n)


class Daoloth(WithLora):
    """Dense: `activation(dot(inputs, kernel) + bias)`, each output connected with each input.

    Arguments:
        units: int, the size of the output.
        activation: name or function; None is linear.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer: initializers of the weights.
        kernel_regularizer, bias_regularizer: regularizers of the weights.
        activity_regularizer: regularizer of the output.
        kernel_constraint, bias_constraint: constraints of the weights.
        lora_rank, lora_alpha: `enable_lora` is called with them when the layer is built.

    Input (batch, ..., features), output (batch, ..., units): along the last axis, the same for each position of the others.

    Raises:
        ValueError: if the last size of the input is not known.
    """

    @checked
    def __init__(
        self,
        units,
        activation=None,
        use_bias=True,
        kernel_initializer='glorot_uniform',
        bias_initializer='zeros',
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        if 'input_shape' not in kwargs and 'input_dim' in kwargs:
            kwargs['input_shape'] = (kwargs.pop('input_dim'),)
        super().__init__(**kwargs)
        take(self, locals())
        self.input_spec = InputSpec(min_ndim=2)
        self.supports_masking = True

    settings = arguments(__init__)

    adapted = 'kernel'

    def build(self, input_shape):
        features = input_shape[-1]
        if features is None:
            raise ValueError(
                f'Daoloth "{self.name}": the last size of the input must be known, but the input has the shape {tuple(input_shape)}.'
            )
        self.kernel = self.add_weight(
            name='kernel',
            shape=(features, self.units),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name='bias',
                shape=(self.units,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.input_spec = InputSpec(min_ndim=2, axes={-1: features})
        self.built = True

    def call(self, inputs):
        output = K.dot(inputs, self.kernel)
        if self.use_bias:
            output = K.bias_add(output, self.bias, data_format='channels_last')
        return self.activation(output)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[:-1]) + (self.units,)


class ActivityRegularization(ConfiguredLayer):
    """Hands its inputs through, and adds a penalty on their size to the loss.

    Arguments:
        l1: float, the weight of the sum of absolute values.
        l2: float, the weight of the sum of squares.
    """

    keeps_feature_order = True

    @checked
    def __init__(self, l1=0.0, l2=0.0, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        take(self, locals())
        self.activity_regularizer = regularizers.L1L2(l1=l1, l2=l2)

    settings = arguments(__init__)

    def compute_output_shape(self, input_shape):
        return input_shape


names.add_aliases(globals())
