"""A plan, built as functions of the framework for feeds of certain shapes, and run.

What `K.gradients` gives is not part of the framework's graphs: it is what a backward pass over one leaves behind. So a program is
a row of stages. The first computes all that needs no gradient, and the gradients; the next takes those as inputs, and so on. The
leaves of a program are inputs of the framework without dynamic axes: what the plan is fed, random draws, what an earlier stage
computed; and variables. Those of the program's own type are the framework's too, on the same memory (variable.py): the last stage
writes their new values into it, once all is computed. Others are fed, and assigned after the run.
"""

import operator
import weakref

import numpy as np
import scipy.sparse

from cthulhu.backend import config
from cthulhu.backend.cntk.framework import (
    C,
    array_of,
    constant,
    placeholder,
    shape_of,
    value_of,
    variable,
)
from cthulhu.backend.cntk.hosted import Hosted
from cthulhu.backend.cntk.keys import frozen
from cthulhu.backend.cntk.stage import Run, Stage, needed
from cthulhu.backend.cntk.tensors import Clock, Late, NeedsValues, Tensor, of_dtype
from cthulhu.backend.inference import dtypes

# So many operations are built on one another before new ones are built on placeholders, which are replaced in the end: the
# framework walks over all of a graph for each operation that is added to it.
_SEGMENT = 64
# So many programs of one function are kept, the last ones used.
_KEPT = 32
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
        # Whose values a program may depend on, beside those that are fed.
        self._whole = [place for place, x in enumerate(plan.variables) if not dtypes.is_float(x.dtype)]

    def __call__(self, variables, feeds, clock):
        feeds = [x.toarray() if scipy.sparse.issparse(x) else x for x in feeds]
        # One at a time: a function of the framework keeps what it computes.
        # Where NumPy computes, numbers overflow as silently as in the framework.
        with self._backend.lock, np.errstate(all='ignore'):
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
        real, floatx = 'float64' if self._double else 'float32', config.floatx()
        asked = [variables[place] for place in self._whole] + feeds
        if any(map(_is_wide, asked)):
            real = 'float64'
        symbols = [self._plan.variables[place] for place in self._whole] + self._plan.inputs
        key = [real, floatx]
        for symbol, value in zip(symbols, asked):
            key.append((value.shape, value.dtype.str, value.tobytes() if self._is_known(symbol, value) else None))
        key = tuple(key)
        program = self._programs.pop(key, None)
        if program is None:
            program = Program(self._backend, self._plan, variables, feeds, self._is_known, real)
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
        is_known: function (Symbol, array) -> bool, for variables and feeds: whether the program is for that value alone.
        real: 'float32' or 'float64', the type of all its arrays: the framework takes but one.
    """

    def __init__(self, backend, plan, variables, feeds, is_known, real):
        self.backend = backend
        self.real = np.dtype(real)
        self.errors = []
        self._hosted = []
        self._failing = set()
        weakref.finalize(self, _release, self._hosted).atexit = False
        self._memo = {}
        self._constants = {}
        self._segment, self._built, self._places, self._uses = 0, 0, {}, {}
        self._passes = []
        self._differentiated = {}
        # Leaf -> (leaf of which it is rows, function (gradient of the rows, Run) -> the gradient of that leaf, an array).
        self._taken = {}
        self._ones = {}
        self._inside = False
        differentiated = {id(x) for symbol in plan.symbols() if symbol.op == 'gradients' for x in symbol.args[0]}
        leaves = []
        # What is given now, for the shape of what NumPy computes of it.
        self.sample = Run(list(variables) + list(feeds), None)
        for place, (symbol, value) in enumerate(zip(plan.variables + plan.inputs, list(variables) + list(feeds))):
            needs = id(symbol) in differentiated
            if is_known(symbol, value) and not (needs and value.size):
                leaves.append(np.array(value))
            elif place < len(variables) and self._is_own(symbol):
                leaves.append(Tensor(self, symbol.node(needs), value.shape, symbol.dtype, source=_copied(place)))
                setattr(leaves[-1], 'held' if needs else 'early', _given(place))
            else:
                given = _given(place)
                leaves.append(self.leaf(value.shape, symbol.dtype, given, 0, needs, early=None if needs else given))
        backend.building.append(self)
        try:
            found = plan(leaves[: len(variables)], leaves[len(variables) :], Clock(self))
        finally:
            backend.building.pop()
        self._outputs, self._new_values = (list(each) for each in found)
        self._finish(plan.updated)

    # Building.

    def _is_own(self, variable):
        """Whether the framework computes on the memory of a variable."""
        return variable.dtype == self.real.name

    def leaf(self, shape, dtype, source, level=0, needs_gradient=False, early=None):
        """A Tensor that is fed what `source(run)` gives."""
        # Much of what is known early is needed for other numbers only, never by the framework.
        made = None if early else variable(tuple(shape), self.real.type, needs_gradient and dtypes.is_float(dtype))
        result = Tensor(self, made, shape, dtype, level=level, source=source)
        result.early = early
        return result

    def draw(self, shape, dtype, function):
        """A Tensor that is fed what `function(clock)` gives."""
        return self.leaf(shape, dtype, lambda run: function(run.clock))

    def once(self, key, make):
        """What `make()` gave for an equal key, or gives now: what is computed twice in a plan is built once."""
        key = frozen(key)
        if key not in self._memo:
            self._memo[key] = make(), key
        return self._memo[key][0]

    def constant(self, value):
        """The framework's node of an array."""
        value = np.ascontiguousarray(np.asarray(value), self.real).reshape(np.shape(value))
        key = frozen(value)
        if key not in self._constants:
            self._constants[key] = constant(value, self.real.type)
        return self._constants[key]

    def node(self, x):
        """The framework's node of a Tensor or array, to build on."""
        if not isinstance(x, Tensor):
            return self.constant(x)
        if x.made is None:
            x.made = variable(x.shape, self.real.type)
        if x.source is not None or x.segment == self._segment:
            return x.made
        if x not in self._places:
            self._places[x] = placeholder(x.shape, self.real.type)
        return self._places[x]

    def make(self, function, inputs, dtype, passes=True, shape=None):
        """The Tensor of what a function of nodes makes of those of Tensors and arrays."""
        made = function(*[self.node(x) for x in inputs])
        tensors = [x for x in inputs if isinstance(x, Tensor)]
        passes = passes and dtypes.is_float(dtype)
        result = Tensor(
            self, made, shape_of(made) if shape is None else shape, dtype, tensors, passes, segment=self._segment
        )
        if self._places:
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
        if all(x.early is not None for x in inputs):

            def compute(run):
                return np.asarray(function(*[self.early(x, run) for x in inputs]), dtype)

            return self.leaf(shape, dtype, compute, max([x.level for x in inputs] or [0]), early=compute)
        passes = dtypes.is_float(dtype) and any(dtypes.is_float(x.dtype) for x in inputs)
        kinds = [x.dtype for x in inputs]

        def build(*nodes):
            # The framework does not find the values of inputs that such a function takes as they are.
            nodes = [C.reshape(node, node.shape) for node in nodes]
            made = Hosted(self.errors, self.real, name, nodes, kinds, function, gradient, shape, passes)
            self._hosted.append(made)
            return C.alias(C.user_function(made))

        result = self.make(build, inputs, dtype, passes)
        self._failing.add(result)
        return result

    def rows(self, x, indices, take, put):
        """A leaf of rows of a leaf that is differentiated by: chosen before the framework runs, which then neither copies all nor has a gradient of all.

        Arguments:
            indices: Tensor that is computed early, or array.
            take: function (backend, array, indices) -> rows.
            put: function (gradient of the rows, indices, shape) -> gradient.
        """

        def chosen(run):
            return self.early(indices, run) if isinstance(indices, Tensor) else indices

        read = x.held or x.source
        shape = tuple(indices.shape) + x.shape[1:]
        result = self.leaf(
            shape,
            x.dtype,
            lambda run: take(self.backend, read(run), chosen(run)),
            max(x.level, getattr(indices, 'level', 0)),
            x.made.needs_gradient,
        )
        result.inputs, result.passes = (x,), True
        self._taken[result] = x, lambda gradient, run: put(gradient, chosen(run), x.shape)
        return result

    def differentiate(self, function, values, found):
        """The derivatives of a scalar function, which gave `found`, by each of `values`: Tensors, and arrays of zeros."""
        if self._inside:
            raise self.backend.cannot(
                'gradients of gradients',
                'CNTK differentiates once only. Use K.stop_gradient, or the TensorFlow backend.',
            )
        leaves = [self._differentiable(x) for x in values]
        if isinstance(found, Tensor) and not found.level and all(map(operator.is_, leaves, values)):
            loss = found
        else:
            loss = self._computed(function, leaves)
        reached = _reached(loss) if isinstance(loss, Tensor) else ()
        chosen = [x for x in leaves if x in reached and dtypes.is_float(x.dtype)]
        key = loss, tuple(chosen)
        if chosen and key not in self._differentiated:
            self._differentiated[key] = self._derivatives(loss, chosen, reached)
        results = self._differentiated.get(key, {})
        return [results[x] if x in results else np.zeros(x.shape, x.dtype) for x in leaves]

    def _derivatives(self, loss, chosen, reached):
        """Dict, leaf -> Tensor of the derivative by it, of a backward pass over the loss."""
        level = loss.level + 1
        taken = [x for x in self._taken if x in reached and self._taken[x][0] in chosen]
        # All of a leaf, where that is used beside its rows.
        whole = {loss}.union(*[x.inputs for x in reached if x not in self._taken])
        at = list(dict.fromkeys([x for x in chosen if x in whole] + taken))
        results = {x: self._gradient(x, level) for x in at}
        self._passes.append((loss, at, list(results.values())))
        for x in taken:
            of, put = self._taken[x]
            part = self.leaf(
                of.shape,
                of.dtype,
                lambda run, gradient=results[x], put=put: put(array_of(self.fed(gradient, run)), run),
                level,
            )
            results[of] = part if of not in results else type(self.backend).add.compute(self.backend, results[of], part)
        return {x: results[x] for x in chosen}

    def _gradient(self, x, level):
        """A leaf for the derivative by `x`."""
        result = self.leaf(x.shape, x.dtype, _not_left, level=level)
        result.held = lambda run: array_of(run.fed[result]).reshape(result.shape)
        self.sample.early[result] = np.broadcast_to(np.ones((), x.dtype), x.shape)
        return result

    def _computed(self, function, leaves):
        self._inside = True
        try:
            return function(*leaves)
        finally:
            self._inside = False

    def _differentiable(self, x):
        """`x`, or a leaf of its value that the framework differentiates by."""
        if isinstance(x, Tensor) and x.source is not None and x.made is not None and x.made.needs_gradient:
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

    def _finish(self, updated):
        for x, own in zip(self._new_values, updated):
            if not isinstance(x, Late) and tuple(x.shape) != own.shape:
                raise ValueError(
                    f'updates: the new value of variable {own.name!r} has shape {tuple(x.shape)}; expected {own.shape}.'
                )
        results = self._outputs + self._new_values
        given = [x for x in results if isinstance(x, Tensor)]
        given += [x for late in results if isinstance(late, Late) for x in late.inputs]
        wanted = given + [x for made, x in self._memo.values() if isinstance(x, Tensor)]
        wanted = list(dict.fromkeys(x for x in wanted if x.source is None))
        levels = {}
        for x in wanted:
            levels.setdefault(x.level, ([], []))[0].append(x)
        for one in self._passes:
            levels.setdefault(one[0].level, ([], []))[1].append(one)
        losses = [loss for loss, _, _ in self._passes if loss.source is None]
        nodes = self._stitched(list(dict.fromkeys(wanted + losses)))
        self._stages = []
        for level in sorted(levels):
            targets, passes = levels[level]
            for one in passes or [None]:
                self._stages.append(Stage(nodes, targets, one))
                targets = []
        last = self._stages[-1] if self._stages else None
        # What the last stage may overwrite, or what may be refused, is looked at before, unless it is made of what that stage leaves.
        self._early = [x for x in dict.fromkeys(given) if last is None or not last.gives(x) and x.level <= max(levels)]
        if last is not None and self._cannot_fail(last, results):
            last.write({x: v for x, v in zip(self._new_values, updated) if self._is_written(last, x, v)})
        for name in '_memo _constants _places _uses _differentiated _failing _taken sample'.split():
            setattr(self, name, None)

    def _cannot_fail(self, stage, results):
        """Whether all is known to be right once a stage has run."""
        if stage.loss is not None or any(isinstance(x, Late) for x in results):
            return False
        return not any(x in self._failing for x in stage.needed) and not any(
            np.dtype(x.dtype).kind in 'iu' for x in stage.computed
        )

    def _is_written(self, stage, x, variable):
        if not isinstance(x, Tensor) or x not in stage.computed or any(x is one for one in self._outputs):
            return False
        return x.dtype == variable.dtype and self._is_own(variable)

    def _stitched(self, targets):
        """Tensors -> the framework's variables, their placeholders replaced by what they stand for: all at once, as that is for good."""
        if not targets:
            return {}
        made = C.combine([x.made for x in targets])
        replacements, seen = {}, needed(targets)
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
        run = Run(list(variables) + list(feeds), clock)
        for stage in self._stages[:-1]:
            stage.run(self, run)
        for x in self._early:
            run.results[x] = self._array(x, run)
        for stage in self._stages[-1:]:
            stage.run(self, run)
        return tuple([self._result(x, run) for x in each] for each in (self._outputs, self._new_values))

    def early(self, x, run):
        """The array of what is computed in NumPy, before the framework runs or between its passes."""
        if x not in run.early:
            run.early[x] = np.asarray((x.early or x.held)(run))
        return run.early[x]

    def fed(self, leaf, run):
        """What a leaf is fed, as a value of the framework."""
        if leaf not in run.fed:
            array = leaf.source(run) if leaf.early is None else self.early(leaf, run)
            if self.real == 'float32' and _is_wide(array):
                raise _NeedsDouble()
            array = np.ascontiguousarray(array, self.real).reshape(leaf.shape)
            # The framework reads the array's own memory.
            run.arrays.append(array)
            run.fed[leaf] = value_of(array)
        return run.fed[leaf]

    def ones(self, x):
        """Ones in the shape of a Tensor, as a value of the framework."""
        if x.shape not in self._ones:
            array = np.ones(x.shape, self.real)
            self._ones[x.shape] = value_of(array), array
        return self._ones[x.shape][0]

    def _result(self, x, run):
        if isinstance(x, Late):
            return x.function(*[self._result(one, run) for one in x.inputs])
        if not isinstance(x, Tensor):
            return x
        if x not in run.results:
            run.results[x] = self._array(x, run)
        return run.results[x]

    def _array(self, x, run):
        # A copy of what is fed: the user may change it.
        if x.early is not None and x.source is not None:
            return np.array(self.early(x, run), x.dtype)
        value = np.array(array_of(self.fed(x, run))).reshape(x.shape) if x.source is not None else run.values[x]
        found = of_dtype(value, x.dtype)
        if self.real == 'float32' and _is_wide(found):
            raise _NeedsDouble()
        return found


def _release(hosted):
    for one in hosted:
        one.release()


def _not_left(run):
    raise AssertionError('a gradient was asked for before its backward pass')


def _given(place):
    return lambda run: run.given[place]


def _copied(place):
    """As a variable's own array may be written to."""
    return lambda run: run.given[place].copy()


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
