"""`Backend`: the abstract primitives of `contract` and the functions that `composed` builds from them, joined."""

import inspect

from cthulhu.backend import composed, contract
from cthulhu.backend.contract.math import Math
from cthulhu.backend.contract.nn import NN
from cthulhu.backend.contract.random import Random
from cthulhu.backend.contract.run import Run
from cthulhu.backend.contract.shape import Shape


class Backend(
    composed.Run,
    composed.Math,
    composed.Shape,
    composed.NN,
    composed.Random,
    composed.RNN,
    composed.Ranks,
    Run,
    Math,
    Shape,
    NN,
    Random,
):
    """Every function of `cthulhu.backend`, as methods of one object; the state of the library on one framework.

    Attributes:
        name: str, what `K.backend()` returns.

    Raises:
        TypeError: when a subclass that lacks a primitive is made. `class Partial(Backend, partial=True)` may lack some.
    """

    name = None

    def __init_subclass__(cls, partial=False, **kwargs):
        super().__init_subclass__(**kwargs)
        lacks = sorted(n for n in dir(cls) if getattr(getattr(cls, n, None), '__isabstractmethod__', False))
        if lacks and not partial:
            raise TypeError(
                f'{cls.__name__} ({cls.name or cls.__module__}) is not a complete backend. It lacks {len(lacks)} '
                f'functions: {", ".join(lacks)}. cthulhu/backend/contract says what each does.'
            )
        cls._inherit_docstrings()

    @classmethod
    def _inherit_docstrings(cls):
        # `help(K.abs)` finds them anyway; `K.abs.__doc__` and documentation tools do not.
        for base in cls.__mro__:
            for name, function in vars(base).items():
                if inspect.isfunction(function) and not function.__doc__ and not name.startswith('_'):
                    docs = (vars(b)[name].__doc__ for b in cls.__mro__ if name in vars(b))
                    function.__doc__ = next(filter(None, docs), None)
                if inspect.isfunction(function) and function.__name__ not in vars(base):
                    # made by a function that makes methods: configurations and error messages go by the name
                    function.__name__ = name
                    function.__qualname__ = f'{base.__qualname__}.{name}'

    def __repr__(self):
        return f'<{type(self).__name__} {self.name!r}>'


# Backends of other people import it from there, and the contract is below what joins it.
contract.Backend = Backend
