"""`K.function`: one compilation for each learning phase it is called in, from arrays to arrays."""

import inspect
import sys
import threading

import numpy as np
import scipy.sparse

from cthulhu.backend import meta
from cthulhu.backend.theano import graphs, tensors
from cthulhu.backend.theano.compiling import mode
from cthulhu.backend.theano.framework import SharedVariable, Variable, name, theano

# After so many seconds of compiling, it is said what is being waited for.
PATIENCE = 10.0

_OURS = 'inputs', 'outputs', 'updates', 'name'
_ARGUMENTS = tuple(n for n in inspect.signature(theano.function).parameters if n not in _OURS)


class Function:
    """Computes outputs from inputs, and new values of variables, and what reads those; in one function of the framework.

    Attributes:
        inputs, outputs: lists of tensors.
        compiled: dict from the values of the learning phases that it was called with to the framework's functions.
    """

    def __init__(self, backend, inputs, outputs, updates, after_updates, name, **arguments):
        if not isinstance(inputs, (list, tuple)):
            raise TypeError(f'inputs: expected a list or tuple of tensors, got {inputs!r}.')
        check_arguments(arguments)
        self._backend = backend
        self._arguments = arguments
        self.name = name or 'function'
        self.inputs = list(inputs)
        for position, x in enumerate(self.inputs):
            if not isinstance(x, Variable):
                raise TypeError(
                    f'{self.name}: inputs: expected tensors, got {x!r} at position {position}. Give a K.placeholder(), '
                    'an Input() or a result computed from them.'
                )
        single = not isinstance(outputs, (list, tuple))
        self.outputs = [backend._tensor(x) for x in ([outputs] if single else outputs)]
        self._single = single and not after_updates
        self._updates = [(v, backend._matching(v, value)) for v, value in _pairs(updates or ())]
        seen = set()
        for variable, _ in self._updates:
            if variable in seen:
                raise ValueError(
                    f'updates: the variable {variable.name!r} is updated twice, and only one new value can be kept. '
                    f'Put both changes into one update.'
                )
            seen.add(variable)
        # They read new values, so they are computed from the expressions of those.
        self.after_updates = graphs.replaced(
            [backend._tensor(x) for x in after_updates or ()], {v: value for v, value in self._updates}
        )
        self._phases = [i for i, x in enumerate(self.inputs) if backend._is_phase(x)]
        self._feeds = [_Feed(x, self.name) for i, x in enumerate(self.inputs) if i not in self._phases]
        self._lock = threading.RLock()
        self.compiled = {}

    def __call__(self, *inputs):
        if len(inputs) == 1 and isinstance(inputs[0], (list, tuple)):
            inputs = inputs[0]
        if len(inputs) != len(self.inputs):
            names = ', '.join(str(x) for x in self.inputs)
            raise ValueError(f'{self.name}: expected {len(self.inputs)} inputs ({names}), got {len(inputs)}.')
        phases = tuple(bool(np.asarray(inputs[i]).any()) for i in self._phases)
        rest = [x for i, x in enumerate(inputs) if i not in self._phases]
        values = [feed.array(self._backend, x) for feed, x in zip(self._feeds, rest)]
        with self._lock:
            run = self.compiled.get(phases)
            if run is None:
                run = self.compiled[phases] = self._compile(phases)
            results = run(*values)
        return results[0] if self._single else results

    def _compile(self, phases):
        targets = self.outputs + self.after_updates + [value for _, value in self._updates]
        fixed = {self.inputs[i]: value for i, value in zip(self._phases, phases)}
        # What is fed and is no placeholder gives way to one; so does what is fed twice.
        places, swaps = [], {}
        for feed in self._feeds:
            x = feed.tensor
            if x.owner is None and not isinstance(x, SharedVariable) and not hasattr(x, 'data') and x not in places:
                places.append(x)
            else:
                places.append(x.type())
                swaps.setdefault(x, tensors.copy_notes(x, places[-1]))
        targets = graphs.replaced(targets, swaps)
        targets = graphs.in_phase(self._backend, targets, fixed)
        count = len(self.outputs) + len(self.after_updates)
        updates = list(zip([v for v, _ in self._updates], targets[count:]))
        for step in graphs.roots(targets):
            if getattr(step, '_cthulhu_step', False):
                updates.append((step, step + np.uint64(1)))
        arguments = dict({'on_unused_input': 'ignore', 'mode': mode()}, **self._arguments)
        with _said_if_long(self.name):
            return theano.function(
                places, targets[:count], updates=updates, name=self.name.replace(' ', '_'), **arguments
            )


def check_arguments(arguments):
    """Refuse keyword arguments that the framework's `function` does not take."""
    unknown = sorted(set(arguments) - set(_ARGUMENTS))
    if unknown:
        raise ValueError(
            f'function: {", ".join(map(repr, unknown))}: no such argument of {theano.__name__}.function. {name} takes '
            f'{", ".join(map(repr, _ARGUMENTS))}.'
        )


class _said_if_long:
    """A context that says on stderr what is being compiled if that takes long."""

    def __init__(self, what):
        self._timer = threading.Timer(PATIENCE, self._say, [what])
        self._timer.daemon = True

    def _say(self, what):
        sys.stderr.write(
            f'{name} is compiling {what!r}, since {PATIENCE:.0f} s. It does so once, and keeps the machine code for '
            f'later runs in {theano.config.compiledir}.\n'
        )

    def __enter__(self):
        self._timer.start()

    def __exit__(self, *error):
        self._timer.cancel()


class _Feed:
    """How the values of one input are made into arrays of its dtype and checked."""

    def __init__(self, tensor, function):
        self.tensor = tensor
        self.what = f'{function}: input {str(tensor)!r}'
        self.sparse = tensors.is_sparse(tensor)
        self.dtype = np.dtype(tensor.dtype)
        shape = tensors.shape_of(tensor)
        noted = meta.get_shape(tensor) or shape
        self.shape = tuple(n if k is None else k for k, n in zip(shape, noted))

    def array(self, backend, value):
        if value is None:
            raise ValueError(f'{self.what}: expected an array, got None.')
        if isinstance(value, Variable):
            value = backend.eval(value)
        if self.sparse:
            value = scipy.sparse.csr_matrix(value, dtype=self.dtype)
        else:
            value = np.asarray(value.toarray() if scipy.sparse.issparse(value) else value, dtype=self.dtype)
        if len(value.shape) != len(self.shape) or any(
            m is not None and m != n for m, n in zip(self.shape, value.shape)
        ):
            raise ValueError(f'{self.what} has shape {self.shape}, got an array of shape {value.shape}.')
        return value


def _pairs(updates):
    """(variable, value) of Updates, pairs and mappings in nested lists; None is skipped."""
    if hasattr(updates, 'items'):
        updates = list(updates.items())
    for update in updates:
        if update is None:
            continue
        is_pair = isinstance(update, tuple) and len(update) == 2 and isinstance(update[0], Variable)
        if isinstance(update, (list, tuple)) and not is_pair or hasattr(update, 'items'):
            yield from _pairs(update)
            continue
        try:
            variable, value = update
        except (TypeError, ValueError):
            variable = None
        if not isinstance(variable, SharedVariable):
            raise TypeError(f'updates: expected K.update(...) or a pair (variable, new value), got {update!r}.')
        yield variable, value
