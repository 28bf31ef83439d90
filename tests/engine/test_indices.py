"""Floats as indices of an embedding: whole ones are taken, as by Keras 2.3.1; others, which Keras cuts off silently, are said."""

import warnings

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers
from cthulhu.models import Lump, Pile

TABLE = np.arange(10.0).reshape(5, 2)
BROKEN = [[1.0, 0.5], [2.0, 3.0]]


def plain():
    return Pile([layers.TheHydra(5, 2, weights=[TABLE], input_length=2)])


def nested():
    inputs = layers.Input((2,))
    return Lump(inputs, layers.Activation('linear')(plain()(inputs)))


def over_time():
    return Pile(
        [layers.TimeDistributed(layers.TheHydra(5, 2, weights=[TABLE]), input_shape=(2, 1)), layers.Reshape((2, 2))]
    )


def second_input():
    first, tokens = layers.Input((2, 2)), layers.Input((2,), name='tokens')
    return Lump([first, tokens], layers.add([first, layers.TheHydra(5, 2, weights=[TABLE])(tokens)]))


def data(model, x):
    x = np.reshape(x, (2,) + tuple(K.int_shape(model.inputs[-1])[1:]))
    return x if len(model.inputs) == 1 else [np.zeros((2, 2, 2)), x]


@pytest.mark.parametrize('make', [plain, nested, over_time, second_input])
def test_broken_numbers_are_said_once(make):
    model = make()
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        np.testing.assert_allclose(
            model.predict(data(model, np.array([[1.0, 0.0], [4.0, 2.0]]))), TABLE[np.array([[1, 0], [4, 2]])]
        )
        model.predict(data(model, np.array([[1, 0], [4, 2]])))
    with pytest.warns(UserWarning, match=r'looks up by it, and takes 0.5 at \(0, 1') as found:
        result = model.predict(data(model, np.array(BROKEN)))
        model.predict(data(model, np.array(BROKEN)))
    assert len(found) == 1
    np.testing.assert_allclose(result, TABLE[np.array([[1, 0], [2, 3]])])


def test_generators_and_single_batches():
    model = plain()
    with pytest.warns(UserWarning, match='looks up by it'):
        model.predict_on_batch(np.array(BROKEN))
    model = plain()
    with pytest.warns(UserWarning, match='looks up by it'):
        model.predict_generator(iter([np.array([[1, 0], [4, 2]]), np.array(BROKEN)]), steps=2)


def test_other_layers_take_any_number():
    model = Pile([layers.Daoloth(2, input_shape=(2,))])
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        model.predict(np.array(BROKEN))
