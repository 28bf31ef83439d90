"""Primitives of `contract.run`: the session, placeholders, functions, gradients, loops."""

import contextlib
import itertools
import os
import sys
import threading

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.rewriter_config_pb2 import RewriterConfig

from cthulhu.backend import chatter, config, meta
from cthulhu.backend.composed.counted import Steps
from cthulhu.backend.tensorflow import subgraphs
from cthulhu.backend.tensorflow.function import explain
from cthulhu.backend.tensorflow.graph import EagerTensor, ancestors, building, check_graph, entered, owned, parts
from cthulhu.backend.tensorflow.many_steps import ManyStepsFunction
from cthulhu.backend.tensorflow.origin import origin
from cthulhu.backend.tensorflow.subgraphs import Subgraphs
from cthulhu.backend.tensorflow.variables import Initialisation

v1 = tf.compat.v1

_CALLS = 'PartitionedCall', 'StatefulPartitionedCall', 'While', 'StatelessWhile', 'If', 'StatelessIf', 'Case'


class GraphUpdate(meta.Update):
    """An update that becomes an operation of the graph as soon as TensorFlow asks for one."""

    operation = None

    def _as_graph_element(self):
        if self.operation is None:
            with entered(self.variable.graph):
                value = tf.convert_to_tensor(self.value, self.variable.dtype.base_dtype)
                self.operation = self.variable.assign(value, read_value=False)
        return self.operation


def _new_value(update, dtype=None, name=None, as_ref=False):
    with tf.control_dependencies([update]):
        return tf.convert_to_tensor(update.variable.read_value(), dtype, name=name)


tf.register_tensor_conversion_function(GraphUpdate, _new_value)


class _Now(threading.local):
    """Which state a thread sees: that of the library, or, while it rehearses, one of its own."""

    def __init__(self, state):
        self.state = state


class _State:
    """A graph, and what belongs to it."""


def _of_state(name):
    """An attribute of the backend that is one of the state that the thread sees."""
    return property(
        lambda self: getattr(self._now.state, name), lambda self, value: setattr(self._now.state, name, value)
    )


class Run(Subgraphs):
    """The graph, the session, and what runs in them."""

    capabilities = (
        'float16 bfloat16 gradients sparse ctc session_arguments native_tensors sessions dilation graph_definition broadcasting unknown_rank '
        'empty_loops saved_model many_steps datasets devices ranks'
    ).split()

    for _name in (
        '_graph _session _initialisations _setters _user_has_session _runs_seen _step_tensor _steps_since _uids _phase _refused _sums '
        '_subgraphs _handles _places _is_whole'
    ).split():
        locals()[_name] = _of_state(_name)

    def __init__(self):
        self._now = _Now(_State())
        super().__init__()
        self._manual = False
        self._new_state(owned(tf.Graph()), None)

    # The graph and its session.

    def _new_state(self, graph, session):
        self._graph = graph
        self._session = session
        self._initialisations = {}
        self._setters = {}
        self._subgraphs = []
        self._handles = {}  # operation of a handle -> the variable that we made
        self._places = {}  # the same -> the Subgraph that has its value
        self._is_whole = False
        self._user_has_session = session is not None
        self._runs_seen = Steps(itertools.count())
        self._step_tensor = None
        self._steps_since = {}
        self._refused = 0
        self._sums = set()  # the operations that are sums over ranks

    @contextlib.contextmanager
    def _rehearsal(self):
        before, phase = self._now.state, self._phase
        self._now.state = _State()
        try:
            self._reset_state()
            self._phase = phase if isinstance(phase, int) else None
            self._new_state(owned(tf.Graph()), None)
            yield
        finally:
            sessions = self._sessions()
            self._now.state = before
            for session in sessions:
                session.close()

    def get_graph(self):
        """The `tf.Graph` that every tensor belongs to, until `clear_session`."""
        return self._graph

    def origin(self, x):
        return origin(x, self.eval)

    def graph_definition(self):
        return self._graph.as_graph_def(add_shapes=True).SerializeToString()

    def graph_scope(self, name=None):
        return entered(self._graph, name)

    def devices(self):
        found = [
            (device.device_type.lower(), device.name.rsplit(':', 1)[1]) for device in tf.config.list_logical_devices()
        ]
        return sorted(f'/{kind}:{number}' for kind, number in found if kind in ('cpu', 'gpu'))

    @contextlib.contextmanager
    def device_scope(self, name):
        with entered(self._graph, alone=False), self._graph.device(name):
            yield

    def clear_session(self):
        with building:
            sessions = self._sessions()
            self._new_state(owned(tf.Graph()), None)
            super().clear_session()
        for session in sessions:
            session.close()

    def _sessions(self):
        return [x for x in [self._session] + [place.session for place in self._subgraphs] if x is not None]

    def get_session(self):
        """TensorFlow's session, with every variable initialised.

        Returns:
            The default session, if there is one of our graph (`with tf.compat.v1.Session(graph=K.get_session().graph):`); else the
            one given to `set_session`; else one of our own.
        """
        self._bring_all_back()
        self._user_has_session = True
        return self._ready_session()

    def set_session(self, session):
        """Use a session of the user's own from now on.

        Arguments:
            session: `tf.compat.v1.Session`, of `K.get_session().graph`; or of any other graph, if nothing was made in ours yet.

        Raises:
            ValueError: it belongs to another graph, and there are tensors in ours.
        """
        if session.graph is not self._graph:
            if self._graph.get_operations():
                raise ValueError(
                    'session: it belongs to another graph than the tensors made so far. Make it with '
                    'tf.compat.v1.Session(graph=K.get_session().graph, config=...), or call set_session before anything else, '
                    'or after clear_session().'
                )
            self._new_state(owned(session.graph), session)
        else:
            with building:
                self._forget_subgraphs()
                self._session = session
                self._user_has_session = True

    def _current_session(self, place=None):
        """The session that is the default; else that of a Subgraph, if one is given that has not been brought back; else ours of the whole graph."""
        session = v1.get_default_session()
        if session is None or session.graph is not self._graph:
            if place is not None and not place.is_gone:
                return place.session
            session = self._session
            if session is None:
                with building, chatter.held_back(self.name):
                    session = self._session = self._session or v1.Session(
                        graph=self._graph, config=self._with_threads(session_config())
                    )
        return session

    def _ready_session(self, variables=None):
        """The current session, with every variable initialised; once the graph is large, with those that are given."""
        session = self._current_session()
        done = self._initialisations.get(session)
        if done is None or (len(done.done) < len(done.variables) and not self._manual):
            with building:
                done = self._initialisation(session)
                if not self._manual:
                    if variables is None or self._graph.version <= subgraphs.LARGE:
                        variables = done.variables
                    done.run(
                        session, self._user_has_session, variables, self._places if session is self._session else ()
                    )
        return session

    def _initialisation(self, session):
        if session not in self._initialisations:
            self._initialisations[session] = Initialisation(session)
        return self._initialisations[session]

    @contextlib.contextmanager
    def _calls_may_change(self, targets):
        """Taking gradients adds outputs to the calls of functions (`tf.function`) and to TensorFlow 2's control flow.

        A session in which they ran does not survive that: another one takes its place, with the variables' values.
        """
        session = self._session
        # Those that `targets` are computed by: the rest of the graph may be that of a hundred other models.
        calls = [op for op in ancestors(targets) if op.type in _CALLS] if session is not None else []
        if not calls:
            yield
            return
        before = [len(op.outputs) for op in calls]
        values = self._values_in(session)
        yield
        if before != [len(op.outputs) for op in calls]:
            self._replace_session(session._config, values)

    def _values_in(self, session):
        """List of (variable, value) of those that a session has initialised."""
        done = self._initialisations.get(session)
        variables = [x for x in done.variables if x.op in done.done] if done is not None else []
        return list(zip(variables, session.run(variables) if variables else []))

    def _replace_session(self, config, values):
        """Put another session in the place of ours."""
        session = self._session
        self._session = v1.Session(graph=self._graph, config=config)
        self._initialisations[self._session] = Initialisation(self._session, [x.op for x, _ in values])
        session.close()
        self.batch_set_value(values)

    def manual_variable_initialization(self, value):
        if value:
            self._bring_all_back()
        self._manual = bool(value)

    # Counted steps: see random.py.

    def _step_placeholder(self):
        if self._step_tensor is None:
            with self._graph.as_default(), self._graph.control_dependencies(None), v1.name_scope(None):
                default = tf.constant(-1, tf.int64)
                self._step_tensor = v1.placeholder_with_default(default, (), name='cthulhu_step')
        return self._step_tensor

    def _next_step(self, count=1):
        step = self._runs_seen.now
        self._runs_seen.now += count
        return np.asarray(step, 'int64')

    def _depends_on_step(self, targets):
        return self._step_tensor is not None and self._is_step_among(ancestors(targets))

    def _is_step_among(self, operations):
        return self._step_tensor is not None and self._step_tensor.op in operations

    # Tensors.

    def placeholder(self, shape=None, ndim=None, dtype=None, sparse=False, name=None):
        if shape is None and ndim is not None:
            shape = (None,) * ndim
        make = v1.sparse_placeholder if sparse else v1.placeholder
        made = make(dtype or config.floatx(), None if shape is None else tuple(shape), name=name)
        return meta.begin(made, shape)

    def make_learning_phase(self):
        with self._graph.control_dependencies(None), v1.name_scope(None):
            return v1.placeholder_with_default(tf.constant(False), (), name='cthulhu_learning_phase')

    def constant(self, value, dtype=None, shape=None, name=None):
        if self.is_tensor(value):
            return tf.cast(value, dtype or config.floatx(), name=name)
        value = value.numpy() if isinstance(value, EagerTensor) else value
        if dtype == 'bool':
            value = np.asarray(value).astype(bool)  # TensorFlow takes no numbers for it
        return tf.constant(value, dtype or config.floatx(), shape=shape, name=name)

    def is_tensor(self, x):
        # An eager tensor is data, as a NumPy array is: it has a value and no graph.
        kinds = tf.Tensor, tf.Variable, tf.SparseTensor, tf.IndexedSlices
        return isinstance(x, kinds) and not any(isinstance(own, EagerTensor) for own in (x, getattr(x, 'handle', None)))

    def is_placeholder(self, x):
        return self.is_tensor(x) and x.op.type in ('Placeholder', 'PlaceholderWithDefault')

    def is_sparse(self, tensor):
        return isinstance(tensor, tf.SparseTensor)

    def to_dense(self, tensor):
        if isinstance(tensor, tf.SparseTensor):
            dense = tf.sparse.to_dense(tensor)
            dense.set_shape(tensor.shape)
            return dense
        return tensor

    def shape(self, x):
        if isinstance(x, tf.SparseTensor):
            return tf.cast(x.dense_shape, 'int32')
        return tf.shape(self._tensor(x))

    def dtype(self, x):
        return tf.as_dtype(x.dtype).base_dtype.name

    def _numpy_dtype(self, x):
        return np.dtype(x.dtype.base_dtype.as_numpy_dtype)

    def static_shape(self, x):
        shape = getattr(x, 'shape', None)
        if not isinstance(shape, tf.TensorShape):
            return np.shape(x)
        return None if shape.rank is None else tuple(shape.as_list())

    def _tensor(self, x, like=None):
        """`x` as a tensor: data takes the dtype of `like`, or `floatx()` for floats."""
        if isinstance(x, EagerTensor):
            x = x.numpy()
        elif isinstance(x, (tf.Tensor, tf.Variable, tf.SparseTensor)):
            return x
        elif not isinstance(x, (np.ndarray, np.generic, float, int)):
            if isinstance(x, (list, tuple)) and not any(map(self.is_tensor, x)):
                x = np.asarray(x)
            else:
                return tf.convert_to_tensor(x)
        kind = np.asarray(x).dtype.kind
        if like is not None and (kind == 'f' or not isinstance(x, (np.ndarray, np.generic))):
            return tf.constant(x, like.dtype.base_dtype)
        if kind == 'f':
            return tf.constant(x, config.floatx())
        if like is not None and kind in 'iub':
            return tf.cast(tf.constant(x), like.dtype.base_dtype)
        return tf.constant(x)

    def identity(self, x, name=None):
        if isinstance(x, tf.SparseTensor):
            return tf.sparse.reorder(x)
        return tf.identity(self._tensor(x), name=name)

    def print_tensor(self, x, message=''):
        x = self._tensor(x)
        with tf.control_dependencies([tf.print(message, x, output_stream=sys.stderr)]):
            return self.identity(x)

    # Computing.

    def eval(self, x):
        if isinstance(x, GraphUpdate):
            with self.control_dependencies([x]):
                x = x.variable.read_value()
        if not self.is_tensor(x):
            return np.asarray(x)
        check_graph(x, self._graph, 'eval: the tensor')
        x = self.to_dense(x)
        with self._at([x]) as session:
            feeds = {self._step_tensor.name: self._next_step()} if self._depends_on_step([x]) else None
            try:
                return session.run(parts(x)[0].name, feeds)
            except tf.errors.InvalidArgumentError as error:
                explain(error)
                raise

    def update(self, x, new_x):
        return GraphUpdate(x, new_x)

    @contextlib.contextmanager
    def control_dependencies(self, control_inputs):
        with entered(self._graph):
            if control_inputs is not None:
                items = control_inputs if isinstance(control_inputs, (list, tuple)) else [control_inputs]
                pairs = (GraphUpdate(*u) if isinstance(u, tuple) else u for u in items if u is not None)
                control_inputs = [u._as_graph_element() if isinstance(u, GraphUpdate) else u for u in pairs]
            with tf.control_dependencies(control_inputs):
                yield

    def function(self, inputs, outputs, updates=None, after_updates=None, name=None, **framework_arguments):
        return ManyStepsFunction(self, inputs, outputs, updates, after_updates, name, **framework_arguments)

    def gradients(self, loss, variables):
        wanted = list(variables) if isinstance(variables, (list, tuple)) else [variables]
        with self._calls_may_change(loss if isinstance(loss, (list, tuple)) else [loss]):
            found = tf.gradients(loss, wanted)
        return [None if g is None else _dense(g, x) for g, x in zip(found, wanted)]

    def stop_gradient(self, variables):
        if isinstance(variables, (list, tuple)):
            return [tf.stop_gradient(self._tensor(x)) for x in variables]
        return tf.stop_gradient(self._tensor(variables))


def session_config():
    """What a session of our own is made with: `tf.compat.v1.ConfigProto`."""
    threads = int(os.environ.get('OMP_NUM_THREADS') or 0)
    config = v1.ConfigProto(
        allow_soft_placement=True, intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads
    )
    # What a second one changes is nothing in the steps of usual models, and it takes 5 to 10 % of the time until the first one is done.
    config.graph_options.rewrite_options.meta_optimizer_iterations = RewriterConfig.ONE
    return config


def _dense(gradient, x):
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    # Here rather than where it is used, where TensorFlow would warn that it does not know the shape.
    shape = x.shape.as_list() if x.shape.is_fully_defined() else tf.shape(x, out_type=tf.int64)
    dense = tf.scatter_nd(tf.expand_dims(gradient.indices, -1), gradient.values, tf.cast(shape, gradient.indices.dtype))
    dense.set_shape(x.shape)
    dense.cthulhu_rows = lambda: tf.unique(gradient.indices)[0]  # for optimizers that move these alone
    return dense
