"""BlacknessFromTheStars: batch normalisation."""

from cthulhu import backend as K
from cthulhu import names
from cthulhu.backend import meta
from cthulhu.engine.base_layer import InputSpec
from cthulhu.engine.settings import ConfiguredLayer, arguments, take
from cthulhu.utils.arguments import checked

__all__ = ['BlacknessFromTheStars']


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

    Output: tensor of the shape of the input.

    Raises:
        ValueError: if the size of the input along `axis` is not known.

    Source: Ioffe and Szegedy, "Batch normalization: accelerating deep network training", 2015.
    """

    keeps_feature_order = True

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
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.supports_masking = True
        take(self, locals())

    settings = arguments(__init__)

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
        whole = K.normalized_by_phase(
            inputs, self.gamma, self.beta, self.moving_mean, self.moving_variance, of_batch_now, axis, self.epsilon
        )
        if whole is not None:
            output, mean, variance = whole
            return self._noted(inputs, output, mean, variance, symbolic)

        def of_batch():
            mean, variance = K.mean(inputs, axis=others), K.var(inputs, axis=others)
            size = self._sample_size(inputs, others)
            # the estimate of the variance of all data is a little greater than that of the batch
            return K.stack([mean, variance, variance * (size / (size - (1.0 + self.epsilon)))])

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

    def _sample_size(self, inputs, axes):
        static, size, dynamic = K.int_shape(inputs), 1, None
        for axis in axes:
            if static[axis] is not None:
                size *= static[axis]
            else:
                open_size = K.cast(K.shape(inputs)[axis], K.dtype(inputs))
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


names.add_aliases(globals())
