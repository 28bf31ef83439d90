import doctest

import numpy as np
import pytest

from cthulhu.callbacks import schedules as s


def rates(schedule, steps):
    found = [schedule(step) for step in range(steps)]
    assert found == [schedule(step, 123.0) for step in range(steps)] and all(type(rate) is float for rate in found)
    return found


def test_the_examples():
    found = doctest.testmod(s)
    assert found.attempted >= 8 and not found.failed


def test_step_decay():
    np.testing.assert_allclose(rates(s.StepDecay(0.4, factor=0.5, every=3), 7), [0.4] * 3 + [0.2] * 3 + [0.1])


def test_exponential_decay():
    np.testing.assert_allclose(rates(s.ExponentialDecay(0.1, 10, 0.5), 30), 0.1 * 0.5 ** (np.arange(30) / 10))
    np.testing.assert_allclose(
        rates(s.ExponentialDecay(0.1, 10, 0.5, staircase=True), 30), np.repeat([0.1, 0.05, 0.025], 10)
    )


def test_polynomial_decay():
    expected = 0.9 * (1 - np.minimum(np.arange(8), 5) / 5) ** 2 + 0.1
    np.testing.assert_allclose(rates(s.PolynomialDecay(1.0, 5, 0.1, power=2.0), 8), expected)


def test_cosine_decay_with_warm_up():
    found = rates(s.CosineDecay(0.1, decay_steps=10, alpha=0.2, warmup_target=1.0, warmup_steps=5), 20)
    np.testing.assert_allclose(found[:5], 0.1 + 0.9 * np.arange(5) / 5)
    share = np.minimum(np.arange(15) / 10, 1)
    np.testing.assert_allclose(found[5:], 0.8 * (1 + np.cos(np.pi * share)) / 2 + 0.2)


def test_cosine_decay_restarts():
    found = rates(s.CosineDecayRestarts(1.0, 4, t_mul=2.0, m_mul=0.5, alpha=0.1), 12)
    np.testing.assert_allclose(found[:4], 0.9 * (1 + np.cos(np.pi * np.arange(4) / 4)) / 2 + 0.1)
    np.testing.assert_allclose(found[4:], 0.4 * (1 + np.cos(np.pi * np.arange(8) / 8)) / 2 + 0.1)


@pytest.mark.parametrize('then', [0.8, s.ExponentialDecay(0.8, 2, 0.5)])
def test_warm_up(then):
    found = rates(s.WarmUp(then, steps=4, start=0.4), 8)
    np.testing.assert_allclose(found[:5], [0.4, 0.5, 0.6, 0.7, 0.8])
    np.testing.assert_allclose(found[5:], [0.8] * 3 if then == 0.8 else 0.8 * 0.5 ** (np.arange(1, 4) / 2))


def test_one_cycle_rises_to_the_maximum_and_falls_to_the_end():
    found = rates(s.OneCycle(2.0, steps=101, warmup=0.3, start_factor=20.0, end_factor=100.0), 120)
    assert found[0] == pytest.approx(0.1) and found[30] == pytest.approx(2.0) and max(found) == found[30]
    assert found[100] == pytest.approx(0.001) and found[119] == found[100]
    assert all(np.diff(found[:31]) > 0) and all(np.diff(found[30:101]) < 0)
    assert found[15] == pytest.approx((0.1 + 2.0) / 2)


@pytest.mark.parametrize(
    'make, message',
    [
        (lambda: s.StepDecay(1.0, every=0), 'StepDecay: `every` is a finite number above 0; got 0'),
        (lambda: s.CosineDecay(1.0, 0), 'CosineDecay: `decay_steps` is a finite number above 0'),
        (lambda: s.PiecewiseConstantDecay([1, 2], [1.0]), '`values` have one item more'),
        (lambda: s.PiecewiseConstantDecay([2, 1], [1.0, 2.0, 3.0]), '`boundaries` must rise'),
        (lambda: s.OneCycle(1.0, 10, warmup=1.0), '`warmup` is a finite number at least 0 and below 1'),
        (lambda: s.CosineDecayRestarts(1.0, 3, t_mul=0.5), '`t_mul` is a finite number at least 1'),
        (lambda: s.WarmUp(1.0, steps=0), '`steps` is a finite number above 0'),
    ],
)
def test_wrong_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_schedule_of_ones_own_and_its_repr():
    class Halves(s.Schedule):
        def __init__(self, first):
            self.first = first

        def at(self, step):
            return self.first / 2**step

    assert rates(Halves(1), 3) == [1.0, 0.5, 0.25] and repr(Halves(1)) == 'Halves(first=1)'
    with pytest.raises(NotImplementedError, match='Schedule must define'):
        s.Schedule()(0)
