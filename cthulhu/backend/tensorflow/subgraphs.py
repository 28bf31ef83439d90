"""Parts of a graph that has grown large, each with a session of its own.

A session takes up its whole graph whenever something new is in it, and goes through all of it for every function that is prepared: a model would cost what
all models before it cost together. So once there are more than `LARGE` operations, what shares no variable with what has run is copied into a small graph, and
runs in the session of that. What needs variables of several of these brings them together; what needs those of the whole graph too, or a session as such, brings
them into the session of the whole graph.
"""

import contextlib
import threading
import time

import tensorflow as tf

from cthulhu.backend.tensorflow.graph import ancestors, building, entered, parts
from cthulhu.backend.tensorflow.variables import assignment, initialise, setter

v1 = tf.compat.v1

#: From so many operations on, a graph is not taken up as a whole for what is new in it; and to so many a small one is filled.
LARGE = 2000

# Operations that TensorFlow calls stateful, and that have no state between runs but that of variables. The others of these are not copied.
_WITHOUT = tuple(
    'Assert Assign ReadVariableOp ResourceApply ResourceGather ResourceScatter Stack TensorArray VarHandleOp VarIsInitializedOp'.split()
)
_is_copied = {}


class Subgraph:
    """A copy of some operations of a graph, and a session in which they run.

    Attributes:
        variables: dict, name of a variable's handle -> the variable, of those that have their values here.
        is_gone: bool, whether these went elsewhere.
    """

    def __init__(self, config):
        self.graph = tf.Graph()
        self.session = v1.Session(graph=self.graph, config=config)
        self.variables = {}
        self.is_gone = False
        self._copied, self._functions = {}, set()
        self._running = set()  # threads that have a run under way

    def is_full(self):
        return len(self._copied) > LARGE

    def begin(self):
        """Whether a run may begin; if so, the variables stay until `end`."""
        self._running.add(threading.get_ident())
        if self.is_gone:
            self.end()
        return not self.is_gone

    def end(self):
        self._running.discard(threading.get_ident())

    def end_all(self):
        """End it, after the runs that have begun: (list of the variables that have values, list of these)."""
        self.is_gone = True
        while self._running - {threading.get_ident()}:  # where Ctrl-C came between two lines, this one has none
            time.sleep(1e-3)
        variables = list(self.variables.values())
        with entered(self.graph):
            handles = [self.graph.get_tensor_by_name(x.handle.name) for x in variables]
            has_value = self.session.run([tf.raw_ops.VarIsInitializedOp(resource=x) for x in handles])
        variables = [x for x, has in zip(variables, has_value) if has]
        self.copy(variables)
        values = self.session.run([x.name for v in variables for x in parts(v)])
        self.session.close()
        return variables, values

    def hold(self, variables):
        """Have a place for the values of variables."""
        self.copy([x.initializer for x in variables] + [assignment(x)[1] for x in variables])
        self.variables.update((x.op.name, x) for x in variables)

    def copy(self, targets):
        """Copy the operations that targets need; returns False where one was changed since it was copied."""
        needed = sorted(ancestors(targets), key=lambda op: op._id)
        for op in needed:
            if self._copied.get(op, _form(op)) != _form(op):
                return False
        new = [op for op in needed if op not in self._copied]
        if new:
            definition, replaced = v1.GraphDef(versions=new[0].graph.graph_def_versions), {}
            names = {op.name for op in new}
            for op in new:
                self._add(op, definition, names, replaced)
            self._add_functions(new[0].graph, definition)
            with entered(self.graph):
                tf.graph_util.import_graph_def(definition, replaced, name='')
            self._copied.update((op, _form(op)) for op in new)
        return True

    def _add(self, op, definition, names, replaced):
        node = definition.node.add()
        node.CopyFrom(op.node_def)
        beside = node.attr['_class'].list.s if '_class' in node.attr else ()
        if any(name[len(b'loc:@') :].decode() not in names for name in beside):
            del node.attr['_class']
        for x in op.inputs:
            if x.op in self._copied:
                replaced[x.name] = self.graph.get_tensor_by_name(x.name)
        for other in op.control_inputs:
            if other in self._copied:
                replaced[f'^{other.name}'] = self._after(other)

    def _after(self, op):
        """A tensor of the operation that stands for a copied one; or of one that waits for it, where that has none."""
        made = self.graph.get_operation_by_name(op.name)
        if made.outputs:
            return made.outputs[0]
        with entered(self.graph), self.graph.control_dependencies([made]):
            return tf.constant(0, name='cthulhu_after')

    def _add_functions(self, source, definition):
        called = {name for node in definition.node for name in _called(node)}
        if not called:
            return
        all_of_them = v1.GraphDef()
        source._copy_functions_to_graph_def(all_of_them, 0)
        by_name = {function.signature.name: function for function in all_of_them.library.function}
        while called:
            name = called.pop()
            if name in by_name and name not in self._functions:
                self._functions.add(name)
                definition.library.function.add().CopyFrom(by_name[name])
                called.update(other for node in by_name[name].node_def for other in _called(node))
        definition.library.gradient.extend(
            one for one in all_of_them.library.gradient if one.function_name in self._functions
        )


def _form(op):
    return len(op.inputs), len(op.control_inputs), len(op.outputs)


def _called(node):
    for value in node.attr.values():
        if value.HasField('func'):
            yield value.func.name
        elif value.HasField('list'):
            yield from (one.name for one in value.list.func)


def _may_be_copied(op):
    if op.type not in _is_copied:
        known = op.type.startswith(_WITHOUT)
        _is_copied[op.type] = known or not op.op_def.is_stateful
    return _is_copied[op.type]


class Subgraphs:
    """Where the functions of the backend run, and its variables have their values."""

    def _place(self, targets, is_known=False, given=()):
        """Where targets are computed from now on: a Subgraph that has them, and the variables that they need; or None, for the session of the whole graph.

        Arguments:
            targets: list of tensors, variables and operations.
            is_known: bool, whether these are known to have no state but that of variables.
            given: list of variables, those of `_without_values` that are set by what runs next, before the lock is let go: they need no first value.
        """
        with building:
            session = self._current_session()
            if self._is_one(session):
                self._ready_session()
                return None
            needed = ancestors(targets)
            handles = sorted((op for op in needed if op.type == 'VarHandleOp'), key=lambda op: op._id)
            variables = [self._handles[op] for op in handles if op in self._handles]
            are_ours = len(variables) == len(handles)
            may_be = are_ours and (is_known or all(map(_may_be_copied, needed)))
            if may_be and self._initialisation(session).done.isdisjoint(handles):
                place = self._place_among({self._places[op] for op in handles if op in self._places})
                if place is not None and self._take(place, variables, targets, given):
                    return place
            for place in {self._places[op] for op in handles if op in self._places}:
                self._move(place)
            done, given = self._initialisation(session).done, [x.op for x in given]
            done.update(given)
            try:
                self._ready_session(variables if are_ours else None)
            except BaseException:
                done.difference_update(given)
                raise
            return None

    def _is_one(self, session):
        """Whether everything runs in one session from now on, as variables may start from each other, or users have a say."""
        if self._is_whole or self._manual or self._user_has_session or session is not self._session:
            return True
        if len(self._initialisation(session).variables) != len(self._handles):
            self._bring_all_back()  # users have made some with TensorFlow itself, which may start from any
        return self._is_whole

    def _without_values(self, variables):
        """Those of some variables that have none yet, and from which no other one starts."""
        session = self._current_session()
        if self._is_one(session):
            return []
        done = self._initialisation(session).done
        return [x for x in variables if x.op not in done and x.op not in self._places]

    @contextlib.contextmanager
    def _at(self, targets):
        """Context in which targets stay where they are computed; it gives the session. Who is inside does not wait for `building`: its holder may wait for them."""
        with building:
            place = self._place(targets)
            session = self._current_session(place)
            if place is not None:
                place.begin()
        try:
            yield session
        finally:
            if place is not None:
                place.end()

    def _place_among(self, places):
        if places:
            # Those begun first stay, as others may have grown full meanwhile.
            first, *others = sorted(places, key=self._subgraphs.index)
            for place in others:
                self._move(place, first)
            return first
        if self._graph.version <= LARGE or not self._initialisation(self._session).done:
            return None
        if not self._subgraphs or self._subgraphs[-1].is_full():
            self._subgraphs.append(Subgraph(self._session._config))
        return self._subgraphs[-1]

    def _take(self, place, variables, targets, given):
        new, given = [x for x in variables if x.op not in self._places], {x.op for x in given}
        first = [x for x in new if x.op not in given]
        if not place.copy([x.initializer for x in first] + targets):
            return False
        initialise(place.session, first)
        for x in new:
            self._places[x.op] = place
            place.variables[x.op.name] = x
        return True

    def _by_place(self, variables):
        """Lists of the positions of those that have their values in one place, or have none yet."""
        if not self._places:
            return [range(len(variables))]
        groups, done = {}, self._initialisation(self._session).done
        for i, x in enumerate(variables):
            groups.setdefault(self._places.get(x.op, x.op in done), []).append(i)
        return groups.values()

    def _know(self, variable, needed):
        """Take note of a variable that was made, and of the operations that its first value needs; none where that is an array."""
        self._handles[variable.op] = variable
        if any(op.type == 'VarHandleOp' or not _may_be_copied(op) for op in needed):
            self._bring_all_back()  # it starts from what something else is as soon as anything runs

    def _forget(self, variable):
        """Forget a variable that nobody has."""
        self._handles.pop(variable.op, None)
        place = self._places.pop(variable.op, None)
        if place is not None:
            del place.variables[variable.op.name]

    def _forget_subgraphs(self):
        for place in self._subgraphs:
            place.is_gone = True
        self._subgraphs, self._places = [], {}

    def _move(self, place, to=None):
        """Go on with the variables of a subgraph in another, or in the session of the whole graph."""
        variables, arrays = place.end_all()
        self._subgraphs.remove(place)
        if to is None:
            session = self._session
            self._initialisation(session).done.update(x.op for x in place.variables.values())
        else:
            session = to.session
            to.hold(place.variables.values())
        for x in place.variables.values():
            if to is None:
                del self._places[x.op]
            else:
                self._places[x.op] = to
        if variables:
            setter(session, variables)(*arrays)

    def _bring_all_back(self):
        """Have one session for all from now on."""
        with building:
            self._is_whole = True
            for place in list(self._subgraphs):
                self._move(place)
