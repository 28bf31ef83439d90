"""The framework's own functions, called with Symbols: recorded like our primitives, and run on tensors when the graph runs."""

import warnings

import numpy as np
import torch

from cthulhu.backend.deferred import Symbol, find_symbols, map_symbols
from cthulhu.backend.deferred.record import take
from cthulhu.backend.inference.rules import TRIAL_LENGTHS, Spec
from cthulhu.backend.torch.cuda_graphs import refuse
from cthulhu.backend.torch.framework import DTYPES, NAMES, Tensor, tensor
from cthulhu.backend.torch.primitive import replaced

#: The methods of tensors that Symbols have: those that make a new tensor or a view, under names that are no property of arrays.
METHODS = frozenset(
    'abs add addcmul all amax amin any argmax argmin argsort baddbmm bmm bool ceil chunk clamp clip clone contiguous cos cosh cross cummax cumprod cumsum '
    'cummin deg2rad detach diagonal diff dim div dot double einsum eq erf exp expand expand_as expm1 flatten flip float floor floor_divide fmod frac '
    'gather ge gt half index_select int isfinite isinf isnan kthvalue le lerp log log10 log1p log2 log_softmax logical_and logical_not logical_or '
    'logsumexp long lt masked_fill matmul max maximum mean median min minimum mm movedim mul mv narrow ne neg norm numel outer permute pow prod reciprocal '
    'relu remainder renorm repeat repeat_interleave reshape roll round rsqrt scatter select sigmoid sign sin sinh size softmax sort split sqrt square '
    'squeeze std sub sum swapaxes t take_along_dim tan tanh tensor_split tile to topk transpose tril triu true_divide trunc type_as unbind unflatten '
    'unfold unsqueeze var view view_as where'.split()
)


class TorchFunctions:
    def native_method(self, symbol, name):
        """A method of `torch.Tensor` of a Symbol, or None where Symbols do not have it."""
        function = getattr(Tensor, name, None) if name in METHODS else None
        return function and (lambda *args, **kwargs: self.record_native(function, (symbol,) + args, kwargs))

    def record_native(self, function, args, kwargs):
        """What `function(*args, **kwargs)`, of the framework and with Symbols among the arguments, will give.

        Arguments:
            function: what PyTorch was asked to call, such as `torch.sin`.
            args, kwargs: of the call.

        Returns:
            Symbols in place of tensors, in the tuples and lists that the function gives; what it gives beside them as it is.

        Raises:
            TypeError: it changes an argument, or gives what a Symbol cannot stand for.
            ValueError: it needs lengths that are not known.
        """
        name = getattr(function, '__name__', str(function))
        is_special = name.startswith('__')
        if (
            name.endswith('_')
            and not is_special
            or kwargs.get('inplace')
            or kwargs.get('out') is not None
            or name == '__setitem__'
        ):
            raise TypeError(
                f'{name}: it changes a tensor in place, and a symbolic tensor is what a formula gives. Use the function that gives a new one: without '
                '`_` at the end of its name, `inplace=True` or `out`.'
            )

        def compute(backend, *args, **kwargs):
            refuse(name)  # it may do anything
            return function(*_tensors(args), **_tensors(kwargs))

        # Not the name of a primitive, whose arguments are others.
        op = f'torch.{name}'
        first, second = [_tried(name, function, args, kwargs, length) for length in TRIAL_LENGTHS]
        spec = _agreed(name, first, second)
        if isinstance(spec, Spec):
            return Symbol(self, op, compute, args, kwargs, spec.shape, spec.dtype)
        whole = Symbol(self, op, compute, args, kwargs)

        def unpack(part, path):
            if isinstance(part, Spec):
                return Symbol(self, op + '_item', take, (whole, path), None, part.shape, part.dtype)
            if isinstance(part, (list, tuple)) and not isinstance(part, torch.Size):
                return type(part)([unpack(one, path + (index,)) for index, one in enumerate(part)])
            return part

        return unpack(spec, ())


def _tensors(value):
    """`value` with tensors in place of arrays, which Symbols without dimensions have on the host."""
    return map_symbols(tensor, value, np.ndarray)


def _tried(name, function, args, kwargs, length):
    """What the function gives for tensors of the Symbols' shapes, unknown lengths being `length`.

    Where it does not take that, they are what another Symbol of as many dimensions has there: targets, say, are like outputs.
    """
    symbols = find_symbols((args, kwargs))
    if any(symbol.shape is None for symbol in symbols):
        raise ValueError(
            f'{name}: the rank of its arguments must be known here. Give the placeholders a shape or an ndim.'
        )
    ways = [{id(symbol): [length if n is None else n for n in symbol.shape] for symbol in symbols}]
    ways.append({id(symbol): _like_others(symbol, symbols, length) for symbol in symbols})
    first = None
    for device in 'meta', 'cpu':  # what fails on the first is an error, or depends on values
        for way in ways if ways[0] != ways[1] else ways[:1]:
            try:
                return _run(function, args, kwargs, way, device)
            except (RuntimeError, NotImplementedError, ValueError) as error:
                if device == 'cpu':
                    first = first or error
    shapes = ', '.join(str(symbol.shape) for symbol in symbols)
    raise ValueError(
        f'{name}: of symbolic tensors of shapes {shapes}, unknown lengths taken for {length}: {first}'
    ) from first


def _like_others(symbol, symbols, length):
    known = [
        [n for n in lengths if n is not None] for lengths in zip(*[x.shape for x in symbols if x.ndim == symbol.ndim])
    ]
    return [n if n is not None else (others or [length])[0] for n, others in zip(symbol.shape, known)]


def _run(function, args, kwargs, shapes, device):
    def stand_in(symbol):
        return torch.zeros(shapes[id(symbol)], dtype=DTYPES[symbol.dtype], device=device)

    def moved(value):
        return replaced(map_symbols(stand_in, value), lambda one: one.detach().to(device))

    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return function(*moved(args), **moved(kwargs))


def _agreed(name, first, second):
    """The Specs of two trials' results: lengths in which they differ are not known."""
    if isinstance(first, Tensor):
        if first.dtype not in NAMES:
            raise TypeError(f'{name}: it gives {first.dtype}, which symbolic tensors cannot have.')
        if first.dim() != second.dim():
            return Spec(None, NAMES[first.dtype])
        # What cannot be tried without values has a shape that may depend on them.
        shape = tuple(a if a == b and first.is_meta else None for a, b in zip(first.shape, second.shape))
        return Spec(shape, NAMES[first.dtype])
    if isinstance(first, (list, tuple)) and not isinstance(first, torch.Size):
        if len(first) != len(second):
            raise ValueError(f'{name}: how many tensors it gives depends on a length that is not known.')
        return type(first)([_agreed(name, a, b) for a, b in zip(first, second)])
    if first != second:
        raise ValueError(
            f'{name}: what it gives depends on a length that is not known before the run. Use `K.shape(x)` in a function of `cthulhu.backend`, or -1 '
            'where PyTorch infers a length.'
        )
    return first
