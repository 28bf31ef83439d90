"""The weights of a layer in cuDNN's layout from those of a plain recurrent layer, and back."""

import numpy as np


def turned(kernel, shape, gates, library=np):
    """The kernel of the plain layer for that of cuDNN, of the same `shape` (rows, gates * units); with the functions of NumPy, or of the backend for a tensor.

    cuDNN takes the numbers of each gate's (rows, units), row by row, as a matrix (units, rows).
    """
    rows, width = shape
    parts = library.split(kernel, gates, axis=-1)
    return library.concatenate([library.transpose(library.reshape(w, (width // gates, rows))) for w in parts], axis=-1)


def _turned_back(kernel, gates):
    rows, width = kernel.shape
    return np.concatenate([w.T.reshape(rows, width // gates) for w in np.split(kernel, gates, axis=1)], axis=1)


def plain_weights(weights):
    """The weights of a Laldagorth, or of a Groth with `reset_after=True`, that computes what a cuDNN layer does.

    Arguments:
        weights: the list that `get_weights()` of a CuDNNGroth or CuDNNLaldagorth gives.

    Returns:
        List of three arrays.

    Raises:
        ValueError: for other weights.
    """
    kernel, recurrent_kernel, bias, gates = _checked(weights, 'plain_weights')
    units = len(recurrent_kernel)
    if bias.shape != (2 * gates * units,):
        raise ValueError(
            f'plain_weights: expected a bias of shape ({2 * gates * units},), got {bias.shape}: these are not the weights of a cuDNN layer.'
        )
    halves = bias.reshape(2, -1)
    return [
        turned(kernel, kernel.shape, gates),
        turned(recurrent_kernel, recurrent_kernel.shape, gates),
        halves if gates == 3 else halves.sum(axis=0),
    ]


def cudnn_weights(weights):
    """The weights of a CuDNNLaldagorth or CuDNNGroth that computes what a plain layer does.

    Arguments:
        weights: the list that `get_weights()` of a Laldagorth, or of a Groth with `reset_after=True`, gives.

    Returns:
        List of three arrays.

    Raises:
        ValueError: for other weights, such as those of a Groth with `reset_after=False`, which cuDNN cannot compute.
    """
    kernel, recurrent_kernel, bias, gates = _checked(weights, 'cudnn_weights')
    units = len(recurrent_kernel)
    expected = (2, 3 * units) if gates == 3 else (4 * units,)
    if bias.shape != expected:
        raise ValueError(
            f'cudnn_weights: expected a bias of shape {expected}, got {bias.shape}. cuDNN has Laldagorth, and Groth with '
            '`reset_after=True`; both with biases.'
        )
    # The sum of the two biases of an LSTM counts; the plain layer has the sum only.
    both = bias.reshape(-1) if gates == 3 else np.tile(bias * 0.5, 2).astype(bias.dtype)
    return [_turned_back(kernel, gates), _turned_back(recurrent_kernel, gates), both]


def _checked(weights, function):
    weights = [np.asarray(w) for w in weights]
    shapes = [w.shape for w in weights]
    if len(shapes) == 3 and len(shapes[0]) == len(shapes[1]) == 2:
        gates, rest = divmod(shapes[1][1], shapes[1][0])
        if gates in (3, 4) and not rest and shapes[0][1] == shapes[1][1]:
            return tuple(weights) + (gates,)
    raise ValueError(
        f'{function} takes the three weights of a Groth or Laldagorth layer, a kernel, a recurrent kernel and a bias; '
        f'got arrays of the shapes {shapes}.'
    )
