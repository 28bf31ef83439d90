"""Formulas of optimizers for which TensorFlow has a kernel that changes a weight and its state in one pass over them.

A formula (`composed.rules`) is found in the updates of a function, whoever wrote the optimizer.
"""

import functools
import inspect

import numpy as np
import tensorflow as tf

from cthulhu.backend.composed import rules
from cthulhu.backend.tensorflow.graph import ancestors

# What the kernels are given: handles of the variable and its state, the gradient, numbers. Rates have the corrections of moments in them already, which
# the kernels make none of where no power of the betas is left.


def _adam_kernel(p, g, m, v, rate, b1, b2, eps):
    none = tf.zeros((), g.dtype)
    return tf.raw_ops.ResourceApplyAdam(
        var=p, m=m, v=v, beta1_power=none, beta2_power=none, lr=rate, beta1=b1, beta2=b2, epsilon=eps, grad=g
    )


def _amsgrad_kernel(p, g, m, v, largest, rate, b1, b2, eps):
    none = tf.zeros((), g.dtype)
    return tf.raw_ops.ResourceApplyAdamWithAmsgrad(
        var=p, m=m, v=v, vhat=largest, beta1_power=none, beta2_power=none, lr=rate, beta1=b1, beta2=b2, epsilon=eps, grad=g
    )  # fmt: skip


def _adamax_kernel(p, g, m, norm, rate, b1, b2, eps):
    none = tf.zeros((), g.dtype)
    return tf.raw_ops.ResourceApplyAdaMax(
        var=p, m=m, v=norm, beta1_power=none, lr=rate, beta1=b1, beta2=b2, epsilon=eps, grad=g
    )


def _adagrad_kernel(p, g, total, rate, eps):
    return tf.raw_ops.ResourceApplyAdagradV2(var=p, accum=total, lr=rate, epsilon=eps, grad=g)


def _adadelta_kernel(p, g, average, moves, rate, rho, rest, eps):
    return tf.raw_ops.ResourceApplyAdadelta(
        var=p, accum=average, accum_update=moves, lr=rate, rho=rho, epsilon=eps, grad=g
    )


def _sgd_kernel(p, g, v, rate, momentum, use_nesterov=False):
    return tf.raw_ops.ResourceApplyKerasMomentum(
        var=p, accum=v, lr=rate, grad=g, momentum=momentum, use_nesterov=use_nesterov
    )


def _nesterov_kernel(p, g, v, rate, momentum):
    return _sgd_kernel(p, g, v, rate, momentum, use_nesterov=True)


class _Term:
    """A term of a formula: the type of an operation and its inputs, which are terms and numbers; without a type, what any value may stand for."""

    def __init__(self, type=None, *inputs):
        self.type, self.inputs = type, inputs

    def __add__(self, other):
        return _Term('AddV2', self, other)

    def __sub__(self, other):
        return _Term('Sub', self, other)

    def __rsub__(self, other):
        return _Term('Sub', other, self)

    def __mul__(self, other):
        return _Term('Mul', self, other)

    def __truediv__(self, other):
        return _Term('RealDiv', self, other)


class _Terms:
    """What the backend makes of a formula, in terms: operations are not made for what is looked for, which would take as long as those of the model."""

    abs = staticmethod(functools.partial(_Term, 'Abs'))
    square = staticmethod(functools.partial(_Term, 'Square'))
    maximum = staticmethod(functools.partial(_Term, 'Maximum'))

    @staticmethod
    def sqrt(x):
        return _Term('Sqrt', _Term('Maximum', x, 0.0))


class _Rule:
    """A formula of (a variable, its gradient, variables of its state, numbers), and the kernel that changes what it gives.

    Arguments:
        formula: one of `composed.rules`.
        kernel: function (handle, gradient, *handles, *numbers) -> Operation.
        states: int, how many variables there are in a state.
        rest: int or None, the place of a number that has to be 1 minus the one before it.
        least: int, elements of a variable from which on the kernel is faster.

    Attributes:
        places: list of terms that stand for what the formula is of.
        terms: tuple of what it gives of these.
    """

    def __init__(self, formula, kernel, states, rest=None, least=1):
        self.formula, self._states, self._rest, self.kernel, self._least = formula, states, rest, kernel, least
        self.places = [_Term() for _ in list(inspect.signature(formula).parameters)[1:]]
        self.terms = formula(_Terms, *self.places)

    def match(self, variable, values):
        """The _Pass over a variable whose new value is of this formula, else None. `values` has new values by the handles of variables."""
        if (
            variable.dtype.base_dtype not in (tf.float32, tf.float64)
            or (variable.shape.num_elements() or 0) < self._least
        ):
            return None
        value, found = values[variable.handle.op][1], dict.fromkeys(self.places)
        if not _agree(self.terms[0], value, found):
            return None
        start, gradient, *others = found.values()
        states, numbers, share = others[: self._states], others[self._states :], None
        if start.op.type == 'Mul' and not start.op.control_inputs:
            start, share = start.op.inputs  # some of it decays first
        changed = [_read(x) for x in [start] + states]
        if changed[0] is not variable.handle.op or not all(op in values for op in changed):
            return None
        changed = [values[op] for op in changed]
        if (
            all(_agree(term, new, found) for term, (_, new) in zip(self.terms[1:], changed[1:]))
            and all(x.shape == variable.shape and variable.shape.is_fully_defined() for x in states + [gradient])
            and all(x.shape.rank == 0 for x in numbers + ([] if share is None else [share]))
            and (self._rest is None or _add_to_one(*numbers[self._rest - 1 : self._rest + 1]))
        ):
            return _Pass(self, *zip(*changed), gradient, numbers, share)
        return None


class _Pass:
    """A pass over variables: what changes them, the new values in whose place it is, and what it is made of."""

    def __init__(self, rule, variables, values, gradient, numbers, share):
        self.variables, self.values = variables, values
        self.needs = [gradient] + numbers + [share] * (share is not None)
        self._rule, self._share = rule, share

    def run(self, gradient, *numbers):
        """The operation, of the tensors that it needs."""
        p, *states = self.variables
        before = []
        if self._share is not None:
            *numbers, share = numbers
            before = [p.assign(p * share, read_value=False)]
        with tf.control_dependencies(before):
            return self._rule.kernel(p.handle, gradient, *[v.handle for v in states], *numbers)


def _agree(term, value, found):
    """Whether a value is what a term says of some others, which are noted in `found` by the terms that they stand for."""
    if not isinstance(term, _Term):
        known = tf.get_static_value(value) if value.op.type == 'Const' else None
        return known is not None and known.shape == () and known == term
    if term in found:
        if found[term] is None:
            found[term] = value
        return _same(found[term], value)
    return (
        value.op.type == term.type
        and not value.op.control_inputs
        and len(value.op.inputs) == len(term.inputs)
        and all(_agree(one, other, found) for one, other in zip(term.inputs, value.op.inputs))
    )


def _same(x, y):
    if x is y:
        return True
    if x.op.type == y.op.type == 'Const':
        one, other = tf.get_static_value(x), tf.get_static_value(y)
        return one.dtype == other.dtype and one.shape == other.shape == () and one == other
    read = _read(x)
    return read is not None and read is _read(y)


def _read(x):
    """The operation of the handle of a variable that is read here, whenever it is; or None."""
    return x.op.inputs[0].op if x.op.type == 'ReadVariableOp' and not x.op.control_inputs else None


def _add_to_one(part, rest):
    part, rest = tf.get_static_value(part), tf.get_static_value(rest)
    return part is not None and rest is not None and np.isclose(part + rest, 1.0, rtol=0, atol=1e-7)


RULES = [
    _Rule(rules.adam, _adam_kernel, 2, least=2**16),  # which wakes threads for each
    _Rule(rules.amsgrad, _amsgrad_kernel, 3),
    _Rule(rules.adamax, _adamax_kernel, 2),
    _Rule(rules.adagrad, _adagrad_kernel, 1),
    _Rule(rules.adadelta, _adadelta_kernel, 2, rest=2),
    _Rule(rules.sgd, _sgd_kernel, 1),
    _Rule(rules.nesterov, _nesterov_kernel, 1),
]


def passes(pairs, others):
    """The passes that take the place of some updates.

    Arguments:
        pairs: list of (variable, new value).
        others: list of what is computed besides: where any of it needs a new value, that is computed anyway, and there is nothing to gain.

    Returns:
        (list of _Pass, list of the pairs that remain).
    """
    values = {variable.handle.op: (variable, value) for variable, value in pairs}
    found = []
    for variable, _ in pairs:
        found += [x for x in (rule.match(variable, values) for rule in RULES) if x is not None][:1]
    while True:
        taken = {v.handle.op for one in found for v in one.variables}
        left = [pair for pair in pairs if pair[0].handle.op not in taken]
        needed = ancestors(list(others) + [value for _, value in left] + [x for one in found for x in one.needs])
        kept = [one for one in found if not any(value.op in needed for value in one.values)]
        if len(kept) == len(found):
            return found, left
        found = kept
