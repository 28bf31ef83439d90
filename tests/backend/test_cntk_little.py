"""What is little is computed in NumPy between CNTK's passes: to the same numbers, and with fewer of its operations."""

import numpy as np
import pytest

from cthulhu import Pile
from cthulhu import backend as K
from cthulhu.layers import Daoloth, TheHydra
from cthulhu.optimizers import SGD, Adam

pytestmark = pytest.mark.usefixtures('fresh')

if not K.supports('cntk'):
    pytest.skip('of the CNTK backend', allow_module_level=True)

from cthulhu.backend.cntk import primitive  # noqa: E402

FEW = primitive._FEW


@pytest.fixture(autouse=True)
def few(nodes, monkeypatch):
    """As users have it."""
    monkeypatch.setattr(primitive, '_FEW', FEW)


def stages(function):
    (made,) = function._compiled._programs.values()
    return made._stages


@pytest.mark.parametrize('count, passes', [(3, 1), (FEW, 1), (FEW + 1, 2)])
def test_new_values_are_made_of_gradients(count, passes):
    x, w, moment = K.placeholder((count,)), K.variable(np.ones(count)), K.variable(np.ones(count))
    loss = K.sum(K.square(w * x))
    (slope,) = K.gradients(loss, [w])
    new = 0.9 * moment + slope
    step = K.function([x], [loss, w], updates=[(moment, new), (w, w - 0.1 * new / (K.sqrt(K.square(new)) + 1.0))])
    fed = np.linspace(-1, 1, count).astype('float32')
    values, moments = np.ones(count), np.ones(count)
    for _ in range(3):
        total, old = step([fed])
        np.testing.assert_allclose(old, values, rtol=1e-5)
        np.testing.assert_allclose(total, np.sum(np.square(values * fed)), rtol=1e-5)
        moments = 0.9 * moments + 2 * values * np.square(fed)
        values = values - 0.1 * moments / (np.abs(moments) + 1)
    np.testing.assert_allclose(K.get_value(w), values, rtol=1e-5)
    np.testing.assert_allclose(K.get_value(moment), moments, rtol=1e-5)
    assert len(stages(step)) == passes


def test_old_values_are_used_everywhere():
    a, b = K.variable([1.0, 2.0]), K.variable([3.0, 4.0])
    slopes = K.gradients(K.sum(a * a * b), [a, b])
    step = K.function([], slopes + [a], updates=[(a, b - slopes[0]), (b, a + slopes[1])], after_updates=[a * b])
    found = step([])
    for value, expected in zip(found, [[6, 16], [1, 4], [1, 2], [-6, -72]]):
        np.testing.assert_array_equal(value, expected)
    found[2][:] = 9
    np.testing.assert_array_equal(K.batch_get_value([a, b]), [[-3, -12], [2, 6]])


def test_what_is_little_and_what_is_not_meet():
    w, bias = K.variable(np.full((FEW, 2), 2.0)), K.variable([1.0, -1.0])
    slopes = K.gradients(K.sum(K.square(w + bias)), [w, bias])
    norm = K.sqrt(sum(K.sum(K.square(slope)) for slope in slopes))
    step = K.function([], [norm], updates=[(x, x - slope / norm) for x, slope in zip([w, bias], slopes)])
    at = np.full((FEW, 2), 2.0) + [1, -1]
    expected = [2 * at, 2 * at.sum(0)]
    length = np.sqrt(sum(np.sum(np.square(one)) for one in expected))
    np.testing.assert_allclose(step([])[0], length, rtol=1e-5)
    np.testing.assert_allclose(K.get_value(w), 2 - expected[0] / length, rtol=1e-5)
    np.testing.assert_allclose(K.get_value(bias), [1, -1] - expected[1] / length, rtol=1e-5)


@pytest.mark.parametrize('dtype', ['float16', 'float32', 'float64'])
def test_types_stay(dtype):
    w = K.variable(np.ones(4), dtype=dtype)
    (slope,) = K.gradients(K.sum(w * w), [w])
    step = K.function([], [slope * 0.5], updates=[(w, w - 0.25 * slope)])
    (found,) = step([])
    assert found.dtype == dtype and K.get_value(w).dtype == dtype
    np.testing.assert_array_equal(K.get_value(w), np.full(4, 0.5))


def test_no_gradient_is_lost():
    """What depends on weights is left to the framework, however little it is."""
    x, w = K.placeholder((2,)), K.variable([1.0, 3.0])
    (slope,) = K.gradients(K.sum(K.exp(w) * (2.0 * x)), [w])
    np.testing.assert_allclose(K.function([x], [slope])([[1.0, 0.5]])[0], np.exp([1, 3]) * [2, 1], rtol=1e-6)
    (of_input,) = K.gradients(K.sum(K.square(x)), [x])
    np.testing.assert_array_equal(K.function([x], [of_input * x])([[1.0, 3.0]])[0], [2, 18])


def test_a_new_batch_size_and_its_weights():
    model = Pile([Daoloth(3, input_shape=(4,), activation='tanh'), Daoloth(1)])
    model.conjure(SGD(0.1), 'mse')
    random = np.random.RandomState(0)
    weights = [each.astype('float64') for each in model.get_weights()]
    for size in (8, 5):
        x, y, sample_weight = random.normal(size=(size, 4)), random.normal(size=(size, 1)), random.uniform(size=size)
        loss = model.train_on_batch(x, y, sample_weight=sample_weight)
        kernel, bias, last, added = weights
        hidden = np.tanh(x @ kernel + bias)
        error = hidden @ last + added - y
        assert loss == pytest.approx(np.mean(sample_weight * np.square(error[:, 0])), rel=1e-5)
        upstream = 2 * error * sample_weight[:, None] / size
        inner = upstream @ last.T * (1 - np.square(hidden))
        slopes = [x.T @ inner, inner.sum(0), hidden.T @ upstream, upstream.sum(0)]
        weights = [value - 0.1 * slope for value, slope in zip(weights, slopes)]
        for value, expected in zip(model.get_weights(), weights):
            np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize('settings', [{}, {'clipnorm': 0.1}, {'clipvalue': 0.01}, {'amsgrad': True, 'decay': 0.1}])
def test_both_ways_train_alike(settings, monkeypatch):
    found = []
    for limit in (1, FEW):
        monkeypatch.setattr(primitive, '_FEW', limit)
        K.clear_session()
        model = Pile([TheHydra(10, 4, input_length=3), Daoloth(2), Daoloth(1, kernel_constraint='max_norm')])
        model.set_weights([np.random.RandomState(i).normal(size=x.shape) for i, x in enumerate(model.get_weights())])
        model.conjure(Adam(0.05, **settings), 'mae', metrics=['mse'])
        x, y = np.arange(24).reshape(8, 3) % 10, np.linspace(-1, 1, 24).reshape(8, 3, 1)
        found.append([model.train_on_batch(x, y) for _ in range(4)] + [model.get_weights()])
    for one, other in zip(*found):
        for a, b in zip(one, other):
            np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)


def test_quotients_by_powers_of_two_are_exact():
    x = K.placeholder((None, 3))
    (slope,) = K.gradients(K.sum(K.square(x / 8.0)), [x])
    fed = np.random.RandomState(0).normal(size=(2000, 3)).astype('float32')
    np.testing.assert_array_equal(K.function([x], [x / 8.0])([fed])[0], fed / 8)
    np.testing.assert_allclose(K.function([x], [slope])([fed])[0], fed / 32, rtol=1e-6)
    tiny = np.array([2.0**-149, 2.0**-120, -4.0], 'float32')
    with np.errstate(over='ignore'):
        np.testing.assert_array_equal(K.function([x], [x / K.constant(tiny)])([fed])[0], fed / tiny)
