"""A plan, built as functions of the framework for feeds of certain shapes, and run.

What `K.gradients` gives is not part of the framework's graphs: it is what a backward pass over one leaves behind. So a program is
a row of stages. The first computes all that needs no gradient, and the gradients; the next takes those as inputs, and so on. The
leaves of a program are inputs of the framework without dynamic axes: what the plan is fed, its variables, random draws, and what
an earlier stage computed.
"""

import weakref

import numpy as np
import scipy.sparse

from cthulhu.backend import config
from cthulhu.backend.cntk.framework import (
    ALL_THREADS,
    DEVICE,
    STACK,
    C,
    array_of,
    constant,
    placeholder,
    use_threads,
    value_of,
    variable,
)
from cthulhu.backend.cntk.hosted import Hosted
from cthulhu.backend.cntk.tensors import Clock, Late, NeedsValues, Tensor, of_dtype
from cthulhu.backend.inference import dtypes

# So many operations are built on one another before new ones are built on placeholders, which are replaced in the end: the
# framework walks over all of a graph for each operation that is added to it.
_SEGMENT = 64
# So many programs of one function are kept, the last ones used.
_KEPT = 32
# Operations on so few elements, in the mean, are sooner done by one thread than divided.
_FEW_ELEMENTS = 2**14
# Integers from here on are not exact in float32.
_EXACT = 2**24


class _NeedsDouble(Exception):
    """A result is an integer that float32 may not hold exactly."""


class Compiled:
    """A plan as a function, for which a program is built for each set of shapes that it is fed."""

    def __init__(self, backend, plan):
        self._backend = backend
        self._plan = plan
        self._programs = {}
        self._by_value = False
        self._double = any(x.dtype in ('float64', 'complex128') for x in plan.symbols())

    def __call__(self, variables, feeds, clock):
        # One at a time: a function of the framework keeps what it computes.
        variables, feeds = (
            [x.toarray() if scipy.sparse.issparse(x) else x for x in values] for values in (variables, feeds)
        )
        with self._backend.lock:
            while True:
                try:
                    return self._program(variables, feeds).run(variables, feeds, clock)
                except NeedsValues:
                    # Lengths are among what is fed: a program is built for each of their values from now on.
                    if self._by_value:
                        raise
                    self._by_value = True
                except _NeedsDouble:
                    # Nothing was assigned yet.
                    self._double = True

    def _program(self, variables, feeds):
        plan = self._plan
        known = [
            self._is_known(x, value) for x, value in zip(plan.variables + plan.inputs, list(variables) + list(feeds))
        ]
        values = list(variables) + list(feeds)
        real = 'float64' if self._double or any(map(_is_wide, values)) else 'float32'
        key = real, config.floatx()
        key += tuple((x.shape, x.dtype.str, x.tobytes() if is_known else None) for x, is_known in zip(values, known))
        program = self._programs.pop(key, None)
        if program is None:
            program = Program(self._backend, plan, variables, feeds, known, real)
            if len(self._programs) >= _KEPT:
                del self._programs[next(iter(self._programs))]
        self._programs[key] = program
        return program

    def _is_known(self, symbol, value):
        """Whether a program is built for one value alone."""
        # The learning phase has a default, and chooses between branches.
        if not value.size or getattr(symbol, 'default', None) is not None:
            return True
        return self._by_value and not dtypes.is_float(symbol.dtype)


def _is_wide(value):
    return value.dtype.kind in 'iu' and value.dtype.itemsize > 2 and value.size and np.abs(value).max() >= _EXACT


class Program:
    """The stages of a plan, and what feeds them.

    Arguments:
        known: list of bool, for variables and feeds: whether the program is for that value alone.
        real: 'float32' or 'float64', the type of all its arrays: the framework takes but one.
    """

    def __init__(self, backend, plan, variables, feeds, known, real):
        self.backend = backend
        self.real = np.dtype(real)
        self.errors = []
        self._hosted = []
        weakref.finalize(self, _release, self._hosted).atexit = False
        self._memo = {}
        self._constants = {}
        self._segment, self._built, self._places, self._uses = 0, 0, {}, {}
        self._passes = []
        self._differentiated = {}
        self._inside = False
        differentiated = {id(x) for symbol in plan.symbols() if symbol.op == 'gradients' for x in symbol.args[0]}
        symbols, values = plan.variables + plan.inputs, list(variables) + list(feeds)
        leaves = []
        for place, (symbol, value, is_known) in enumerate(zip(symbols, values, known)):
            needs = id(symbol) in differentiated
            if is_known and not (needs and value.size):
                leaves.append(value)
            else:
                leaves.append(self.leaf(value.shape, symbol.dtype, _given(place), needs_gradient=needs))
        backend.building.append(self)
        try:
            found = plan(leaves[: len(variables)], leaves[len(variables) :], Clock(self))
        finally:
            backend.building.pop()
        self._outputs, self._new_values = (list(each) for each in found)
        self._finish()

    # Building.

    def leaf(self, shape, dtype, source, level=0, needs_gradient=False):
        """A Tensor that is fed what `source(run)` gives."""
        made = variable(tuple(shape), self.real.type, needs_gradient and dtypes.is_float(dtype))
        return Tensor(self, made, shape, dtype, level=level, source=source)

    def draw(self, shape, dtype, function):
        """A Tensor that is fed what `function(clock)` gives."""
        return self.leaf(shape, dtype, lambda run: function(run.clock))

    def once(self, key, make):
        """What `make()` gave for an equal key, or gives now: what is computed twice in a plan is built once."""
        key = tuple(self._frozen(one) for one in key)
        if key not in self._memo:
            self._memo[key] = make(), key
        return self._memo[key][0]

    def _frozen(self, value):
        if isinstance(value, np.ndarray):
            small = value.size <= _SEGMENT
            return value.dtype.str, value.shape, value.tobytes() if small else _Same(value)
        if isinstance(value, (list, tuple)):
            return type(value).__name__, tuple(self._frozen(one) for one in value)
        if isinstance(value, dict):
            return tuple(sorted((key, self._frozen(one)) for key, one in value.items()))
        if isinstance(value, slice):
            return 'slice', self._frozen((value.start, value.stop, value.step))
        if isinstance(value, Clock):
            return 'clock', value.offset
        # 1 and 1.0 and True are equal, and give different dtypes.
        return type(value), value if getattr(type(value), '__hash__', None) else _Same(value)

    def constant(self, value):
        """The framework's node of an array."""
        value = np.ascontiguousarray(np.asarray(value), self.real).reshape(np.shape(value))
        key = (value.shape, value.tobytes()) if value.size <= _SEGMENT else _Same(value)
        if key not in self._constants:
            self._constants[key] = constant(value, self.real.type)
        return self._constants[key]

    def node(self, x):
        """The framework's node of a Tensor or array, to build on."""
        if not isinstance(x, Tensor):
            return self.constant(x)
        if x.source is not None or x.segment == self._segment:
            return x.made
        if x not in self._places:
            self._places[x] = placeholder(x.shape, self.real.type)
        return self._places[x]

    def make(self, function, inputs, dtype, passes=True):
        """The Tensor of what a function of nodes makes of those of Tensors and arrays."""
        nodes = [self.node(x) for x in inputs]
        made = function(*nodes)
        tensors = [x for x in inputs if isinstance(x, Tensor)]
        result = Tensor(
            self, made, made.shape, dtype, tensors, passes and dtypes.is_float(dtype), segment=self._segment
        )
        used = [(self._places[x], x) for x in tensors if x in self._places]
        if used:
            self._uses[result] = used
        self._built += 1
        if self._built % _SEGMENT == 0:
            self._segment += 1
            self._places = {}
        return result

    def host(self, name, function, inputs, shape, dtype, gradient=None):
        """A Tensor computed in NumPy.

        Arguments:
            function: function of the arrays of `inputs`, Tensors, to an array of the shape and dtype.
            gradient: function (gradient of the result, result, *arrays) -> list of the inputs' gradients, or None.
        """
        passes = dtypes.is_float(dtype) and any(dtypes.is_float(x.dtype) for x in inputs)
        kinds = [x.dtype for x in inputs]

        def build(*nodes):
            # The framework does not find the values of inputs that such a function takes as they are.
            nodes = [C.reshape(node, node.shape) for node in nodes]
            made = Hosted(self.errors, self.real, name, nodes, kinds, function, gradient, shape, passes)
            self._hosted.append(made)
            return C.alias(C.user_function(made))

        return self.make(build, inputs, dtype, passes)

    def differentiate(self, function, values):
        """The derivatives of a scalar function by each of `values`: Tensors, and arrays of zeros."""
        if self._inside:
            raise self.backend.cannot(
                'gradients of gradients',
                'CNTK differentiates once only. Use K.stop_gradient, or the TensorFlow backend.',
            )
        leaves = [self._differentiable(x) for x in values]
        self._inside = True
        try:
            loss = function(*leaves)
        finally:
            self._inside = False
        reached = _reached(loss) if isinstance(loss, Tensor) else ()
        chosen = [x for x in leaves if x in reached and dtypes.is_float(x.dtype)]
        key = loss, tuple(chosen)
        if chosen and key not in self._differentiated:
            results = {x: self.leaf(x.shape, x.dtype, _not_left, level=loss.level + 1) for x in chosen}
            self._passes.append((loss, chosen, list(results.values())))
            self._differentiated[key] = results
        results = self._differentiated.get(key, {})
        return [results[x] if x in results else np.zeros(x.shape, x.dtype) for x in leaves]

    def _differentiable(self, x):
        """`x`, or a leaf of its value that the framework differentiates by."""
        if isinstance(x, Tensor) and x.source is not None and x.made.needs_gradient:
            return x
        if not isinstance(x, Tensor):
            return self.leaf(x.shape, dtypes.name(x.dtype), lambda run: x, needs_gradient=True)
        key = 'linked', x
        if key not in self._memo:
            if x.source is not None:
                made = self.leaf(x.shape, x.dtype, x.source, x.level, True)
            else:
                made = self.leaf(x.shape, x.dtype, lambda run: run.values[x], x.level + 1, True)
            self._memo[key] = made, x
        return self._memo[key][0]

    def _finish(self):
        results = self._outputs + self._new_values
        wanted = [x for x in results if isinstance(x, Tensor)]
        wanted += [x for late in results if isinstance(late, Late) for x in late.inputs]
        wanted += [x for made, x in self._memo.values() if isinstance(x, Tensor) and x.source is None]
        wanted = [x for x in wanted if x.source is None]
        levels = {}
        for x in dict.fromkeys(wanted):
            levels.setdefault(x.level, ([], []))[0].append(x)
        for one in self._passes:
            levels.setdefault(one[0].level, ([], []))[1].append(one)
        losses = [loss for loss, _, _ in self._passes if loss.source is None]
        nodes = self._stitched(list(dict.fromkeys(wanted + losses)))
        self._stages = []
        for level in sorted(levels):
            targets, passes = levels[level]
            for one in passes or [None]:
                self._stages.append(_Stage(nodes, targets, one))
                targets = []
        self._memo = self._constants = self._places = self._uses = self._differentiated = None

    def _stitched(self, targets):
        """Tensors -> the framework's variables, their placeholders replaced by what they stand for: all at once, as that is for good."""
        if not targets:
            return {}
        made = C.combine([x.made for x in targets])
        replacements, seen = {}, _needed(targets)
        for x in seen:
            replacements.update((place, target.made.output) for place, target in self._uses.get(x, ()))
        if replacements:
            made = made.replace_placeholders(replacements)
        # The function is kept: it holds its outputs.
        self._whole = made
        return dict(zip(targets, made.outputs))

    # Running.

    def run(self, variables, feeds, clock):
        """(outputs, new values): lists of arrays."""
        run = _Run(list(variables) + list(feeds), clock)
        for stage in self._stages:
            stage.run(self, run)
        return tuple([self._result(x, run) for x in each] for each in (self._outputs, self._new_values))

    def fed(self, leaf, run):
        """What a leaf is fed, as a value of the framework."""
        if leaf not in run.fed:
            array = np.ascontiguousarray(leaf.source(run), self.real).reshape(leaf.shape)
            # The framework reads the array's own memory.
            run.arrays.append(array)
            run.fed[leaf] = value_of(array)
        return run.fed[leaf]

    def ones(self, x, run):
        """Ones in the shape of a Tensor, as a value of the framework."""
        run.arrays.append(np.ones(x.shape, self.real))
        return value_of(run.arrays[-1])

    def _result(self, x, run):
        if isinstance(x, Late):
            return x.function(*[self._result(one, run) for one in x.inputs])
        if not isinstance(x, Tensor):
            return x
        # A copy of what is fed: the user may change it.
        value = np.array(array_of(self.fed(x, run))).reshape(x.shape) if x.source is not None else run.values[x]
        found = of_dtype(value, x.dtype)
        if self.real == 'float32' and _is_wide(found):
            raise _NeedsDouble()
        return found


class _Run:
    """One run: what is given, and what was computed so far."""

    def __init__(self, given, clock):
        self.given = given
        self.clock = clock
        self.values = {}
        self.fed = {}
        self.arrays = []


class _Stage:
    """One function of the framework: what it computes, and one backward pass over it."""

    def __init__(self, nodes, targets, backward):
        self.loss, self.at, self.results = backward or (None, [], [])
        computed = list(targets) + ([self.loss] if self.loss is not None and self.loss not in targets else [])
        self.computed = [x for x in computed if x.source is None]
        # A loss that is a leaf itself has a derivative of one.
        self.function, self.leaves = None, []
        if self.computed:
            self.function = C.combine([nodes[x] for x in self.computed])
            self.outputs = list(self.function.outputs)
            arguments = {x.uid for x in self.function.arguments}
            needed = _needed(self.computed)
            self.leaves = [x for x in needed if x.source is not None and x.made.uid in arguments]
            sizes = [x.size for x in needed if x.source is None]
            self.threads = 1 if np.mean(sizes) < _FEW_ELEMENTS else ALL_THREADS

    def run(self, program, run):
        if self.function is None:
            for x, result in zip(self.at, self.results):
                run.fed[result] = program.ones(x, run)
            return
        arguments = {x.made: program.fed(x, run) for x in self.leaves}
        root = self.outputs[self.computed.index(self.loss)] if self.loss is not None else None
        values = dict.fromkeys(self.outputs)
        use_threads(self.threads)
        try:
            # Below the framework's `forward` and `backward`, which look at every argument anew and copy what they are given.
            state = self.function._forward(arguments, values, DEVICE, set() if root is None else {root})
            for x, output in zip(self.computed, self.outputs):
                run.values[x] = array_of(values[output]).reshape(x.shape)
            if root is not None:
                found = dict.fromkeys(x.made for x in self.at)
                self.function._backward(state, {root: program.ones(self.loss, run)}, found)
                for x, result in zip(self.at, self.results):
                    run.fed[result] = found[x.made]
        except Exception as error:
            if not program.errors:
                raise RuntimeError(str(error).split(STACK)[0]) from error
        if program.errors:
            # What an operation in NumPy said first; the framework would only know that it failed.
            first = program.errors[0]
            del program.errors[:]
            raise first


def _release(hosted):
    for one in hosted:
        one.release()


def _not_left(run):
    raise AssertionError('a gradient was asked for before its backward pass')


def _given(place):
    return lambda run: run.given[place]


def _needed(targets):
    """The Tensors that some are computed from, themselves included."""
    seen, stack = set(), list(targets)
    while stack:
        x = stack.pop()
        if x not in seen:
            seen.add(x)
            stack.extend(x.inputs)
    return seen


def _reached(loss):
    """The Tensors that gradients of a loss pass to."""
    seen, stack = set(), [loss]
    while stack:
        x = stack.pop()
        if x not in seen:
            seen.add(x)
            if x.passes:
                stack.extend(x.inputs)
    return seen


class _Same:
    """A key that is equal to that of the same object only, which it keeps alive."""

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return isinstance(other, _Same) and self.value is other.value

    def __hash__(self):
        return id(self.value)
