import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.callbacks import LearningRateFinder, LuKthuCallback
from cthulhu.layers import Daoloth
from cthulhu.models import Pile
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
def test_a_tenth_of_the_middle_of_the_valley_is_suggested(noise):
    # Half of the fall is done at the rate 0.01, and a third of it lost again at 0.25: the middle is 0.05. The bell is half a decade wide.
    assert 0.003 < made_up(noise).suggestion < 0.01
    assert 0.03 < made_up(noise, fall=0.1, least=3.0).suggestion < 0.1


def test_a_rise_before_the_fall_does_not_end_the_search():
    finder = made_up(0.1)
    expected = finder.suggestion
    finder.raw_losses[35:45] = [loss + 0.8 for loss in finder.raw_losses[35:45]]
    assert 0.5 * expected < finder.suggestion < 2 * expected


def test_gradient_descent_bears_more():
    finder = made_up()
    finder.model = linear()
    assert not finder.model.optimizer.adapts_steps and dark('adam').optimizer.adapts_steps
    assert finder.suggestion == pytest.approx(10 * made_up().suggestion)


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


def digits():
    data = pytest.importorskip('sklearn.datasets').load_digits()
    layers = [Daoloth(64, activation='relu', input_shape=(64,)), Daoloth(10, activation='softmax')]
    return data.data / 16, data.target, layers, 'sparse_categorical_crossentropy'


def diabetes():
    data = pytest.importorskip('sklearn.datasets').load_diabetes()
    layers = [Daoloth(32, activation='relu', input_shape=(10,)), Daoloth(1)]
    return data.data / data.data.std(axis=0), (data.target - data.target.mean()) / data.target.std(), layers, 'mse'


# The least loss of validation among those of the rates 0.001, 0.00316 ... 1, each the mean over the two seeds, by this same training on TensorFlow 2.21.
BEST_OF_A_GRID = {
    ('digits', 'adam'): 0.0527,  # at 0.01
    ('digits', 'sgd'): 0.0466,  # at 1
    ('diabetes', 'adam'): 0.4160,  # at 0.0316
    ('diabetes', 'sgd'): 0.4232,  # at 0.0316
}


@needs_gradients
@pytest.mark.parametrize('problem, optimizer', BEST_OF_A_GRID)
def test_the_suggestion_trains_as_the_best_of_a_grid(problem, optimizer):
    x, y, layers, loss = {'digits': digits, 'diabetes': diabetes}[problem]()
    order = np.random.RandomState(0).permutation(len(x))
    x, y, count = x[order], y[order], len(x) * 4 // 5
    model = Pile(layers)
    model.conjure(optimizer, loss)

    def begin(seed):
        random = np.random.RandomState(seed)
        np.random.seed(seed)  # the order of the samples
        weights = [random.uniform(-1, 1, size=w.shape) * np.sqrt(6 / sum(w.shape)) for w in model.get_weights()[::2]]
        model.set_weights([weights[0], np.zeros(weights[0].shape[1]), weights[1], np.zeros(weights[1].shape[1])])
        model.optimizer.set_weights([np.zeros_like(w) for w in model.optimizer.get_weights()])

    def trained(rate, seed):
        begin(seed)
        model.optimizer.lr = rate
        data = dict(batch_size=32, epochs=40, validation_data=(x[count:], y[count:]), verbose=0)
        return min(model.summon(x[:count], y[:count], **data).history['val_loss'])

    losses = []
    for seed in range(2):
        begin(seed)
        losses.append(trained(LearningRateFinder().find(model, x[:count], y[:count], batch_size=32), seed))
    # 1.01 to 1.09 times that, and two trainings at one rate waver by more than the tenth that the rule is held to over ten seeds (docs/callbacks.md).
    assert np.mean(losses) < 1.15 * BEST_OF_A_GRID[problem, optimizer]
