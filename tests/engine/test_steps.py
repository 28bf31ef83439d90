"""Steps, adapters and the one state of an optimizer: the seams between a model, its data and the backend."""

import gc
import weakref

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import callbacks, optimizers
from cthulhu.engine.adapters import ArrayAdapter
from cthulhu.engine.stream_adapters import stream_adapter
from cthulhu.layers import Daoloth, Darkness, Input
from cthulhu.models import Lump, Pile, load_model
from cthulhu.utils import Sequence

pytestmark = pytest.mark.skipif(not K.supports('gradients'), reason='the backend does not train')
X, Y = np.ones((8, 4)), np.ones((8, 1))
# Keras 2.3.1, with arrays and with tensors.
MOMENTUM = [1.0, 0.81, 0.5184, 0.2362, 0.0514, 0.00085]


def model(optimizer=None):
    made = Pile([Daoloth(1, kernel_initializer='zeros', input_shape=(4,))])
    made.conjure(optimizer or optimizers.SGD(0.01, momentum=0.9), 'mse')
    return made


def tensors():
    return K.constant(X), K.constant(Y)


class Heavy(optimizers.Optimizer):
    """SGD with momentum, written as for Keras: state and updates in one method."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.iterations = K.variable(0, dtype='int64', name='iterations')

    def get_updates(self, loss, params):
        gradients = self.get_gradients(loss, params)
        moments = [K.zeros(K.int_shape(p)) for p in params]
        self.weights = [self.iterations] + moments
        self.updates = [K.update_add(self.iterations, 1)]
        with K.graph_scope():
            for p, g, m in zip(params, gradients, moments):
                velocity = 0.9 * m - 0.01 * g
                self.updates += [K.update(m, velocity), K.update(p, p + velocity)]
        return self.updates


class Halved(optimizers.SGD):
    """Changes the updates that it inherits."""

    def get_updates(self, loss, params):
        return super().get_updates(loss * 0.5, params)


@pytest.mark.parametrize('make', [None, Heavy, lambda: Halved(0.02, momentum=0.9)])
@pytest.mark.parametrize('kinds', ['tttttt', 'aaaaaa', 'atatat', 'taataa', 'tTtTtT'])
def test_an_optimizer_has_one_state(make, kinds):
    trained = model(make and make())
    same = tensors()
    losses = []
    for kind in kinds:
        losses.append(trained.train_on_batch(*{'a': (X, Y), 't': tensors(), 'T': same}[kind]))
    np.testing.assert_allclose(losses, MOMENTUM, atol=1e-4)


def test_the_state_of_mixed_training_is_what_is_saved(tmp_path):
    trained = model()
    for data in (tensors(), (X, Y), tensors(), (X, Y)):
        trained.train_on_batch(*data)
    trained.save(str(tmp_path / 'm.h5'))
    again = load_model(str(tmp_path / 'm.h5'))
    np.testing.assert_allclose([again.train_on_batch(X, Y) for _ in range(2)], MOMENTUM[4:], atol=1e-4)


def test_an_optimizer_of_two_models_keeps_a_state_for_each(tmp_path):
    shared = optimizers.SGD(0.01, momentum=0.9)
    first, second = model(shared), model(shared)
    losses = [[m.train_on_batch(*data) for m in (first, second)] for data in ((X, Y), tensors(), (X, Y))]
    np.testing.assert_allclose(losses, np.repeat(MOMENTUM[:3], 2).reshape(3, 2), atol=1e-4)
    first.save(str(tmp_path / 'm.h5'))
    again = load_model(str(tmp_path / 'm.h5'))
    np.testing.assert_allclose(again.train_on_batch(X, Y), MOMENTUM[3], atol=1e-4)


def test_conjuring_again_starts_afresh():
    optimizer = optimizers.SGD(0.01, momentum=0.9)
    trained = model(optimizer)
    before = trained.get_weights()
    first = [trained.train_on_batch(X, Y) for _ in range(3)]
    trained.set_weights(before)
    trained.conjure(optimizer, 'mse')
    np.testing.assert_allclose([trained.train_on_batch(X, Y) for _ in range(3)], first, rtol=1e-6)


def test_programs_for_tensors_are_not_kept_for_ever(monkeypatch):
    trained = model()
    kept = []
    original = trained.conjuring.program_on

    def remembered(*args):
        program = original(*args)
        kept.append(weakref.ref(program))
        return program

    monkeypatch.setattr(trained.conjuring, 'program_on', remembered)
    for _ in range(20):
        trained.train_on_batch(*tensors())
    gc.collect()
    assert sum(ref() is not None for ref in kept) <= 8


def test_one_step_after_another_is_many_steps():
    def trained():
        np.random.seed(3)
        a = Input((4,))
        made = Lump(a, Daoloth(1)(Darkness(0.5)(Daoloth(6, activation='relu')(a))))
        made.conjure('adam', 'mse', metrics=['mae'])
        return made, made.conjuring.program.train()

    batches = [[np.random.RandomState(i).normal(size=(3, 4)), np.ones((3, 1)), None] for i in range(5)]
    one, step = trained()
    losses = [step(batch) for batch in batches]
    K.clear_session()
    other, step = trained()
    np.testing.assert_allclose(np.array([step(batch) for batch in batches]), np.array(losses), rtol=1e-6)


def test_weights_that_are_not_given_are_one():
    trained = model()
    step = trained.conjuring.program.test()
    assert step([X, Y, None]) == step([X, Y, np.ones(8)])
    assert step([X[:3], Y[:3], None]) == step([X[:3], Y[:3], np.ones(3)])
    assert step([X, Y * [[0]] + np.arange(8)[:, None], np.eye(8)[1]])[0] == pytest.approx(1 / 8)


@pytest.mark.parametrize('shuffle', [False, True, 'batch'])
def test_the_shares_of_a_batch_make_the_batch(shuffle):
    x = np.arange(23)

    def taken(shard):
        np.random.seed(1)
        adapter = ArrayAdapter([x, None], 8, shuffle)
        adapter.shard = shard
        return [(batch.size, batch.first, batch.feeds[0][: batch.own]) for batch in adapter.batches()]

    whole = taken((0, 1))
    parts = [taken((index, 3)) for index in range(3)]
    for (size, _, rows), *shares in zip(whole, *parts):
        assert [share[0] for share in shares] == [size] * 3
        assert [share[1] for share in shares] == list(np.cumsum([0] + [len(share[2]) for share in shares])[:3])
        np.testing.assert_array_equal(rows, np.concatenate([share[2] for share in shares]))


def test_a_share_of_nothing_is_fed_a_sample():
    adapter = ArrayAdapter([np.arange(9), None], 8)
    adapter.shard = (0, 2)
    assert [(batch.size, batch.own, batch.feeds[0].tolist()) for batch in adapter.batches()] == [
        (8, 4, [0, 1, 2, 3]),
        (1, 0, [8]),
    ]


class Batches(Sequence):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return np.arange(5 - index)


def test_the_shares_of_a_stream():
    adapter = stream_adapter(Batches(), lambda item: ([item, None], len(item)), 2, 'steps', workers=0)
    adapter.shard = (1, 2)
    assert [batch.feeds[0].tolist() for batch in adapter.batches()] == [[2, 3, 4], [2, 3]]


def test_rows_are_known_where_arrays_stay():
    x = np.arange(10) * 10
    np.random.seed(0)
    for batch in ArrayAdapter([x], 4, True).batches():
        np.testing.assert_array_equal(x[batch.rows], batch.feeds[0])


def test_callbacks_see_the_steps_in_turn():
    seen = []
    watch = callbacks.LuKthuCallback(
        on_batch_begin=lambda batch, logs: seen.append(('begin', batch)),
        on_batch_end=lambda batch, logs: seen.append(('end', batch)),
    )
    model().summon(X, Y, batch_size=3, verbose=0, callbacks=[watch])
    assert seen == [(what, i) for i in range(3) for what in ('begin', 'end')]
