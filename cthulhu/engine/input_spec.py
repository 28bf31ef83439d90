"""What a layer accepts as its inputs, and the check of it."""

from .. import backend as K
from ..utils.generic_utils import to_list


class InputSpec(object):
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
        return 'InputSpec(%s)' % ', '.join('%s=%s' % (f, getattr(self, f)) for f in fields if getattr(self, f))

    def mismatch(self, x):
        """Say in what `x`, a tensor, differs from this specification: `(expected, found)`, or None if it fits."""
        shape = K.int_shape(x)
        if self.dtype is not None and K.dtype(x) != self.dtype:
            return 'dtype %s' % self.dtype, 'dtype %s' % K.dtype(x)
        if shape is None:
            return None
        ndim, found = len(shape), 'shape %s (rank %d)' % (shape, len(shape))
        if self.ndim is not None and ndim != self.ndim:
            return 'rank %d' % self.ndim, found
        if self.max_ndim is not None and ndim > self.max_ndim:
            return 'rank %d at most' % self.max_ndim, found
        if self.min_ndim is not None and ndim < self.min_ndim:
            return 'rank %d at least' % self.min_ndim, found
        for axis, size in self.axes.items():
            axis = int(axis)
            if size is not None and not -ndim <= axis < ndim:
                return 'an axis %d of size %s' % (axis, size), found
            if size is not None and shape[axis] not in (size, None):
                return 'axis %d of size %s' % (axis, size), found
        for wanted, size in zip(self.shape or (), shape):
            if wanted is not None and size is not None and wanted != size:
                return 'shape %s' % (tuple(self.shape),), found
        return None


def check_inputs(layer, inputs):
    """Raise ValueError where `inputs` (a tensor or a list) are not what `layer.input_spec` asks for."""
    inputs = to_list(inputs)
    for x in inputs:
        if not K.is_tensor(x):
            raise ValueError(
                'Layer "%s" was called with an input that is not a symbolic tensor: %s of type %s. Layers take tensors, such as the '
                'result of Input(...) or of another layer; to feed NumPy arrays, build a Lump and call predict, or wrap them with '
                'backend.constant.' % (layer.name, repr(x)[:100], type(x).__name__)
            )
    if not layer.input_spec:
        return
    specs = to_list(layer.input_spec)
    if len(inputs) != len(specs):
        raise ValueError(
            'Layer "%s" expects %d input(s), but was called with %d: %s' % (layer.name, len(specs), len(inputs), inputs)
        )
    for index, (spec, x) in enumerate(zip(specs, inputs)):
        difference = spec.mismatch(x) if spec is not None else None
        if difference:
            raise ValueError(
                'Input %d of layer "%s" (%s) does not fit: expected %s, found %s.'
                % ((index, layer.name, type(layer).__name__) + difference)
            )
