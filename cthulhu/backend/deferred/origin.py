"""Which operation made a Symbol, in the names that files have for operations between layers."""

import inspect

from cthulhu.backend import meta
from cthulhu.backend.deferred.symbol import Constant, Symbol
from cthulhu.backend.inference.symbolic import map_symbols, toposort

_PAIRS = {
    'add': '__operators__.add',
    'subtract': 'math.subtract',
    'multiply': 'math.multiply',
    'divide': 'math.truediv',
    'floor_divide': 'floor_div',
    'mod': 'math.floormod',
    'maximum': 'math.maximum',
    'minimum': 'math.minimum',
    'equal': '__operators__.eq',
    'not_equal': '__operators__.ne',
    'greater': 'math.greater',
    'greater_equal': 'math.greater_equal',
    'less': 'math.less',
    'less_equal': 'math.less_equal',
    'logical_and': 'math.logical_and',
    'logical_or': 'math.logical_or',
}
_OF_X = {
    name: f'math.{name}'
    for name in 'abs negative square sqrt exp log sin cos tanh sigmoid erf sign round floor logical_not cumsum cumprod'.split()
}
# TensorFlow's name -> its names of arguments in the place of the contract's.
_OTHERS = {
    'pow': ('math.pow', {'x': 'x', 'a': 'y'}),
    'softplus': ('nn.softplus', {'x': 'features'}),
    'relu': ('nn.relu', {'x': 'features'}),
    '_rectified': ('nn.leaky_relu', {'x': 'features'}),
    'elu': ('nn.elu', {'x': 'features'}),
    'softmax': ('nn.softmax', {'x': 'logits'}),
    'log_softmax': ('nn.log_softmax', {'x': 'logits'}),
    'sum': ('math.reduce_sum', {'x': 'input_tensor'}),
    'mean': ('math.reduce_mean', {'x': 'input_tensor'}),
    'max': ('math.reduce_max', {'x': 'input_tensor'}),
    'min': ('math.reduce_min', {'x': 'input_tensor'}),
    'prod': ('math.reduce_prod', {'x': 'input_tensor'}),
    'var': ('math.reduce_variance', {'x': 'input_tensor'}),
    'any': ('math.reduce_any', {'x': 'input_tensor'}),
    'all': ('math.reduce_all', {'x': 'input_tensor'}),
    'argmax': ('argmax', {'x': 'input'}),
    'argmin': ('argmin', {'x': 'input'}),
    'matmul': ('linalg.matmul', {'x': 'a', 'y': 'b'}),
    '_cast': ('cast', {}),
    'where': ('where', {}),
    'shape': ('shape', {'x': 'input'}),
    'reshape': ('reshape', {'x': 'tensor'}),
    'expand_dims': ('expand_dims', {'x': 'input'}),
    'squeeze': ('squeeze', {'x': 'input'}),
    'permute_dimensions': ('transpose', {'x': 'a', 'pattern': 'perm'}),
    'concatenate': ('concat', {'tensors': 'values'}),
    'stack': ('stack', {'x': 'values'}),
    'pad': ('pad', {'x': 'tensor', 'value': 'constant_values'}),
    'one_hot': ('one_hot', {'num_classes': 'depth'}),
    'tile': ('tile', {'x': 'input', 'n': 'multiples'}),
    'reverse': ('reverse', {'x': 'tensor', 'axes': 'axis'}),
    'gather': ('gather', {'reference': 'params'}),
    'ones_like': ('ones_like', {'x': 'input'}),
    'zeros_like': ('zeros_like', {'x': 'input'}),
    'identity': ('identity', {'x': 'input'}),
    'stop_gradient': ('stop_gradient', {'variables': 'input'}),
    'getitem': ('__operators__.getitem', {'x': 'tensor', 'key': 'slice_spec'}),
}


def _is_fixed(symbol):
    """Whether a Symbol is computed of constants alone."""
    below = toposort([symbol], lambda x: x.inputs if meta.get_history(x) is None else ())
    return all(x.inputs and meta.get_history(x) is None or isinstance(x, Constant) for x in below)


def origin(backend, x):
    """(name, arguments by their names), of the operation that made a Symbol; None for a leaf."""
    if not isinstance(x, Symbol) or not x.inputs:
        return None
    if x.op == '_split_item':
        (whole, (index,)) = x.args
        of, _, axis, size = whole.args
        part = (slice(None),) * axis + (slice(index * size, (index + 1) * size),)
        return '__operators__.getitem', {'tensor': of, 'slice_spec': part}
    if x.op == 'to_dense' and not x.inputs[0].sparse:
        return 'identity', {'input': x.inputs[0]}
    name, renamed = _PAIRS.get(x.op) or _OF_X.get(x.op), {}
    if name is None and x.op in _OTHERS:
        name, renamed = _OTHERS[x.op]
    if x.op == 'dot' and len(x.args[1].shape or ()) == 2:
        name, renamed = _OTHERS['matmul']
    if name is None:
        return f'the operation {x.op!r}', {str(place): each for place, each in enumerate(x.inputs)}

    def constant(symbol):
        return backend.eval(symbol) if _is_fixed(symbol) else symbol

    def plain(value):
        if isinstance(value, (list, tuple)):
            return type(value)([plain(one) for one in value])
        is_array = hasattr(value, 'shape') and hasattr(value, 'dtype') and not isinstance(value, Symbol)
        return backend.to_numpy(value) if is_array else value

    bound = inspect.signature(x.compute).bind(backend, *x.args, **x.kwargs)
    bound.apply_defaults()
    found = list(bound.arguments.items())[1:]
    arguments = {renamed.get(key, key): plain(map_symbols(constant, value)) for key, value in found}
    arguments.pop('name', None)
    return name, arguments
