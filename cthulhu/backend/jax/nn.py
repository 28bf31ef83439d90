"""Convolution, pooling, softmax, connectionist temporal classification."""

import jax
import jax.numpy as jnp
import numpy as np

from cthulhu.backend import shapes
from cthulhu.backend.deferred import logits_behind, recorded
from cthulhu.backend.jax.primitive import array, floats, native, reference
from cthulhu.backend.kernels import ctc

_SPATIAL = {1: 'W', 2: 'HW', 3: 'DHW'}


def _layout(rank, data_format):
    """What the framework calls the axes of images, and of kernels."""
    spatial = _SPATIAL[rank]
    images = f'N{spatial}C' if data_format == 'channels_last' else f'NC{spatial}'
    return images, f'{spatial}IO', images


def _spatial(shape, data_format):
    return shape[1:-1] if data_format == 'channels_last' else shape[2:]


def _whole(of_spatial, other, data_format):
    """What there is for each spatial axis, with `other` for the batch and the channels."""
    of_spatial = list(of_spatial)
    return [other] + of_spatial + [other] if data_format == 'channels_last' else [other, other] + of_spatial


def _placed(lengths, window, strides, padding, dilation_rate):
    """(lengths of the output, (before, after) of each spatial axis)."""
    pairs = [(0, 0)] * len(window)
    if padding == 'same':
        pairs = [shapes.same_padding(*each) for each in zip(lengths, window, strides, dilation_rate)]
    found = [
        shapes.conv_output_length(length, size, padding, stride, dilation)
        for length, size, stride, dilation in zip(lengths, window, strides, dilation_rate)
    ]
    if any(length < 1 for length in found):
        raise ValueError(shapes.no_room(shapes.window_text(window, dilation_rate), lengths))
    return found, pairs


def _convolve(x, kernel, strides, pairs, data_format, dilation_rate, groups=1):
    return jax.lax.conv_general_dilated(
        x, kernel, strides, pairs, rhs_dilation=dilation_rate, dimension_numbers=_layout(len(strides), data_format),
        feature_group_count=groups,
    )  # fmt: skip


def _operands(x, kernel):
    x = array(x)
    return x, array(kernel, x.dtype)


def _lowest(dtype):
    return -np.inf if jnp.issubdtype(dtype, jnp.floating) else np.iinfo(dtype).min


class JAXNN:
    @native
    def conv(self, x, kernel, strides, padding, data_format, dilation_rate):
        x, kernel = _operands(x, kernel)
        lengths = _spatial(x.shape, data_format)
        _, pairs = _placed(lengths, kernel.shape[:-2], strides, padding, dilation_rate)
        return _convolve(x, kernel, strides, pairs, data_format, dilation_rate)

    @recorded
    def _grouped_conv(self, x, kernel, strides, padding, data_format, dilation_rate, groups):
        x, kernel = _operands(x, kernel)
        lengths = _spatial(x.shape, data_format)
        _, pairs = _placed(lengths, kernel.shape[:-2], strides, padding, dilation_rate)
        return _convolve(x, kernel, strides, pairs, data_format, dilation_rate, groups)

    @native
    def conv_transpose(self, x, kernel, output_shape, strides, padding, data_format, dilation_rate):
        x, kernel = _operands(x, kernel)
        whole = tuple([int(length) for length in output_shape])
        lengths, pairs = _placed(_spatial(whole, data_format), kernel.shape[:-2], strides, padding, dilation_rate)
        channels = 1 if data_format == 'channels_first' else -1
        fits = tuple(lengths) == _spatial(x.shape, data_format)
        if not fits or whole[channels] != kernel.shape[-2] or whole[0] != x.shape[0]:
            raise ValueError(
                f'conv_transpose: output_shape {whole} does not go with x of shape {x.shape} and a kernel of shape '
                f'{kernel.shape} in {data_format!r}: a convolution of such an output would be of lengths {tuple(lengths)}.'
            )

        def forward(image):
            return _convolve(image, kernel, strides, pairs, data_format, dilation_rate)

        return jax.linear_transpose(forward, jax.ShapeDtypeStruct(whole, x.dtype))(x)[0]

    @native
    def depthwise_conv(self, x, kernel, strides, padding, data_format, dilation_rate):
        x, kernel = _operands(x, kernel)
        window, (channels, multiplier) = kernel.shape[:-2], kernel.shape[-2:]
        _, pairs = _placed(_spatial(x.shape, data_format), window, strides, padding, dilation_rate)
        kernel = jnp.reshape(kernel, window + (1, channels * multiplier))
        return _convolve(x, kernel, strides, pairs, data_format, dilation_rate, channels)

    @native
    def pool(self, x, pool_size, strides, padding, data_format, pool_mode):
        x = array(x)
        lengths, once = _spatial(x.shape, data_format), (1,) * len(pool_size)
        _, pairs = _placed(lengths, pool_size, strides, padding, once)
        window, steps = (_whole(each, 1, data_format) for each in (pool_size, strides))
        pads = _whole(pairs, (0, 0), data_format)
        if pool_mode == 'max':
            return jax.lax.reduce_window(x, np.array(_lowest(x.dtype), x.dtype), jax.lax.max, window, steps, pads)
        x = floats(x)
        total = jax.lax.reduce_window(x, np.array(0, x.dtype), jax.lax.add, window, steps, pads)
        if not any(map(any, pairs)):
            return total / np.array(np.prod(pool_size), x.dtype)
        # How many elements of each window are not padding is known now.
        inside = _counts(lengths, pool_size, strides, pairs)
        inside = inside.reshape(_whole(inside.shape, 1, data_format)).astype(x.dtype)
        return total / inside

    @native
    def with_room(self, x, spans, what):
        lengths = x.shape[1 : len(spans) + 1]
        if any(length < span for length, span in zip(lengths, spans)):
            raise ValueError(shapes.no_room(what, lengths))
        return x

    @native
    def softmax(self, x, axis=-1):
        return jax.nn.softmax(floats(x), axis=axis)

    @native
    def log_softmax(self, x, axis=-1):
        return jax.nn.log_softmax(floats(x), axis=axis)

    def _logits_of(self, output, activation):
        return logits_behind(output, activation)

    @native
    def ctc_batch_cost(self, y_true, y_pred, input_length, label_length):
        given = [array(one) for one in (y_true, y_pred, input_length, label_length)]
        return _ctc_costs(*given)

    @native
    def ctc_decode(self, y_pred, input_length, greedy=True, beam_width=100, top_paths=1, merge_repeated=False):
        given = [np.asarray(one) for one in (y_pred, input_length)]
        return reference('ctc_decode')(self, *given, greedy, beam_width, top_paths, merge_repeated)

    @native
    def ctc_label_dense_to_sparse(self, labels, label_lengths):
        return reference('ctc_label_dense_to_sparse')(self, np.asarray(labels), np.asarray(label_lengths))


def _counts(lengths, window, strides, pairs):
    """How many elements of each window are not padding: array of the lengths of the output."""
    result = np.ones((), int)
    for length, size, stride, (before, after) in zip(lengths, window, strides, pairs):
        starts = np.arange(0, length + before + after - size + 1, stride) - before
        inside = np.minimum(starts + size, length) - np.maximum(starts, 0)
        result = result[..., np.newaxis] * inside
    return result


@jax.custom_vjp
def _ctc_costs(y_true, y_pred, input_length, label_length):
    return _ctc_on_host(y_true, y_pred, input_length, label_length)[0]


def _ctc_forward(y_true, y_pred, input_length, label_length):
    cost, gradient = _ctc_on_host(y_true, y_pred, input_length, label_length)
    return cost, (gradient, y_true, input_length, label_length)


def _ctc_backward(kept, upstream):
    gradient, *others = kept
    nothing = [_no_derivative(one) for one in others]
    return nothing[0], gradient * upstream[:, :, None], nothing[1], nothing[2]


def _no_derivative(x):
    if jnp.issubdtype(x.dtype, jnp.floating):
        return jnp.zeros_like(x)
    return np.zeros(x.shape, jax.dtypes.float0)


_ctc_costs.defvjp(_ctc_forward, _ctc_backward)


def _ctc_on_host(y_true, y_pred, input_length, label_length):
    """(costs, their gradients by y_pred), computed in NumPy in the middle of the run."""

    def compute(y_true, y_pred, input_length, label_length):
        y_true, y_pred, input_length, label_length = map(np.asarray, (y_true, y_pred, input_length, label_length))
        found, gradient = np.zeros((len(y_pred), 1), y_pred.dtype), np.zeros(y_pred.shape, y_pred.dtype)
        costs = ctc.costs(y_pred, y_true, input_length, label_length, gradient=True)
        for row, (cost, by_steps) in enumerate(costs):
            found[row] = cost
            gradient[row, : len(by_steps)] = by_steps
        return found, gradient

    like = jax.ShapeDtypeStruct((len(y_pred), 1), y_pred.dtype), jax.ShapeDtypeStruct(y_pred.shape, y_pred.dtype)
    return jax.pure_callback(compute, like, y_true, y_pred, input_length, label_length)
