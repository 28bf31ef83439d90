"""Variables whose arrays are the framework's memory too: what one side writes, the other reads."""

import numpy as np

from cthulhu.backend.cntk.framework import held, value_of
from cthulhu.backend.deferred import symbol
from cthulhu.backend.inference import dtypes


class Variable(symbol.Variable):
    """A variable that keeps its array, `value`, for as long as it lives. Whoever writes to it holds the backend's lock."""

    def __init__(self, backend, value, name, constraint):
        value = np.array(value, order='C')
        super().__init__(backend, value, value.shape, dtypes.name(value.dtype), name, constraint)
        self._nodes = {}
        self._target = None

    def node(self, differentiated):
        """The framework's variable of that value; it takes no gradient where none is asked for, so that none is computed."""
        if differentiated not in self._nodes:
            self._nodes[differentiated] = held(self.value, differentiated)
        return self._nodes[differentiated]

    @property
    def target(self):
        """A value of the framework, for it to write the new value of the variable into."""
        if self._target is None:
            self._target = value_of(self.value)
        return self._target

    def write(self, value):
        """Take the values of an array, which may be the variable's own, written by the framework."""
        if value is not self.value:
            self.value[...] = value
            self.note_change()

    def note_change(self):
        """Tell the framework, which computes again what depends on a change only."""
        for node in self._nodes.values():
            node.record_value_update()
