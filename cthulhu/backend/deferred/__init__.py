"""A small symbolic graph for frameworks that compute at once.

`Symbol(op, args, kwargs, shape, dtype)` is recorded when a primitive is called with a Symbol; `Deferred` gives a backend its
placeholders, variables, functions, loops and counted randomness. The framework's own operations are the backend's methods,
marked `@recorded`: nothing here knows them.
"""

from cthulhu.backend.deferred.record import logits_behind, recorded, recorded_always, recorded_pair
from cthulhu.backend.deferred.run import Deferred
from cthulhu.backend.deferred.symbol import Constant, Placeholder, Symbol, Variable, find_symbols, map_symbols, toposort

__all__ = [
    'Constant',
    'Deferred',
    'Placeholder',
    'Symbol',
    'Variable',
    'find_symbols',
    'logits_behind',
    'map_symbols',
    'recorded',
    'recorded_always',
    'recorded_pair',
    'toposort',
]
