import random

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.utils import set_random_seed
from tests.callbacks.running import LABELS, X, needs_gradients


def test_python_and_numpy():
    draws = []
    for seed in (3, 3, 4):
        set_random_seed(seed)
        draws.append((random.random(), np.random.rand()))
    assert draws[0] == draws[1] and draws[0][0] != draws[2][0] and draws[0][1] != draws[2][1]


def test_the_backends_draws():
    draws = []
    for seed in (3, 3, 4):
        set_random_seed(seed)
        draw = K.function([], [K.random_normal((4,)), K.random_uniform((4,))])
        draws.append(np.concatenate(draw([]) + draw([])))
    np.testing.assert_array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])


def test_the_frameworks_own_operations():
    if K.backend() != 'tensorflow':
        pytest.skip('TensorFlow has operations of its own that draw')
    import tensorflow as tf

    draws = []
    for seed in (3, 3, 4):
        K.clear_session()
        set_random_seed(seed)
        with K.graph_scope():
            inside = tf.random.normal((3,))
        draws.append(np.concatenate([tf.random.normal((3,)).numpy(), K.get_session().run(inside)]))
    np.testing.assert_array_equal(draws[0], draws[1])
    assert (draws[0] != draws[2]).all()


@needs_gradients
@pytest.mark.parametrize('settings', [{}, {'batch_size': 4, 'epochs': 3}])
def test_a_run_repeats_bit_for_bit(settings):
    from cthulhu.layers import Daoloth, Darkness
    from cthulhu.models import Pile

    runs = []
    for _ in range(2):
        set_random_seed(17)
        model = Pile([Daoloth(8, input_shape=(4,)), Darkness(0.5), Daoloth(2, activation='softmax')])
        model.conjure('adam', 'categorical_crossentropy')
        history = model.summon(X, LABELS, verbose=0, **settings)
        runs.append((model.get_weights(), history.history))
    assert runs[0][1] == runs[1][1]
    for a, b in zip(runs[0][0], runs[1][0]):
        np.testing.assert_array_equal(a, b)


def test_the_random_step_can_be_set_back():
    draw = K.function([], [K.random_normal((4,), seed=1)])
    step = K.random_step()
    first = [draw([])[0] for _ in range(3)]
    assert K.random_step() == step + 3
    K.set_random_step(step + 1)
    np.testing.assert_array_equal(draw([])[0], first[1])
    assert not np.array_equal(first[0], first[1])


@pytest.mark.parametrize('seed', [-1, 2**32, 1.5, True, None, 'seven'])
def test_wrong_seeds(seed):
    with pytest.raises(ValueError, match='`seed` is a whole number from 0 to 4294967295'):
        set_random_seed(seed)
