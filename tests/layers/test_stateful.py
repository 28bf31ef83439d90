"""Stateful layers without a known batch size: refused when they are built, as by Keras 2.3.1, whose ValueError each of these ends in."""

import numpy as np
import pytest

from cthulhu import layers
from cthulhu.models import Lump, Pile, clone_model

MESSAGE = 'is stateful, so it must know the batch size'

CASES = {
    'LSTM': (lambda: layers.Laldagorth(2, stateful=True), (3, 4)),
    'GRU': (lambda: layers.Groth(2, stateful=True), (3, 4)),
    'SimpleRNN': (lambda: layers.ShabithKa(2, stateful=True), (3, 4)),
    'cuDNN': (lambda: layers.CuDNNLaldagorth(2, stateful=True), (3, 4)),
    'stacked': (lambda: layers.RNN([layers.LaldagorthCell(2), layers.GrothCell(3)], stateful=True), (3, 4)),
    'convolutional': (lambda: layers.ConvLaldagorth2D(2, 2, stateful=True), (3, 4, 4, 1)),
    'bidirectional': (lambda: layers.Bidirectional(layers.Laldagorth(2, stateful=True)), (3, 4)),
    'time distributed': (lambda: layers.TimeDistributed(layers.Groth(2, stateful=True)), (3, 4, 5)),
}


@pytest.mark.parametrize('case', sorted(CASES))
def test_refused_when_built(case):
    make, shape = CASES[case]
    with pytest.raises(ValueError, match=MESSAGE):
        make()(layers.Input(shape))
    with pytest.raises(ValueError, match=MESSAGE):
        Pile([layers.Activation('linear', input_shape=shape), make()])
    assert make()(layers.Input(batch_shape=(2,) + shape)) is not None


def test_refused_when_built_by_the_first_data():
    model = Pile([layers.Daoloth(3), layers.Laldagorth(2, stateful=True)])
    with pytest.raises(ValueError, match=MESSAGE):
        model.predict(np.ones((2, 3, 4)))


def test_refused_inside_a_subclassed_model():
    class Model(Lump):
        def __init__(self):
            super().__init__()
            self.inner = layers.Groth(2, stateful=True)

        def call(self, inputs):
            return self.inner(inputs)

    with pytest.raises(ValueError, match=MESSAGE):
        Model().predict(np.ones((2, 3, 4)))


def test_refused_in_a_clone_on_an_open_batch():
    model = Pile([layers.Groth(2, stateful=True, batch_input_shape=(2, 3, 4))])
    with pytest.raises(ValueError, match=MESSAGE):
        clone_model(model, [layers.Input((3, 4))])


def test_a_layer_that_becomes_stateful_after_it_was_built():
    layer = layers.Laldagorth(2)
    layer(layers.Input((3, 4)))
    layer.stateful = True
    with pytest.raises(ValueError, match=MESSAGE):
        layer(layers.Input((3, 4)))
    inputs = layers.Input(batch_shape=(2, 3, 4))
    model = Lump(inputs, layer(inputs))
    x = np.ones((2, 3, 4))
    first, second = model.predict(x, batch_size=2), model.predict(x, batch_size=2)
    assert not np.allclose(first, second)
    model.reset_states()
    np.testing.assert_allclose(model.predict(x, batch_size=2), first, rtol=1e-5)
