"""Learning rates as functions of the step.

An optimizer takes a schedule in place of a number, `Adam(CosineDecay(0.001, 10000))`: each step asks it for the rate, by the number of steps made before.
`LearningRateScheduler` sets the rate by the same schedules from outside, by epoch or, with `each='batch'`, by batch.

A schedule is called with the number of the step, from 0: a number, for which it gives a float, or a scalar tensor of floats, for which it gives a tensor.
Those that Keras 3 has, too, give its numbers.
"""

import bisect
import math

import numpy as np

from cthulhu import backend as K
from cthulhu import registry
from cthulhu.utils.arguments import checked, named_arguments
from cthulhu.utils.kinds import is_symbolic
from cthulhu.utils.reprs import settings_repr

__all__ = [
    'CosineDecay', 'CosineDecayRestarts', 'ExponentialDecay', 'InverseTimeDecay', 'LearningRateSchedule', 'OneCycle', 'PiecewiseConstantDecay',
    'PolynomialDecay', 'Schedule', 'StepDecay', 'WarmUp', 'deserialize', 'serialize',
]  # fmt: skip


class LearningRateSchedule:
    """The base of the schedules. A subclass defines `at(step)`, of arithmetic that a tensor can go through, and keeps its arguments as attributes."""

    #: By this the check of arguments knows a schedule.
    gives_learning_rates = True

    def __call__(self, step, lr=None):
        """The learning rate at a step: a float for a number, a tensor for a tensor. The current rate is not looked at."""
        return self.at(step) if is_symbolic(step) else float(self.at(step))

    def at(self, step):
        """The learning rate at step number `step`, from 0."""
        raise NotImplementedError(f'{type(self).__name__} must define `at(self, step)`, which returns a learning rate.')

    def __repr__(self):
        return settings_repr(self)

    def get_config(self):
        """The arguments of the constructor, as a dict."""
        config = {name: getattr(self, name) for name in named_arguments(type(self))}
        return dict(config, name=self.name or type(self).__name__) if 'name' in config else config

    @classmethod
    def from_config(cls, config):
        """Make a schedule of what `get_config` gave."""
        return cls(**config)


Schedule = LearningRateSchedule


def _functions(step):
    """Where the functions of a step are: those of the backend for a tensor, else NumPy's of the same names."""
    return K if is_symbolic(step) else np


def _power(base, exponent):
    """A positive number to the power of a number or tensor."""
    return K.exp(exponent * math.log(base)) if is_symbolic(exponent) else base**exponent


#: Compilers divide by multiplying, which may end just below a whole number.
_ABOUT_ONE = 1.0 + 2e-7


def _completed(periods):
    """How many of the periods are over."""
    return _functions(periods).floor(periods * _ABOUT_ONE)


def _half_cosine(start, end, share):
    f = _functions(share)
    return end + (start - end) * (1.0 + f.cos(math.pi * f.minimum(f.maximum(share, 0.0), 1.0))) / 2.0


class StepDecay(LearningRateSchedule):
    """The rate is multiplied by `factor` every so many steps.

    >>> [StepDecay(1.0, factor=0.5, every=2)(step) for step in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    @checked
    def __init__(self, initial_learning_rate, factor=0.1, every=10):
        self.initial_learning_rate = initial_learning_rate
        self.factor = factor
        self.every = every

    def at(self, step):
        return self.initial_learning_rate * _power(self.factor, _completed(step / self.every))


class _ByPeriods(LearningRateSchedule):
    """What is multiplied by a number for how many times `decay_steps` are over, which a subclass gives."""

    @checked
    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False, name=None):
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def at(self, step):
        periods = step / self.decay_steps
        return self.initial_learning_rate * self._kept(_completed(periods) if self.staircase else periods)


class ExponentialDecay(_ByPeriods):
    """The rate is multiplied by `decay_rate` over each `decay_steps` steps: smoothly, or at their end if `staircase`.

    >>> ExponentialDecay(1.0, decay_steps=2, decay_rate=0.25)(1)
    0.5
    """

    def _kept(self, periods):
        return _power(self.decay_rate, periods)


class InverseTimeDecay(_ByPeriods):
    """The rate is divided by `1 + decay_rate * step / decay_steps`: smoothly, or at the end of each `decay_steps` steps if `staircase`.

    >>> [InverseTimeDecay(1.0, decay_steps=2, decay_rate=2.0)(step) for step in range(3)]
    [1.0, 0.5, 0.3333333333333333]
    """

    def _kept(self, periods):
        return 1.0 / (1.0 + self.decay_rate * periods)


class PiecewiseConstantDecay(LearningRateSchedule):
    """The first of `values` up to and including the step `boundaries[0]`, then the next, and so on.

    >>> [PiecewiseConstantDecay([1, 3], [0.3, 0.2, 0.1])(step) for step in range(5)]
    [0.3, 0.3, 0.2, 0.2, 0.1]
    """

    @checked
    def __init__(self, boundaries, values, name=None):
        if len(values) != len(boundaries) + 1 or list(boundaries) != sorted(boundaries):
            raise ValueError(
                'PiecewiseConstantDecay: `boundaries` must rise, and `values` have one item more; '
                f'got {list(boundaries)!r} and {list(values)!r}.'
            )
        self.boundaries = list(boundaries)
        self.values = list(values)
        self.name = name

    def at(self, step):
        if not is_symbolic(step):
            return self.values[bisect.bisect_left(self.boundaries, step)]
        if not self.boundaries:
            return self.values[0] + 0.0 * step
        # A few operations, however many boundaries there are.
        kind = K.dtype(step)
        place = K.sum(K.cast(K.greater(step, K.constant(self.boundaries, kind)), kind))
        is_there = K.cast(K.equal(place, K.constant(list(range(len(self.values))), kind)), kind)
        return K.sum(is_there * K.constant(self.values, kind))


class PolynomialDecay(LearningRateSchedule):
    """From the initial to the end rate in `decay_steps` steps, along (1 - share of the steps) ** `power`, and stays there.

    With `cycle` it does not stay: once the end is passed, it is a decay in twice as many steps, of which the first half is over, then in three times as many.

    >>> PolynomialDecay(1.0, decay_steps=4, end_learning_rate=0.0)(1)
    0.75
    >>> [PolynomialDecay(1.0, decay_steps=2, end_learning_rate=0.0, cycle=True)(step) for step in range(6)]
    [1.0, 0.5, 0.0, 0.25, 0.0, 0.16666666666666663]
    """

    @checked
    def __init__(self, initial_learning_rate, decay_steps, end_learning_rate=0.0001, power=1.0, cycle=False, name=None):
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def at(self, step):
        f, steps = _functions(step), self.decay_steps
        if self.cycle:
            steps = steps * f.maximum(-f.floor(-step / steps / _ABOUT_ONE), 1.0)
            left = 1.0 - step / steps
        else:
            left = 1.0 - f.minimum(step / steps, 1.0)
        span = self.initial_learning_rate - self.end_learning_rate
        return span * (left if self.power == 1 else left**self.power) + self.end_learning_rate


class CosineDecay(LearningRateSchedule):
    """Half a cosine from the initial rate to `alpha` times it in `decay_steps` steps, and stays there.

    With `warmup_target`, first a line from the initial rate to the target in `warmup_steps` steps; the cosine then starts
    at the target.

    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2016.

    >>> [round(CosineDecay(1.0, decay_steps=4)(step), 3) for step in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """

    @checked
    def __init__(self, initial_learning_rate, decay_steps, alpha=0.0, warmup_target=None, warmup_steps=0, name=None):
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.alpha = alpha
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps if warmup_target is not None else 0
        self.name = name

    def at(self, step):
        start, target, length = self.initial_learning_rate, self.warmup_target, self.warmup_steps
        top = start if target is None else target
        after = _half_cosine(top, top * self.alpha, (step - length) / self.decay_steps)
        if not length:
            return after
        f, rise = _functions(step), start + (target - start) * (step / length)
        return f.where(f.less(step, float(length)), rise, after)


class CosineDecayRestarts(LearningRateSchedule):
    """Cosines one after another: each is `t_mul` times as long as the last, and the part that falls is `m_mul` times as high; all end at `alpha` times the initial
    rate.

    Source: as `CosineDecay`.

    >>> [round(CosineDecayRestarts(1.0, 2, t_mul=2.0, m_mul=0.5)(step), 3) for step in range(6)]
    [1.0, 0.5, 0.5, 0.427, 0.25, 0.073]
    """

    @checked
    def __init__(self, initial_learning_rate, first_decay_steps, t_mul=2.0, m_mul=1.0, alpha=0.0, name=None):
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = first_decay_steps
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def at(self, step):
        f, periods, growth = _functions(step), step / self.first_decay_steps, self.t_mul
        if growth == 1:
            number = _completed(periods)
            share = periods - number
        else:
            # The logarithm is a rounded one: the period is the nearest, or the one before where that has not begun.
            number = f.floor(f.log(1.0 + periods * (growth - 1.0)) / math.log(growth) + 0.5)
            begin = (_power(growth, number) - 1.0) / (growth - 1.0)
            number = f.where(f.less(periods * (1.0 + 1e-6), begin), number - 1.0, number)
            length = _power(growth, number)
            share = (periods - (length - 1.0) / (growth - 1.0)) / length
        height = self.initial_learning_rate * (1.0 - self.alpha) * _power(self.m_mul, number)
        end = self.initial_learning_rate * self.alpha
        return _half_cosine(height + end, end, share)


class WarmUp(LearningRateSchedule):
    """A line from `start` to what comes then, in `steps` steps.

    Arguments:
        then: the learning rate after the warm-up: a number, or a schedule, which begins with its step 0 after the warm-up.
        steps: int, the length of the warm-up.
        start: the learning rate of the first step.

    >>> [WarmUp(StepDecay(1.0, 0.5, every=1), steps=2)(step) for step in range(5)]
    [0.0, 0.5, 1.0, 0.5, 0.25]
    """

    @checked
    def __init__(self, then, steps, start=0.0):
        self.then = then
        self.steps = steps
        self.start = start

    def at(self, step):
        f = _functions(step)
        after = self.then(f.maximum(step - self.steps, 0.0)) if callable(self.then) else self.then + 0.0 * step
        return f.where(f.less(step, float(self.steps)), self.start + (after - self.start) * (step / self.steps), after)

    def get_config(self):
        return dict(super().get_config(), then=serialize(self.then) if callable(self.then) else self.then)

    @classmethod
    def from_config(cls, config):
        return cls(**dict(config, then=deserialize(config['then'])))


class OneCycle(LearningRateSchedule):
    """Up to `maximum` and down again, along two half cosines, for training that ends after `steps` steps.

    Arguments:
        maximum: the greatest learning rate.
        steps: int, the number of steps of the whole training.
        warmup: the share of the steps in which the rate rises.
        start_factor: the first rate is `maximum / start_factor`.
        end_factor: the last rate is `maximum / start_factor / end_factor`.

    Source: Smith and Topin, "Super-convergence: very fast training of neural networks using large learning rates", 2017.

    >>> [round(OneCycle(1.0, steps=11, warmup=0.3, start_factor=10.0)(step), 3) for step in (0, 3, 10)]
    [0.1, 1.0, 0.0]
    """

    @checked
    def __init__(self, maximum, steps, warmup=0.3, start_factor=25.0, end_factor=1e4):
        self.maximum = maximum
        self.steps = steps
        self.warmup = warmup
        self.start_factor = start_factor
        self.end_factor = end_factor

    def at(self, step):
        f, last = _functions(step), max(self.steps - 1, 1)
        rise, first = self.warmup * last, self.maximum / self.start_factor
        fall = _half_cosine(self.maximum, first / self.end_factor, (step - rise) / (last - rise))
        return f.where(f.less(step, rise), _half_cosine(first, self.maximum, step / rise), fall) if rise else fall


registry.schedules.register(
    {name: globals()[name] for name in __all__ if name[0].isupper() and not name.endswith('Schedule')}
)


def serialize(schedule):
    """Describe a schedule by its class name and configuration."""
    return registry.schedules.serialize(schedule)


def deserialize(config, custom_objects=None):
    """Make the schedule that a configuration describes; anything but a dict, such as a number, is given back as it is.

    Raises:
        ValueError: the class is unknown.
    """
    return registry.schedules.deserialize(config, custom_objects) if isinstance(config, dict) else config
