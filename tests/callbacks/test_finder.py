import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.callbacks import LearningRateFinder, LuKthuCallback
from tests.callbacks.running import LABELS, X, Y, dark, linear, needs_gradients


@needs_gradients
def test_it_finds_a_rate_and_leaves_all_as_it_was():
    model = dark('adam')
    model.summon(X, LABELS, epochs=2, verbose=0)
    before = model.get_weights(), model.optimizer.get_weights(), K.get_value(model.optimizer.lr)
    finder = LearningRateFinder(1e-5, 10.0, steps=40)
    assert finder.find(model, X, LABELS) == finder.suggestion
    for a, b in zip(before[0] + before[1], model.get_weights() + model.optimizer.get_weights()):
        np.testing.assert_array_equal(a, b)
    assert K.get_value(model.optimizer.lr) == before[2]


@needs_gradients
def test_the_rates_and_the_losses():
    model = linear()
    finder = LearningRateFinder(1e-4, 1e-2, steps=5, smoothing=0.0)
    losses = []
    finder.find(model, X, Y, callbacks=[LuKthuCallback(on_batch_end=lambda batch, logs: losses.append(logs['loss']))])
    np.testing.assert_allclose(finder.rates, np.logspace(-4, -2, 5))
    np.testing.assert_allclose(finder.losses, losses)
    assert all(np.diff(losses) < 0)  # on all of the data, each of these rates makes it less


@needs_gradients
@pytest.mark.parametrize('end', [1e3, 1e5])
def test_a_run_that_explodes_ends_early(end):
    finder = LearningRateFinder(1e-3, end, steps=60, smoothing=0.5)
    rate = finder.find(linear(), X, Y)
    assert len(finder.rates) < 60 and np.isfinite(finder.losses).all()
    # Gradient descent on a quadratic diverges beyond 2 over the greatest curvature.
    x = np.hstack([X, np.ones((len(X), 1))])
    assert rate < 2 / np.linalg.eigvalsh(x.T @ x / len(X)).max()


def made_up(noise=0.0, fall=0.01, least=0.3):
    """A finder after a run whose loss falls from 2 to 0.2 around the rate `fall`, and rises beyond `least`."""
    finder = LearningRateFinder()
    rates = np.logspace(-7, 1, 100)
    losses = 0.2 + 1.8 / (1 + (rates / fall) ** 2) + (rates / least) ** 4
    losses += noise * np.random.RandomState(3).normal(size=100)
    finder.rates, finder.losses, finder.raw_losses = list(rates), list(losses), list(losses)
    return finder


@pytest.mark.parametrize('noise', [0.0, 0.1, 0.3])
def test_the_rate_at_a_third_of_the_fall_is_suggested(noise):
    # 1 / (1 + r^2) is two thirds at r = 0.71; the bell is half a decade wide.
    assert 0.003 < made_up(noise).suggestion < 0.02
    assert 0.03 < made_up(noise, fall=0.1, least=3.0).suggestion < 0.2


def test_gradient_descent_bears_more():
    finder = made_up()
    finder.model = linear()
    assert not finder.model.optimizer.adapts_steps and dark('adam').optimizer.adapts_steps
    assert 2 * made_up().suggestion < finder.suggestion < 0.3


def test_where_nothing_falls_nothing_is_suggested():
    finder = made_up()
    finder.raw_losses = list(1 + 0.1 * np.random.RandomState(1).normal(size=100))
    assert finder.suggestion is None
    finder.raw_losses = list(np.linspace(1, 9, 100))
    assert finder.suggestion is None


def test_the_plot(tmp_path):
    pytest.importorskip('matplotlib')
    finder = LearningRateFinder()
    with pytest.raises(ValueError, match='nothing to plot before a run'):
        finder.plot()
    finder = made_up()
    (axes,) = finder.plot(tmp_path / 'rates.png').axes
    curve, mark = axes.get_lines()
    np.testing.assert_allclose(curve.get_xydata(), np.transpose([finder.rates, finder.losses]))
    assert axes.get_xscale() == 'log' and mark.get_xdata()[0] == finder.suggestion
    assert (tmp_path / 'rates.png').read_bytes().startswith(b'\x89PNG')


@pytest.mark.parametrize(
    'arguments', [{'start': 0}, {'start': 2, 'end': 1}, {'steps': 1}, {'smoothing': 1}, {'stop_factor': 1}]
)
def test_wrong_arguments(arguments):
    with pytest.raises(ValueError, match=f'LearningRateFinder: `{list(arguments)[0]}` '):
        LearningRateFinder(**arguments)
