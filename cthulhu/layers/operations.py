"""Operations between layers, `x * 2 + 1` for example, as files of tf.keras hold them: each a layer that calls a function of TensorFlow's by its name.

Here each of those functions is made of the backend's, so that such files load on all of them.
"""

import inspect

from cthulhu import activations
from cthulhu import backend as K
from cthulhu.callers import warn_once
from cthulhu.engine.base_layer import Layer
from cthulhu.layers.resampling import INTERPOLATIONS, resize
from cthulhu.storage import budget
from cthulhu.utils.generic_utils import is_all_none, to_list

__all__ = ['SlicingOpLambda', 'TFOpLambda']

_NOT_GIVEN = object()


class TFOpLambda(Layer):
    """A function of TensorFlow's, called on what layers made. Files of tf.keras have such layers where a program computed between layers.

    Arguments:
        function: str, the function's name without 'tf.', such as 'math.multiply' or 'nn.relu'.

    Called with the function's first argument, a tensor or a list of them, and its others by their names; `name` names nothing here.
    Where the first argument is no tensor, or a list with others in it, it is `first`, and the layer is called on any tensor that the function needs.

    Raises:
        ValueError: for a function that has no counterpart here.

    Example:
        >>> half = TFOpLambda('math.multiply')(Input((3,)), y=0.5)
        >>> K.int_shape(half)
        (None, 3)
    """

    def __init__(self, function, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(function, str) or plain_name(function) not in _FUNCTIONS:
            raise ValueError(
                f'{type(self).__name__}: TensorFlow\'s function {function!r} has no counterpart here. Load the file with `custom_objects={{"{type(self).__name__}": ...}}`, a layer '
                'of your own, or make the model without it: LuKthu takes a function of your own.'
            )
        self.function = function

    @classmethod
    def of_operation(cls, name, arguments):
        """(layer, first argument, dict of the others) for an operation as `K.origin` tells it; None for one without a name."""
        if plain_name(name) not in _FUNCTIONS:
            return None
        further = {key: value for key, value in arguments.items() if value is not None}
        first = further.pop(next(iter(arguments)))
        if name != '__operators__.getitem':
            return cls(name, name=_unique_name(name)), first, further
        return SlicingOpLambda(name=_unique_name(name)), first, {'slice_spec': _spec(further['slice_spec'])}

    def call(self, inputs, first=_NOT_GIVEN, name=None, **arguments):
        function, first = _FUNCTIONS[plain_name(self.function)], inputs if first is _NOT_GIVEN else first
        try:
            inspect.signature(function).bind(first, **arguments)
        except TypeError as error:
            raise TypeError(
                f'tf.{self.function} is called with its first argument and {sorted(arguments) or "no others"}: {error}. Layer "{self.name}" is an operation between layers: what it takes '
                'beside its input is given with each call, by the names that TensorFlow has, or comes with the model that it is part of.'
            ) from None
        return function(first, **arguments)

    def compute_output_shape(self, input_shape):
        """The shape that the operation gives for other inputs, with the further arguments of its first call."""
        if not self.inbound_nodes:
            raise NotImplementedError(
                f'The shape of what tf.{self.function} gives depends on what it is called with: call layer "{self.name}" on a tensor, and ask K.int_shape.'
            )
        node = self.inbound_nodes[0]
        shapes = input_shape if node.on_list else [input_shape]
        inputs = [K.placeholder(shape, dtype=K.dtype(x)) for shape, x in zip(shapes, node.input_tensors)]
        others = [K.placeholder(K.int_shape(x), dtype=K.dtype(x)) for x in node.keyword_tensors]
        found = self.call(node.as_called(inputs), **node.arguments_with(others))
        shapes = [K.int_shape(x) for x in to_list(found)]
        return shapes if isinstance(found, list) else shapes[0]

    def compute_mask(self, inputs, mask=None):
        """None: a mask ends at an operation, which is told once."""
        if not is_all_none(mask):
            warn_once(
                self,
                'mask',
                f'A mask ends at tf.{self.function}, an operation between layers ("{self.name}"): what follows counts all steps. Put the operation into a layer of your own that '
                'hands the mask on, or before what makes the mask.',
            )

    def _infer_shapes(self, input_shapes, outputs):
        """The backend knows them."""

    def get_config(self):
        return dict(super().get_config(), function=self.function)


class SlicingOpLambda(TFOpLambda):
    """A part of a tensor, `x[:, 1:3]` for example, in files of tf.keras.

    Called with a tensor and `slice_spec`: an int, a slice, `...` or None, or a list of those, one for each axis.
    """

    def __init__(self, function='__operators__.getitem', **kwargs):
        super().__init__(function, **kwargs)


def _unique_name(function):
    prefix = f'tf.{function}'
    number = K.get_uid(prefix)
    return prefix if number == 1 else f'{prefix}_{number - 1}'


def _spec(key):
    """The key of `x[key]` as files have it."""
    if isinstance(key, (list, tuple)):
        return [_spec(one) for one in key]
    if isinstance(key, slice):
        return {'start': key.start, 'stop': key.stop, 'step': key.step}
    return {'class_name': '__ellipsis__'} if key is Ellipsis else key


def plain_name(name):
    """The name of a function as TensorFlow 2 has it."""
    name = name[len('compat.v1.') :] if name.startswith('compat.v1.') else name
    return _SYNONYMS.get(name, name)


_SYNONYMS = {
    'math.add': '__operators__.add',
    'math.divide': 'math.truediv',
    'div': 'math.truediv',
    'math.floordiv': 'floor_div',
    'math.mod': 'math.floormod',
    'nn.swish': 'nn.silu',
    'nn.tanh': 'math.tanh',
    'nn.sigmoid': 'math.sigmoid',
    'math.softplus': 'nn.softplus',
    'nn.l2_normalize': 'math.l2_normalize',
    'linalg.l2_normalize': 'math.l2_normalize',
    'norm': 'linalg.norm',
    'matmul': 'linalg.matmul',
    'math.argmax': 'argmax',
    'math.argmin': 'argmin',
    'math.equal': '__operators__.eq',
    'math.not_equal': '__operators__.ne',
    'cumsum': 'math.cumsum',
}


# TensorFlow's functions, by their names, with its names of arguments.


def _own(name):
    """The backend's function of that name, whichever backend it is then."""
    return lambda *args, **kwargs: getattr(K, name)(*args, **kwargs)


def _binary(function):
    def call(x, y):
        # One of them may be a number, whose dtype is that of the other.
        return function(x, y) if K.is_tensor(x) or not K.is_tensor(y) else function(_beside(x, y), y)

    return call


def _beside(value, tensor):
    return K.constant(value, dtype=K.dtype(tensor))


def _alike(values):
    """Tensors, and numbers among them as tensors of their dtype."""
    tensor = next((x for x in values if K.is_tensor(x)), None)
    return values if tensor is None else [x if K.is_tensor(x) else _beside(x, tensor) for x in values]


def _reduction(function):
    def call(input_tensor, axis=None, keepdims=False):
        return function(input_tensor, axis=axis, keepdims=keepdims)

    return call


def _logit(function):
    return lambda logits, axis=None: function(logits, axis=-1 if axis is None else axis)


def _getitem(tensor, slice_spec):
    def part(spec):
        if isinstance(spec, dict):
            if spec.get('class_name') == '__ellipsis__':
                return Ellipsis
            return slice(*[spec.get(key) for key in ('start', 'stop', 'step')])
        return spec

    if isinstance(slice_spec, (list, tuple)):
        return tensor[tuple(part(spec) for spec in slice_spec)]
    return tensor[part(slice_spec)]


def _matmul(a, b, transpose_a=False, transpose_b=False):
    turned = [_last_two_swapped(x) if swap else x for x, swap in ((a, transpose_a), (b, transpose_b))]
    return K.matmul(*turned)


def _last_two_swapped(x):
    order = list(range(K.ndim(x)))
    return K.permute_dimensions(x, order[:-2] + [order[-1], order[-2]])


def _squeeze(input, axis=None):
    if axis is None or axis == []:
        axis = [place for place, length in enumerate(K.int_shape(input)) if length == 1]
    rank = K.ndim(input)
    for place in sorted({one % rank for one in to_list(axis)}, reverse=True):
        input = K.squeeze(input, place)
    return input


def _split(value, num_or_size_splits, axis=0):
    if isinstance(num_or_size_splits, int):
        budget.draw('calls', num_or_size_splits, 'Each of the parts of a tensor that is split')
        return K.split(value, num_or_size_splits, axis)
    axis = axis % K.ndim(value)
    sizes, length = list(num_or_size_splits), K.int_shape(value)[axis]
    budget.draw('calls', len(sizes), 'Each of the parts of a tensor that is split')
    sizes = [length - sum(sizes) - 1 if size == -1 else size for size in sizes]
    ends = [sum(sizes[: place + 1]) for place in range(len(sizes))]
    before = (slice(None),) * axis
    return [value[before + (slice(end - size, end),)] for size, end in zip(sizes, ends)]


def _unstack(value, num=None, axis=0):
    axis = axis % K.ndim(value)
    before = (slice(None),) * axis
    count = num or K.int_shape(value)[axis]
    budget.draw('calls', count, 'Each of the parts of a tensor that is unstacked')
    return [value[before + (place,)] for place in range(count)]


def _pad(tensor, paddings, mode='CONSTANT', constant_values=0):
    if mode.upper() != 'CONSTANT':
        raise ValueError(f'tf.pad: only mode="CONSTANT" has a counterpart here; got {mode!r}.')
    return K.pad(tensor, tuple(map(tuple, paddings)), constant_values)


def _gather(params, indices, axis=0, batch_dims=0, validate_indices=None):
    if batch_dims:
        raise ValueError(f'tf.gather: only batch_dims=0 has a counterpart here; got {batch_dims!r}.')
    if not K.is_tensor(indices):
        indices = K.constant(indices, dtype='int32')
    rank, added = K.ndim(params), K.ndim(indices)
    axis = (axis or 0) % rank
    if not axis:
        return K.gather(params, indices)
    order = list(range(rank))
    found = K.gather(K.permute_dimensions(params, [axis] + order[:axis] + order[axis + 1 :]), indices)
    places = list(range(added + rank - 1))
    return K.permute_dimensions(found, places[added : added + axis] + places[:added] + places[added + axis :])


def _one_hot(indices, depth, on_value=1.0, off_value=0.0, axis=-1, dtype=None):
    if axis not in (-1, K.ndim(indices)):
        raise ValueError(f'tf.one_hot: only axis=-1 has a counterpart here; got {axis!r}.')
    found = K.cast(K.one_hot(indices, depth), dtype or K.floatx())
    return found if (on_value, off_value) in ((1, 0), (None, None)) else found * (on_value - off_value) + off_value


def _where(condition, x, y):
    tensor = next((one for one in (x, y) if K.is_tensor(one)), None)
    if tensor is None:
        x = tensor = K.constant(x)
    return K.where(condition, *[one if K.is_tensor(one) else _beside(one, tensor) for one in (x, y)])


def _norm(tensor, ord='euclidean', axis=None, keepdims=False):
    if ord in (1, 1.0):
        return K.sum(K.abs(tensor), axis, keepdims)
    if ord not in ('euclidean', 2, 2.0) or isinstance(axis, (list, tuple)) and ord != 'euclidean':
        raise ValueError(f'tf.norm: only the Euclidean norm and ord=1 have counterparts here; got {ord!r}.')
    return K.sqrt(K.sum(K.square(tensor), axis, keepdims))


def _resized(images, size, method='bilinear', preserve_aspect_ratio=False, antialias=False):
    if method not in INTERPOLATIONS:
        raise ValueError(f'tf.image.resize: `method` is one of {", ".join(map(repr, INTERPOLATIONS))}; got {method!r}.')
    height, width = (size[0], size[1])
    if preserve_aspect_ratio:
        _, rows, columns, _ = K.int_shape(images)
        if None in (rows, columns) or K.is_tensor(height) or K.is_tensor(width):
            raise ValueError(
                'tf.image.resize: preserve_aspect_ratio=True has a counterpart here for images of a known size.'
            )
        scale = min(height / rows, width / columns)
        height, width = (int(round(scale * n)) for n in (rows, columns))
    return resize(images, height, width, method, antialias)


def _resized_from_corners(method):
    def call(images, size, align_corners=False, half_pixel_centers=False):
        if align_corners:
            raise ValueError(f'tf.image.resize_{method}: align_corners=True has no counterpart here.')
        return resize(images, size[0], size[1], method, corners=not half_pixel_centers)

    return call


def _added(inputs):
    total = inputs[0]
    for x in inputs[1:]:
        total = total + x
    return total


def _broadcast_to(input, shape):
    return input + K.zeros_like(K.fill(shape, 0.0, K.dtype(input)))


def _clipped(t, clip_value_min, clip_value_max):
    return K.clip(t, clip_value_min, clip_value_max)


def _index(function):
    def call(input, axis=0, output_type='int64'):
        return K.cast(function(input, 0 if axis is None else axis), _named(output_type))

    return call


def _named(dtype):
    """The name of a dtype, which some versions write as a description."""
    return dtype['config']['name'] if isinstance(dtype, dict) else dtype


def _of_x(function):
    return lambda x: function(x)  # TensorFlow's name of the argument


_FUNCTIONS = {
    '__operators__.add': _binary(lambda x, y: x + y),
    'math.subtract': _binary(lambda x, y: x - y),
    'math.multiply': _binary(lambda x, y: x * y),
    'math.truediv': _binary(lambda x, y: x / y),
    'floor_div': _binary(lambda x, y: x // y),
    'math.floormod': _binary(lambda x, y: x % y),
    'math.pow': _binary(lambda x, y: x**y),
    'math.squared_difference': _binary(lambda x, y: K.square(x - y)),
    'math.maximum': _binary(_own('maximum')),
    'math.minimum': _binary(_own('minimum')),
    '__operators__.eq': _binary(_own('equal')),
    '__operators__.ne': _binary(_own('not_equal')),
    'math.greater': _binary(_own('greater')),
    'math.greater_equal': _binary(_own('greater_equal')),
    'math.less': _binary(_own('less')),
    'math.less_equal': _binary(_own('less_equal')),
    'math.logical_and': _binary(_own('logical_and')),
    'math.logical_or': _binary(_own('logical_or')),
    'math.logical_not': _of_x(_own('logical_not')),
    '__operators__.getitem': _getitem,
    'math.add_n': _added,
    'math.abs': _of_x(_own('abs')),
    'math.negative': lambda x: -x,
    'math.square': _of_x(_own('square')),
    'math.sqrt': _of_x(_own('sqrt')),
    'math.rsqrt': lambda x: 1.0 / K.sqrt(x),
    'math.reciprocal': lambda x: 1.0 / x,
    'math.exp': _of_x(_own('exp')),
    'math.log': _of_x(_own('log')),
    'math.sin': _of_x(_own('sin')),
    'math.cos': _of_x(_own('cos')),
    'math.tanh': _of_x(_own('tanh')),
    'math.sigmoid': _of_x(_own('sigmoid')),
    'math.erf': _of_x(_own('erf')),
    'math.sign': _of_x(_own('sign')),
    'round': _of_x(_own('round')),
    'math.round': _of_x(_own('round')),
    'math.floor': _of_x(_own('floor')),
    'math.is_finite': lambda x: K.equal(x - x, 0.0),
    'math.is_nan': lambda x: K.not_equal(x, x),
    'math.ceil': lambda x: -K.floor(-x),
    'nn.relu': lambda features: K.relu(features),
    'nn.relu6': lambda features: K.relu(features, max_value=6.0),
    'nn.elu': lambda features: K.elu(features),
    'nn.selu': lambda features: activations.selu(features),
    'nn.silu': lambda features, beta=1.0: features * K.sigmoid(features if beta == 1 else beta * features),
    'nn.gelu': lambda features, approximate=False: activations.gelu(features, approximate=approximate),
    'nn.leaky_relu': lambda features, alpha=0.2: K.relu(features, alpha=alpha),
    'nn.softplus': lambda features: K.softplus(features),
    'nn.softsign': lambda features: K.softsign(features),
    'nn.softmax': _logit(_own('softmax')),
    'nn.log_softmax': _logit(_own('log_softmax')),
    'nn.bias_add': lambda value, bias: value + bias,
    'math.l2_normalize': lambda x, axis=None, epsilon=1e-12: (
        x / K.sqrt(K.maximum(K.sum(K.square(x), axis, keepdims=True), epsilon))
    ),
    'linalg.norm': _norm,
    'linalg.matmul': _matmul,
    'math.reduce_sum': _reduction(_own('sum')),
    'math.reduce_mean': _reduction(_own('mean')),
    'math.reduce_max': _reduction(_own('max')),
    'math.reduce_min': _reduction(_own('min')),
    'math.reduce_prod': _reduction(_own('prod')),
    'math.reduce_std': _reduction(_own('std')),
    'math.reduce_variance': _reduction(_own('var')),
    'math.reduce_logsumexp': _reduction(_own('logsumexp')),
    'math.reduce_any': _reduction(_own('any')),
    'math.reduce_all': _reduction(_own('all')),
    'math.cumsum': lambda x, axis=0: K.cumsum(x, axis),
    'math.cumprod': lambda x, axis=0: K.cumprod(x, axis),
    'argmax': _index(_own('argmax')),
    'argmin': _index(_own('argmin')),
    'cast': lambda x, dtype: K.cast(x, _named(dtype)),
    'identity': lambda input: K.identity(input),
    'stop_gradient': lambda input: K.stop_gradient(input),
    'ones_like': lambda input, dtype=None: K.ones_like(input, dtype=_named(dtype)),
    'zeros_like': lambda input, dtype=None: K.zeros_like(input, dtype=_named(dtype)),
    'clip_by_value': _clipped,
    'where': _where,
    'shape': lambda input, out_type='int32': K.cast(K.shape(input), _named(out_type)),
    'reshape': lambda tensor, shape: K.reshape(tensor, shape),
    'expand_dims': lambda input, axis: K.expand_dims(input, axis),
    'squeeze': _squeeze,
    'transpose': lambda a, perm=None, conjugate=False: K.permute_dimensions(
        a, list(range(K.ndim(a)))[::-1] if perm is None else perm
    ),
    'concat': lambda values, axis: K.concatenate(_alike(to_list(values)), axis=axis),
    'stack': lambda values, axis=0: K.stack(_alike(to_list(values)), axis=axis),
    'unstack': _unstack,
    'split': _split,
    'tile': lambda input, multiples: K.tile(input, multiples),
    'pad': _pad,
    'reverse': lambda tensor, axis: K.reverse(tensor, axis),
    'gather': _gather,
    'one_hot': _one_hot,
    'broadcast_to': _broadcast_to,
    'image.resize': _resized,
    'image.resize_bilinear': _resized_from_corners('bilinear'),
    'image.resize_nearest_neighbor': _resized_from_corners('nearest'),
}
