"""`K.function`: a prepared call of the session, from arrays to arrays."""

import atexit
import contextlib
import itertools
import re
import weakref

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2

from cthulhu.backend import ranges, shapes
from cthulhu.backend.composed import function
from cthulhu.backend.tensorflow import kernels
from cthulhu.backend.tensorflow.graph import ancestors, building, check_graph, entered, other_graph, parts

v1 = tf.compat.v1

_alive = weakref.WeakSet()

#: A run is small where the values of variables that it reads have up to so many elements together, and what it is fed has up to so many. Threads would cost
#: it more than they save, so the one that calls does all of it. What is assigned counts `ASSIGNED` times: TensorFlow's own threads take numbers of less than
#: 1e-38 for 0, the one that calls does not, and with moments of gradients that go to 0 it would compute several times as long.
SMALL_GRAPH, SMALL_FEEDS, ASSIGNED = 2**20, 2**14, 2**10

#: Whether it may: in TensorFlow 2.6 exp(-inf) is 6e-39 there, and its logarithm -88.
CALLER_COMPUTES = tuple(map(int, tf.__version__.split('.')[:2])) >= (2, 21)

#: What the message of an assertion that an image is large enough begins with.
NO_ROOM = 'cthulhu, no room: '


@atexit.register
def _release():
    """Let go of prepared calls while TensorFlow is whole: its own finaliser complains later (2.6)."""
    for one in list(_alive):
        one._prepared = None, {}


class Function(function.Function):
    """Computes outputs from inputs, then updates variables, then computes what reads their new values.

    Attributes:
        update_operations: list of the operations that carry out the updates.
        feed_dict: dict from tensor to the array fed for it at every call; its arrays may be replaced between calls.
        fetches: list of further tensors or operations that every call runs.
        fetch_callbacks: dict from one of `fetches` to a function that each call gives its value.
        run_options, run_metadata: TensorFlow's own, or None.
    """

    takes, arguments = 'a session run', ('feed_dict', 'fetches', 'options', 'run_metadata')

    def prepare(self, feed_dict=None, fetches=None, options=None, run_metadata=None):
        self._graph = self.backend._graph
        self.feed_dict = feed_dict
        fetches = fetches or []
        self.fetches = list(fetches) if isinstance(fetches, (list, tuple)) else [fetches]
        self.fetch_callbacks = {}
        self.run_options = options
        self.run_metadata = run_metadata
        _alive.add(self)
        self._prepared = None, {}
        self._place = None
        for x in self.inputs + self.outputs:
            check_graph(x, self._graph, f'{self.name}: the tensor')
        fed = {t.name for x in self.inputs for t in parts(x)}
        with v1.name_scope(self.name):
            results = [_fetchable(x, fed) for x in self.outputs]
            self.update_operations, self._are_plain = self._update_operations(results)
            after = [_fetchable(x, fed) for x in self.after_updates]
            extra = [x if isinstance(x, tf.Operation) else _fetchable(x, fed) for x in self.fetches]
        changed = [variable for variable, _, _ in self.updates]
        is_late = [_reads_too_early(x, changed) for x in after]
        self._results = results + [x for x, late in zip(after, is_late) if not late] + extra
        self._late = [x for x, late in zip(after, is_late) if late]
        self._places = _places(len(results), is_late, len(extra))
        needed = ancestors(self._results + self._late + self.update_operations)
        self._draws = self.backend._is_step_among(needed)
        self._has_sums = self.backend._has_parallel_sums(needed)
        self._is_small = CALLER_COMPUTES and _work_on_variables(needed) <= SMALL_GRAPH
        self._convert = any(isinstance(x, tf.SparseTensor) for x in self._results + self._late)
        self._feeds_sparse = any(feed.sparse for feed in self._feeds)

    def feed(self, tensor, what):
        return (_SparseFeed if self.backend.is_sparse(tensor) else function.Feed)(self, tensor, what)

    def is_operation(self, update):
        return isinstance(update, (tf.Operation, tf.Tensor, tf.Variable, tf.SparseTensor))

    def plain_updates(self):
        """What `update_operations` would be without kernels of optimizers: operations that XLA joins by itself."""
        if self._are_plain:
            return self.update_operations
        with entered(self._graph), v1.name_scope(self.name):
            outputs = self._results[: len(self.outputs)]
            return self._update_operations(outputs, by_kernels=False)[0]

    def _update_operations(self, outputs, by_kernels=True):
        """(the operations of all updates, whether none is a kernel); each new value and each output is computed before any variable is assigned."""
        operations, pairs, passes = list(self.operations), [], []
        for variable, value, update in self.updates:
            made = getattr(update, 'operation', None)
            if made is not None:
                operations.append(made)
            else:
                pairs.append((variable, _apart(tf.convert_to_tensor(value, variable.dtype.base_dtype))))
        if pairs:
            if by_kernels:
                passes, pairs = kernels.passes(pairs, outputs + operations + self.after_updates)
            before = [t for x in outputs for t in parts(x)] + [value for _, value in pairs]
            before += [x for one in passes for x in one.needs]
            # Through one operation of its own: TensorFlow marks what something waits for, and warns where that has run before.
            computed = tf.identity_n(before)
            with tf.control_dependencies(computed[:1]):
                operations += [variable.assign(value, read_value=False) for variable, value in pairs]
                operations += [one.run(*one.needs) for one in passes]
        return [getattr(x, 'op', x) for x in operations], not passes

    def check_graph(self):
        """Raise RuntimeError where the graph of the library is not that of the function any more."""
        if self.backend._graph is not self._graph:
            raise RuntimeError(str(other_graph(f'{self.name}: this function is of another graph')))

    def run(self, values):
        self.check_graph()
        extra = tuple(self.feed_dict) if self.feed_dict else ()
        values += [self.feed(key, 'feed_dict')(self.feed_dict[key]) for key in extra]
        if self._feeds_sparse or extra:
            values = [part for value in values for part in (value if isinstance(value, tuple) else (value,))]
        is_small = self._is_small and sum([value.size for value in values]) <= SMALL_FEEDS
        place, run, late = self._begin(extra, is_small)
        if self._draws:
            values.append(self.backend._next_step())
        try:
            results = run(*values) if self.run_metadata is None else run(*values, run_metadata=self.run_metadata)
            if late is not None:
                results = results + late(*values)
        except tf.errors.InvalidArgumentError as error:
            explain(error)
            raise
        except tf.errors.FailedPreconditionError as error:
            explain_failure(error, self.backend.get_graph())
            raise
        finally:
            if place is not None:
                place.end()
        if self._places is not None or self._convert:
            results = self._arranged(results)
        return results

    def _begin(self, extra, is_small):
        """(the Subgraph that a run begins in, or None; what is to be called; what is after that, or None)."""
        backend, place, (prepared, runs) = self.backend, self._place, self._prepared
        # Variables made since are none of this function's, and may be those of a model that another thread is building.
        if prepared != (backend._current_session(place), extra, backend._manual) or is_small not in runs:
            with building:  # no variable goes elsewhere meanwhile
                fed = [t for x in self.inputs + list(extra) for t in parts(x)]
                place = self._place = backend._place(fed + self._results + self._late + self.update_operations)
                session = backend._current_session(place)
                if self._prepared[0] != (session, extra, backend._manual):
                    self._prepared = (session, extra, backend._manual), {}
                runs = self._prepared[1]
                if is_small not in runs:
                    runs[is_small] = self._prepare(session, extra, is_small)
        if place is not None and not place.begin():
            return self._begin(extra, is_small)
        return (place, *runs[is_small])

    def _prepare(self, session, extra, is_small):
        options = self.run_options
        if self._has_sums:
            options = self.backend._options_of_sums(session, options)
        elif is_small and options is None:
            options = config_pb2.RunOptions(inter_op_thread_pool=-1)  # by the thread that calls
        with entered(session.graph):
            feeds = [t.name for x in self.inputs + list(extra) for t in parts(x)]
            if self._draws:
                feeds.append(self.backend._step_placeholder().name)
            run = prepared_run(session, feeds, self._results, self.update_operations, options)
            late = prepared_run(session, feeds, self._late, [], options) if self._late else None
        return run, late

    def _arranged(self, flat):
        """Sparse values put together, `after_updates` in their order, the values of `fetches` given to callbacks."""
        flat = iter(flat)
        values = []
        for x in self._results + self._late:
            if isinstance(x, tf.SparseTensor):
                values.append(v1.SparseTensorValue(*[next(flat) for _ in range(3)]))
            elif not isinstance(x, tf.Operation):
                values.append(next(flat))
            else:
                values.append(None)
        if self._places is None:
            return values
        kept, fetched = self._places
        for fetch, place in zip(self.fetches, fetched):
            if fetch in self.fetch_callbacks:
                self.fetch_callbacks[fetch](values[place])
        return [values[place] for place in kept]


_OUT_OF_RANGE = (
    ('index', re.compile(r'indices\[[\d,]*\] = (-?\d+) is not in \[0, (\d+)\)')),
    ('class', re.compile(r'label value of (-?\d+) which is outside the valid range of \[0, (\d+)\)')),
)


class _SparseFeed(function.Feed):
    """Sparse values are three arrays: indices, elements, shape."""

    def __call__(self, value):
        if not isinstance(value, (tuple, v1.SparseTensorValue)):
            value = in_order(super().array(self._value(value)))
        indices, data, shape = value
        self.check(tuple(shape))
        return np.asarray(indices, 'int64'), np.asarray(data, self.dtype), np.asarray(shape, 'int64')


def explain(error):
    """Raise what an assertion of ours found as the error that the other backends raise."""
    found = re.search(re.escape(NO_ROOM) + r'(.*?)\] \[([\d ]*)\]', str(error))
    if found is not None:
        raise ValueError(shapes.no_room(found.group(1), map(int, found.group(2).split()))) from None
    for what, pattern in _OUT_OF_RANGE:
        found = pattern.search(str(error))
        if found is not None:
            raise ranges.out_of_range(what, *map(int, found.groups())) from None


#: Graph -> {name of a variable: why it could not be given its first value}.
failures = weakref.WeakKeyDictionary()


def explain_failure(error, graph):
    """Raise why a variable has no first value, where that is what an error of TensorFlow comes of."""
    for name, reason in failures.get(graph, {}).items():
        if re.search(rf'(?<![\w/]){re.escape(name)}(?![\w/])', error.message):
            raise ValueError(f'The variable {name!r} could not be given its first value: {reason}') from None


@contextlib.contextmanager
def explained_failures(graph):
    """Context in which that is done."""
    try:
        yield
    except tf.errors.FailedPreconditionError as error:
        explain_failure(error, graph)
        raise


def in_order(matrix):
    """(indices, elements, shape) of a SciPy matrix, row by row, as TensorFlow wants them."""
    matrix = matrix.tocoo()
    order = np.lexsort((matrix.col, matrix.row))
    return np.stack([matrix.row, matrix.col], axis=1).astype('int64')[order], matrix.data[order], matrix.shape


def _fetchable(x, fed):
    """A tensor that can be fetched: what is fed cannot, and a variable is read now."""
    if isinstance(x, tf.SparseTensor):
        return tf.SparseTensor(*[tf.identity(t) if t.name in fed else t for t in parts(x)])
    x = tf.convert_to_tensor(x)
    return tf.identity(x) if x.name in fed else x


def _apart(value):
    """`value`; a copy of it where it is what is fed: the variable would share the memory of the caller's array."""
    op = value.op
    while op.type in ('Identity', 'Reshape', 'Squeeze', 'ExpandDims', 'StopGradient'):
        op = op.inputs[0].op
    return tf.raw_ops.DeepCopy(x=value) if op.type.startswith('Placeholder') else value


def _assigned(op):
    """The operations of the handles of the variables that an operation changes."""
    if op.type.startswith('Assign'):
        return [op.inputs[0].op]
    return [x.op for x in op.inputs if x.dtype == tf.resource] if op.type.startswith('ResourceApply') else []


def _work_on_variables(operations):
    """What is held against `SMALL_GRAPH`; infinite where a shape is not known."""
    total = 0
    for op in operations:
        if op.type == 'ReadVariableOp':
            sizes = [op.outputs[0].shape.num_elements()]
        else:
            sizes = [tf.TensorShape(handle.get_attr('shape')).num_elements() for handle in _assigned(op)]
        if None in sizes:
            return float('inf')
        total += sum(sizes) * (1 if op.type == 'ReadVariableOp' else ASSIGNED)
    return total


def _reads_too_early(x, variables):
    """Whether `x` is computed from one of the variables without waiting for an assignment to it.

    What `x` waits for, such as the updates of a metric, may well have read old values: they are meant to.
    """
    handles = {v.handle.op for v in variables}
    if not handles:
        return False
    for op in ancestors([x], by_control=False):
        for handle in handles.intersection(t.op for t in op.inputs):
            if handle not in _assigned(op) and not _waits_for_assignment(op, handle):
                return True
    return False


def _waits_for_assignment(op, handle):
    def assigns(other):
        return handle in _assigned(other)

    return any(map(assigns, op.control_inputs)) or any(map(assigns, ancestors([op])))


def _places(count, is_late, extra):
    """Where, in what the runs return, are (outputs and after_updates, fetches); None where they are all and in order."""
    if not extra and is_late == sorted(is_late):
        return None
    early, late = itertools.count(), itertools.count(count + is_late.count(False) + extra)
    kept = [next(late if one else early) for one in [False] * count + is_late]
    return kept, list(itertools.islice(early, extra))


def prepared_run(session, feeds, results, operations, options=None):
    """A prepared run of the session: a function from arrays, in the order of `feeds`, to the list of results; it runs `operations` too."""
    wanted = config_pb2.CallableOptions(feed=feeds, run_options=options)
    for x in results:
        if isinstance(x, tf.Operation):
            wanted.target.append(x.name)
        else:
            wanted.fetch.extend(t.name for t in parts(x))
    wanted.target.extend(x.name for x in operations)
    with entered(session.graph):
        return session._make_callable_from_options(wanted)
