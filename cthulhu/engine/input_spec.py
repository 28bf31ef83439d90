"""What a layer accepts as its inputs, and the check of it."""

from cthulhu import backend as K
from cthulhu.backend import meta
from cthulhu.utils.foreign import library_of
from cthulhu.utils.generic_utils import to_list
from cthulhu.utils.reprs import short


class InputSpec:
    """The dtype, rank and dimensions that one input of a layer must have.

    A layer that sets `self.input_spec` to an InputSpec, or to a list with one for each input, gets its inputs checked at every call.

    Arguments:
        dtype: expected dtype, e.g. 'float32'; None accepts any.
        shape: tuple with the expected dimensions, None where any size will do. Implies `ndim`.
        ndim: expected rank.
        max_ndim, min_ndim: bounds of the rank.
        axes: dict, axis -> expected size of that axis (None accepts any).
    """

    def __init__(self, dtype=None, shape=None, ndim=None, max_ndim=None, min_ndim=None, axes=None):
        self.dtype = dtype
        self.shape = shape
        self.ndim = len(shape) if shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = axes or {}

    def __repr__(self):
        fields = ('dtype', 'shape', 'ndim', 'max_ndim', 'min_ndim', 'axes')
        return 'InputSpec({})'.format(', '.join(f'{f}={getattr(self, f)}' for f in fields if getattr(self, f)))

    def mismatch(self, x):
        """Say in what `x`, a tensor, differs from this specification: `(expected, found)`, or None if it fits."""
        shape = K.int_shape(x)
        if self.dtype is not None and K.dtype(x) != self.dtype:
            return f'dtype {self.dtype}', f'dtype {K.dtype(x)}'
        if shape is None:
            return None
        ndim, found = len(shape), f'shape {shape} (rank {len(shape)})'
        if self.ndim is not None and ndim != self.ndim:
            return f'rank {self.ndim}', found
        if self.max_ndim is not None and ndim > self.max_ndim:
            return f'rank {self.max_ndim} at most', found
        if self.min_ndim is not None and ndim < self.min_ndim:
            return f'rank {self.min_ndim} at least', found
        for axis, size in self.axes.items():
            axis = int(axis)
            if size is not None and not -ndim <= axis < ndim:
                return f'an axis {axis} of size {size}', found
            if size is not None and shape[axis] not in (size, None):
                return f'axis {axis} of size {size}', found
        for wanted, size in zip(self.shape or (), shape):
            if wanted is not None and size is not None and wanted != size:
                return f'shape {tuple(self.shape)}', found
        return None


def check_inputs(layer, inputs):
    """Raise ValueError where `inputs` (a tensor or a list) are not what `layer.input_spec` asks for."""
    inputs = to_list(inputs)
    for x in inputs:
        if not K.is_tensor(x):
            library = library_of(x)
            if library is not None:
                raise ValueError(
                    f'Layer "{layer.name}" was called with a tensor of {library} ({type(x).__name__}), which is no symbolic tensor of the {K.backend()} backend. Make '
                    'inputs with cthulhu.layers.Input; give values as NumPy arrays, to `predict` and `summon`.'
                )
            values = (
                'what the model makes of NumPy arrays, `model.predict(x)` computes.'
                if hasattr(layer, 'predict')
                else 'to feed NumPy arrays, build a Lump and call predict, or wrap them with backend.constant.'
            )
            raise ValueError(
                f'Layer "{layer.name}" was called with an input that is not a symbolic tensor: {short(x)} ({type(x).__name__}). Layers take tensors, such as the '
                f'result of Input(...) or of another layer; {values}'
            )
    if not layer.input_spec:
        return
    specs = to_list(layer.input_spec)
    if len(inputs) != len(specs):
        raise ValueError(
            f'Layer "{layer.name}" expects {len(specs)} input(s), but was called with {len(inputs)}, of the shapes {[K.int_shape(x) for x in inputs]}.'
        )
    for index, (spec, x) in enumerate(zip(specs, inputs)):
        difference = spec.mismatch(x) if spec is not None else None
        if difference:
            raise ValueError(
                'Input %s of layer "%s" (%s) does not fit: expected %s, found %s.%s'
                % ((index, layer.name, type(layer).__name__) + difference + (_advice(layer, x),))
            )


def _advice(layer, x):
    """What to do where a recurrent layer gets one vector a sample, or a layer for pictures such without an axis of channels."""
    shape = K.int_shape(x) or ()
    if len(shape) == 3 and getattr(layer, 'rank', None) == 2:
        last = getattr(layer, 'data_format', None) != 'channels_first'
        grey, how = (shape[1:] + (1,), 'x[..., None]') if last else ((1,) + shape[1:], 'x[:, None]')
        return (
            f' A picture has an axis of channels, too: `input_shape={grey}` for grey ones, and `{how}` gives them that.'
        )
    if not hasattr(layer, 'return_sequences') or len(K.int_shape(x) or ()) != 2:
        return ''
    maker = (meta.get_history(x) or (None,))[0]
    if hasattr(maker, 'return_sequences'):
        return f' Let "{maker.name}", below it, give all steps: `return_sequences=True`.'
    return ' A sample has the shape (steps, features): Reshape((steps, features)) makes it so.'
