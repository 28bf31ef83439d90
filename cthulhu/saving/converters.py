"""What other versions and backends stored in another form, layer by layer, and how it becomes ours.

A converter is a function of (layer, list of arrays, Origin, notes) that gives the list of arrays for `layer.weights`; `register` puts it under the Keras names of
the layers that it is for. They run one after the other: of age, of backend, of kind, of data format.
"""

import numpy as np

from cthulhu import backend as K
from cthulhu.saving.data_formats import flattened, kind_of
from cthulhu.storage.errors import ModelFileError
from cthulhu.utils.conv_utils import convert_kernel
from cthulhu.utils.cudnn_weights import cudnn_weights, plain_weights

#: What files name as their backend where they hold the kernels flipped, for true convolutions: that of Keras with Theano.
_FLIPPED = ('theano',)

_CONVERTERS = {}


def register(*kinds):
    """Decorator: make a function a converter for the layers of these Keras names."""

    def add(function):
        for kind in kinds:
            _CONVERTERS.setdefault(kind, []).append(function)
        return function

    return add


def convert(layer, values, origin, notes=None):
    """The saved arrays of a layer, in the form that `layer.weights` has.

    Raises:
        ModelFileError: if there is no way from one to the other.
    """
    for function in _CONVERTERS.get(kind_of(layer), ()):
        values = function(layer, list(values), origin, notes or {})
    return _kernels(layer, list(values), origin)


def count_in_file(layer, origin):
    """How many arrays a file has for a layer."""
    if origin.version == '1':
        return {'LSTM': 12, 'GRU': 9, 'ConvLSTM2D': 12}.get(kind_of(layer), len(layer.weights))
    return len(layer.weights)


def similar(shape, found):
    """Whether an array of one shape can become one of the other by a conversion: as many elements, or up to two biases of one."""
    sizes = sorted([int(np.prod(shape, dtype='int64')), int(np.prod(found, dtype='int64'))])
    return sizes[0] == sizes[1] or (len(shape) == len(found) == 1 and sizes[0] * 2 == sizes[1])


# -- Keras 1 -----------------------------------------------------------------------------------------------


def _age(function):
    def convert_old(layer, values, origin, notes):
        return function(layer, values) if origin.version == '1' else values

    return convert_old


@register('Conv1D')
@_age
def _old_conv1d(layer, values):
    kernel = values[0]
    if kernel.ndim == 4:
        length = layer.kernel_size[0]
        if kernel.shape[:2] != (length, 1) or kernel.shape[3] != layer.filters:
            kernel = kernel.transpose(2, 3, 1, 0)  # (filters, channels, length, 1), of Keras 1.1 and before
        kernel = kernel[:, 0]
    return [kernel] + values[1:]


@register('Conv2D', 'Conv3D')
@_age
def _old_conv(layer, values):
    if layer.data_format == 'channels_first':  # (filters, channels, ...)
        values[0] = np.moveaxis(values[0], (0, 1), (-1, -2))
    return values


@register('Conv2DTranspose')
@_age
def _old_transpose(layer, values):
    first, last = values[0].transpose(2, 3, 0, 1), values[0].transpose(0, 1, 3, 2)
    wanted = tuple(K.int_shape(layer.weights[0]))
    # Theano's layout may come with either data format
    values[0] = first if layer.data_format == 'channels_first' or last.shape != wanted == first.shape else last
    return values


def _gathered(values, order, arrays_a_gate=3):
    """Kernel, recurrent kernel and bias, each of all gates, from three arrays a gate; `order` has the gates in the order that they get."""
    return [np.concatenate([values[gate * arrays_a_gate + i] for gate in order], axis=-1) for i in range(arrays_a_gate)]


@register('LSTM', 'ConvLSTM2D')
@_age
def _old_lstm(layer, values):
    if len(values) == 12:
        values = _gathered(values, (0, 2, 1, 3))  # they were input, cell, forget, output
        if kind_of(layer) == 'ConvLSTM2D' and layer.data_format == 'channels_first':
            values[:2] = [kernel.transpose(2, 3, 1, 0) for kernel in values[:2]]
    return values


@register('GRU')
@_age
def _old_gru(layer, values):
    return _gathered(values, (0, 1, 2)) if len(values) == 9 else values


# -- backends ----------------------------------------------------------------------------------------------


def _flipping(layer):
    """How many of a layer's arrays, from the first, are kernels that true convolutions have flipped in files: Keras leaves those of Conv3DTranspose."""
    return 0 if kind_of(layer) == 'Conv3DTranspose' else getattr(layer, 'convolution_kernels', 0)


def _kernels(layer, values, origin):
    """Kernels of true convolutions become kernels of cross-correlations; those of other ranks, from before Keras 1.1, are turned."""
    # `reshape` may bring a Dense the kernel of a convolution, and a convolution that of a Dense, which is not flipped
    count = 1 if kind_of(layer) == 'Dense' else _flipping(layer)
    for i in range(min(count, len(values))):
        wanted = tuple(K.int_shape(layer.weights[i]))
        if values[i].shape != wanted and values[i].ndim == 4:
            # (filters, channels, rows, columns); that of a transpose is turned as Keras 2.3 does it
            turned = values[i].transpose((3, 2, 0, 1) if kind_of(layer) == 'Conv2DTranspose' else (2, 3, 1, 0))
            if turned.shape == wanted:
                values[i] = turned
        if origin.backend in _FLIPPED and values[i].ndim > 2:
            values[i] = convert_kernel(values[i])
    return values


def for_file(layer, values):
    """The arrays of a layer's weights as a file that names the active backend holds them."""
    count = _flipping(layer) if K.supports('flipped_kernels') else 0
    return [convert_kernel(value) if i < count else value for i, value in enumerate(values)]


# -- recurrent layers, plain and those of cuDNN ------------------------------------------------------------


@register('LSTM', 'CuDNNLSTM')
def _lstm(layer, values, origin, notes):
    if len(values) != 3:
        return values
    units, length = values[1].shape[0], values[2].shape
    if length not in ((4 * units,), (8 * units,)):
        raise ModelFileError(
            f'A bias of the shape {length} is neither that of a plain nor of a cuDNN LSTM with {units} units.'
        )
    from_cudnn, to_cudnn = length == (8 * units,), kind_of(layer) == 'CuDNNLSTM'
    return values if from_cudnn == to_cudnn else (cudnn_weights if to_cudnn else plain_weights)(values)


@register('GRU', 'CuDNNGRU')
def _gru(layer, values, origin, notes):
    if len(values) != 3:
        return values
    units, length = values[1].shape[0], values[2].shape
    forms = {(3 * units,): 'GRU(reset_after=False)', (2, 3 * units): 'GRU(reset_after=True)', (6 * units,): 'CuDNNGRU'}
    if length not in forms:
        raise ModelFileError(f'A bias of the shape {length} is not that of a GRU with {units} units.')
    found = forms[length]
    wanted = 'CuDNNGRU' if kind_of(layer) == 'CuDNNGRU' else f'GRU(reset_after={bool(layer.reset_after)})'
    if found == wanted:
        return values
    if 'GRU(reset_after=False)' in (found, wanted):
        raise ModelFileError(
            f'The saved weights are those of {found}, which computes something else than {wanted}. Make the layer as it was saved.'
        )
    return (cudnn_weights if wanted == 'CuDNNGRU' else plain_weights)(values)


# -- data formats ------------------------------------------------------------------------------------------


@register('Dense')
def _after_flatten(layer, values, origin, notes):
    """The rows of a Dense kernel that follows a Flatten stand in the order of the flattened axes; turn them where the file had another."""
    saved, own = notes.get('flattened'), flattened(layer)
    if saved is None or own is None or saved[0] == own[0] or not values or values[0].ndim != 2:
        return values
    kernel, sizes = values[0], own[1]  # the sizes with the channels last
    if sizes is None or int(np.prod(sizes, dtype='int64')) != kernel.shape[0]:
        return values
    if saved[0] == 'channels_first':
        kernel = np.moveaxis(kernel.reshape((sizes[-1],) + sizes[:-1] + (-1,)), 0, -2)
    else:
        kernel = np.moveaxis(kernel.reshape(sizes + (-1,)), -2, 0)
    return [np.ascontiguousarray(kernel).reshape(values[0].shape)] + values[1:]


@register('LocallyConnected2D', 'LocallyConnected1D')
def _local(layer, values, origin, notes):
    if origin.data_format in (None, 'mixed', getattr(layer, 'data_format', None)):
        return values
    raise ModelFileError(
        f'The weights of a locally connected layer were saved as {origin.data_format} and cannot be turned to {layer.data_format}, as they differ from place to place. Make the model with the '
        'data format of the file.'
    )
