"""Updates of the PyTorch backend in one pass over the weights: which take place so, with which numbers, and what sees which values."""

import itertools
import unittest.mock

import numpy as np
import pytest

from cthulhu import backend as K

if K.backend() != 'torch':
    pytest.skip('for the torch backend', allow_module_level=True)

import torch

from cthulhu import layers as L
from cthulhu import optimizers as opt
from cthulhu.backend.torch import blocks, cuda_graphs, in_place
from cthulhu.backend.torch.framework import ON_HOST
from cthulhu.models import Pile

pytestmark = pytest.mark.skipif(
    not ON_HOST or cuda_graphs.recorder is not None, reason='on a GPU updates are as they were'
)

random = np.random.RandomState(0)
X, Y = random.rand(24, 6).astype('float32'), random.randint(0, 3, 24)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Blocks that even small weights have some of."""
    monkeypatch.setattr(blocks, 'SIZE', 20)


class plain:
    """Context in which functions are made whose updates are computed as any other value."""

    def __enter__(self):
        self._patch = unittest.mock.patch.object(in_place, 'passes', lambda backend, updates, *of: ([], set()))
        self._patch.start()

    def __exit__(self, *error):
        self._patch.stop()


def trained(make, **settings):
    """(losses, weights and state after seven steps) of a model with an optimizer."""
    K.clear_session()
    np.random.seed(3)
    model = Pile([L.Daoloth(8, activation='relu', input_shape=(6,), **settings), L.Daoloth(3, activation='softmax')])
    model.conjure(make(), 'sparse_categorical_crossentropy')
    losses = [model.train_on_batch(X, Y) for _ in range(7)]
    return np.array(losses), model.get_weights() + model.optimizer.get_weights()


# Optimizer: of the four weights and what goes with each, how many variables change in one pass.
CASES = {
    'sgd': (lambda: opt.SGD(0.1), 8),
    'momentum': (lambda: opt.SGD(0.1, momentum=0.9, decay=0.01), 8),
    'nesterov': (lambda: opt.SGD(0.1, momentum=0.9, nesterov=True), 8),
    'rmsprop': (lambda: opt.RMSprop(0.01), 8),
    'adagrad': (lambda: opt.Adagrad(0.05), 8),
    'adam': (lambda: opt.Adam(0.02), 12),
    'adam_amsgrad': (lambda: opt.Adam(0.02, beta_2=0.5, amsgrad=True), 16),
    'adam_large_epsilon': (lambda: opt.Adam(0.02, epsilon=0.1, decay=0.1), 12),
    'adam_schedule': (lambda: opt.Adam(opt.schedules.ExponentialDecay(0.05, 3, 0.5)), 12),
    'adam_clipnorm': (lambda: opt.Adam(0.02, clipnorm=0.1), 12),
    'adam_clipvalue': (lambda: opt.Adam(0.02, clipvalue=0.01), 12),
    'rmsprop_clipvalue': (lambda: opt.RMSprop(0.02, clipvalue=0.01), 8),
    'adam_decays': (lambda: opt.Adam(0.02, weight_decay=0.1, decay=0.1), 12),
    'adamw': (lambda: opt.AdamW(0.02, weight_decay=0.3), 12),
    'adamw_accumulated': (lambda: opt.AdamW(0.02, gradient_accumulation_steps=2), 12),
    'adam_averaged': (lambda: opt.Adam(0.02, use_ema=True), 16),
    'adam_scaled': (lambda: opt.LossScaleOptimizer(opt.Adam(0.02), initial_scale=2.0**127, dynamic_growth_steps=3), 12),
    'adadelta': (lambda: opt.Adadelta(1.0), 12),
    'adamax': (lambda: opt.Adamax(0.02), 12),
    'nadam': (lambda: opt.Nadam(0.02), 12),
    'lion': (lambda: opt.Lion(0.02), 8),
    'ftrl': (lambda: opt.Ftrl(0.05), 12),
    'ftrl_bounded': (lambda: opt.Ftrl(0.05, l1_regularization_strength=0.01), 12),
    # Their steps depend on norms of them, for which they are computed anyway.
    'lamb': (lambda: opt.Lamb(0.02), 0),
    'adafactor': (lambda: opt.Adafactor(0.02), 0),
}


@pytest.mark.filterwarnings('ignore:overflow')  # of a scaled loss
@pytest.mark.parametrize('name', sorted(CASES))
def test_the_numbers_are_those_of_the_formulas(name):
    make, count = CASES[name]
    found = []
    passes = in_place.passes

    def noted(backend, updates, *of):
        made = passes(backend, updates, *of)
        found.append(len(made[1]))
        return made

    with unittest.mock.patch.object(in_place, 'passes', noted):
        losses, values = trained(make)
    assert max(found) == count
    with plain():
        expected, wanted = trained(make)
    np.testing.assert_allclose(losses, expected, rtol=1e-6)
    for one, other in zip(values, wanted):
        np.testing.assert_allclose(one, other, rtol=2e-6, atol=1e-6)


def passes_of(updates, inputs=(), outputs=(), after_updates=()):
    return len(
        in_place.passes(K.active, [tuple(one) for one in updates], list(inputs), list(outputs), list(after_updates))[1]
    )


def weights(*shape):
    return K.variable(random.rand(*shape))


def adam(p, loss=None):
    return opt.Adam(0.1).get_updates(K.sum(K.square(p)) if loss is None else loss, [p])


def test_what_else_asks_for_the_new_values_has_them_computed():
    p, other = weights(5, 4), weights(5, 4)
    updates = adam(p)
    assert passes_of(updates) == 3
    new = dict((id(x), value) for x, value in updates)[id(p)]
    assert passes_of(updates, outputs=[new * 2.0]) == 0
    assert passes_of(updates, after_updates=[K.sum(p)]) == 0
    assert passes_of(updates, inputs=[p]) == 0
    assert passes_of(updates, outputs=[p * 2.0]) == 3  # the old ones
    assert passes_of(updates + [K.update(other, K.softmax(new))]) == 0
    constrained = K.variable(np.ones((5, 4)), constraint=lambda x: x / K.max(x))
    assert passes_of(adam(constrained)) == 0


@pytest.mark.parametrize('dtype', ['float64', 'float16'])
def test_other_types(dtype):
    values = random.rand(5, 4)
    found = []
    for context in plain(), unittest.mock.MagicMock():
        with context:
            p = K.variable(values, dtype=dtype)
            step = K.function([], [], adam(p, K.sum(K.square(p))))
        for _ in range(5):
            step([])
        found.append(K.get_value(p))
    assert found[0].dtype == dtype and not np.array_equal(found[0], values.astype(dtype))
    np.testing.assert_allclose(found[1], found[0], rtol=1e-12 if dtype == 'float64' else 0)


def test_old_values_are_what_was_read():
    p, copy, twin = weights(5, 4), weights(5, 4), weights(5, 4)
    tripled = K.function([], [], [K.update(p, K.square(p)), K.update(twin, K.square(p))])
    tripled([])  # both may have one memory now
    step = K.function([], [p, K.reshape(p, (-1,))], adam(p) + [K.update(copy, K.reshape(p, (5, 4)))])
    twins = K.get_value(twin)
    for _ in range(3):
        old = K.get_value(p)
        held = old.copy()
        output, flat = step([])
        np.testing.assert_array_equal(old, held)  # what was got changes no more
        np.testing.assert_array_equal(output, held)
        np.testing.assert_array_equal(flat, held.ravel())
        np.testing.assert_array_equal(K.get_value(copy), held)
        assert np.abs(K.get_value(p) - held).min() > 0.001
    np.testing.assert_array_equal(K.get_value(twin), twins)
    array = np.full((5, 4), 2.0, 'float32')
    K.set_value(p, array)
    step([])
    np.testing.assert_array_equal(array, 2.0)
    np.testing.assert_array_equal(K.get_value(copy), 2.0)


def test_two_that_take_a_value_from_each_other():
    p, slow = weights(5, 4), weights(5, 4)
    values = K.get_value(p), K.get_value(slow)
    both = [K.update(slow, slow * 0.5 + p * 0.25), K.update(p, p * 3.0 - slow)]
    assert passes_of(both) == 2
    step = K.function([], [], both)
    for _ in range(4):
        step([])
        values = values[0] * 3.0 - values[1], values[1] * 0.5 + values[0] * 0.25
    np.testing.assert_allclose(K.get_value(p), values[0], rtol=1e-5)
    np.testing.assert_allclose(K.get_value(slow), values[1], rtol=1e-5)
    # One that is updated by a kernel, of which another keeps a mean of old values.
    p, slow = weights(5, 4), weights(5, 4)
    values = K.get_value(slow)
    updates = adam(p) + [K.update(slow, slow * 0.5 + p * 0.5)]
    step = K.function([], [], updates)
    assert passes_of(updates) == 4
    for _ in range(4):
        values = values * 0.5 + K.get_value(p) * 0.5
        step([])
    np.testing.assert_allclose(K.get_value(slow), values, rtol=1e-6)


def test_gradients_that_are_fed_stay():
    p, g = weights(5, 4), K.placeholder((5, 4))
    for make in opt.RMSprop, opt.Adam, opt.SGD, opt.Adadelta, lambda: opt.SGD(momentum=0.9, nesterov=True):
        optimizer = make()
        optimizer.build([p])
        step = K.function([g], [], optimizer.apply([(g, p)]))
        array = np.full((5, 4), 0.5, 'float32')
        array[0, 0] = np.inf
        fed = array.copy()
        step([fed])
        np.testing.assert_array_equal(fed, array)
        K.set_value(p, np.ones((5, 4)))


def test_one_gradient_for_two():
    for make in opt.SGD, opt.RMSprop, opt.Adam:
        a, b = K.variable(np.zeros((5, 4))), K.variable(np.zeros((5, 4)))
        step = K.function([], [], make(0.1).get_updates(K.sum(K.square(a + b - 1.0)), [a, b]))
        for _ in range(3):
            step([])
        assert K.get_value(a).max() > 0.01
        np.testing.assert_array_equal(K.get_value(a), K.get_value(b))


def test_an_error_changes_nothing():
    table, index = weights(5, 4), K.placeholder((None,), dtype='int32')
    optimizer = opt.Adam(0.1)
    loss = K.sum(K.square(K.gather(table, index)))
    step = K.function(
        [index], [loss], optimizer.get_updates(loss, [table]), [K.gather(K.constant(np.arange(3.0)), index)]
    )
    step([np.array([0, 2])])
    before = [K.get_value(table)] + optimizer.get_weights()
    for wrong in [0, 7], [0, 4]:  # the second is found when all new values are there
        with pytest.raises(ValueError, match='index|indices|range'):
            step([np.array(wrong)])
        for one, other in zip(before, [K.get_value(table)] + optimizer.get_weights()):
            np.testing.assert_array_equal(one, other)
    step([np.array([0, 2])])
    assert not np.array_equal(K.get_value(table), before[0])


def test_numbers_are_followed_and_weights_set_in_between():
    p = weights(5, 4)
    optimizer = opt.Adam(0.1)
    step = K.function([], [], optimizer.get_updates(K.sum(p), [p]))
    step([])
    K.set_value(p, np.zeros((5, 4)))
    optimizer.learning_rate = 0.01
    step([])
    np.testing.assert_allclose(K.get_value(p), -0.01, rtol=1e-4)
    optimizer.set_weights([np.zeros_like(one) for one in optimizer.get_weights()])
    optimizer.learning_rate = 0.0
    step([])
    np.testing.assert_allclose(K.get_value(p), -0.01, rtol=1e-4)
    # A moment of which all is kept stays 0, and so does the rate.
    optimizer.set_weights([np.zeros_like(one) for one in optimizer.get_weights()])
    optimizer.learning_rate = 0.1
    K.set_value(optimizer.beta_2, 1.0)
    step([])
    np.testing.assert_allclose(K.get_value(p), -0.01, rtol=1e-4)


def test_under_modes_of_the_program():
    found = []
    for mode in torch.no_grad(), torch.inference_mode(), torch.autocast('cpu', dtype=torch.bfloat16):
        with mode:
            losses, values = trained(CASES['adamax'][0])
        found.append(values)
        losses, values = trained(CASES['adam'][0])
        found.append(values)
    for one, other in zip(found[0] * 2, found[2] + found[4]):
        np.testing.assert_array_equal(one, other)


def test_what_lies_in_pieces():
    """Many small variables are updated together, large ones in pieces; of none, nothing is."""
    shapes = [(3,), (41,), (0, 5), (20,), (7, 9), (1,)]
    ps = [weights(*shape) for shape in shapes]
    starts = [K.get_value(p) for p in ps]
    total = K.sum(K.square(K.concatenate([K.flatten(p) for p in ps])))
    step = K.function([], [], opt.Adamax(0.1).get_updates(total, ps))
    step([])
    for p, start in zip(ps, starts):
        np.testing.assert_allclose(K.get_value(p), start - 0.1, atol=1e-4)


def test_random_programs():
    """Updates of random formulas, that take values from each other, against the same computed as any other value."""
    draw = np.random.RandomState(5)
    for _ in range(60):
        starts = [draw.rand(5, 5) + 0.5 for _ in range(3)]
        orders = [[draw.randint(0, 100, 3) for _ in range(4)] for _ in range(3)]
        found = []
        for context in plain(), unittest.mock.MagicMock():
            variables = [K.variable(start) for start in starts]
            other = K.constant(draw.__class__(1).rand(5, 5))
            number = K.variable(0.5)
            made = list(variables) + [other]
            values = []
            for order in orders:
                for which, first, second in order:
                    x, y = made[first % len(made)], made[second % len(made)]
                    made.append(
                        [
                            lambda: x + y, lambda: x * 0.5, lambda: x - y * number, lambda: K.maximum(x, y), lambda: K.minimum(y, 0.75),
                            lambda: x + number * K.square(y), lambda: x - number * y / (K.sqrt(K.square(x)) + 1.0), lambda: 1.0 - x,
                        ][which % 8]()
                    )  # fmt: skip
                values.append(made[-1])
            with context:
                step = K.function([], [], [K.update(x, value) for x, value in zip(variables, values)])
            for _ in itertools.repeat(None, 3):
                step([])
            found.append([K.get_value(x) for x in variables])
        for one, other in zip(*found):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
