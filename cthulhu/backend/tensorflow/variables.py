"""Variables: made in the library's graph, initialised together, read and set in one call."""

import contextlib
import functools
import threading
import weakref

import numpy as np
import scipy.sparse
import tensorflow as tf

from cthulhu.backend import config, meta
from cthulhu.backend.tensorflow.function import explained_failures, failures, in_order, prepared_run
from cthulhu.backend.tensorflow.graph import ancestors, building, check_graph, entered

v1 = tf.compat.v1

# An initial value up to this many bytes is a constant of the graph; a larger one would fill the GraphDef (limit: 2 GB).
_LARGEST_CONSTANT = 4096

with tf.Graph().as_default():
    _ResourceVariable = type(v1.Variable(0.0, use_resource=True))


class GraphVariable(_ResourceVariable):
    """TensorFlow's own variable, which can also be read and assigned from outside its graph.

    Arguments:
        initial: tensor, the first value; its shape and dtype are those of the variable.
        by_itself: bool, whether this needs no other variable, and is in no loop or function. It is made of four operations then, in less than half of the
            time that TensorFlow takes, which also sees to it that others have their values before.
    """

    def __init__(self, initial, name=None, constraint=None, by_itself=True):
        if not by_itself:
            super().__init__(initial_value=initial, name=name, constraint=constraint, trainable=True)
            return
        graph, dtype, shape = initial.graph, initial.dtype.base_dtype, initial.shape
        with v1.name_scope(name, 'Variable') as scope:
            handle_name = scope[:-1]
            handle = tf.raw_ops.VarHandleOp(dtype=dtype, shape=shape, shared_name=handle_name, name=scope)
            with tf.device(handle.device):
                initializer = tf.raw_ops.AssignVariableOp(resource=handle, value=initial, name='Assign')
                value = tf.raw_ops.ReadVariableOp(resource=handle, dtype=dtype, name='Read/ReadVariableOp')
        super(_ResourceVariable, self).__init__(
            trainable=True,
            shape=shape,
            dtype=dtype,
            handle=handle,
            constraint=constraint,
            name=name,
            unique_id=handle_name,
            handle_name=handle_name,
            graph_element=value,
            initial_value=initial,
            initializer_op=initializer,
            in_graph_mode=True,
        )
        graph.add_to_collections([v1.GraphKeys.GLOBAL_VARIABLES, v1.GraphKeys.TRAINABLE_VARIABLES], self)

    def add_rows(self, indices, values):
        """The operation that adds to rows."""
        return self.scatter_add(tf.IndexedSlices(values, indices)).op

    def set_rows(self, indices, values):
        """The operation that sets rows."""
        return self.scatter_update(tf.IndexedSlices(values, indices)).op

    def of_rows(self, indices, values):
        """A tensor of this shape that has values in some rows, and zeros in the others."""
        return tf.scatter_nd(tf.expand_dims(indices, -1), values, tf.shape(self, out_type=indices.dtype))


def _entering(method):
    @functools.wraps(method)
    def run_inside(self, *args, **kwargs):
        with entered(self.handle.graph):
            return method(self, *args, **kwargs)

    return run_inside


for _name in (
    'value read_value _read_variable_op sparse_read gather_nd initialized_value assign assign_add assign_sub scatter_add '
    'scatter_sub scatter_update scatter_max scatter_min scatter_mul scatter_div scatter_nd_add scatter_nd_sub '
    'scatter_nd_update batch_scatter_update count_up_to is_initialized'
).split():
    if hasattr(_ResourceVariable, _name):
        setattr(GraphVariable, _name, _entering(getattr(_ResourceVariable, _name)))


#: So many operations of what was refused stay in the graph, of which none can be removed (some 60 MB); from there on what is read is made in another graph first.
LEFT = 10000


class _Made(threading.local):
    lists = ()  # a list of variables for each `provisional` that the thread is inside of, the outermost first


_made = _Made()


class Variables:
    """What the backend does with variables."""

    @contextlib.contextmanager
    def provisional(self):
        mine, before = [], self._graph.version
        _made.lists += (mine,)
        try:
            yield
        except BaseException:
            self._take_back(mine)
            if len(_made.lists) == 1:
                self._refused += self._graph.version - before
            raise
        finally:
            _made.lists = _made.lists[:-1]
        if _made.lists:
            _made.lists[-1].extend(mine)

    def rehearsal(self):
        return self._rehearsal() if self._refused > LEFT and not _made.lists else None

    def _take_back(self, variables):
        """Forget variables that nobody has: sessions no longer initialise them, or give their memory back."""
        with building:
            gone = {id(x) for x in variables if x.graph is self._graph}
            if not gone:
                return
            known = self._graph.get_collection_ref(v1.GraphKeys.GLOBAL_VARIABLES)
            held = [x for x in known if id(x) in gone]
            done = [(session, one.done) for session, one in self._initialisations.items()]
            for session, those in done + [(place.session, place.variables) for place in self._subgraphs]:
                handles = [x.handle.name for x in held if (x.op if isinstance(those, set) else x.op.name) in those]
                with entered(session.graph), contextlib.suppress(tf.errors.OpError, RuntimeError):
                    handles = [session.graph.get_tensor_by_name(name) for name in handles]
                    session.run([tf.raw_ops.DestroyResourceOp(resource=x) for x in handles])
            for initialisation in self._initialisations.values():
                initialisation.done.difference_update(x.op for x in held)
            for x in held:
                self._forget(x)
            for collection in (v1.GraphKeys.GLOBAL_VARIABLES, v1.GraphKeys.TRAINABLE_VARIABLES):
                found = self._graph.get_collection_ref(collection)
                found[:] = [x for x in found if id(x) not in gone]

    def variable(self, value, dtype=None, name=None, constraint=None):
        dtype = dtype or config.floatx()
        if scipy.sparse.issparse(value):
            return self._sparse_constant(value, dtype)
        with tf.control_dependencies(None):  # its initialisation waits for nothing that it is made under
            if self.is_tensor(value):
                initial = tf.cast(self.to_dense(value), dtype)
                needed = ancestors([initial])
            else:
                # A copy: it is used later, and the caller may change the array.
                initial = _constant(np.array(_numpy(value), tf.as_dtype(dtype).as_numpy_dtype))
                needed = ()
            depends = any(op.type == 'VarHandleOp' or op._get_control_flow_context() for op in needed)
            made = GraphVariable(initial, name, constraint, by_itself=initial.graph is self._graph and not depends)
        self._know(made, needed)
        if not needed:
            made._cthulhu_assign = initial, made.initializer
        made._keras_initialized = False
        if _made.lists:
            _made.lists[-1].append(made)
        return meta.begin(made, made.shape.as_list())

    def is_variable(self, x):
        return isinstance(x, tf.Variable)

    def get_value(self, x):
        return self.batch_get_value([x])[0] if self.is_variable(x) else self.eval(x)

    def batch_get_value(self, ops):
        ops = list(ops)
        for x in ops:
            self._check_variable(x)
            check_graph(x, self._graph, 'get_value: the variable')
        if not ops:
            return []
        found = [None] * len(ops)
        with explained_failures(self._graph):
            for wanted in self._by_place(ops):
                with self._at([ops[i] for i in wanted]) as session:
                    values = session.run([ops[i]._as_graph_element().name for i in wanted])
                for i, value in zip(wanted, values):
                    found[i] = value
        return found

    def set_value(self, x, value):
        self.batch_set_value([(x, value)])

    def batch_set_value(self, tuples):
        tuples = list(tuples)
        if not tuples:
            return
        values = {}
        for x, value in tuples:
            self._check_variable(x)
            check_graph(x, self._graph, 'set_value: the variable')
            # Its own: the variable shares the memory of what it is fed.
            values[x.name] = x, self._array_for(x, _numpy(value))
        variables, arrays = zip(*values.values())
        for wanted in self._by_place(variables):
            self._assign([variables[i] for i in wanted], [arrays[i] for i in wanted])

    def _assign(self, variables, arrays):
        # Kept: the states of metrics are set on every batch, and a prepared run takes a tenth of the time.
        key, ready = tuple([x.name for x in variables]), False
        while not ready:
            place, session, run = self._setters.get(key, (None, None, None))
            if session is None or session is not self._current_session(place):
                with building:  # none goes elsewhere meanwhile
                    new = self._without_values(variables)
                    place = self._place([assignment(x)[1] for x in variables], is_known=True, given=new)
                    session = self._current_session(place)
                    with _or_initialised(session, new):
                        run = setter(session, variables)
                        self._setters[key] = place, session, run
                        if new:
                            return run(*arrays)
            ready = place is None or place.begin()
        try:
            run(*arrays)
        finally:
            if place is not None:
                place.end()

    def _sparse_constant(self, value, dtype):
        indices, elements, shape = in_order(value)
        return meta.begin(tf.SparseTensor(indices, tf.constant(elements, dtype), shape), shape)


def _numpy(value):
    return value.numpy() if isinstance(value, tf.__internal__.EagerTensor) else value


def _constant(value):
    """A tensor that is `value` unless it is fed; `set_value` feeds it, and runs the initialisation again."""
    if value.nbytes <= _LARGEST_CONSTANT or value.dtype.kind in 'OSU':
        return tf.constant(value)
    made = tf.numpy_function(value.copy, [], tf.as_dtype(value.dtype))
    made.set_shape(value.shape)
    return made


def setter(session, variables):
    """A prepared run that sets variables, each to an array that shares its memory from then on."""
    fed, assigned = zip(*map(assignment, variables))
    return prepared_run(session, [x.name for x in fed], [], [getattr(x, 'op', x) for x in assigned])


def assignment(x):
    """The placeholder and the assignment of it to `x`: made once."""
    made = getattr(x, '_cthulhu_assign', None)
    if made is None:
        with entered(x.graph), x.graph.control_dependencies(None), v1.name_scope('assign'):
            placeholder = v1.placeholder(x.dtype.base_dtype, x.shape)
            made = x._cthulhu_assign = placeholder, x.assign(placeholder, read_value=False)
    return made


def extend_alone(session):
    """Let a session take up new operations while no thread makes any: what another thread has half made could not be mended in it."""
    extend, itself = type(session)._extend_graph, weakref.ref(session)

    def alone():
        with building:
            extend(itself())

    session._extend_graph = alone


class Initialisation:
    """What a session of the whole graph has initialised.

    Attributes:
        variables: list of those of the graph, among them those that users make with TensorFlow itself.
        done: set of the operations of those that are initialised.
    """

    def __init__(self, session, done=()):
        self.variables = session.graph.get_collection_ref(v1.GraphKeys.GLOBAL_VARIABLES)
        self.done = set(done)
        extend_alone(session)

    def run(self, session, ask, variables, elsewhere):
        """Initialise variables that are not yet, in one run; `ask` whether each was by the user meanwhile; not those whose operations are in `elsewhere`."""
        new = pending = [x for x in variables if x.op not in self.done and x.op not in elsewhere]
        if new and ask:
            with entered(session.graph), session.graph.control_dependencies(None):
                known = session.run([v1.is_variable_initialized(x) for x in new])
            pending = [x for x, is_done in zip(new, known) if not is_done]
        initialise(session, pending)
        for x in new:
            x._keras_initialized = x.op.name not in failures.get(x.graph, ())
        self.done.update(x.op for x in new)


@contextlib.contextmanager
def _or_initialised(session, variables):
    """Context in which variables are given values without their first ones; where that fails, they get these."""
    try:
        yield
    except BaseException:
        initialise(session, variables)
        raise
    for x in variables:
        x._keras_initialized = True


def initialise(session, variables):
    """Give variables their first values, in a session of their graph, or of a copy of it."""
    failed = {}
    if variables:
        try:
            session.run([x.initializer.name for x in variables])
        except tf.errors.OpError:
            # One starts from the value of another: the order in which they were made is one that works. Or one cannot start: the others do without it,
            # and what it is said with comes when it is used.
            for x in variables:
                try:
                    session.run(x.initializer.name)
                except tf.errors.OpError as error:
                    failed[x.op.name] = error.message.partition('[[')[0].strip().splitlines()[-1]
        if failed:
            failures.setdefault(variables[0].graph, {}).update(failed)
    for x in variables:
        x._keras_initialized = x.op.name not in failed
