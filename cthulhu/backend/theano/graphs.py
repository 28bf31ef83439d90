"""Walks over the framework's graphs: replacing variables, choosing branches, computing values without compiling."""

import collections

import numpy as np

from cthulhu.backend.inference.symbolic import toposort
from cthulhu.backend.theano import tensors
from cthulhu.backend.theano.framework import Constant, IfElse, SharedVariable, clone_node, constant, remembered


def nodes(targets):
    """The nodes that `targets` are computed by, each after those it needs."""
    return toposort(_owners(targets), lambda node: _owners(node.inputs))


def _owners(variables):
    return [x.owner for x in variables if x.owner is not None]


def roots(targets):
    """The variables that `targets` are computed from, which themselves are computed from nothing; once each."""
    found = {}
    for x in [x for node in nodes(targets) for x in node.inputs] + list(targets):
        if x.owner is None:
            found.setdefault(x, True)
    return list(found)


def steps(targets):
    """Those of the roots that stand for the number of runs that draws count."""
    return [root for root in roots(targets) if getattr(root, '_cthulhu_step', False)]


def replaced(targets, replacements, choose=None):
    """`targets` computed from other variables.

    Arguments:
        replacements: dict from variables to what takes their place, all at once; it is not searched for others.
        choose: function (node, its new inputs) -> list of variables to use for its outputs, or None.
    """
    if not replacements and choose is None:
        return list(targets)
    new = dict(replacements)
    for node in nodes(targets):
        if all(x in new for x in node.outputs):
            continue
        inputs = [new.get(x, x) for x in node.inputs]
        outputs = choose(node, inputs) if choose is not None else None
        if outputs is None:
            if all(a is b for a, b in zip(inputs, node.inputs)):
                continue
            outputs = clone_node(node, inputs).outputs
        for old, made in zip(node.outputs, outputs):
            if old not in new:
                new[old] = tensors.copy_notes(old, made) if made is not old and made.owner is not None else made
    return [new.get(x, x) for x in targets]


def in_phase(backend, targets, phases):
    """`targets` for fixed learning phases: branches that only they choose between are chosen now.

    Arguments:
        phases: dict from learning phases to bool; those that are not in it are 0.
    """
    values = {}
    for x in roots(targets):
        if backend._is_phase(x):
            values[x] = constant(np.asarray(phases.get(x, False), x.dtype))

    def choose(node, inputs):
        if not isinstance(node.op, IfElse):
            return None
        start = roots([inputs[0]])
        if not all(isinstance(x, Constant) for x in start):
            return None
        chosen = bool(computed([inputs[0]])[0])
        half = len(node.outputs)
        return [remembered(x) for x in (inputs[1 : 1 + half] if chosen else inputs[1 + half :])]

    return replaced(targets, values, choose)


def computed(targets):
    """The values of `targets`, node after node in Python: for what is computed once, and not worth a compilation."""
    storage, done = {}, {}
    for x in roots(targets):
        if isinstance(x, SharedVariable):
            value = x.get_value(borrow=True)
        elif isinstance(x, Constant):
            value = x.data
        else:
            raise ValueError(
                f'eval: the placeholder {x} was given no value. Make a function of it: K.function([placeholder], outputs).'
            )
        storage[x], done[x] = [value], [True]
    order = nodes(targets)
    uses = collections.Counter([x for node in order for x in node.inputs] + list(targets))
    for node in order:
        for x in node.outputs:
            storage[x], done[x] = [None], [False]
        node.op.make_thunk(node, storage, done, [], impl='py')()
        # What nothing needs any more is not kept: weights may be large.
        uses.subtract(node.inputs)
        for x in node.inputs:
            if not uses[x]:
                storage[x][0] = None
    return [storage[x][0] for x in targets]
