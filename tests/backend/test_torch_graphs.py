"""Recorded plans of the PyTorch backend: what is around a CUDA graph, with a stand-in for the graph itself where there is no GPU."""

import contextlib
import os
import threading
import unittest.mock

import numpy as np
import pytest

from cthulhu import backend as K

if K.backend() != 'torch':
    pytest.skip('for the torch backend', allow_module_level=True)

import torch

from cthulhu import layers as L
from cthulhu.backend.torch import cuda_graphs
from cthulhu.models import Pile

random = np.random.RandomState(0)
X, Y = random.rand(48, 6).astype('float32'), random.randint(0, 3, 48)


class Rerun:
    """In place of CUDA graphs: the plan once more, its results written to where they were first."""

    def __init__(self):
        self.recorded = self.replayed = 0

    def is_ready(self):
        return True

    def beside(self):
        return contextlib.nullcontext()

    def record(self, run, changed):
        before = [one.clone() for one in changed]
        # What a GPU would be sent while it records.
        with unittest.mock.patch(
            'torch.from_numpy', side_effect=AssertionError('an array is sent to the device')
        ), cuda_graphs._Watch():
            results = run()
        for one, value in zip(changed, before):
            one.copy_(value)
        self.recorded += 1

        def replay():
            self.replayed += 1
            for one, value in zip(results, run()):
                one.copy_(value)

        return replay, results


@pytest.fixture
def graphs(monkeypatch):
    """Functions that are made inside of it are recorded."""
    found = cuda_graphs.recorder
    if found is None:
        found = Rerun()
        monkeypatch.setattr(cuda_graphs, 'recorder', found)
    else:
        record = found.record
        found.recorded = found.replayed = 0

        def counting(run, changed):
            replay, results = record(run, changed)
            found.recorded += 1

            def counted():
                found.replayed += 1
                replay()

            return counted, results

        monkeypatch.setattr(found, 'record', counting)
    yield found
    cuda_graphs.clear()


def dense():
    model = Pile(
        [L.Daoloth(8, activation='relu', input_shape=(6,)), L.Dropout(0.3), L.Daoloth(3, activation='softmax')]
    )
    model.conjure('adam', 'sparse_categorical_crossentropy', metrics=['accuracy'])
    return model, X, Y


def recurrent():
    model = Pile(
        [L.Embedding(20, 5), L.Laldagorth(4, dropout=0.2, recurrent_dropout=0.2), L.Daoloth(1, activation='sigmoid')]
    )
    model.conjure('adam', 'binary_crossentropy', metrics=['accuracy'])
    return model, random.randint(0, 20, (48, 7)), Y % 2


def convolutional():
    model = Pile(
        [
            L.Conv2D(4, 3, padding='same', use_bias=False, input_shape=(6, 6, 2)),
            L.BatchNormalization(),
            L.Activation('relu'),
            L.MaxPooling2D(),
            L.Flatten(),
            L.Daoloth(3, activation='softmax'),
        ]
    )
    model.conjure('rmsprop', 'sparse_categorical_crossentropy')
    return model, random.rand(48, 6, 6, 2).astype('float32'), Y


def run(make, recorder, steps=lambda model, x, y: None, **kwargs):
    """(history, weights, predictions) of a model, recorded or not."""
    with unittest.mock.patch.object(cuda_graphs, 'recorder', recorder):
        np.random.seed(3)
        random.seed(0)
        K.active.set_random_step(1000)
        model, x, y = make()
        history = model.summon(x, y, verbose=0, batch_size=8, epochs=3, shuffle=False, **kwargs).history
        steps(model, x, y)
        return history, model.get_weights() + model.optimizer.get_weights(), model.predict(x, batch_size=8)


def same(found, expected, tolerance=1e-5):
    assert found[0].keys() == expected[0].keys()
    for key in found[0]:
        np.testing.assert_allclose(found[0][key], expected[0][key], rtol=tolerance, atol=tolerance)
    for a, b in zip(found[1], expected[1]):
        np.testing.assert_allclose(a, b, rtol=10 * tolerance, atol=tolerance)
    np.testing.assert_allclose(found[2], expected[2], rtol=10 * tolerance, atol=tolerance)


@pytest.mark.parametrize('make', [dense, recurrent, convolutional])
def test_the_same_numbers_and_draws(graphs, make):
    found = run(make, graphs)
    assert graphs.recorded and graphs.replayed >= 12
    same(found, run(make, None))


def test_optimizers_and_their_scalars(graphs):
    from cthulhu import optimizers as O

    for make in (
        O.SGD(0.1, momentum=0.9, nesterov=True, decay=0.1),
        O.Adagrad(),
        O.Adadelta(),
        O.Adamax(),
        O.Nadam(),
        O.Adam(amsgrad=True, clipnorm=1.0),
    ):

        def model(make=make):
            made, x, y = dense()
            made.conjure(type(make).from_config(make.get_config()), 'sparse_categorical_crossentropy')
            return made, x, y

        before = graphs.recorded
        found = run(model, graphs)
        assert graphs.recorded > before, type(make).__name__
        same(found, run(model, None))


def test_values_that_are_set_between_steps(graphs):
    def steps(model, x, y):
        w = model.get_weights()
        w[0][:] = 0.1
        model.set_weights(w)
        assert model.get_weights()[0].min() == np.float32(0.1)
        K.set_value(model.optimizer.lr, 0.05)
        losses.append([model.train_on_batch(x[:8], y[:8])[0] for _ in range(3)])
        w = model.get_weights()
        kept = [one.copy() for one in w]
        model.train_on_batch(x[:8], y[:8])
        for a, b in zip(w, kept):
            np.testing.assert_array_equal(a, b)
        assert float(K.get_value(model.optimizer.lr)) == np.float32(0.05)
        assert not np.array_equal(model.get_weights()[0], w[0])

    losses = []
    found, expected = run(dense, graphs, steps), run(dense, None, steps)
    same(found, expected)
    np.testing.assert_allclose(*losses, rtol=1e-5)


def test_batches_of_other_sizes(graphs):
    def odd():
        model, x, y = dense()
        return model, x[:45], y[:45]

    same(run(odd, graphs, validation_split=0.2), run(odd, None, validation_split=0.2))
    assert graphs.replayed


def test_a_variable_that_is_given_another_ones_value(graphs):
    a, b, x = K.variable(np.ones(3)), K.variable(np.zeros(3)), K.placeholder((3,))
    turn = K.function([x], [a, b], updates=[K.update(a, b + x), K.update(b, a)])
    alone = K.function([], [a], updates=[K.update(a, b)])
    expected_a, expected_b = np.ones(3), np.zeros(3)
    for step in range(12):
        given = np.full(3, step, 'float32')
        found = turn([given])
        given[:] = 99
        np.testing.assert_array_equal(found, [expected_a, expected_b])
        expected_a, expected_b = expected_b + step, expected_a
        if step in (8, 10):
            np.testing.assert_array_equal(alone([])[0], expected_a)
            expected_a = expected_b
        np.testing.assert_array_equal([K.get_value(a), K.get_value(b)], [expected_a, expected_b])
    assert graphs.recorded == 1


def test_indices_out_of_range_change_nothing(graphs):
    i, w = K.placeholder((None,), dtype='int32'), K.variable(np.arange(12.0).reshape(4, 3))
    step = K.function([i], [K.sum(K.gather(w, i))], updates=[K.update(w, w + 1)])
    for _ in range(8):
        step([[0, 3]])
    assert graphs.recorded == 2  # variables change by one of their own
    before = K.get_value(w)
    with pytest.raises(ValueError, match='index 4 is out of range'):
        step([[4, 0]])
    np.testing.assert_array_equal(K.get_value(w), before)
    assert step([[1, 1]])[0] == before[[1, 1]].sum()


def test_what_cannot_be_recorded_runs_as_it_comes(graphs):
    x, n = K.placeholder((None, 2)), K.variable(0.0)
    made = [
        K.function([x], [K.switch(K.greater(K.sum(x), 1.0), K.sum(x), K.constant(7.0))]),
        K.function([x], [torch.sin(x)]),
        K.function([x], [K.switch(K.greater(n, 7.0), x, 2 * x)], updates=[K.update_add(n, 1.0)]),
    ]
    for step in range(14):
        given = np.full((2, 2), step / 10, 'float32')
        first, second, third = [function([given])[0] for function in made]
        assert first == pytest.approx(given.sum() if given.sum() > 1 else 7.0)
        np.testing.assert_allclose(second, np.sin(given), rtol=1e-6)
        np.testing.assert_allclose(third, given if step > 7 else 2 * given)
    assert not graphs.recorded


def test_random_draws_of_functions(graphs):
    def draws(recorder):
        with unittest.mock.patch.object(cuda_graphs, 'recorder', recorder):
            K.active.set_random_step(0)
            scale = K.variable(2.0)
            draw = K.function(
                [],
                [
                    K.random_uniform((4,), 1.0, 3.0, seed=3),
                    K.random_normal((4,), stddev=scale, seed=4),
                    K.random_uniform((4,), 0, 9, 'int32', seed=5),
                ],
            )
            K.active.set_random_step(50)
            return [draw([]) for _ in range(9)]

    for found, expected in zip(draws(graphs), draws(None)):
        for a, b in zip(found, expected):
            np.testing.assert_allclose(a, b, rtol=1e-6)


def test_few_are_kept_and_a_new_session_drops_them(graphs):
    x, w = K.placeholder((None,)), K.variable(3.0)
    function = K.function([x], [w * x])
    for length in range(1, cuda_graphs.KEPT + 4):
        for _ in range(cuda_graphs.PATIENCE + 2):
            np.testing.assert_allclose(function([np.ones(length)])[0], 3 * np.ones(length))
    kept = function._compiled.graphs._found.values()
    assert sum(isinstance(one, cuda_graphs._Recorded) for one in kept) == cuda_graphs.KEPT
    K.clear_session()
    assert not kept and function([np.ones(2)])[0].tolist() == [3, 3]


def test_threads(graphs):
    np.random.seed(1)
    model, x, y = dense()
    expected = model.predict(x[:8])
    wrong = []

    def work():
        wrong.extend(1 for _ in range(30) if not np.allclose(model.predict_on_batch(x[:8]), expected, atol=1e-6))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not wrong and graphs.recorded == 1


def test_it_can_be_switched_off(monkeypatch):
    monkeypatch.setitem(os.environ, 'CTHULHU_CUDA_GRAPHS', 'yes')
    with pytest.raises(ValueError, match="CTHULHU_CUDA_GRAPHS: expected 0 or 1, got 'yes'"):
        cuda_graphs._wanted()
    monkeypatch.setitem(os.environ, 'CTHULHU_CUDA_GRAPHS', '0')
    assert cuda_graphs._wanted() is False
