"""Normalisation: of a batch, and of each sample by itself."""

from cthulhu import backend as K
from cthulhu import names
from cthulhu.backend import meta
from cthulhu.engine.base_layer import InputSpec
from cthulhu.engine.settings import ConfiguredLayer, arguments, take
from cthulhu.utils.arguments import checked

__all__ = [
    'BlacknessFromTheStars',
    'GroupNormalization',
    'LayerNormalization',
    'RMSNormalization',
    'UnitNormalization',
]


class BlacknessFromTheStars(ConfiguredLayer):
    """Batch normalisation: brings the activations of each channel to mean 0 and standard deviation 1, then scales and shifts.

    In training mean and variance are those of the batch, and moving averages of them are kept; otherwise the moving
    averages are used. A layer that is frozen (`trainable = False`) when the model is conjured keeps them as they are, and
    normalises with them in training too.

    Arguments:
        axis: int, the axis of the channels: -1, or 1 for 'channels_first'.
        momentum: float, how much of the moving averages is kept at each step.
        epsilon: float, added to the variance.
        center: whether there is a shift `beta`.
        scale: whether there is a factor `gamma`; the next layer makes up for it if it is linear.
        beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer: of the weights.
        beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: of the weights.
        synchronized: bool, whether mean and variance are those of the whole batch where several machines share it, and not of the share of each by itself.

    Output: tensor of the shape of the input.

    Raises:
        ValueError: if the size of the input along `axis` is not known.

    Source: Ioffe and Szegedy, "Batch normalization: accelerating deep network training", 2015.
    """

    keeps_feature_order = True
    computes_in_dtype_of_weights = True

    @checked
    def __init__(
        self,
        axis=-1,
        momentum=0.99,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer='zeros',
        gamma_initializer='ones',
        moving_mean_initializer='zeros',
        moving_variance_initializer='ones',
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
        synchronized=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.supports_masking = True
        take(self, locals())

    settings = arguments(__init__)[:-1]

    def get_config(self):
        config = super().get_config()
        return dict(config, synchronized=True) if self.synchronized else config  # Keras 2.3 does not know it

    def build(self, input_shape):
        rank = len(input_shape)
        size = input_shape[self.axis] if -rank <= self.axis < rank else None
        if size is None or self.axis % rank == 0:
            raise ValueError(
                f'BlacknessFromTheStars "{self.name}": `axis` is the axis of the channels, whose size must be known; axis '
                f'{self.axis} of inputs of shape {tuple(input_shape)} is not.'
            )
        self.input_spec = InputSpec(ndim=rank, axes={self.axis: size})
        self.gamma = self.beta = None
        if self.scale:
            self.gamma = self.add_weight(
                name='gamma',
                shape=(size,),
                initializer=self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
            )
        if self.center:
            self.beta = self.add_weight(
                name='beta',
                shape=(size,),
                initializer=self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
            )
        self.moving_mean = self.add_weight(
            name='moving_mean', shape=(size,), initializer=self.moving_mean_initializer, trainable=False
        )
        self.moving_variance = self.add_weight(
            name='moving_variance', shape=(size,), initializer=self.moving_variance_initializer, trainable=False
        )
        self.built = True

    def call(self, inputs, training=None):
        training = K.learning_phase() if training is None else training
        if not K.is_tensor(training) and not training:
            return self._normalize(inputs, self.moving_mean, self.moving_variance)
        symbolic = K.is_tensor(training) and meta.uses_learning_phase(training)
        axis = self.axis % K.ndim(inputs)
        others = [i for i in range(K.ndim(inputs)) if i != axis]
        of_batch_now = self._unless_frozen(training)
        counts, whole = self._counts(), None
        if counts is None:
            whole = K.normalized_by_phase(
                inputs, self.gamma, self.beta, self.moving_mean, self.moving_variance, of_batch_now, axis, self.epsilon
            )
        if whole is not None:
            output, mean, variance = whole
            return self._noted(inputs, output, mean, variance, symbolic)

        def of_batch():
            size = self._sample_size(inputs, others)
            if counts is not None:
                mean, variance, size = self._of_all(inputs, others, size, counts)
            else:
                mean, variance = K.mean(inputs, axis=others), K.var(inputs, axis=others)
            # the estimate of the variance of all data is a little greater than that of the batch
            more = size / (size - (1.0 + self.epsilon))
            more = K.cast(more, K.dtype(variance)) if K.is_tensor(more) else more
            return K.stack([mean, variance, variance * more])

        def kept():
            mean, variance = K.identity(self.moving_mean), K.identity(self.moving_variance)
            return K.stack([mean, variance, variance])

        # Both branches give statistics, so that in testing those of the batch are not computed, and the whole of the
        # inputs is gone through only once.
        statistics = K.in_train_phase(of_batch, kept, training=of_batch_now)
        output = self._normalize(inputs, statistics[0], statistics[1])
        return self._noted(inputs, output, statistics[0], statistics[2], symbolic)

    def _noted(self, inputs, output, mean, variance, symbolic):
        """`output`, with what the layer learns of the batch's statistics."""
        self.add_update(
            [
                K.moving_average_update(self.moving_mean, mean, self.momentum),
                K.moving_average_update(self.moving_variance, variance, self.momentum),
            ],
            inputs,
        )
        if symbolic:
            meta.set_uses_learning_phase(output, True)
        return output

    def _normalize(self, inputs, mean, variance):
        return K.batch_normalization(
            inputs, mean, variance, self.beta, self.gamma, axis=self.axis, epsilon=self.epsilon
        )

    def _counts(self):
        """Whether this process has samples of its own in the batch, a scalar, where several normalise it together; else None."""
        group = K.rank_group() if self.synchronized else None
        return K.rank_counts() if group is not None and group.count > 1 else None

    def _of_all(self, inputs, axes, size, counts):
        """Mean and variance of the batch that all ranks share, and how many values they are taken over."""
        kind, wide = K.dtype(inputs), self._wide(inputs)
        inputs, counts = K.cast(inputs, wide), K.cast(counts, wide)
        total, size = K.sum_over_ranks([K.sum(inputs, axis=axes) * counts, size * counts])
        mean = total / size
        kept = [length if i == self.axis % K.ndim(inputs) else 1 for i, length in enumerate(K.int_shape(inputs))]
        spread = K.sum(K.square(inputs - K.reshape(mean, kept)), axis=axes) * counts
        return K.cast(mean, kind), K.cast(K.sum_over_ranks([spread])[0] / size, kind), size

    def _wide(self, inputs):
        """The dtype of sums and counts, which 16 bits do not hold."""
        return 'float64' if K.dtype(inputs) == 'float64' else 'float32'

    def _sample_size(self, inputs, axes):
        static, size, dynamic = K.int_shape(inputs), 1, None
        for axis in axes:
            if static[axis] is not None:
                size *= static[axis]
            else:
                open_size = K.cast(K.shape(inputs)[axis], self._wide(inputs))
                dynamic = open_size if dynamic is None else dynamic * open_size
        return float(size) if dynamic is None else dynamic * float(size)

    def _unless_frozen(self, training):
        """`training` and the layer is not frozen, which a model decides when it is conjured, by feeding `_frozen_inputs`."""
        if not self._frozen_inputs:
            self._frozen_inputs = [K.make_learning_phase()]
        free = K.logical_not(K.cast(self._frozen_inputs[0], 'bool'))
        return K.logical_and(K.cast(training, 'bool'), free) if K.is_tensor(training) else free

    def compute_output_shape(self, input_shape):
        return input_shape


class _OfEachSample(ConfiguredLayer):
    """What normalises each sample by itself, along some axes; the same in training and testing."""

    keeps_feature_order = True
    computes_in_dtype_of_weights = True

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def _axes(self, shape):
        """The axes of inputs of a shape that `axis` names: list, ascending."""
        named = self.axis if isinstance(self.axis, (list, tuple)) else (self.axis,)
        rank = len(shape)
        if any(not -rank <= axis < rank or axis % rank == 0 for axis in named):
            raise ValueError(
                f'{type(self).__name__} "{self.name}": `axis` names axes of the inputs, without that of the batch, which is 0; got {self.axis} for inputs of '
                f'shape {tuple(shape)}.'
            )
        return sorted({axis % rank for axis in named})

    def _sizes(self, shape):
        """The sizes of these axes, which must be known, as weights have them; inputs must have them from now on."""
        axes = self._axes(shape)
        sizes = tuple(shape[axis] for axis in axes)
        if None in sizes:
            raise ValueError(
                f'{type(self).__name__} "{self.name}": it has weights along `axis`, {self.axis}, where the size of the inputs must be known; their shape is '
                f'{tuple(shape)}.'
            )
        self.input_spec = InputSpec(ndim=len(shape), axes=dict(zip(axes, sizes)))
        return sizes

    def _add_factor_and_shift(self, shape, factor, shift):
        self.gamma = self.beta = None
        if factor:
            self.gamma = self.add_weight(
                name='gamma',
                shape=shape,
                initializer=self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
            )
        if shift:
            self.beta = self.add_weight(
                name='beta',
                shape=shape,
                initializer=self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
            )

    def compute_output_shape(self, input_shape):
        self._axes(input_shape)
        return input_shape


class LayerNormalization(_OfEachSample):
    """Brings each sample, at each place of the other axes, to mean 0 and standard deviation 1 along `axis`, then scales and shifts.

    Arguments:
        axis: int, or a list or tuple of int, the axes along which mean and variance are taken; not 0, the batch.
        epsilon: float, added to the variance.
        center: whether there is a shift `beta`.
        scale: whether there is a factor `gamma`.
        beta_initializer, gamma_initializer: of the weights.
        beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: of the weights.
        rms_scaling: whether the inputs are only divided by their standard deviation and multiplied by `gamma`, as files of Keras 3 may ask for; what
            divides by the root of the mean square is RMSNormalization.

    Output: tensor of the shape of the input. Weights: gamma, beta, of the sizes of `axis`.

    Raises:
        ValueError: for an axis that is the batch or does not exist, or a size along `axis` that is not known.

    Example:
        >>> LayerNormalization(axis=(1, 2)).compute_output_shape((None, 4, 5))
        (None, 4, 5)

    Source: Ba et al., "Layer normalization", 2016.
    """

    @checked
    def __init__(
        self,
        axis=-1,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer='zeros',
        gamma_initializer='ones',
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
        rms_scaling=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        take(self, locals())

    settings = arguments(__init__)[:-1]

    def get_config(self):
        config = super().get_config()
        if self.rms_scaling:  # other Kerases do not know it
            config['rms_scaling'] = True
        return config

    def build(self, input_shape):
        factor, shift = self.scale or self.rms_scaling, self.center and not self.rms_scaling
        self._add_factor_and_shift(self._sizes(input_shape) if factor or shift else None, factor, shift)
        self.built = True

    def call(self, inputs):
        axes = self._axes(K.int_shape(inputs))
        if not self.rms_scaling:
            return K.layer_normalization(inputs, self.gamma, self.beta, axes, self.epsilon)
        x = _wide(inputs)
        x = x / K.sqrt(K.var(x, axis=axes, keepdims=True) + self.epsilon)
        return K.cast(x * _along(axes, x, _wide(self.gamma)), K.dtype(inputs))


def _wide(x):
    """`x`, in float32 where it is of half the width, in which sums of squares overflow."""
    return K.cast(x, 'float32') if K.dtype(x) in ('float16', 'bfloat16') else x


def _along(axes, x, weight):
    """A weight of the sizes of some axes of `x`, in a shape that broadcasts to it."""
    sizes = K.int_shape(x)
    return K.reshape(weight, [sizes[axis] if axis in axes else 1 for axis in range(len(sizes))])


class RMSNormalization(_OfEachSample):
    """Divides each sample, at each place of the other axes, by the root of its mean square along `axis`, then scales.

    Arguments:
        axis: int, or a list or tuple of int, not 0, the batch.
        epsilon: float, added to the mean square.

    Output: tensor of the shape of the input. Weight: scale, of the sizes of `axis`, ones at first.

    Raises:
        ValueError: as for LayerNormalization.

    Source: Zhang and Sennrich, "Root mean square layer normalization", 2019.
    """

    @checked
    def __init__(self, axis=-1, epsilon=1e-6, **kwargs):
        super().__init__(**kwargs)
        take(self, locals())

    settings = arguments(__init__)

    def build(self, input_shape):
        self.scale = self.add_weight(name='scale', shape=self._sizes(input_shape), initializer='ones')
        self.built = True

    def call(self, inputs):
        x, axes = _wide(inputs), self._axes(K.int_shape(inputs))
        x = x / K.sqrt(K.mean(K.square(x), axis=axes, keepdims=True) + self.epsilon)
        return K.cast(x * _along(axes, x, _wide(self.scale)), K.dtype(inputs))


class UnitNormalization(_OfEachSample):
    """Divides each sample, at each place of the other axes, by its Euclidean length along `axis`; lengths below 1e-6 count as that.

    Arguments:
        axis: int, or a list or tuple of int, not 0, the batch.

    Output: tensor of the shape of the input.

    Raises:
        ValueError: for an axis that is the batch or does not exist.
    """

    @checked
    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        take(self, locals())

    settings = arguments(__init__)

    def call(self, inputs):
        return K.cast(K.l2_normalize(_wide(inputs), axis=self._axes(K.int_shape(inputs))), K.dtype(inputs))


class GroupNormalization(_OfEachSample):
    """Brings each group of channels of each sample to mean 0 and standard deviation 1, over all places, then scales and shifts each channel.

    Arguments:
        groups: int, how many groups the channels are cut into, the number of channels a multiple of it; -1: each channel is a group, as in instance
            normalisation.
        axis: int, the axis of the channels: -1, or 1 for 'channels_first'.
        epsilon, center, scale, ..., gamma_constraint: as for LayerNormalization.

    Output: tensor of the shape of the input. Weights: gamma, beta, (channels,).

    Raises:
        ValueError: if the number of channels is not known, or no multiple of `groups`; for an axis that is the batch or does not exist.

    Source: Wu and He, "Group normalization", 2018.
    """

    @checked
    def __init__(
        self,
        groups=32,
        axis=-1,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer='zeros',
        gamma_initializer='ones',
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        take(self, locals())
        if groups < 1 and groups != -1:
            raise ValueError(f'GroupNormalization: `groups` is a whole number, 1 or more, or -1; got {groups}.')

    settings = arguments(__init__)

    def build(self, input_shape):
        (channels,) = shape = self._sizes(input_shape)
        if self.groups != -1 and channels % self.groups:
            raise ValueError(
                f'GroupNormalization "{self.name}": the number of channels is a multiple of `groups`, {self.groups}; inputs of shape {tuple(input_shape)} have '
                f'{channels}. Choose a number of groups that divides it.'
            )
        self._add_factor_and_shift(shape, self.scale, self.center)
        self.built = True

    def call(self, inputs):
        static, dynamic = K.int_shape(inputs), K.shape(inputs)
        (axis,) = axes = self._axes(static)
        groups = static[axis] if self.groups == -1 else self.groups
        sizes = [dynamic[i] if size is None else size for i, size in enumerate(static)]
        x = K.reshape(_wide(inputs), sizes[:axis] + [groups, static[axis] // groups] + sizes[axis + 1 :])
        x = K.layer_normalization(x, axis=[i for i in range(1, len(static) + 1) if i != axis], epsilon=self.epsilon)
        x = K.reshape(x, sizes)
        if self.gamma is not None:
            x = x * _along(axes, inputs, _wide(self.gamma))
        if self.beta is not None:
            x = x + _along(axes, inputs, _wide(self.beta))
        return K.cast(x, K.dtype(inputs))


names.add_aliases(globals())
