"""Composed: what a framework without sessions and name scopes has all the same. Its backend mixes this in."""

import contextlib

import numpy as np

from cthulhu.backend import config
from cthulhu.backend.composed.counted import CountedDraws, Stack
from cthulhu.backend.inference import dtypes
from cthulhu.backend.meta import Update


class Sessionless(CountedDraws):
    """Names, refusals of what needs a session. The backend adds `_evaluate` (tensor), a run that counts."""

    def __init__(self):
        super().__init__()
        self._scopes = Stack()
        self._names = {}

    def cannot(self, operation, advice):
        """The error for what this backend does not do."""
        return NotImplementedError(f'{operation} is not available on the {self.name} backend. {advice}')

    def clear_session(self):
        super().clear_session()
        self._names.clear()

    def get_session(self):
        raise self.cannot('get_session', 'It has no sessions: use `K.function` and `K.eval`.')

    def set_session(self, session):
        raise self.cannot('set_session', 'It has no sessions; leave the call out.')

    def manual_variable_initialization(self, value):
        if value:
            raise self.cannot(
                'manual_variable_initialization(True)', 'Variables have their value from the start: use `K.set_value`.'
            )

    @contextlib.contextmanager
    def control_dependencies(self, control_inputs):
        # Functions order their updates themselves.
        yield

    def graph_scope(self, name=None):
        return self._scopes.holding(name)

    def _unique(self, name):
        name = '/'.join(filter(None, self._scopes.items + [name]))
        count = self._names[name] = self._names.get(name, -1) + 1
        return f'{name}_{count}' if count else name

    def _constant_array(self, value, dtype, shape):
        """The array of `constant`'s arguments."""
        value = np.array(value, dtypes.name(dtype or config.floatx()))
        if shape is None:
            return value
        whole = value.size == int(np.prod(shape, dtype=int))
        return value.reshape(shape) if whole else np.array(np.broadcast_to(value, tuple(shape)))

    def eval(self, x):
        if isinstance(x, Update):
            self.function([], [], updates=[x])([])
            x = x.variable
        return self._evaluate(x) if self.is_tensor(x) else np.asarray(x)
