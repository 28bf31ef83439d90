"""`K.function`: a prepared call of the session, from arrays to arrays."""

import atexit
import threading
import weakref

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2

from cthulhu.backend.tensorflow.graph import entered

v1 = tf.compat.v1

_ARGUMENTS = 'feed_dict', 'fetches', 'options', 'run_metadata'


_alive = weakref.WeakSet()


@atexit.register
def _release():
    """Let go of prepared calls while TensorFlow is whole: its own finaliser complains later (2.6)."""
    for function in list(_alive):
        function._prepared = None, None, None


class Function:
    """Computes outputs from inputs, then updates variables, then computes what reads their new values.

    Attributes:
        inputs, outputs: lists of tensors.
        update_operations: list of the operations that carry out the updates.
        feed_dict: dict from tensor to the array fed for it at every call; its arrays may be replaced between calls.
        fetches: list of further tensors or operations that every call runs.
        fetch_callbacks: dict from one of `fetches` to a function that each call gives its value.
        run_options, run_metadata: TensorFlow's own, or None.
    """

    def __init__(self, backend, inputs, outputs, updates, after_updates, name, **arguments):
        if not isinstance(inputs, (list, tuple)):
            raise TypeError(f'inputs: expected a list or tuple of tensors, got {inputs!r}.')
        unknown = sorted(set(arguments) - set(_ARGUMENTS))
        if unknown:
            raise ValueError(
                f'function: {", ".join(map(repr, unknown))}: no such argument of a session run. TensorFlow takes '
                f'{", ".join(map(repr, _ARGUMENTS))}.'
            )
        self._backend = backend
        self._graph = backend._graph
        self.name = name or 'function'
        self.inputs = list(inputs)
        self._single = not isinstance(outputs, (list, tuple))
        self.outputs = [outputs] if self._single else list(outputs)
        self.feed_dict = arguments.get('feed_dict')
        fetches = arguments.get('fetches') or []
        self.fetches = list(fetches) if isinstance(fetches, (list, tuple)) else [fetches]
        self.fetch_callbacks = {}
        self.run_options = arguments.get('options')
        self.run_metadata = arguments.get('run_metadata')
        self._lock = threading.Lock()
        _alive.add(self)
        self._prepared = None, None, None
        self._feeds = [_Feed(x, i, self.name) for i, x in enumerate(self.inputs)]
        fed = {_key(t) for x in self.inputs for t in _parts(x)}
        with v1.name_scope(self.name):
            results = [_fetchable(x, fed) for x in self.outputs]
            self.update_operations = _update_operations(updates, results)
            after = [_fetchable(x, fed) for x in after_updates or ()]
            extra = [x if isinstance(x, tf.Operation) else _fetchable(x, fed) for x in self.fetches]
        changed = [u.variable if hasattr(u, 'variable') else u[0] for u in _flat(updates) if not _is_native(u)]
        is_late = [_reads_too_early(x, changed) for x in after]
        self._results = results + [x for x, late in zip(after, is_late) if not late] + extra
        self._late = [x for x, late in zip(after, is_late) if late]
        self._places = _places(len(results), is_late, len(extra))
        self._draws = backend._depends_on_step(self._results + self._late + self.update_operations)
        self._convert = any(isinstance(x, tf.SparseTensor) for x in self._results + self._late)

    def __call__(self, *inputs):
        if len(inputs) == 1 and isinstance(inputs[0], (list, tuple)):
            inputs = inputs[0]
        feeds = self._feeds
        if len(inputs) != len(feeds):
            raise ValueError(
                f'{self.name}: expected {len(feeds)} inputs ({", ".join(_name(x) for x in self.inputs)}), '
                f'got {len(inputs)}.'
            )
        if self._backend._graph is not self._graph:
            raise RuntimeError(
                f'{self.name}: the graph that this function was made in was cleared by clear_session() or replaced by '
                f'set_session(). Make the function, or the model, again.'
            )
        session = self._backend._ready_session()
        values = []
        for feed, value in zip(feeds, inputs):
            if type(value) is not np.ndarray and self._backend.is_tensor(value):
                value = session.run(value)
            feed.add(values, value)
        extra = tuple(self.feed_dict) if self.feed_dict else ()
        for key in extra:
            _Feed(key, None, self.name).add(values, self.feed_dict[key])
        prepared, run, late = self._prepared
        if prepared != (session, extra):
            run, late = self._prepare(session, extra)
        if self._draws:
            values.append(self._backend._next_step())
        if self.run_metadata is not None:
            results = run(*values, run_metadata=self.run_metadata)
        else:
            results = run(*values)
        if late is not None:
            results = results + late(*values)
        if self._places is not None or self._convert:
            results = self._arranged(results)
        return results[0] if self._single and len(results) == 1 else results

    def _prepare(self, session, extra):
        with self._lock:
            feeds = [t.name for x in self.inputs + list(extra) for t in _parts(x)]
            if self._draws:
                feeds.append(self._backend._step_placeholder().name)
            run = _callable(session, feeds, self._results, self.update_operations, self.run_options)
            late = _callable(session, feeds, self._late, [], self.run_options) if self._late else None
            self._prepared = (session, extra), run, late
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


class _Feed:
    """How the values of one input are made into arrays of its dtype and checked."""

    def __init__(self, tensor, index, function):
        self.tensor = tensor
        self.what = f'{function}: input {_name(tensor)!r}' if index is not None else f'feed_dict: {_name(tensor)!r}'
        if not _is_symbolic(tensor):
            raise TypeError(
                f'{function}: inputs: expected symbolic tensors of the TensorFlow backend, got {tensor!r} at position '
                f'{index}. Give a K.placeholder(), an Input() or a result computed from them.'
            )
        self.sparse = isinstance(tensor, tf.SparseTensor)
        self.dtype = np.dtype(tensor.dtype.base_dtype.as_numpy_dtype)
        shape = tensor.shape
        self.shape = None if shape.rank is None else tuple(shape.as_list())

    def add(self, values, value):
        """Append the arrays to feed for `value`."""
        if self.sparse:
            return self._add_sparse(values, value)
        if type(value) is not np.ndarray or value.dtype != self.dtype:
            if value is None:
                raise ValueError(f'{self.what}: expected an array, got None.')
            if hasattr(value, 'tocoo'):
                value = value.toarray()
            value = np.asarray(value, dtype=self.dtype)
        if self.shape is not None and value.shape != self.shape:
            self._check(value.shape)
        values.append(value)

    def _check(self, shape):
        if len(shape) != len(self.shape) or any(m is not None and m != n for m, n in zip(self.shape, shape)):
            raise ValueError(f'{self.what} has shape {self.shape}, got an array of shape {shape}.')

    def _add_sparse(self, values, value):
        if not isinstance(value, (tuple, v1.SparseTensorValue)):
            if not hasattr(value, 'tocoo'):
                from scipy import sparse

                value = sparse.coo_matrix(np.asarray(value))
            matrix = value.tocoo()
            indices = np.stack([matrix.row, matrix.col], axis=1).astype('int64')
            order = np.lexsort((matrix.col, matrix.row))
            value = indices[order], matrix.data[order], matrix.shape
        indices, data, shape = value
        self._check(tuple(shape))
        values += [np.asarray(indices, 'int64'), np.asarray(data, self.dtype), np.asarray(shape, 'int64')]


def _is_symbolic(x):
    return isinstance(x, (tf.Tensor, tf.SparseTensor, tf.Variable)) and hasattr(x, 'graph') and not hasattr(x, 'numpy')


def _name(x):
    return getattr(x, 'name', None) or _parts(x)[0].name if _is_symbolic(x) else repr(x)


def _parts(x):
    """The dense tensors that stand for `x` in a feed or a fetch."""
    if isinstance(x, tf.SparseTensor):
        return [x.indices, x.values, x.dense_shape]
    if isinstance(x, tf.Variable):
        return [x._graph_element]
    return [x]


def _key(x):
    return x.name


def _fetchable(x, fed):
    """A tensor that can be fetched: what is fed cannot, and a variable is read now."""
    if isinstance(x, tf.SparseTensor):
        return tf.SparseTensor(*[tf.identity(t) if _key(t) in fed else t for t in _parts(x)])
    x = tf.convert_to_tensor(x)
    return tf.identity(x) if _key(x) in fed else x


def _flat(updates):
    """Updates, pairs and operations from nested lists, without None. A pair is a tuple that begins with a variable."""
    for item in updates or ():
        if isinstance(item, (list, tuple)) and not (len(item) == 2 and isinstance(item[0], tf.Variable)):
            yield from _flat(item)
        elif item is not None:
            yield item


def _is_native(update):
    return isinstance(update, (tf.Operation, tf.Tensor, tf.Variable, tf.SparseTensor))


def _update_operations(updates, outputs):
    """The operations of all updates; each new value and each output is computed before any variable is assigned."""
    operations, pairs, seen = [], [], set()
    for update in _flat(updates):
        if _is_native(update):
            operations.append(update)
            continue
        try:
            variable, value = update
        except (TypeError, ValueError):
            variable, value = None, None
        if not isinstance(variable, tf.Variable):
            raise TypeError(
                f'updates: expected K.update(...), a pair (variable, new value) or an operation, got {update!r}.'
            )
        if id(variable) in seen:
            raise ValueError(
                f'updates: the variable {variable.name!r} is updated twice, and only one new value can be kept. '
                f'Put both changes into one update.'
            )
        seen.add(id(variable))
        made = getattr(update, 'operation', None)
        if made is not None:
            operations.append(made)
        else:
            pairs.append((variable, _apart(tf.convert_to_tensor(value, variable.dtype.base_dtype))))
    if pairs:
        before = [t for x in outputs for t in _parts(x)] + [value for _, value in pairs]
        # Through one operation of its own: TensorFlow marks what something waits for, and warns where that has run before.
        computed = tf.identity_n(before)
        with tf.control_dependencies(computed[:1]):
            operations += [variable.assign(value, read_value=False) for variable, value in pairs]
    return [getattr(x, 'op', x) for x in operations]


def _apart(value):
    """`value`; a copy of it where it is what is fed: the variable would share the memory of the caller's array."""
    op = value.op
    while op.type in ('Identity', 'Reshape', 'Squeeze', 'ExpandDims', 'StopGradient'):
        op = op.inputs[0].op
    return tf.raw_ops.DeepCopy(x=value) if op.type.startswith('Placeholder') else value


def ancestors(targets, by_control=True):
    """The set of operations that must run for `targets`, themselves included.

    Arguments:
        targets: tensors and operations; None is skipped.
        by_control: bool, whether to follow control inputs too, not only the values that are used.
    """
    stack = [getattr(t, 'op', t) for x in targets if x is not None for t in _parts(x)]
    seen = set(stack)
    while stack:
        op = stack.pop()
        for other in [t.op for t in op.inputs] + (list(op.control_inputs) if by_control else []):
            if other not in seen:
                seen.add(other)
                stack.append(other)
    return seen


def _reads_too_early(x, variables):
    """Whether `x` is computed from one of the variables without waiting for an assignment to it.

    What `x` waits for, such as the updates of a metric, may well have read old values: they are meant to.
    """
    handles = {v.handle.op for v in variables}
    if not handles:
        return False
    for op in ancestors([x], by_control=False):
        for handle in handles.intersection(t.op for t in op.inputs):
            if not op.type.startswith('Assign') and not _waits_for_assignment(op, handle):
                return True
    return False


def _waits_for_assignment(op, handle):
    def assigns(other):
        return other.type.startswith('Assign') and other.inputs[0].op is handle

    return any(map(assigns, op.control_inputs)) or any(map(assigns, ancestors([op])))


def _places(count, is_late, extra):
    """Where, in what the runs return, are (outputs and after_updates, fetches); None where they are all and in order."""
    if not extra and is_late == sorted(is_late):
        return None
    early = count + is_late.count(False)
    late = early + extra
    kept = list(range(count))
    next_early, next_late = count, late
    for is_one_late in is_late:
        kept.append(next_late if is_one_late else next_early)
        next_late += is_one_late
        next_early += not is_one_late
    return kept, list(range(early, late))


def _callable(session, feeds, results, operations, options):
    """A prepared run of the session: a function from arrays, in the order of `feeds`, to the list of results; it runs `operations` too."""
    wanted = config_pb2.CallableOptions()
    if options is not None:
        wanted.run_options.CopyFrom(options)
    wanted.feed.extend(feeds)
    for x in results:
        if isinstance(x, tf.Operation):
            wanted.target.append(x.name)
        else:
            wanted.fetch.extend(t.name for t in _parts(x))
    wanted.target.extend(x.name for x in operations)
    with entered(session.graph):
        return session._make_callable_from_options(wanted)
