"""A small model and its data, and a stand-in for a model that is only told of epochs."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import optimizers
from cthulhu.callbacks import CallbackList
from cthulhu.callbacks.base import RunParams
from cthulhu.layers import Daoloth, Darkness
from cthulhu.models import Pile

needs_gradients = pytest.mark.skipif(not K.supports('gradients'), reason='this backend does not train')

_random = np.random.RandomState(5)
X = _random.normal(size=(24, 4)).astype('float32')
Y = (X @ _random.normal(size=(4, 2))).astype('float32')
LABELS = np.eye(2, dtype='float32')[(X[:, 0] > 0).astype(int)]


def linear(learning_rate=0.05, **kwargs):
    model = Pile([Daoloth(2, input_shape=(4,), kernel_initializer='ones')])
    model.conjure(optimizers.SGD(learning_rate), 'mse', **kwargs)
    return model


def dark(optimizer='adam', seed=11):
    """A model whose training draws numbers."""
    np.random.seed(seed)
    model = Pile([Daoloth(8, input_shape=(4,), activation='tanh'), Darkness(0.5), Daoloth(2, activation='softmax')])
    model.conjure(optimizer, 'categorical_crossentropy', metrics=['accuracy'])
    return model


class Optimizer:
    def __init__(self, lr):
        self.lr = K.variable(lr)


class Told:
    """Stands for a model: its weights are the number of the epoch, and it notes what it was asked to save."""

    def __init__(self, lr=0.5):
        self.stop_training = False
        self.optimizer = Optimizer(lr)
        self.saved = []
        self.weights = None

    def get_weights(self):
        return [np.array(self.weights)]

    def set_weights(self, weights):
        self.weights = int(weights[0])

    def save(self, path, overwrite=True):
        self.saved.append(path)

    def save_weights(self, path, overwrite=True):
        self.saved.append('weights ' + path)


def tell(callback, epochs, model=None, initial_epoch=0, metrics=()):
    """Run a callback through epochs with the given logs (dicts); returns the model that it was told of."""
    model = model or Told()
    model.stop_training = False
    hooks = CallbackList([callback])
    hooks.set_model(model)
    params = RunParams(epochs=initial_epoch + len(epochs), metrics=list(metrics))
    params.initial_epoch = initial_epoch
    hooks.set_params(params)
    hooks.on_train_begin()
    try:
        for epoch, logs in enumerate(epochs, initial_epoch):
            model.weights = epoch
            hooks.on_epoch_begin(epoch)
            hooks.on_epoch_end(epoch, dict(logs))
            if model.stop_training:
                break
    finally:
        hooks.on_train_end()
    return model
