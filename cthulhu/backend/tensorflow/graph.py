"""The graph that the library keeps for itself, how code enters it, and users' own operations on its tensors.

TensorFlow's global mode stays what it is: eager code runs before, between and after. Two things follow:

- every function of the backend enters the graph for as long as it runs (`enters_graph`), one thread at a time (`building`);
- an operation that a user writes outside, such as `x * 2` or `tf.square(x)`, would fail in eager mode; a dispatcher,
  which TensorFlow asks only after such a failure, runs it again inside the graph of its tensors (`_OwnTensors`).
"""

import contextlib
import functools
import inspect
import re
import sys
import threading

import tensorflow as tf

from cthulhu.backend.inference.symbolic import find_symbols

v1 = tf.compat.v1
EagerTensor = tf.__internal__.EagerTensor
# What knows its graph.
_OF_GRAPHS = tf.Tensor, tf.Variable, tf.SparseTensor, tf.IndexedSlices, tf.Operation

#: Held while a graph grows: which loop a new operation belongs to, and what it inherits, is a state of the whole graph and not of a thread.
building = threading.RLock()


class _V1ControlFlow:
    """While it is entered, loops and conditionals of plain graphs are made of TensorFlow 1's operations.

    Those of TensorFlow 2 change the forward operation when a gradient is taken, which a session that has already run it
    does not survive: predict, then train, would fail. Functions (`tf.function`) keep their own kind in any case.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._depth = 0
        self._was_v2 = False

    def __enter__(self):
        with self._lock:
            if not self._depth:
                self._was_v2 = v1.control_flow_v2_enabled()
                if self._was_v2:
                    v1.disable_control_flow_v2()
            self._depth += 1

    def __exit__(self, *error):
        with self._lock:
            self._depth -= 1
            if not self._depth and self._was_v2:
                v1.enable_control_flow_v2()


v1_control_flow = _V1ControlFlow()


def is_inside(graph):
    """Whether operations made now go to `graph`, or to a function that is being built for it."""
    if tf.executing_eagerly():
        return False
    current = v1.get_default_graph()
    while current is not None:
        if current is graph:
            return True
        current = getattr(current, 'outer_graph', None)
    return False


@contextlib.contextmanager
def entered(graph, name=None, alone=True):
    """Make `graph` the one that operations go to, in a name scope where a name is given; no other thread adds to it meanwhile, if `alone`."""
    with contextlib.ExitStack() as stack:
        if alone:
            stack.enter_context(building)
        if not is_inside(graph):
            stack.enter_context(graph.as_default())
        stack.enter_context(v1_control_flow)
        if name is not None:
            stack.enter_context(v1.name_scope(valid_name(name)))
        try:
            yield
        except ValueError as error:
            if 'must be from the same graph' in str(error):
                raise other_graph(str(error).partition(' (graphs are')[0]) from error
            raise


def other_graph(what):
    """The ValueError for tensors that are not in the graph of the library any more; `what` says which."""
    return ValueError(
        f'{what}. The graph of the library was replaced by clear_session() or set_session() since one of them was made: make it, or the '
        f'model, again. A model keeps its weights by save() before, and load_model() after.'
    )


def check_graph(x, graph, what):
    """Refuse a tensor or variable that is not in `graph`, the present one of the library; `what` says what it was given as."""
    if getattr(x, 'graph', graph) is not graph:
        raise other_graph(f'{what} {getattr(x, "name", x)!r} is not in the graph of the library')


def valid_name(name):
    """What operations of the graph may be called, of a name in which TensorFlow does not take every character, such as that of a layer."""
    if not name:
        return name
    name = re.sub(r'[^A-Za-z0-9_.\\/>-]', '_', name)
    is_outermost = not v1.get_default_graph().get_name_scope()
    return f'x{name}' if is_outermost and not re.match('[A-Za-z0-9.]', name) else name


def enters_graph(method):
    """The method of a backend, run inside the backend's graph; its argument `name`, if it has one, becomes one that the graph takes."""
    parameters = list(inspect.signature(method).parameters)
    place = parameters.index('name') - 1 if 'name' in parameters else sys.maxsize

    @functools.wraps(method)
    def run_inside(self, *args, **kwargs):
        with building if is_inside(self._graph) else entered(self._graph):
            if place < len(args):
                args = args[:place] + (valid_name(args[place]),) + args[place + 1 :]
            elif 'name' in kwargs:
                kwargs['name'] = valid_name(kwargs['name'])
            return method(self, *args, **kwargs)

    return run_inside


class _Owned(tf.Graph):
    """A graph in which eager tensors become constants, and with whose tensors users may compute in eager mode."""

    @property
    def building_function(self):
        # Asked for many reasons, and in a conversion to a tensor only before an eager one is given to `capture`.
        return sys._getframe(1).f_code.co_name in ('__tf_tensor__', 'convert_to_tensor')

    def capture(self, tensor, name=None):
        if tensor.dtype == tf.resource:
            raise RuntimeError('An eager tf.Variable is none of a model: make it by add_weight() or K.variable().')
        return tf.constant(tensor.numpy(), name=name)


def owned(graph):
    """`graph`, from now on one of ours."""
    graph.__class__ = _Owned
    return graph


class _OwnTensors(tf.__internal__.dispatch.GlobalOpDispatcher):
    """Runs an operation that failed outside on tensors of one of our graphs again, inside that graph."""

    def handle(self, op, args, kwargs):
        graphs = (getattr(x, 'graph', None) for x in find_symbols((args, kwargs), _OF_GRAPHS))
        graph = next((graph for graph in graphs if isinstance(graph, _Owned)), None)
        if graph is None or is_inside(graph):
            return self.NOT_SUPPORTED
        with entered(graph):
            # TensorFlow 2.6's operators ask a left operand for its dtype
            return op(*(tf.convert_to_tensor(x) if isinstance(x, EagerTensor) else x for x in args), **kwargs)


_OwnTensors().register()


def parts(x):
    """The dense tensors that stand for `x` in a feed or a fetch."""
    if isinstance(x, tf.SparseTensor):
        return [x.indices, x.values, x.dense_shape]
    if isinstance(x, tf.Variable):
        return [x._as_graph_element()]
    return [x]


def ancestors(targets, by_control=True):
    """The set of operations that must run for `targets`, themselves included.

    Arguments:
        targets: tensors and operations; None is skipped.
        by_control: bool, whether to follow control inputs too, not only the values that are used.
    """
    stack = [getattr(t, 'op', t) for x in targets if x is not None for t in parts(x)]
    seen = set(stack)
    while stack:
        op = stack.pop()
        for other in [t.op for t in op.inputs] + (list(op.control_inputs) if by_control else []):
            if other not in seen:
                seen.add(other)
                stack.append(other)
    return seen
