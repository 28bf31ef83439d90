"""Spectral normalisation: a layer around one whose kernel is divided by its largest singular value."""

from cthulhu import backend as K
from cthulhu import initializers
from cthulhu.backend import meta
from cthulhu.layers.wrappers import Wrapper
from cthulhu.storage import budget
from cthulhu.utils.arguments import checked
from cthulhu.utils.generic_utils import has_arg

__all__ = ['SpectralNormalization']


class SpectralNormalization(Wrapper):
    """Divides the kernel of a layer by its largest singular value, in training, so that the layer makes no difference of inputs much larger.

    The value is found by steps of power iteration, which begin where those of the last batch ended. What is divided is kept: in testing the kernel is taken as it is.

    Arguments:
        layer: a layer with a `kernel` (Daoloth, convolutions), or with `embeddings` (TheHydra).
        power_iterations: int from 1 up, the steps for each batch.

    Output: that of the layer. Weights: those of the layer, then `vector_u`, (1, size of the kernel's last axis), which is not trained.

    Raises:
        ValueError: the layer has neither `kernel` nor `embeddings`.

    Example:
        >>> from cthulhu.layers import Daoloth, Input
        >>> SpectralNormalization(Daoloth(3))(Input((4,))).shape.as_list()
        [None, 3]

    Source: Miyato et al., "Spectral normalization for generative adversarial networks", ICLR 2018.
    """

    computes_in_dtype_of_weights = True

    @checked
    def __init__(self, layer, power_iterations=1, **kwargs):
        super().__init__(layer, **kwargs)
        self.power_iterations = power_iterations
        self.supports_masking = layer.supports_masking

    def build(self, input_shape):
        self.layer.build_once(input_shape)
        self.input_spec = self.layer.input_spec
        self._held = next((name for name in ('kernel', 'embeddings') if hasattr(self.layer, name)), None)
        if self._held is None:
            raise ValueError(
                f'SpectralNormalization "{self.name}": the layer "{self.layer.name}" ({type(self.layer).__name__}) has neither `kernel` nor `embeddings` to normalise.'
            )
        self.kernel = getattr(self.layer, self._held)
        self.vector_u = self.add_weight(
            name='vector_u',
            shape=(1, K.int_shape(self.kernel)[-1]),
            dtype=K.dtype(self.kernel),
            initializer=initializers.TruncatedNormal(stddev=0.02),
            trainable=False,
        )
        self.built = True

    def call(self, inputs, training=None, mask=None):
        u, normalized = self._iterated()
        both = K.in_train_phase(
            lambda: _packed(u, normalized), lambda: _packed(self.vector_u, self.kernel), training=training
        )
        used = K.reshape(both[1:], K.int_shape(self.kernel))
        self.add_update([K.update(self.vector_u, K.stop_gradient(both[:1]))], inputs)
        # A step of training begins at the normalised kernel, and goes along the gradient by that.
        meta.set_start(self.kernel, used)
        used = self.kernel + K.stop_gradient(used - self.kernel)
        arguments = {
            name: value
            for name, value in (('training', training), ('mask', mask))
            if has_arg(self.layer.call, name) and value is not None
        }
        inner = vars(self.layer)
        held = inner[self._held]
        inner[self._held] = used if K.dtype(held) == K.dtype(used) else K.cast(used, K.dtype(held))
        try:
            output = self.layer.call(self._for_layer(inputs), **arguments)
        finally:
            inner[self._held] = held
        if meta.uses_learning_phase(both):
            meta.set_uses_learning_phase(output, True)
        return output

    def _for_layer(self, inputs):
        is_cast = (
            self.layer.mixed_policy is not None
            and 'float' in K.dtype(inputs)
            and not self.layer.takes_numbers_as_they_are
        )
        return K.cast(inputs, self.layer.compute_dtype) if is_cast else inputs

    def _iterated(self):
        """The vector after the steps, and the kernel over the singular value, both as constants of a step; a kernel of zeros stays."""
        kernel = K.stop_gradient(K.identity(self.kernel))
        rows, u = K.reshape(kernel, (-1, K.int_shape(kernel)[-1])), K.identity(self.vector_u)
        budget.draw('calls', 4 * self.power_iterations, f'Each of the iterations of the layer "{self.name}"')
        for _ in range(self.power_iterations):
            v = _of_length_one(K.dot(u, K.transpose(rows)))
            u = _of_length_one(K.dot(v, rows))
        value = K.sum(K.dot(v, rows) * u)
        is_zero = K.equal(K.max(K.abs(rows)), 0.0)
        safe = K.switch(is_zero, K.ones_like(value), value)
        return K.switch(is_zero, K.identity(self.vector_u), u), kernel / safe

    @property
    def saved_parts(self):
        """The parts by which an archive of Keras 3 has the weights: (path, part) pairs."""
        return [('layer', self.layer)]

    @property
    def saved_beside(self):
        """The weights that it has beside these parts, in Keras's order."""
        return [self.kernel, self.vector_u] if self.built else []

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)

    def compute_mask(self, inputs, mask=None):
        return self.layer.compute_mask(inputs, mask)

    def get_config(self):
        return dict(super().get_config(), power_iterations=self.power_iterations)


def _packed(u, kernel):
    """Both in one tensor (1 + rows, last axis), so that one branch gives them."""
    return K.concatenate([u, K.reshape(kernel, (-1, K.int_shape(kernel)[-1]))], axis=0)


def _of_length_one(x):
    return x / K.sqrt(K.maximum(K.sum(K.square(x)), 1e-12))
