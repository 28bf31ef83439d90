"""Composed: what a framework without sessions and name scopes has all the same. Its backend mixes this in."""

import contextlib

import numpy as np

from cthulhu.backend import config
from cthulhu.backend.inference import dtypes
from cthulhu.backend.meta import Update


class Sessionless:
    """Names, loops that random draws know of, draws that are functions of their keys, refusals of what needs a session.

    The backend adds `draw_uniform`, `draw_normal` and `draw_truncated` (shape, low, high or mean, stddev, dtype, seed, keys): pure
    functions of the seed and the list `keys`, scalar tensors; and `_evaluate` (tensor), a run that counts.
    """

    def __init__(self):
        super().__init__()
        self._scopes = []
        self._loop_times = []
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
        return _appended(self._scopes, name)

    def _unique(self, name):
        name = '/'.join(self._scopes + [name])
        count = self._names[name] = self._names.get(name, -1) + 1
        return f'{name}_{count}' if count else name

    def _inside_loop(self, time):
        """A context manager: random operations made inside depend on `time`, the loop's step."""
        return _appended(self._loop_times, time)

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

    # Random draws are counted: functions of the seed, of the runs since the operation was made, and of a loop's step.

    def random_uniform(self, shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
        return self.draw_uniform(shape, minval, maxval, *self._drawing(dtype, seed))

    def random_normal(self, shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
        return self.draw_normal(shape, mean, stddev, *self._drawing(dtype, seed))

    def truncated_normal(self, shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
        return self.draw_truncated(shape, mean, stddev, *self._drawing(dtype, seed))

    def _drawing(self, dtype, seed):
        seed = int(np.random.randint(10e6) if seed is None else seed)
        return dtypes.name(dtype or config.floatx()), seed, self._keys() + self._loop_times

    def _keys(self):
        """What beside the seed and the loops' steps draws depend on: list of scalar tensors."""
        return []


@contextlib.contextmanager
def _appended(stack, item):
    if item is None:
        yield
        return
    stack.append(item)
    try:
        yield
    finally:
        stack.pop()
