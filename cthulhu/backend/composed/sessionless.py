"""Composed: what a framework without sessions and name scopes has all the same. Its backend mixes this in."""

import contextlib
import threading

import numpy as np
import scipy.sparse

from cthulhu.backend import config, meta
from cthulhu.backend.composed.counted import CountedDraws, Stack
from cthulhu.backend.inference import dtypes
from cthulhu.backend.meta import Update


class Sessionless(CountedDraws):
    """Names, making tensors, refusals of what needs a session.

    The backend adds `new_placeholder` (shape, dtype, sparse, name), `new_variable` (array, name, constraint) and `new_constant`
    (array or SciPy matrix, name), whose dtypes are those of the arrays; `_value` (tensor), a run that does not count, and
    `_evaluate` (tensor), one that does.
    """

    def __init__(self):
        super().__init__()
        self._building = threading.RLock()
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

    @contextlib.contextmanager
    def graph_scope(self, name=None):
        with self._building, self._scopes.holding(name):
            yield

    def _unique(self, name):
        name = '/'.join(filter(None, self._scopes.items + [name]))
        count = self._names[name] = self._names.get(name, -1) + 1
        return f'{name}_{count}' if count else name

    # What is made of arguments that are argued here.

    def placeholder(self, shape=None, ndim=None, dtype=None, sparse=False, name=None):
        if shape is None and ndim is not None:
            shape = (None,) * ndim
        if shape is None and not self.supports('unknown_rank'):
            raise ValueError(
                f'placeholder: the {self.name} backend must know the rank of a tensor when it is made. Give shape=(None, ...) or '
                'ndim.'
            )
        if sparse and not self.supports('sparse'):
            raise ValueError(f'sparse=True: the {self.name} backend has no sparse tensors. Use a dense placeholder.')
        if shape is not None:
            shape = tuple(None if n is None else int(n) for n in shape)
        name = self._unique(name or 'placeholder')
        return meta.begin(self.new_placeholder(shape, dtypes.name(dtype or config.floatx()), sparse, name), shape)

    def variable(self, value, dtype=None, name=None, constraint=None):
        dtype = dtypes.name(dtype or config.floatx())
        if self.is_tensor(value):
            # Not a run that is counted: making variables does not change what random operations draw later.
            value = self._value(value)
        if scipy.sparse.issparse(value):
            return self.new_constant(value.astype(dtype), self._unique(name or 'constant'))
        value = np.array(value, dtype)
        # Weights carry TensorFlow's ':0' in the files that Keras writes, so they do here.
        return meta.begin(self.new_variable(value, self._unique(name or 'variable') + ':0', constraint), value.shape)

    def constant(self, value, dtype=None, shape=None, name=None):
        dtype = dtypes.name(dtype or config.floatx())
        if self.is_tensor(value):
            return self.cast(value, dtype)
        value = np.array(value, dtype)
        if shape is not None:
            whole = value.size == int(np.prod(shape, dtype=int))
            value = value.reshape(shape) if whole else np.array(np.broadcast_to(value, tuple(shape)))
        return self.new_constant(value, self._unique(name or 'constant'))

    def eval(self, x):
        if isinstance(x, Update):
            self.function([], [], updates=[x])([])
            x = x.variable
        return self._evaluate(x) if self.is_tensor(x) else np.asarray(x)
