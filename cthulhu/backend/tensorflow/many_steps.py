"""Many calls of a `K.function` as one: a loop over its steps, in the graph, that XLA compiles.

The operations of one step are copied into the body of the loop (`_Part`). What the steps have in common, such as the learning phase, is
a constant there, and the branches that it rules out are left out. Only graphs of operations that are known to give compiled what they
give step by step (`_KNOWN`) are copied. XLA does not tell of an index that is out of range, so the indices of all steps are looked at
first, and the loop ends before the step that has a wrong one: called by itself, that step says what is wrong.
"""

import timeit

import numpy as np
import tensorflow as tf

from cthulhu.backend.tensorflow.draws import DRAWS
from cthulhu.backend.tensorflow.function import Function, prepared_run
from cthulhu.backend.tensorflow.graph import ancestors, building, entered

v1 = tf.compat.v1

_KNOWN = frozenset(
    """
    Abs Acos Acosh Add AddN AddV2 All Any ArgMax ArgMin Asin Asinh AssignAddVariableOp AssignSubVariableOp AssignVariableOp Atan Atan2
    Atanh BatchMatMul BatchMatMulV2 BiasAdd BiasAddGrad BitwiseAnd BroadcastGradientArgs BroadcastTo Cast Ceil Concat ConcatOffset ConcatV2 Const Cos Cosh Cumprod
    Cumsum DeepCopy Diag DynamicStitch DiagPart Elu EluGrad Equal Erf Erfc Exp ExpandDims Expm1 Fill Floor Gather GatherV2 Greater GreaterEqual Identity
    IdentityN Inv InvGrad InvertPermutation IsFinite IsInf IsNan L2Loss LeakyRelu LeakyReluGrad Less LessEqual Log Log1p LogSoftmax LogicalAnd LogicalNot
    LogicalOr MatMul MatrixDiagV3 Max Maximum Mean Min Minimum Mul MulNoNan Neg NoOp NotEqual OneHot OnesLike Pack Placeholder
    PlaceholderWithDefault PreventGradient Prod Range Rank ReadVariableOp RealDiv Reciprocal ReciprocalGrad Relu Relu6 Relu6Grad
    ReluGrad Reshape ResourceGather Reverse ReverseV2 RightShift Rint Round Rsqrt RsqrtGrad ScatterNd Select SelectV2 Selu SeluGrad Shape ShapeN
    Sigmoid SigmoidGrad Sign Sin Sinh Size Snapshot Softmax SoftmaxCrossEntropyWithLogits Softplus SoftplusGrad Softsign
    SoftsignGrad SparseSoftmaxCrossEntropyWithLogits Split SplitV Sqrt SqrtGrad Square SquaredDifference Squeeze
    StopGradient StridedSliceGrad Sub Sum Tan Tanh TanhGrad Tile TopKV2 Transpose Unpack UnsortedSegmentSum VarHandleOp Xdivy Xlogy ZerosLike
    """.split()
)  # fmt: skip


# Operation -> from which of its inputs on none may come of data: an error for such values, of integers for the first three, is not raised by XLA.
_GUARDED = {'FloorDiv': 0, 'FloorMod': 0, 'Pow': 0, 'Slice': 1, 'StridedSlice': 1}

# Operation -> the places of what is looked into, of the axis (None: the last) and of the indices.
_INDEXED = {
    'Gather': (0, 0, 1),
    'GatherV2': (0, 2, 1),
    'ResourceGather': (0, 0, 1),
    'SparseSoftmaxCrossEntropyWithLogits': (0, None, 1),
}


class ManySteps:
    """Up to `length` steps of a Function in one call.

    Arguments:
        function: the Function.
        fixed: dict, position of an input -> its value in every step.
        length: int, how many steps a call may take; each number compiles a program of its own.
        shapes: list of the shapes of what a step is fed, for each other input.

    Raises:
        NotImplementedError: its graph cannot be compiled, or might not give the same; the message says why.
    """

    def __init__(self, function, fixed, length, shapes):
        self._function = function
        self._backend = function.backend
        self._graph = function._graph
        self.length = length
        self._feeds = [feed for i, feed in enumerate(function._feeds) if i not in fixed]
        self._check(function)
        known = {function.inputs[i].name: np.asarray(value) for i, value in fixed.items()}
        with entered(self._graph), v1.name_scope(f'{function.name}_{length}_steps'):
            self._now = self._backend._step_placeholder()
            fed = [feed.tensor.name for feed in self._feeds] + [self._now.name]
            targets = function._results + function.plain_updates()
            step = _Part(self._graph, targets, fed, known, self._folded(known))
            draws = step.draws()
            drawn = _Part(self._graph, draws, fed, known, step.taken) if draws else None
            if drawn is not None and drawn.is_made_of({self._now.op}):
                step = _Part(self._graph, targets, fed + [x.name for x in draws], known, step.taken)
            else:
                drawn = None
            late = _Part(self._graph, function._late, fed, known, step.taken) if function._late else None
            indices = _indices(step, late)
            needed = [x for pair in indices for x in pair if not isinstance(x, int)]
            looked_at = _Part(self._graph, needed, fed, known, step.taken) if indices else None
            if looked_at is not None and not looked_at.is_of_data(self._now):
                raise NotImplementedError('it looks something up by what it computed, not by what it is fed')
            self._count = v1.placeholder(tf.int32, (), name='count')
            self._stacks = [
                v1.placeholder(feed.dtype, (length,) + tuple(shape), name='steps')
                for feed, shape in zip(self._feeds, shapes)
            ]
            fed_shapes = dict(zip(fed, [x.shape[1:] for x in self._stacks] + [()]))
            loop = _Loop(step, late, looked_at, indices, drawn, fed, length, fed_shapes)
            run = tf.function(loop.run, jit_compile=True, autograph=False)
            self._done, *self._values = run(self._count, self._now, *self._stacks)
        self._has_run = False
        self._prepared = None, None, None

    def _check(self, function):
        if function.feed_dict or function.fetches or (function.run_options, function.run_metadata) != (None, None):
            raise NotImplementedError('it takes further arguments of the session')
        if function._convert or function._feeds_sparse:
            raise NotImplementedError('it has sparse values')
        if not self._feeds:
            raise NotImplementedError('it is not fed anything')

    def _folded(self, known):
        """Function from a list of tensors to their values, for tensors that depend on what is known alone."""

        def values(tensors):
            derived = [x for x in tensors if x.name not in known]
            if not derived:
                return [known[x.name] for x in tensors]
            fed = [self._graph.get_tensor_by_name(name) for name in known]
            with building:
                session = self._backend._current_session(self._backend._place(fed + derived))
                made = prepared_run(session, list(known), derived, [])(*known.values())
            found = dict(known, **{x.name: value for x, value in zip(derived, made)})
            return [found[x.name] for x in tensors]

        return values

    def __call__(self, stacks, count):
        """Take `count` steps.

        Arguments:
            stacks: list of arrays (count, ...), one for each input that is not fixed.
            count: int, up to `length`.

        Returns:
            (number of steps that were taken, list of arrays with a row for each of them: the outputs, then `after_updates`). The
            steps end before one that has an index that is out of range.
        """
        self._function.check_graph()
        values = [_checked(feed, stack, count, self.length) for feed, stack in zip(self._feeds, stacks)]
        place, run = self._begin()
        draws = self._function._draws
        start = self._backend._next_step(count if draws else 0)
        try:
            done, *found = run(np.asarray(count, 'int32'), start, *values)
        except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError, tf.errors.InternalError) as error:
            if self._has_run:
                raise
            self._backend._next_step(-count if draws else 0)
            raise NotImplementedError(f'XLA does not compile it: {error.message}') from error
        finally:
            if place is not None:
                place.end()
        self._has_run, done = True, int(done)
        if draws and done < count:
            self._backend._next_step(done - count)
        if self._function._places is not None:
            found = [found[place] for place in self._function._places[0]]
        return done, [x[:done] for x in found]

    def _begin(self):
        """(the Subgraph that a run begins in, or None; the run)."""
        place, session, run = self._prepared
        if session is None or session is not self._backend._current_session(place):
            feeds, results = [self._count, self._now] + self._stacks, [self._done] + self._values
            with building:
                place = self._backend._place(feeds + results, is_known=True)
                session = self._backend._current_session(place)
                run = prepared_run(session, [x.name for x in feeds], results, [])
            self._prepared = place, session, run
        return (place, run) if place is None or place.begin() else self._begin()


class ManyStepsFunction(Function):
    """A Function that can also take many steps in one call."""

    # Of nine models, of embeddings, normalisation, attention and dense layers, eight took 35 to 80 % less of a step of 0.8 to 24 ms, and one of 55 ms 4 %.
    stake = 0.125

    _costs = None

    def many_steps(self, fixed, length, shapes):
        try:
            return ManySteps(self, fixed, length, shapes)
        except (ValueError, TypeError, KeyError, tf.errors.OpError) as error:  # steps one by one need nothing of this
            raise NotImplementedError(f'TensorFlow does not take a copy of its operations: {error}') from error

    def compiling_costs(self):
        if self._costs is None:
            # Measured, the first call included: 0.7 s for 209 operations, 1.0 for 350, 2.8 for 2,165 and 10.5 for 7,835, where the loop below took 0.52 ms.
            slowness = min(timeit.repeat('[[i] for i in range(10000)]', number=1, repeat=3)) / 5.2e-4
            self._costs = (0.45 + 0.00125 * len(ancestors(self._results + self.update_operations))) * slowness
        return self._costs


class _Loop:
    """The loop itself, as `tf.function` builds it.

    Arguments:
        step: the _Part that is a step: its outputs, then the operations that change variables.
        late: the _Part that is computed after these changes, or None.
        looked_at: the _Part of the indices, or None.
        indices: list of (tensor, how many there are to choose from: an int, or a tensor).
        drawn: the _Part of what a step draws, or None. The step before draws it: XLA would draw it again wherever it is used.
        fed: list of the names of the tensors that a step is fed, that of the number of the step last.
        length: int, the most steps.
        shapes: dict, name of what is fed -> its shape.
    """

    def __init__(self, step, late, looked_at, indices, drawn, fed, length, shapes):
        self._step, self._late, self._looked_at, self._drawn = step, late, looked_at, drawn
        self._sizes = [size if isinstance(size, int) else None for _, size in indices]
        self._fed = fed
        self._length = length
        if drawn is not None:
            shapes = dict(shapes, **{x.name: shape for x, (_, shape) in zip(drawn.results, drawn.kinds(shapes))})
        self._kinds = step.kinds(shapes) + (late.kinds(shapes) if late is not None else [])

    def run(self, count, now, *stacks):
        start = tf.constant(0)
        if self._looked_at is not None:
            (count,) = tf.while_loop(
                lambda i: (i < count) & self._fit(self._at(i, stacks, now)), lambda i: [i + 1], [start]
            )
        # With shapes that are known: XLA of TensorFlow 2.6 may give arrays without rows otherwise.
        arrays = [tf.TensorArray(dtype, self._length, element_shape=shape) for dtype, shape in self._kinds]

        def draw(i):
            return [] if self._drawn is None else self._drawn.copied(self._at(i, stacks, now))[0]

        def body(i, drawn, *arrays):
            fed = self._at(i, stacks, now)
            if self._drawn is not None:
                fed.update((x.name, value) for x, value in zip(self._drawn.results, drawn))
            made, operations = self._step.copied(fed)
            with tf.control_dependencies(operations + made):
                if self._late is not None:
                    fed = {name: tf.identity(x) for name, x in self._at(i, stacks, now).items()}
                    made = made + self._late.copied(fed)[0]
                after = tf.identity(i) + 1
            return [after, draw(i + 1)] + [array.write(i, x) for array, x in zip(arrays, made)]

        done, _, *arrays = tf.while_loop(
            lambda i, *_: i < count,
            body,
            [start, draw(start), *arrays],
            parallel_iterations=1,
            maximum_iterations=self._length,
        )
        return [done] + [array.stack() for array in arrays]

    def _at(self, i, stacks, now):
        """A dict from the names of what step `i` is fed to the tensors."""
        return dict(zip(self._fed, [stack[i] for stack in stacks] + [now + tf.cast(i, tf.int64)]))

    def _fit(self, fed):
        found = iter(self._looked_at.copied(fed)[0])
        pairs = [(next(found), next(found) if size is None else size) for size in self._sizes]
        # Of ScatterNd the size is a shape, of which the last axis of the indices tells a part.
        limits = [size[: x.shape[-1]] if isinstance(size, tf.Tensor) and size.shape.rank else size for x, size in pairs]
        inside = [tf.reduce_all((x >= 0) & (x < tf.cast(n, x.dtype))) for (x, _), n in zip(pairs, limits)]
        return tf.reduce_all(tf.stack(inside))


class _Part:
    """The operations that some targets need, to be copied into a function.

    Arguments:
        graph: the graph that they are in.
        targets: list of tensors and operations.
        fed: list of names of tensors, in whose place others come.
        known: dict, name of a tensor -> its value.
        fold: function from a list of tensors that depend on `known` alone to their values; or what `taken` of another part is.

    Attributes:
        results: list of the tensors among the targets.
        definition: the GraphDef.
        handles: dict, name of an operation -> the handle of the variable that it is.
        used: set of those of `fed` that the targets depend on.
        taken: dict, name of an operation -> which branch is taken there.
    """

    def __init__(self, graph, targets, fed, known, fold):
        self.results = [x for x in targets if not isinstance(x, tf.Operation)]
        self._operations = [x.name for x in targets if isinstance(x, tf.Operation)]
        self._fed = {name.partition(':')[0]: name for name in list(fed) + list(known)}
        self._open = {name.partition(':')[0] for name in fed}
        operations = _reached(targets, self._fed)
        self.taken = fold if isinstance(fold, dict) else _branches(operations, self._fed, set(known), fold)
        self._dead = _dead(operations, self.taken)
        kept = _reached(targets, self._fed, operations - self._dead, self.taken)
        self._kept = kept
        self.operations = [op for op in graph.get_operations() if op in kept]
        self.used = {self._fed[op.name] for op in self.operations if op.name in self._fed} - set(known)
        self._dtypes = {self._fed[op.name]: op.outputs[0].dtype for op in self.operations if op.name in self._fed}
        self.handles = {op.name: op.outputs[0] for op in self.operations if op.type == 'VarHandleOp'}
        self.definition = v1.GraphDef(versions=graph.graph_def_versions)
        for op in self.operations:
            self._add(op, known)

    def _add(self, op, known):
        if any(x.dtype == tf.float16 for x in op.outputs):  # XLA computes it with more bits between its operations
            raise NotImplementedError(f'it computes in float16 ({op.name})')
        node = self.definition.node.add()
        node.CopyFrom(op.node_def)
        node.attr.pop('_class', None)  # beside which operation it is placed, which may not be copied
        if op.name in self._fed or op.name in self.handles:
            value = known.get(self._fed.get(op.name))
            kind = op.outputs[0].dtype
            node.Clear()
            node.name = op.name
            node.op = 'Placeholder' if value is None else 'Const'
            node.attr['dtype'].type = kind.as_datatype_enum
            if value is not None:
                node.attr['value'].tensor.CopyFrom(tf.make_tensor_proto(value, kind))
            return
        if op.name in self.taken or op.type == 'Merge':
            sources = [x for x in op.inputs if not _is_dead(x, self._dead, self.taken)]
            if op.type == 'Merge' and len(sources) > 1:
                raise NotImplementedError(f'it has a branch, or a loop, that depends on values ({op.name})')
            source = sources[0]
            kind = source.dtype
            node.Clear()
            node.name, node.op = op.name, 'Identity'
            node.attr['T'].type = kind.as_datatype_enum
            node.input.append(self._name(source))
        elif _is_drawn(op):
            self._add_draw(node, op)
        elif op.type not in _KNOWN and not (op.type in _GUARDED and self._is_safe(op)):
            raise NotImplementedError(f'it has an operation {op.type} ({op.name})')
        else:
            del node.input[:]
            node.input.extend([self._name(x) for x in op.inputs])
        waits = [other for other in op.control_inputs if other in self._kept and other.name not in self._fed]
        node.input.extend('^' + other.name for other in waits)

    def _is_safe(self, op):
        """Whether an operation of `_GUARDED` raises no error because of the values of data or variables."""
        first = _GUARDED[op.type]
        if not first and op.outputs[0].dtype.is_floating:
            return True
        before = _before(op.inputs[first:], self._fed)
        return not any(x.name in self._fed or x.type == 'VarHandleOp' for x in before)

    def _add_draw(self, node, op):
        """In place of a draw its bits, which XLA draws alike, and what the framework makes of them, which XLA does otherwise."""
        drawing = tf.Graph()
        with drawing.as_default():
            places = [v1.placeholder(x.dtype, x.shape) for x in op.inputs]
            tf.identity(DRAWS[op.type, op.outputs[0].dtype](*places), 'drawn')
        names = {place.op.name: self._name(x) for place, x in zip(places, op.inputs)}
        names['drawn'] = op.name
        self.definition.node.remove(node)
        for one in drawing.as_graph_def().node:
            if one.op != 'Placeholder':
                made = self.definition.node.add()
                made.CopyFrom(one)
                made.name = names.get(one.name, f'{op.name}/{one.name}')
                made.input[:] = [names.get(x.partition(':')[0], f'{op.name}/{x}') for x in one.input]

    def _name(self, tensor):
        # A Switch that became an Identity has one output.
        return f'{tensor.op.name}:0' if tensor.op.name in self.taken else tensor.name

    def is_of_data(self, now):
        """Whether the targets are made of what is fed, without the values of variables and without draws; of those, shapes alone."""
        return self.is_made_of({op for op in self.operations if op.name in self._open} - {now.op})

    def is_made_of(self, sources):
        """Whether the targets are made of constants and the values of some of what is fed, a set of operations; of all else, of shapes alone."""
        before = _before(self.results, self._fed)
        return not any(op.type == 'VarHandleOp' or op.name in self._open and op not in sources for op in before)

    def draws(self):
        """List of the tensors that are drawn."""
        return [op.outputs[0] for op in self.operations if _is_drawn(op)]

    def kinds(self, shapes):
        """List of (dtype, shape) of the results, for shapes of what is fed: a dict by name."""
        with tf.Graph().as_default():
            places = {name: v1.placeholder(self._dtypes[name], shapes[name]) for name in self.used}
            for name, handle in self.handles.items():
                dtype, shape = handle.op.get_attr('dtype'), handle.op.get_attr('shape')
                places[f'{name}:0'] = tf.raw_ops.VarHandleOp(dtype=dtype, shape=tf.TensorShape(shape), shared_name=name)
            wanted = [self._name(x) for x in self.results]
            made = tf.graph_util.import_graph_def(self.definition, places, wanted, name='step')
        if not all(x.shape.is_fully_defined() for x in made):
            raise NotImplementedError('the shapes of what it computes are not known beforehand')
        return [(x.dtype, x.shape) for x in made]

    def copied(self, fed):
        """Copy it into the function that is being built.

        Arguments:
            fed: dict, name of a tensor -> the tensor in its place.

        Returns:
            (list of tensors, list of operations): the targets.
        """
        places = {name: fed[name] for name in self.used}
        places.update((f'{name}:0', tf.identity(handle)) for name, handle in self.handles.items())
        wanted = [self._name(x) for x in self.results] + self._operations
        made = tf.graph_util.import_graph_def(self.definition, places, wanted, name='step')
        return made[: len(self.results)], made[len(self.results) :]


def _is_drawn(op):
    return bool(op.outputs) and (op.type, op.outputs[0].dtype) in DRAWS


def _reached(targets, stops, among=None, taken=()):
    """The set of operations that targets depend on, themselves included; not beyond those named in `stops`, and within `among` if given."""
    stack = [getattr(x, 'op', x) for x in targets]
    seen = set(stack)
    while stack:
        op = stack.pop()
        if op.name in stops or op.type == 'VarHandleOp':
            continue
        before = [x.op for x in (op.inputs[:1] if op.name in taken else op.inputs)] + list(op.control_inputs)
        for other in before:
            if other not in seen and (among is None or other in among):
                seen.add(other)
                stack.append(other)
    return seen


def _before(tensors, fed):
    """The set of operations whose values, and not only shapes, tensors are made of; what is fed ends it."""
    stack, seen = [x.op for x in tensors], set()
    while stack:
        op = stack.pop()
        if op not in seen:
            seen.add(op)
            if op.name not in fed and op.type not in ('Shape', 'ShapeN', 'Size', 'Rank'):
                stack.extend(x.op for x in op.inputs)
    return seen


def _branches(operations, fed, known, fold):
    """For each Switch whose predicate is known: its name -> the output that is taken, 0 or 1."""
    switches, predicates = [], []
    names = {name.partition(':')[0] for name in known}
    for op in operations:
        if op.type == 'Switch':
            before = _reached([op.inputs[1]], fed)
            depends = {other.name for other in before if other.name in fed}
            if depends and depends <= names and not any(other.type == 'VarHandleOp' for other in before):
                switches.append(op.name)
                predicates.append(op.inputs[1])
    return {name: int(bool(value)) for name, value in zip(switches, fold(predicates))}


def _is_dead(tensor, dead, taken):
    return tensor.op in dead or (tensor.op.name in taken and tensor.value_index != taken[tensor.op.name])


def _dead(operations, taken):
    """The operations that are not computed, where these branches are taken."""
    dead, grown = set(), True
    while grown:
        grown = False
        for op in operations - dead:
            gone = [_is_dead(x, dead, taken) for x in op.inputs]
            if any(other in dead for other in op.control_inputs) or (
                all(gone) and gone if op.type == 'Merge' else any(gone)
            ):
                dead.add(op)
                grown = True
    return dead


def _indices(*parts):
    """List of (tensor of indices, how many there are to choose from, an int or a tensor) of the operations that look something up."""
    found = {}
    for op in [op for part in parts if part is not None for op in part.operations]:
        if op.type in ('UnsortedSegmentSum', 'ScatterNd'):
            index, size = op.inputs[op.type == 'UnsortedSegmentSum'], op.inputs[2]
            found[index.name, size.name] = index, size
            continue
        if op.type in _INDEXED:
            into, axis, index = _INDEXED[op.type]
            source = op.inputs[into]
            shape = tf.TensorShape(source.op.get_attr('shape')) if source.dtype == tf.resource else source.shape
            place = -1 if axis is None else 0 if axis == 0 else tf.get_static_value(op.inputs[axis])
            size = None if shape.rank is None or place is None else shape.as_list()[int(place)]
        else:
            continue
        if size is None:
            raise NotImplementedError(f'how many there are to choose from is not known ({op.name})')
        tensor = op.inputs[index]
        found[tensor.name, int(size)] = tensor, int(size)
    return list(found.values())


def _checked(feed, stack, count, length):
    """An array of `length` values for an input, of which the first `count` are those of `stack`."""
    stack = feed.array(stack)
    feed.check(stack.shape[1:])
    if len(stack) == length:
        return stack
    padded = np.zeros((length,) + stack.shape[1:], feed.dtype)
    padded[:count] = stack
    return padded
