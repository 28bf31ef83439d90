"""`K.function`: one compilation for each learning phase it is called in, from arrays to arrays."""

import contextlib
import inspect
import sys
import threading

import numpy as np

from cthulhu.backend.composed import function
from cthulhu.backend.theano import graphs, tensors
from cthulhu.backend.theano.compiling import mode
from cthulhu.backend.theano.framework import SharedVariable, name, theano

# After so many seconds of compiling, it is said what is being waited for.
PATIENCE = 10.0

_OURS = 'inputs', 'outputs', 'updates', 'name'


class Function(function.Function):
    """Computes outputs from inputs, and new values of variables, and what reads those; in one function of the framework.

    Attributes:
        compiled: dict from the values of the learning phases that it was called with to (the framework's function, the number of steps that it
            is fed with after what it was called with: 1 if it draws, else 0).
    """

    takes = f'{theano.__name__}.function'
    arguments = tuple(n for n in inspect.signature(theano.function).parameters if n not in _OURS)

    def prepare(self, **arguments):
        self._arguments = arguments
        self.outputs = [self.backend._tensor(x) for x in self.outputs]
        self._pairs = [(variable, self.backend._matching(variable, value)) for variable, value, _ in self.updates]
        # They read new values, so they are computed from the expressions of those.
        self.after_updates = graphs.replaced([self.backend._tensor(x) for x in self.after_updates], dict(self._pairs))
        self._phases = [i for i, x in enumerate(self.inputs) if self.backend._is_phase(x)]
        self._fed = [i for i in range(len(self.inputs)) if i not in self._phases]
        self._lock = threading.RLock()
        self.compiled = {}

    def run(self, values):
        phases = tuple(bool(values[i].any()) for i in self._phases)
        if phases not in self.compiled:
            # Compiling, and making graphs, sets flags of the framework that all threads see: whether there is a compiler is one.
            with self.backend.graph_scope(), self._lock:
                if phases not in self.compiled:
                    self.compiled[phases] = self._compile(phases)
        with self._lock:
            run, steps = self.compiled[phases]
            now = self.backend.random_step()
            results = run(*[values[i] for i in self._fed] + [np.array([now], 'uint64')] * steps)
            self.backend.set_random_step(now + bool(steps))
            return results

    def _compile(self, phases):
        targets = self.outputs + self.after_updates + [value for _, value in self._pairs]
        fixed = {self.inputs[i]: value for i, value in zip(self._phases, phases)}
        # What is fed and is no placeholder gives way to one; so does what is fed twice.
        places, swaps = [], {}
        for x in (self.inputs[i] for i in self._fed):
            if x.owner is None and not isinstance(x, SharedVariable) and not hasattr(x, 'data') and x not in places:
                places.append(x)
            else:
                places.append(x.type())
                swaps.setdefault(x, tensors.copy_notes(x, places[-1]))
        targets = graphs.replaced(targets, swaps)
        targets = graphs.in_phase(self.backend, targets, fixed)
        steps = graphs.steps(targets)
        counted = [tensors.copy_notes(step, step.type()) for step in steps]
        targets = graphs.replaced(targets, dict(zip(steps, counted)))
        count = len(self.outputs) + len(self.after_updates)
        updates = list(zip([v for v, _ in self._pairs], targets[count:]))
        arguments = dict({'on_unused_input': 'ignore', 'mode': mode()}, **self._arguments)
        with _said_if_long(self.name):
            run = theano.function(
                places + counted, targets[:count], updates=updates, name=self.name.replace(' ', '_'), **arguments
            )
        return run, len(counted)


@contextlib.contextmanager
def _said_if_long(what):
    """On stderr it is said what is being compiled if that takes long."""
    text = (
        f'{name} is compiling {what!r}, since {PATIENCE:.0f} s. It does so once, and keeps the machine code for later runs in '
        f'{theano.config.compiledir}.\n'
    )
    timer = threading.Timer(PATIENCE, lambda: sys.stderr.write(text))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
