"""Formulas of optimizers for which the framework has a kernel, or a few, that change weights where they lie.

A formula (`composed.rules`) is found in the updates of a function, whoever wrote the optimizer.
"""

import inspect

import numpy as np
import torch

from cthulhu.backend.composed import rules
from cthulhu.backend.deferred import Placeholder, Symbol, Variable
from cthulhu.backend.torch import together

# Steps after which moments need no correction, as the rates of Keras have it in them; and that with which rates begin to decay.
_MANY, _FIRST = (torch.tensor(x, dtype=torch.float32, device='cpu') for x in (float('inf'), 1.0))
_BELOW_ONE = np.nextafter(1.0, 0.0)


def _adam_pass(p, g, m, v, rate, b1, b2, eps, largest=()):
    b1, b2 = min(b1, _BELOW_ONE), min(b2, _BELOW_ONE)  # of 1 no power is 0
    settings = {'lr': rate, 'beta1': b1, 'beta2': b2, 'eps': eps, 'weight_decay': 0.0, 'maximize': False}
    torch._fused_adam_(p, g, m, v, largest, [_MANY] * len(p), amsgrad=bool(largest), **settings)


def _amsgrad_pass(p, g, m, v, largest, rate, b1, b2, eps):
    _adam_pass(p, g, m, v, rate, b1, b2, eps, largest)


def _rmsprop_pass(p, g, v, rate, rho, eps):
    # A first moment of which nothing is kept is the gradient, and is written where that is.
    _adam_pass(p, g, g, v, rate, 0.0, rho, eps)


def _adagrad_pass(p, g, total, rate, eps):
    settings = {'lr_decay': 0.0, 'weight_decay': 0.0, 'maximize': False}
    torch._fused_adagrad_(p, g, total, [_FIRST] * len(p), lr=rate, eps=eps, **settings)


def _sgd_pass(p, g, v, rate, momentum):
    if not momentum:  # without which the kernel keeps no velocities
        torch._foreach_copy_(v, g)
        torch._foreach_mul_(v, -rate)
        torch._foreach_add_(p, v)
        return
    # The framework's velocity is multiplied by the rate when it is added, ours when a gradient is.
    settings = {'weight_decay': 0.0, 'nesterov': False, 'is_first_step': False}
    torch._fused_sgd_(p, g, v, lr=-1.0, momentum=momentum, dampening=1.0 - rate, maximize=True, **settings)


def _nesterov_pass(p, g, v, rate, momentum):
    # The framework's kernel has no rate of its own for the gradient.
    torch._foreach_mul_(v, momentum)
    torch._foreach_add_(v, g, alpha=-rate)
    torch._foreach_add_(p, v, alpha=momentum)
    torch._foreach_add_(p, g, alpha=-rate)


class _Rule:
    """A formula of (a variable, its gradient, variables of its state, numbers), and the pass over lists of these that changes what it gives.

    Arguments:
        formula: one of `composed.rules`.
        one_pass: function (variables, gradients, *states, *numbers), of lists of tensors and of floats.
        states: int, how many variables there are in a state.
        writes_gradient: bool, whether the pass writes to the memory of the gradients.
    """

    def __init__(self, formula, one_pass, states, writes_gradient=False):
        self._formula, self._one_pass, self._states, self._writes = formula, one_pass, states, writes_gradient
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
        """(variables that change, [gradient], numbers) where the new value of a variable is of this formula; else None. `new` has them by id."""
        value = new[id(variable)]
        places, formulas = self._pattern(value.backend, value.dtype)
        found = dict.fromkeys(map(id, places))
        if not _agree(formulas[0], value, found):
            return None
        start, gradient, *others = [found[id(place)] for place in places]
        states, numbers, share = others[: self._states], others[self._states :], []
        if start is not variable and isinstance(start, Symbol) and start.op == 'multiply':
            start, *share = start.args  # some of it decays first
        is_right = (
            start is variable
            and all(isinstance(x, Variable) and id(x) in new for x in states)
            and all(_agree(formula, new[id(x)], found) for formula, x in zip(formulas[1:], states))
            and all(x.shape == variable.shape and x.dtype == variable.dtype for x in states + [gradient])
            and all(x.shape == () for x in numbers + share)
            and not gradient.sparse
            and (not self._writes or gradient.op == 'gradient' or gradient.op in together.FRESH)
        )
        return ([variable] + states, [gradient], numbers + share) if is_right else None

    def run(self, changed, others, numbers):
        variables, *states = changed
        if len(numbers) > self._numbers:
            torch._foreach_mul_(variables, numbers[-1])
        self._one_pass(variables, *others, *states, *numbers[: self._numbers])


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


RULES = [
    _Rule(rules.adam, _adam_pass, 2),
    _Rule(rules.amsgrad, _amsgrad_pass, 3),
    _Rule(rules.rmsprop, _rmsprop_pass, 1, writes_gradient=True),
    _Rule(rules.adagrad, _adagrad_pass, 1),
    _Rule(rules.sgd, _sgd_pass, 1),
    _Rule(rules.nesterov, _nesterov_pass, 1),
]
