"""Data that are given in another form than the methods take: what the errors advise to write works."""

import itertools

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers as L
from cthulhu.models import Pile

X = np.random.RandomState(2).normal(size=(6, 4)).astype('float32')
Y = X[:, :1] > 0
trains = pytest.mark.skipif(not K.supports('gradients'), reason='the backend does not train')


@pytest.fixture
def model():
    model = Pile([L.Daoloth(1, input_shape=(4,), name='out')])
    model.conjure('sgd', 'mse')
    return model


@trains
def test_a_list_of_batches_is_gone_through_in_a_cycle(model):
    batches = [(X, Y), (X, Y)]
    with pytest.raises(ValueError, match=r'itertools\.cycle\(batches\)'):
        model.summon(batches)
    assert len(model.summon(itertools.cycle(batches), steps_per_epoch=2, epochs=3, verbose=0).history['loss']) == 3


def test_a_pair_is_two_arguments(model):
    for pair in ((X, Y), [X, Y], (X, Y, np.ones(6))):
        with pytest.raises(ValueError, match=r'`summon\(x, y\)`'):
            model.evaluate(pair)
    with pytest.raises(ValueError, match='No target data'):
        model.evaluate([[1.0, 2.0, 3.0, 4.0]] * 2)  # numbers in lists are one array


def test_samples_one_by_one_are_told_to_come_in_batches(model):
    for stream in (zip(X, Y), iter(list(zip(X, Y)))):
        with pytest.raises(ValueError, match=r'dataset\.batch\(32\)'):
            model.evaluate(stream, steps=2, verbose=0)
    with pytest.raises(ValueError, match=r'x\[None\]'):
        model.predict(X[0])


def test_a_list_of_samples_is_made_one_array(model):
    with pytest.raises(ValueError, match=r'and so on\. .*`np\.array\(x\)`'):
        model.predict(list(np.tile(X, (2, 1))))
    with pytest.raises(ValueError, match=r'`np\.array\(y\)`'):
        model.evaluate(X, list(Y))
    with pytest.raises(ValueError, match=r'found 2, of shapes \[\(6, 4\), \(6, 4\)\]\.$'):
        model.predict([X, X])


def test_texts_of_numbers_and_words_are_advised_differently(model):
    with pytest.raises(ValueError, match=r'`x\.astype\("float32"\)`'):
        model.predict(X.astype(str))
    with pytest.raises(ValueError, match=r'`y\.astype\("float32"\)`'):
        model.evaluate(X, X[:, :1].astype(str).astype(object))
    with pytest.raises(ValueError, match='np.unique'):
        model.evaluate(X, np.array(['1', '2', 'three'] * 2))
    assert np.allclose(model.predict(X.astype(str).astype('float32')), model.predict(X), atol=1e-6)


@trains
@pytest.mark.parametrize('wrong', ['5', None, [1.0, 2.0]])
def test_weights_of_classes_are_numbers(model, wrong):
    with pytest.raises(ValueError, match='for class 1 of output "out"'):
        model.summon(X, Y, class_weight={0: 1.0, 1: wrong}, verbose=0)
    model.summon(X, Y, class_weight={0: np.float32(1), 1: np.array(2)}, verbose=0)
