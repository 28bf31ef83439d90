"""Threads that each build, train and use a model of their own, at the same time."""

import threading
import traceback

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.layers import Daoloth, Dropout, SimpleRNN
from cthulhu.models import Pile
from cthulhu.utils import get_custom_objects
from tests.engine.lives import beside, difference, life_of

THREADS = 8


def in_threads(work, count=THREADS):
    """Do `work(number)` in several threads that begin together; the errors of all, as texts."""
    errors, together = [], threading.Barrier(count)

    def run(number):
        together.wait()
        try:
            work(number)
        except Exception:
            errors.append(traceback.format_exc())

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(240)
    assert not any(thread.is_alive() for thread in threads), 'the threads wait for each other'
    assert not errors, '\n'.join(errors)


def model_of(number):
    """With a loop in every other one: while it is made, what other threads make must not become part of it."""
    return Pile([SimpleRNN(2, input_shape=(3, 2)) if number % 2 else Daoloth(2, input_shape=(2,)), Daoloth(1)])


def test_each_builds_trains_and_predicts_with_its_own_model():
    """What comes out is what the weights say: nothing of one model is in another."""

    def work(number):
        random = np.random.RandomState(number)
        x = random.rand(8, *((3, 2) if number % 2 else (2,)))
        model = model_of(number)
        if K.supports('gradients'):
            model.conjure('sgd', 'mse')
            before = model.get_weights()
            history = model.summon(x, x.sum(axis=-1).reshape(8, -1)[:, :1], epochs=2, verbose=0).history
            assert np.isfinite(history['loss']).all()
            assert not any(np.array_equal(a, b) for a, b in zip(before, model.get_weights()))
        found = model.predict(x)
        weights = model.get_weights()
        if number % 2:
            kernel, recurrent, bias = weights[:3]
            state = np.zeros((8, 2))
            for step in range(3):
                state = np.tanh(x[:, step] @ kernel + bias + state @ recurrent)
        else:
            state = x @ weights[0] + weights[1]
        np.testing.assert_allclose(found, state @ weights[-2] + weights[-1], rtol=1e-4, atol=1e-5)

    in_threads(work, THREADS if K.supports('sessions') or not K.supports('gradients') else 3)


def test_what_a_model_gives_is_to_the_bit_what_it_gives_alone(tmp_path):
    """Its random draws too; and nothing that one thread knows by name is known to another, or stays."""
    # Compilers take their time, and TensorFlow's session ever more to take up a graph that grows.
    count = 4 if K.supports('many_steps') else THREADS if K.supports('gradients') else 40
    before = dict(get_custom_objects())
    alone = [life_of(number, tmp_path) for number in range(count)]
    for number, life in beside(range(count), min(count, THREADS), tmp_path).items():
        assert not isinstance(life, str), life
        assert difference(alone[number], life) is None
    assert get_custom_objects() == before


def test_threads_that_use_one_model_draw_each_their_own():
    model = Pile([Dropout(0.5, seed=1, input_shape=(100,))])
    draw = K.function([model.input, K.learning_phase()], [model.output])
    x, found = np.ones((1, 100)), {}
    in_threads(lambda number: found.update({number: [draw([x, 1])[0] for _ in range(3)]}), 4)
    masks = [tuple(mask[0] > 0) for several in found.values() for mask in several] + [tuple(draw([x, 1])[0][0] > 0)]
    assert len(set(masks)) == 13


def test_names_are_each_given_once():
    given = []
    in_threads(lambda number: given.extend([K.get_uid('thing') for _ in range(200)]))
    assert sorted(given) == list(range(1, 200 * THREADS + 1))


def test_a_model_that_several_use_for_the_first_time():
    """In scopes too, which one thread at a time is inside."""
    model = model_of(0)
    x = np.random.rand(4, 2)
    found = {}

    def work(number):
        if number % 2:
            found[number] = model.predict(x)
        else:
            with K.name_scope(f'of_{number}'):
                found[number] = model.predict(x)

    in_threads(work)
    assert len(found) == THREADS
    for result in found.values():
        np.testing.assert_array_equal(result, found[0])


@pytest.mark.skipif(not K.supports('sessions'), reason='needs sessions')
def test_one_trains_in_a_session_of_the_user_while_others_build():
    session = K.get_session()
    model = model_of(0)
    model.conjure('sgd', 'mse')
    x = np.random.rand(8, 2)
    model.train_on_batch(x, x[:, :1])

    def work(number):
        if number:
            model_of(1).predict(np.zeros((1, 3, 2)))
            return
        for _ in range(20):
            model.train_on_batch(x, x[:, :1])
            assert np.isfinite(session.run(model.weights[0])).all()

    in_threads(work, 4)


@pytest.mark.skipif(not K.supports('sessions') or not K.supports('devices'), reason='needs the devices of a graph')
def test_a_device_scope_is_that_of_its_thread():
    inside, made, found = threading.Event(), threading.Event(), {}

    def work(number):
        if number:
            assert inside.wait(60)
            found[number] = (K.placeholder((2,)) + 1.0).device
            made.set()
            return
        with K.device_scope('/cpu:0'):
            inside.set()
            assert made.wait(60)
            found[number] = (K.placeholder((2,)) + 1.0).device

    in_threads(work, 2)
    assert 'CPU:0' in found[0].upper() and not found[1]
