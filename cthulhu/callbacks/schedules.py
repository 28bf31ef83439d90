"""Learning rates as functions of the step: to be used with `LearningRateScheduler`, by epoch or by batch.

A schedule is called with the number of the step, from 0, and (which it does not look at) the current learning rate. What a
step is, the scheduler says: an epoch, or with `each='batch'` a batch.
"""

import bisect
import math

from cthulhu.utils.arguments import checked


class Schedule:
    """The base of the schedules. A subclass defines `at(step)`, the learning rate at a step as a float."""

    def __call__(self, step, lr=None):
        return float(self.at(step))

    def at(self, step):
        """The learning rate at step number `step`, from 0."""
        raise NotImplementedError(f'{type(self).__name__} must define `at(self, step)`, which returns a learning rate.')

    def __repr__(self):
        settings = ', '.join(f'{name}={value!r}' for name, value in vars(self).items() if not name.startswith('_'))
        return f'{type(self).__name__}({settings})'


class StepDecay(Schedule):
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
        return self.initial_learning_rate * self.factor ** (step // self.every)


class ExponentialDecay(Schedule):
    """The rate is multiplied by `decay_rate` over each `decay_steps` steps: smoothly, or at their end if `staircase`.

    >>> ExponentialDecay(1.0, decay_steps=2, decay_rate=0.25)(1)
    0.5
    """

    @checked
    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False):
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase

    def at(self, step):
        periods = step // self.decay_steps if self.staircase else step / self.decay_steps
        return self.initial_learning_rate * self.decay_rate**periods


class PiecewiseConstantDecay(Schedule):
    """The first of `values` up to and including the step `boundaries[0]`, then the next, and so on.

    >>> [PiecewiseConstantDecay([1, 3], [0.3, 0.2, 0.1])(step) for step in range(5)]
    [0.3, 0.3, 0.2, 0.2, 0.1]
    """

    @checked
    def __init__(self, boundaries, values):
        if len(values) != len(boundaries) + 1 or list(boundaries) != sorted(boundaries):
            raise ValueError(
                'PiecewiseConstantDecay: `boundaries` must rise, and `values` have one item more; '
                f'got {list(boundaries)!r} and {list(values)!r}.'
            )
        self.boundaries = list(boundaries)
        self.values = list(values)

    def at(self, step):
        return self.values[bisect.bisect_left(self.boundaries, step)]


class PolynomialDecay(Schedule):
    """From the initial to the end rate in `decay_steps` steps, along (1 - share of the steps) ** `power`, and stays there.

    >>> PolynomialDecay(1.0, decay_steps=4, end_learning_rate=0.0)(1)
    0.75
    """

    @checked
    def __init__(self, initial_learning_rate, decay_steps, end_learning_rate=0.0001, power=1.0):
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.end_learning_rate = end_learning_rate
        self.power = power

    def at(self, step):
        left = 1 - min(step, self.decay_steps) / self.decay_steps
        return (self.initial_learning_rate - self.end_learning_rate) * left**self.power + self.end_learning_rate


def _half_cosine(start, end, share):
    return end + (start - end) * (1 + math.cos(math.pi * min(max(share, 0.0), 1.0))) / 2


class CosineDecay(Schedule):
    """Half a cosine from the initial rate to `alpha` times it in `decay_steps` steps, and stays there.

    With `warmup_target`, first a line from the initial rate to the target in `warmup_steps` steps; the cosine then starts
    at the target.

    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2016.

    >>> [round(CosineDecay(1.0, decay_steps=4)(step), 3) for step in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """

    @checked
    def __init__(self, initial_learning_rate, decay_steps, alpha=0.0, warmup_target=None, warmup_steps=0):
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.alpha = alpha
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps if warmup_target is not None else 0

    def at(self, step):
        if step < self.warmup_steps:
            return (
                self.initial_learning_rate
                + (self.warmup_target - self.initial_learning_rate) * step / self.warmup_steps
            )
        top = self.initial_learning_rate if self.warmup_target is None else self.warmup_target
        return _half_cosine(top, top * self.alpha, (step - self.warmup_steps) / self.decay_steps)


class CosineDecayRestarts(Schedule):
    """Cosines one after another: each is `t_mul` times as long as the last and starts at `m_mul` times its rate.

    Source: as `CosineDecay`.

    >>> [round(CosineDecayRestarts(1.0, 2, t_mul=2.0, m_mul=0.5)(step), 3) for step in range(6)]
    [1.0, 0.5, 0.5, 0.427, 0.25, 0.073]
    """

    @checked
    def __init__(self, initial_learning_rate, first_decay_steps, t_mul=2.0, m_mul=1.0, alpha=0.0):
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = first_decay_steps
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha

    def at(self, step):
        length, top, left = self.first_decay_steps, self.initial_learning_rate, step
        while left >= length:
            left -= length
            length *= self.t_mul
            top *= self.m_mul
        return _half_cosine(top, self.initial_learning_rate * self.alpha, left / length)


class WarmUp(Schedule):
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
        after = self.then if not callable(self.then) else self.then(max(step - self.steps, 0))
        return after if step >= self.steps else self.start + (after - self.start) * step / self.steps


class OneCycle(Schedule):
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
        last = max(self.steps - 1, 1)
        rise = self.warmup * last
        first = self.maximum / self.start_factor
        if step < rise:
            return _half_cosine(first, self.maximum, step / rise)
        return _half_cosine(self.maximum, first / self.end_factor, (step - rise) / (last - rise))
