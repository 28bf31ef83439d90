"""EinsumDense: a dense layer between any axes."""

from cthulhu import backend as K
from cthulhu import names
from cthulhu.backend.composed import einsum
from cthulhu.engine.base_layer import InputSpec
from cthulhu.engine.settings import ConfiguredLayer, arguments, take
from cthulhu.utils.arguments import checked

__all__ = ['EinsumDense']


class EinsumDense(ConfiguredLayer):
    """A dense layer whose product is written in Einstein's notation: `activation(einsum(equation, inputs, kernel) + bias)`.

    Arguments:
        equation: text, such as 'abc,cd->abd': the axes of the inputs (the first is the batch), of the kernel, and of the output; '...', at the beginning or
            the end of inputs and output, stands for axes that are not named.
        output_shape: int, or tuple of the sizes of the output without the batch and without axes that '...' stands for; None for a size that is that of
            the inputs.
        activation: name or function; None is linear.
        bias_axes: text, the letters of the axes of the output that a bias has, such as 'd'; None for no bias.
        kernel_initializer, bias_initializer: initializers of the weights.
        kernel_regularizer, bias_regularizer, kernel_constraint, bias_constraint: of the weights.
        activity_regularizer: regularizer of the output.

    Output: the tensor that the equation describes, without a mask. Weights: kernel, of the axes that the equation gives it; bias, from the first of `bias_axes` to the last
    axis of the output, 1 along the others.

    Raises:
        ValueError: if the equation is none, or sizes do not fit it, or are not known where a weight has them.

    Example:
        >>> EinsumDense('abc,cde->abde', output_shape=(None, 4, 5)).compute_output_shape((None, 10, 16))
        (None, 10, 4, 5)
    """

    @checked
    def __init__(
        self,
        equation,
        output_shape,
        activation=None,
        bias_axes=None,
        kernel_initializer='glorot_uniform',
        bias_initializer='zeros',
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.partial_output_shape = output_shape if isinstance(output_shape, tuple) else (output_shape,)
        take(
            self, {key: value for key, value in locals().items() if key != 'output_shape'}
        )  # which every layer has of its calls
        operands, _, result = (equation if isinstance(equation, str) else '').replace(' ', '').partition('->')
        parts = operands.split(',') + [result]
        if len(parts) != 3 or not all(part.strip('.').isalpha() for part in parts) or '.' in parts[1]:
            raise self._error('has the axes of inputs, kernel and output, as in "abc,cd->abd"')
        dots = [(part.startswith('...'), part.endswith('...')) for part in (parts[0], result)]
        if dots[0] != dots[1]:
            raise self._error(
                'has "..." both in inputs and output, both times at the beginning or at the end, or in neither'
            )
        if set(bias_axes or '') - set(result):
            raise ValueError(
                f'EinsumDense: `bias_axes` has letters of the output of the equation {equation!r}, {result!r}; got {bias_axes!r}.'
            )

    settings = tuple(name for name in arguments(__init__) if name != 'output_shape')

    def _error(self, what):
        return ValueError(f'EinsumDense "{self.name}": `equation` {what}; got {self.equation!r}.')

    def get_config(self):
        return dict(super().get_config(), output_shape=self.partial_output_shape)

    def _sizes(self, input_shape):
        """(dict, label -> size; labels of the kernel, of the output), for inputs of a shape."""
        kernel = self.equation.replace(' ', '').partition('->')[0].partition(',')[2]
        (labels, of_kernel), of_output = einsum.terms(self.equation, (len(input_shape), len(kernel)))
        sizes = dict(zip(labels, input_shape))
        # what is said of the output: sizes of the letters, but of the batch where that is one
        named = [label for label in of_output if isinstance(label, str)]
        named = named if of_output and not isinstance(of_output[0], str) else named[1:]
        if len(named) != len(self.partial_output_shape):
            raise ValueError(
                f'EinsumDense "{self.name}": `output_shape` has a size for each letter of the output of {self.equation!r} beside the batch, '
                f'{"".join(named)!r}; got {self.partial_output_shape}.'
            )
        for label, size in zip(named, self.partial_output_shape):
            known = sizes.get(label)
            if None not in (size, known) and size != known:
                raise ValueError(
                    f'EinsumDense "{self.name}": axis {label!r} of {self.equation!r} has the size {known} in inputs of shape {tuple(input_shape)}, '
                    f'and {size} in `output_shape`, {self.partial_output_shape}.'
                )
            sizes[label] = known if size is None else size
        return sizes, of_kernel, of_output

    def build(self, input_shape):
        sizes, of_kernel, of_output = self._sizes(input_shape)
        first = min((of_output.index(label) for label in self.bias_axes or ()), default=None)
        of_bias = [] if first is None else of_output[first:]
        unknown = [label for label in of_kernel + sorted(self.bias_axes or '') if sizes.get(label) is None]
        if unknown:
            raise ValueError(
                f'EinsumDense "{self.name}": the weights of {self.equation!r} have an axis {unknown[0]!r}, whose size is not known: inputs have the shape '
                f'{tuple(input_shape)}, `output_shape` is {self.partial_output_shape}.'
            )
        self.kernel = self.add_weight(
            name='kernel',
            shape=[sizes[label] for label in of_kernel],
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = None
        if self.bias_axes:
            self.bias = self.add_weight(
                name='bias',
                shape=[sizes[label] if label in list(self.bias_axes) else 1 for label in of_bias],
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.input_spec = InputSpec(ndim=len(input_shape))
        self.built = True

    def call(self, inputs):
        output = K.einsum(self.equation, inputs, self.kernel)
        return self.activation(output if self.bias is None else output + self.bias)

    def compute_mask(self, inputs, mask=None):
        return None  # the axes of the output may be others

    def compute_output_shape(self, input_shape):
        sizes, _, of_output = self._sizes(input_shape)
        return tuple(sizes[label] for label in of_output)


names.add_aliases(globals())
