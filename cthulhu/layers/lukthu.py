"""LuKthu: a function as a layer."""

import types

import numpy as np

from cthulhu import backend as K
from cthulhu.engine.base_layer import Layer
from cthulhu.saving import configuration
from cthulhu.storage import trust
from cthulhu.storage.errors import UnsafeFileError
from cthulhu.utils.generic_utils import (
    deserialize_cthulhu_object,
    func_dump,
    func_load,
    has_arg,
    to_list,
    unpack_singleton,
)

# Byte code in base64 -> (code, globals, name, keyword defaults) of the function that it was taken from.
_DUMPED = {}

# What a description may name: functions of the backend that make tensors of tensors, and do nothing else.
_TENSOR_FUNCTIONS = """
abs all any argmax argmin batch_flatten cast cast_to_floatx clip concatenate cos cumprod cumsum elu equal erf exp
expand_dims flatten floor greater greater_equal hard_sigmoid identity l2_normalize less less_equal log log_softmax
logical_and logical_not logical_or logsumexp max maximum mean min minimum not_equal ones_like permute_dimensions pow prod
relu repeat repeat_elements reshape resize_images resize_volumes reverse round sigmoid sign sin softmax softplus softsign
spatial_2d_padding spatial_3d_padding sqrt square squeeze stack std stop_gradient sum tanh temporal_padding tile transpose
var zeros_like
""".split()


class LuKthu(Layer):
    """Lambda: makes a layer of a function of tensors. For what has weights, write a layer class.

    Arguments:
        function: function of the input tensor (or the list of them), which returns a tensor or a list; it is given the
            mask if it takes an argument `mask`.
        output_shape: the shape of the output without the batch axis (a tuple, or a list of them for several outputs), or a
            function of the input shape. Needed only where the backend cannot tell.
        mask: function of (inputs, mask) which returns the mask of the output, or a mask tensor; None for no mask.
        arguments: dict of keyword arguments for `function`.

    Raises:
        TypeError: for a function that cannot be called, or an `output_shape` of another type.

    Example:
        >>> square = LuKthu(lambda x: x ** 2)
        >>> square.compute_output_shape((None, 3))
        (None, 3)
    """

    runs_code_of_users = True

    def __init__(self, function, output_shape=None, mask=None, arguments=None, **kwargs):
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(f'LuKthu: `function` is a function of tensors; got {function!r}.')
        if output_shape is not None and not callable(output_shape) and not isinstance(output_shape, (tuple, list)):
            raise TypeError(f'LuKthu: `output_shape` is a tuple, a list or a function; got {output_shape!r}.')
        self.function = function
        self.arguments = dict(arguments or {})
        self.mask = mask
        self.supports_masking = mask is not None
        self._output_shape = tuple(output_shape) if isinstance(output_shape, list) else output_shape
        self._inferred_shapes = {}

    @property
    def functions(self):
        """The functions that the layer was given, `function` first."""
        return [each for each in (self.function, self._output_shape, self.mask) if callable(each)]

    def call(self, inputs, mask=None):
        arguments = dict(self.arguments)
        if _takes_mask(self.function):
            arguments['mask'] = mask
        outputs = K.call_function(self.function, inputs, **arguments)
        self._inferred_shapes[_key([K.int_shape(x) for x in to_list(inputs)])] = _shapes_of(outputs)
        return outputs

    def compute_output_shape(self, input_shape):
        first = input_shape[0] if isinstance(input_shape, list) else input_shape
        given = self._output_shape
        if given is None:
            return self._inferred_shape(input_shape)
        if callable(given):
            given = given(input_shape)
            if not isinstance(given, (tuple, list)):
                raise ValueError(
                    f'LuKthu "{self.name}": the function `output_shape` must return a tuple or a list of tuples; got {given!r}.'
                )
            return [tuple(shape) for shape in given] if _several(given) else tuple(given)
        batch = tuple(first[:1])
        return [batch + tuple(shape) for shape in given] if _several(given) else batch + given

    def _inferred_shape(self, input_shape):
        several = isinstance(input_shape, list)
        shapes = [tuple(shape) for shape in input_shape] if several else [tuple(input_shape)]
        if _key(shapes) not in self._inferred_shapes:
            with K.name_scope(self.name):
                inputs = [K.placeholder(shape=shape, dtype=self.dtype) for shape in shapes]
                self.call(inputs if several else inputs[0])
        result = self._inferred_shapes[_key(shapes)]
        if any(shape is None for shape in result):
            raise ValueError(
                f'LuKthu "{self.name}": the shape of the output is not known to the backend. Give `output_shape`.'
            )
        return unpack_singleton(result)

    def compute_mask(self, inputs, mask=None):
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def get_config(self):
        function, function_type = dump_function(self.function)
        if callable(self._output_shape):
            output_shape, output_shape_type = dump_function(self._output_shape)
        else:
            output_shape, output_shape_type = self._output_shape, 'raw'
        config = super().get_config()
        config.update(
            function=function,
            function_type=function_type,
            output_shape=output_shape,
            output_shape_type=output_shape_type,
            arguments=self.arguments,
        )
        if callable(self.mask):
            # Keras forgets the mask; only a layer that has one has the entry.
            config['mask'] = dump_function(self.mask)[0]
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        config.pop('module', None)  # written by tf.keras
        config.pop('output_shape_module', None)
        if not isinstance(config.get('arguments') or {}, dict):
            raise ValueError(
                f'LuKthu: expected a dict as "arguments" in the configuration; got {config["arguments"]!r:.200}.'
            )
        config['function'] = load_function(
            config.get('function'), config.pop('function_type', 'function'), custom_objects
        )
        output_shape_type = config.pop('output_shape_type', 'raw')
        if output_shape_type != 'raw':
            config['output_shape'] = load_function(config['output_shape'], output_shape_type, custom_objects)
        mask = config.get('mask')
        if mask is not None:
            config['mask'] = load_function(mask, 'function' if isinstance(mask, str) else 'lambda', custom_objects)
        config['arguments'] = {
            name: np.array(value['value']) if isinstance(value, dict) and value.get('type') == 'ndarray' else value
            for name, value in (config.get('arguments') or {}).items()
        }
        return cls(**config)


def _takes_mask(function):
    try:
        return has_arg(function, 'mask')
    except ValueError:  # a function written in C, without a signature
        return False


def _several(shapes):
    """Whether a tuple holds shapes, and not sizes."""
    return bool(shapes) and all(isinstance(shape, (tuple, list)) for shape in shapes)


def _key(shapes):
    return tuple(None if shape is None else tuple(shape) for shape in shapes)


def _shapes_of(tensors):
    return [K.int_shape(x) for x in to_list(tensors, allow_tuple=True)]


def dump_function(function):
    """Describe a function: (byte code, defaults and closure, 'lambda') of a Python function, (name, 'function') of others.

    Raises:
        ValueError: if the function has neither code of its own nor a name.
    """
    if isinstance(function, types.FunctionType):
        dumped = func_dump(function)
        _DUMPED[dumped[0]] = (function.__code__, function.__globals__, function.__name__, function.__kwdefaults__)
        return dumped, 'lambda'
    if not hasattr(function, '__name__'):
        raise ValueError(
            f'LuKthu: {function!r} is neither a function nor named, and has no description. Wrap it in a function with `def`.'
        )
    return function.__name__, 'function'


def load_function(description, kind, custom_objects=None):
    """The function that `dump_function` described.

    Byte code is that of a function that was dumped in this process; from elsewhere it is taken only while a file is read that the
    caller trusts, and while one is read that is not trusted, not at all.

    Arguments:
        description: (byte code, defaults, closure) or a name.
        kind: 'lambda' or 'function'.
        custom_objects: dict, name -> function, beside the registered ones and those of the backend.

    Raises:
        ValueError: for byte code from elsewhere, or an unknown name.
    """
    if kind == 'function':
        known = {name: getattr(K, name) for name in _TENSOR_FUNCTIONS}
        return deserialize_cthulhu_object(
            description, known, custom_objects=custom_objects, printable_module_name='function of a LuKthu layer'
        )
    if kind != 'lambda':
        raise ValueError(f"LuKthu: a function is described as 'lambda' or 'function'; got {kind!r}.")
    whole = [description, None, None] if isinstance(description, str) else description
    if not isinstance(whole, (list, tuple)) or len(whole) != 3 or not isinstance(whole[0], str):
        raise ValueError(
            f'LuKthu: expected [byte code, defaults, closure] of a function in the configuration; got {description!r:.200}.'
        )
    code, defaults, closure = whole
    allowed = trust.code_allowed()
    if allowed and code not in _DUMPED:
        return func_load(code, defaults, closure, dict(configuration.lambda_globals(), **trust.code_objects()))
    if allowed is False or code not in _DUMPED:
        raise UnsafeFileError(
            'LuKthu: the description holds byte code from elsewhere, which is not run, as it could do anything. If it is your own, load it with '
            'safe_mode=False; or build the layer in Python, with the function in your own code.'
        )
    code, namespace, name, keyword_defaults = _DUMPED[code]
    defaults = None if defaults is None else tuple(defaults)
    closure = None if closure is None else tuple(_cell(value) for value in closure)
    function = types.FunctionType(code, namespace, name, defaults, closure)
    function.__kwdefaults__ = keyword_defaults
    return function


def _cell(value):
    return (lambda: value).__closure__[0]
