"""Convolution and its two gradients: of a few images at a time, what each window holds is written out and multiplied.

So few at a time that what is written out stays in the cache, as in Chellapilla, Puri and Simard, "High performance convolutional
neural networks for document processing", 2006. Each of the three is linear in each of its arguments, and the other two are
its gradients. Arrays have channels last, kernels are (window ..., channels, filters), and nothing is padded; `strides` and
`dilation_rate` have a number for each axis of the window.
"""

import numpy as np

from cthulhu.backend import shapes

# So many bytes are written out at a time: about what a core's own cache holds.
_BLOCK = 3 << 19


def places(lengths, window, strides, dilation_rate):
    """At how many places the window fits, along each axis."""
    return [(n - span) // stride + 1 for n, span, stride in zip(lengths, shapes.spans(window, dilation_rate), strides)]


def convolve(x, kernel, strides, dilation_rate):
    """images, kernel -> (batch, places ..., filters)."""
    window, filters = kernel.shape[:-2], kernel.shape[-1]
    views = _views(x, window, strides, dilation_rate)
    result = np.empty(views.shape[: len(window) + 1] + (filters,), x.dtype)
    flat = np.ascontiguousarray(kernel.reshape(-1, filters))
    for index in _blocks(views):
        held = views[index].reshape(-1, len(flat))
        np.dot(held, flat, out=result[index].reshape(-1, filters))
    return result


def image_gradient(y, kernel, lengths, strides, dilation_rate):
    """places, kernel, lengths of the images -> (batch, lengths ..., channels): the transposed convolution."""
    window, (channels, filters) = kernel.shape[:-2], kernel.shape[-2:]
    fitting = places(lengths, window, strides, dilation_rate)
    if tuple(fitting) != y.shape[1:-1]:
        raise ValueError(
            f'conv_transpose: images of {tuple(lengths)} have {fitting} places for a window of {window}, not {y.shape[1:-1]}. Give '
            'an output_shape that goes with the input.'
        )
    if set(strides) == {1}:
        # The places, with a margin, under the kernel turned around.
        margins = [(span - 1, span - 1) for span in shapes.spans(window, dilation_rate)]
        turned = kernel[(slice(None, None, -1),) * len(window)].swapaxes(-1, -2)
        return convolve(np.pad(y, [(0, 0)] + margins + [(0, 0)], 'constant'), turned, strides, dilation_rate)
    result = np.zeros(y.shape[:1] + tuple(lengths) + (channels,), y.dtype)
    views = _views(result, window, strides, dilation_rate)
    flat = np.ascontiguousarray(kernel.reshape(-1, filters).T)
    for index in _blocks(views):
        held = np.dot(y[index].reshape(-1, filters), flat).reshape(views[index].shape)
        for offset in np.ndindex(*window):
            one = (slice(None),) * (len(window) + 1) + offset
            # Places of one offset do not overlap, those of different offsets do.
            views[index][one] += held[one]
    return result


def kernel_gradient(x, y, window, strides, dilation_rate):
    """images, places, lengths of the window -> (window ..., channels, filters)."""
    views = _views(x, window, strides, dilation_rate)
    total = np.zeros((int(np.prod(window)) * x.shape[-1], y.shape[-1]), x.dtype)
    for index in _blocks(views):
        total += np.dot(views[index].reshape(-1, len(total)).T, y[index].reshape(-1, y.shape[-1]))
    return total.reshape(tuple(window) + (x.shape[-1], y.shape[-1]))


def _views(x, window, strides, dilation_rate):
    """`x` as (batch, places ..., window ..., channels), without a copy."""
    fitting = places(x.shape[1:-1], window, strides, dilation_rate)
    if min(fitting) < 1:
        raise ValueError(shapes.no_room(shapes.window_text(window, dilation_rate), x.shape[1:-1]))
    between = [a * b for a, b in zip(x.strides[1:-1], strides)]
    inside = [a * b for a, b in zip(x.strides[1:-1], dilation_rate)]
    return np.lib.stride_tricks.as_strided(
        x,
        x.shape[:1] + tuple(fitting) + tuple(window) + x.shape[-1:],
        x.strides[:1] + tuple(between) + tuple(inside) + x.strides[-1:],
    )


def _blocks(views):
    """Indices of parts that follow each other in memory: some images each, or some rows of one image."""
    images, rows = views.shape[:2]
    line = int(np.prod(views.shape[2:])) * views.itemsize
    if line * rows <= _BLOCK:
        step = _BLOCK // max(line * rows, 1)
        return [(slice(i, i + step),) for i in range(0, images, step)]
    step = max(1, _BLOCK // line)
    return [(slice(i, i + 1), slice(row, row + step)) for i in range(images) for row in range(0, rows, step)]
