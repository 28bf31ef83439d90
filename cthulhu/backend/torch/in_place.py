"""Updates of optimizers by formulas for which the framework has a kernel: one pass over the weights, which changes them where they lie.

A formula is found in the updates of a function as optimizers write it, whoever wrote the optimizer. Nothing changes before everything else that the function
computes is there: what may fail has been done then.
"""

import inspect

import numpy as np
import torch

from cthulhu.backend.deferred import Placeholder, Symbol, Variable, toposort
from cthulhu.backend.torch.cuda_graphs import PLACES
from cthulhu.backend.torch.framework import Tensor

# The number of steps after which moments need no correction, as the rates of Keras have it in them; and of that which needs no decay of a rate.
_MANY, _FIRST = torch.tensor(float('inf')), torch.tensor(1.0)


def _moments(K, p, g, m, v, b1, b2):
    return b1 * m + (1.0 - b1) * g, b2 * v + (1.0 - b2) * K.square(g)


def _adam(K, p, g, m, v, rate, b1, b2, eps):
    m, v = _moments(K, p, g, m, v, b1, b2)
    return p - rate * m / (K.sqrt(v) + eps), m, v


def _adam_pass(p, g, m, v, rate, b1, b2, eps, largest=()):
    settings = {'lr': rate, 'beta1': b1, 'beta2': b2, 'eps': eps, 'weight_decay': 0.0, 'maximize': False}
    torch._fused_adam_(p, g, m, v, largest, [_MANY] * len(p), amsgrad=bool(largest), **settings)


def _amsgrad(K, p, g, m, v, largest, rate, b1, b2, eps):
    m, v = _moments(K, p, g, m, v, b1, b2)
    largest = K.maximum(largest, v)
    return p - rate * m / (K.sqrt(largest) + eps), m, v, largest


def _amsgrad_pass(p, g, m, v, largest, rate, b1, b2, eps):
    _adam_pass(p, g, m, v, rate, b1, b2, eps, largest)


def _rmsprop(K, p, g, v, rate, rho, eps):
    v = rho * v + (1.0 - rho) * K.square(g)
    return p - rate * g / (K.sqrt(v) + eps), v


def _rmsprop_pass(p, g, v, rate, rho, eps):
    # A first moment of which nothing is kept is the gradient, and is written where that is.
    _adam_pass(p, g, g, v, rate, 0.0, rho, eps)


def _adagrad(K, p, g, total, rate, eps):
    total = total + K.square(g)
    return p - rate * g / (K.sqrt(total) + eps), total


def _adagrad_pass(p, g, total, rate, eps):
    settings = {'lr_decay': 0.0, 'weight_decay': 0.0, 'maximize': False}
    torch._fused_adagrad_(p, g, total, [_FIRST] * len(p), lr=rate, eps=eps, **settings)


def _sgd(K, p, g, v, rate, momentum):
    v = momentum * v - rate * g
    return p + v, v


def _sgd_pass(p, g, v, rate, momentum):
    if not momentum:  # without which the kernel keeps no velocities
        torch._foreach_copy_(v, g)
        torch._foreach_mul_(v, -rate)
        torch._foreach_add_(p, v)
        return
    # The framework's velocity is multiplied by the rate when it is added, ours when a gradient is.
    settings = {'weight_decay': 0.0, 'nesterov': False, 'is_first_step': False}
    torch._fused_sgd_(p, g, v, lr=-1.0, momentum=momentum, dampening=1.0 - rate, maximize=True, **settings)


def _nesterov(K, p, g, v, rate, momentum):
    v = momentum * v - rate * g
    return p + momentum * v - rate * g, v


def _nesterov_pass(p, g, v, rate, momentum):
    # The framework's kernel has no rate of its own for the gradient.
    torch._foreach_mul_(v, momentum)
    torch._foreach_add_(v, g, alpha=-rate)
    torch._foreach_add_(p, v, alpha=momentum)
    torch._foreach_add_(p, g, alpha=-rate)


class _Rule:
    """A formula of (a variable, its gradient, variables of its state, numbers), and the pass over lists of these that changes what it gives.

    Arguments:
        formula: function (backend, variable, gradient, *states, *numbers) -> the new values of the variable and the states.
        one_pass: function (variables, gradients, *states, *numbers), of lists of tensors and of floats.
    """

    def __init__(self, formula, one_pass, states):
        self._formula, self.one_pass, self._states = formula, one_pass, states
        self._numbers = len(inspect.signature(formula).parameters) - 3 - states
        self._patterns = {}

    def _pattern(self, backend, dtype):
        """(the placeholders, the values that the formula gives for them)."""
        if (backend, dtype) not in self._patterns:
            shapes = [(2,)] * (2 + self._states) + [()] * self._numbers
            places = [Placeholder(backend, shape, dtype) for shape in shapes]
            self._patterns[backend, dtype] = places, self._formula(backend, *places)
        return self._patterns[backend, dtype]

    def match(self, variable, new):
        """The `_Match` of a variable, of whose new value and those of others `new` has the Symbols by id; None where it is none of this formula."""
        value = new[id(variable)]
        if not variable.shape or value.dtype not in ('float32', 'float64'):
            return None
        places, formulas = self._pattern(value.backend, value.dtype)
        found = {id(place): None for place in places}
        if not _agree(formulas[0], value, found):
            return None
        start, gradient, *others = [found[id(place)] for place in places]
        states, numbers, share = others[: self._states], others[self._states :], None
        if getattr(start, 'op', None) == 'multiply' and start.args[0] is variable:
            start, share = start.args
        changed = [variable] + states
        is_right = (
            start is variable
            and all(isinstance(x, Variable) and id(x) in new for x in states)
            and all(_agree(formula, new[id(x)], found) for formula, x in zip(formulas[1:], states))
            and all(x.shape == variable.shape and x.dtype == variable.dtype for x in states + [gradient])
            and all(x.shape == () for x in numbers if x is not share)
            and (share is None or share.shape == ())
            and not gradient.sparse
        )
        return _Match(self, changed, gradient, numbers, share) if is_right else None


def _agree(pattern, value, found):
    """Whether a value is what a pattern makes of some others, which are noted in `found` by the ids of the placeholders that stand for them."""
    if id(pattern) in found:
        if found[id(pattern)] is None:
            found[id(pattern)] = value
        return found[id(pattern)] is value
    if isinstance(pattern, np.ndarray):
        return isinstance(value, np.ndarray) and value.shape == pattern.shape and value == pattern
    is_like = isinstance(value, Symbol) and value.op == pattern.op and len(value.args) == len(pattern.args)
    return (
        is_like
        and not value.kwargs
        and value.dtype == pattern.dtype
        and all(_agree(one, other, found) for one, other in zip(pattern.args, value.args))
    )


class _Match:
    """One variable whose update is that of a rule.

    Attributes:
        changed: list of the Variable and those of its state.
        gradient: Symbol.
        numbers: list of scalars, Symbols or arrays.
        share: by what the variable is multiplied first: the same, or None.
        kind: what is equal for those that can go into one pass.
    """

    def __init__(self, rule, changed, gradient, numbers, share):
        self.rule, self.changed, self.gradient, self.numbers, self.share = rule, changed, gradient, numbers, share
        parts = [(x.dtype, x.item()) if isinstance(x, np.ndarray) else id(x) for x in numbers]
        self.kind = (rule, changed[0].dtype, share if share is None else id(share)) + tuple(parts)


_RULES = [
    _Rule(_adam, _adam_pass, 2),
    _Rule(_amsgrad, _amsgrad_pass, 3),
    _Rule(_rmsprop, _rmsprop_pass, 1),
    _Rule(_adagrad, _adagrad_pass, 1),
    _Rule(_sgd, _sgd_pass, 1),
    _Rule(_nesterov, _nesterov_pass, 1),
]


class Pass:
    """The variables that are updated in one pass: in the place of a variable among a plan's updates.

    Attributes:
        value: Symbol, of whose value `finish` makes the step.
    """

    dtype = None

    def __init__(self, backend, matches):
        self._rule, self._columns = matches[0].rule, list(zip(*[match.changed for match in matches]))
        self._has_share = matches[0].share is not None
        numbers = matches[0].numbers + [matches[0].share] * self._has_share
        operands = [match.gradient for match in matches], numbers
        self.value = Symbol(backend, 'pass', self._prepare, operands)

    def _prepare(self, backend, gradients, numbers):
        """All that may fail, and changes nothing: (memory of the variables, gradients, numbers)."""
        homes = [[_home(variable) for variable in column] for column in self._columns]
        gradients = [_apart(gradient, home) for gradient, home in zip(gradients, homes[0])]
        return homes, gradients, [float(x) for x in numbers]

    def finish(self, prepared):
        """Take the step."""
        homes, gradients, numbers = prepared
        if self._has_share:
            torch._foreach_mul_(homes[0], numbers.pop())
        self._rule.one_pass(homes[0], gradients, *homes[1:], *numbers)
        for column, values in zip(self._columns, homes):
            for variable, value in zip(column, values):
                variable.value = variable._home = value


def _home(variable):
    """The memory in which a variable may be changed: its own, or a copy where that may be something else's too."""
    value = variable.value
    if value is getattr(variable, '_home', None):
        return value
    home = value.clone(memory_format=torch.contiguous_format)
    PLACES.add(home.untyped_storage().data_ptr())
    return home


def _apart(gradient, home):
    """A gradient like the variable's memory, and none that changes with it."""
    if not isinstance(gradient, Tensor) or gradient.layout is not torch.strided:
        gradient = torch.zeros_like(home) + gradient
    if gradient.untyped_storage().data_ptr() in PLACES:
        gradient = gradient.clone()
    return gradient.contiguous()


def passes(backend, updates, inputs, outputs, after_updates):
    """What can be updated in one pass over it, and what is left.

    Nothing else may ask for the new values of what is, nor may the old ones be fed.

    Arguments:
        backend: the backend.
        updates: list of (Variable, Symbol of its new value).
        inputs, outputs, after_updates: lists of Symbols, of the same function.

    Returns:
        (list of `Pass`, set of the ids of the variables that they change).
    """
    new = {id(variable): value for variable, value in updates}
    matches, taken = [], set()
    for variable, _ in updates:
        match = next(filter(None, (rule.match(variable, new) for rule in _RULES)), None)
        ids = {id(x) for x in match.changed} if match else set()
        if ids and len(ids) == len(match.changed) and not ids & taken:
            matches.append(match)
            taken |= ids
    asked = {id(x) for x in toposort(after_updates)} | {id(x) for x in inputs}
    count = None
    while len(matches) != count:
        count = len(matches)
        others = [value for variable, value in updates if id(variable) not in taken]
        used = {id(x) for x in toposort(list(outputs) + list(after_updates) + others)} if matches else ()
        matches = [
            match for match in matches if not any(id(x) in asked or id(new[id(x)]) in used for x in match.changed)
        ]
        taken = {id(x) for match in matches for x in match.changed}
    groups = {}
    for match in matches:
        groups.setdefault(match.kind, []).append(match)
    return [Pass(backend, group) for group in groups.values()], taken
