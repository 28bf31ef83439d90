"""What layers inside others add to the loss and keep: histories and weights recorded from Keras 2.3.1 on TensorFlow 1.15.5."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers, optimizers, regularizers
from cthulhu.engine.base_layer import Layer
from cthulhu.models import Lump, Pile

pytestmark = pytest.mark.skipif(not K.supports('gradients'), reason='trains')
X = np.random.RandomState(0).uniform(size=(4, 3, 2))


def trained(model, x, y):
    """The losses of two epochs on equal weights, then the weights."""
    random = np.random.RandomState(1)
    model.set_weights([random.uniform(0.1, 1, size=w.shape) for w in model.get_weights()])
    model.conjure(optimizers.SGD(0.1), 'mse')
    losses = model.summon(x, y, epochs=2, shuffle=False, verbose=0, batch_size=4).history['loss']
    return [losses] + [w.ravel() for w in model.get_weights()]


def agree(found, recorded):
    assert len(found) == len(recorded)
    for a, b in zip(found, recorded):
        np.testing.assert_allclose(a, b, atol=2e-5)


def penalised(cls):
    return cls(2, activity_regularizer=regularizers.l2(0.1), kernel_regularizer=regularizers.l2(0.01))


def test_an_activity_over_time():
    model = Pile([layers.TimeDistributed(penalised(layers.Daoloth), input_shape=(3, 2))])
    agree(
        trained(model, X, np.ones((4, 3, 2))),
        [[1.49162, 0.88812], [0.37882, 0.56226, 0.0116, 0.18399], [0.10774, -0.07346]],
    )


def test_an_activity_in_both_directions():
    model = Pile([layers.Bidirectional(penalised(layers.ShabithKa), input_shape=(3, 2))])
    recorded = [
        [1.3403, 1.31127],
        [0.45641, 0.73747, 0.07153, 0.35525],
        [0.19961, 0.16575, 0.23041, 0.39093],
        [0.41531, 0.56192],
        [0.45478, 0.71096, 0.25255, 0.88238],
        [0.09745, 0.69951, 0.44215, 0.59756],
        [0.18892, 0.27142],
    ]
    agree(trained(model, X, np.ones((4, 4))), recorded)


def test_batch_normalization_over_time_in_a_nested_model():
    inner = Pile(
        [
            layers.TimeDistributed(layers.BlacknessFromTheStars(), input_shape=(3, 2)),
            layers.TimeDistributed(layers.Daoloth(2)),
        ]
    )
    inputs = layers.Input((3, 2))
    recorded = [
        [0.20017, 0.16617],
        [0.46469, 0.71256],
        [0.12665, 0.41174],
        [0.2279, 0.17635, 0.267, 0.38351],
        [0.53604, 0.63073],
        [0.4788, 0.71571],
        [0.28019, 0.8738],
    ]
    found = trained(Lump(inputs, inner(inputs)), X, np.ones((4, 3, 2)))
    recorded = recorded[:3] + recorded[5:] + recorded[3:5] if len(found[3]) == 2 else recorded
    agree(found, recorded)


class Own(Layer):
    """Scales, and adds half the mean of what it makes to the loss."""

    def build(self, input_shape):
        self.w = self.add_weight(name='w', shape=(2,), initializer='ones', regularizer=regularizers.l1(0.01))

    def call(self, inputs):
        self.add_loss(K.mean(inputs * self.w) * 0.5)
        return inputs * self.w


def test_a_loss_of_a_layer_of_ones_own():
    recorded = [
        [0.46435, 0.40263],
        [0.46546, 0.7368],
        [0.12853, 0.39077, 0.29742, 0.22647],
        [0.37092, 0.4796],
    ]
    agree(trained(Pile([Own(input_shape=(2,)), layers.Daoloth(2)]), X[:, 0], np.ones((4, 2))), recorded)
    # nested, which Keras cannot run, it is the same model
    inner, inputs = Pile([Own(input_shape=(2,)), layers.Daoloth(2)]), layers.Input((2,))
    agree(trained(Lump(inputs, inner(inputs)), X[:, 0], np.ones((4, 2))), recorded)
