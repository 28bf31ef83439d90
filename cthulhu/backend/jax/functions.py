"""Functions of the user's that call JAX's own: its functions refuse Symbols, so they are called with arrays when the function runs."""

import jax

from cthulhu.backend.deferred import Symbol, find_symbols, map_symbols
from cthulhu.backend.deferred.record import take
from cthulhu.backend.inference import dtypes
from cthulhu.backend.inference.rules import TRIAL_LENGTHS
from cthulhu.backend.jax.device import exact
from cthulhu.backend.jax.primitive import array


def record(backend, function, args, kwargs, error):
    """The Symbols of what a function will give; `error`, what it raised for Symbols, is raised where JAX does not take its arrays either.

    Their shapes come from trying it twice, with two lengths for those that are not known.
    """
    symbols = list({id(symbol): symbol for symbol in find_symbols((args, kwargs))}.values())
    if any(symbol.shape is None or symbol.sparse for symbol in symbols):
        raise error

    # Its own numbers and arrays have the types that they have in the rest of the program.
    wide = jax.config.jax_enable_x64 or any(symbol.dtype in ('float64', 'int64', 'uint64') for symbol in symbols)

    def compute(backend, values):
        given = {id(symbol): array(value) for symbol, value in zip(symbols, values)}
        found_args, found_kwargs = map_symbols(lambda symbol: given[id(symbol)], (args, kwargs))
        with jax.enable_x64(wide):
            result = function(*found_args, **found_kwargs)
        return list(map(array, result)) if isinstance(result, (list, tuple)) else array(result)

    name = getattr(function, '__name__', 'function')
    try:
        first, second = [_tried(backend, compute, symbols, length) for length in TRIAL_LENGTHS]
    except (TypeError, ValueError, AttributeError) as reason:
        if 'ymbol' not in str(error):
            raise error
        told = TypeError(
            f'{name}: it takes neither symbolic tensors ({str(error).splitlines()[0]}) nor arrays of JAX ({str(reason).splitlines()[0]}).'
        )
        told.explained = True  # it needs no more words
        raise told from error
    whole = Symbol(backend, f'jax.{name}', compute, (symbols,))
    if not isinstance(first, list):
        whole.shape, whole.dtype = _known(first, second), dtypes.name(first.dtype)
        return whole
    return [
        Symbol(backend, f'jax.{name}_item', take, (whole, (place,)), None, _known(one, other), dtypes.name(one.dtype))
        for place, (one, other) in enumerate(zip(first, second))
    ]


def _tried(backend, compute, symbols, length):
    known = {}
    for symbol in symbols:
        for axis, n in enumerate(symbol.shape):
            if n is not None:
                known.setdefault((len(symbol.shape), axis), set()).add(n)

    def tried(rank, axis):
        # Targets may be of any length, as far as is known: they have that of the predictions.
        only = known.get((rank, axis), ())
        return next(iter(only)) if len(only) == 1 and axis else length

    shapes = [tuple([tried(len(x.shape), axis) if n is None else n for axis, n in enumerate(x.shape)]) for x in symbols]
    like = [jax.ShapeDtypeStruct(shape, symbol.dtype) for shape, symbol in zip(shapes, symbols)]
    with exact():
        return jax.eval_shape(lambda *values: compute(backend, values), *like)


def _known(first, second):
    return tuple([a if a == b else None for a, b in zip(first.shape, second.shape)])
