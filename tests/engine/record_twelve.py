"""Writes tests/fixtures/twelve.json: what Keras 2.3.1 makes of the twelve models of `twelve.py`.

It is run twice, with Pythons that have that Keras and the framework:

    KERAS_BACKEND=theano python -m tests.engine.record_twelve      records all models but those of ON_TENSORFLOW
    KERAS_BACKEND=tensorflow python -m tests.engine.record_twelve  records those of ON_TENSORFLOW

On Theano all updates of a step are made from the values before it, so nothing is left to chance. On TensorFlow, Keras 2.3.1 reads the counter of steps in a
race with the counting; where an optimizer depends on it, the counting is taken out of the step and done between the steps. Models so small are quick on Theano
with `THEANO_FLAGS=cxx=,optimizer=None,linker=py`.
"""

import json
import os

import keras
import numpy as np
from keras import backend as K
from keras.utils.conv_utils import convert_kernel

from tests.engine import twelve

# On Theano, Keras does not pad a causal convolution over an unknown number of steps, and pads a 'same' convolution with strides, or with an even kernel, on the
# other side.
ON_TENSORFLOW = ['convolutional_1d', 'separable_and_transposed']


class CountedBetween(keras.optimizers.Adam):
    """Adam that does not count its steps."""

    def get_updates(self, loss, params):
        self.updates = super().get_updates(loss, params)[1:]
        return self.updates


class OverStepsLeft(keras.losses.Loss):
    """Crossentropy over the number of time steps that the mask leaves, as docs/training.md says; Keras divides by that of all.

    The weights that arrive have been multiplied by the mask, and there are none of 0 among the model's own.
    """

    def call(self, y_true, y_pred):
        return K.categorical_crossentropy(y_true, y_pred)

    def __call__(self, y_true, y_pred, sample_weight=None):
        return K.sum(self.call(y_true, y_pred) * sample_weight) / K.sum(K.cast(K.greater(sample_weight, 0), K.floatx()))


normalize = K.normalize_batch_in_training


def normalize_and_give_the_variance(x, gamma, beta, reduction_axes, epsilon=1e-3):
    """On Theano, Keras gives the variance with epsilon added, and would add it again to the one that it has kept."""
    normalized, mean, variance = normalize(x, gamma, beta, reduction_axes, epsilon)
    return normalized, mean, variance - epsilon


if K.backend() == 'theano':
    K.normalize_batch_in_training = normalize_and_give_the_variance

SETTINGS = {'masked': {'loss': OverStepsLeft()}, 'separable_and_transposed': {'adam': CountedBetween}}
REMARKS = {
    'masked': ', with the loss over the time steps that the mask leaves',
    'normalised': ', with the variance without the epsilon that Keras adds on Theano before it keeps it',
    'separable_and_transposed': ', with the steps counted between the steps',
}


def count(iterations):
    K.set_value(iterations, K.get_value(iterations) + 1)


def as_on_tensorflow(weights):
    """Weights with the kernels of convolutions reversed, if on Theano, which convolves where TensorFlow correlates; Keras does so when it loads a file."""
    return [convert_kernel(w) if w.ndim > 2 and K.backend() == 'theano' else w for w in weights]


def record(make, source):
    name = make.__name__
    model, x, y, options = make(keras, **SETTINGS.get(name, {}))
    counting = []
    if isinstance(model.optimizer, CountedBetween):
        counting = [keras.callbacks.LambdaCallback(on_batch_end=lambda batch, logs: count(model.optimizer.iterations))]
    twelve.start(model)
    model.set_weights(as_on_tensorflow(model.get_weights()))
    found = {'source': source + REMARKS.get(name, ''), 'before': twelve.evaluate(model, x, y, options)}
    found['history'] = twelve.train(model, x, y, options, counting)
    found['after'] = twelve.evaluate(model, x, y, options)
    found['weights'] = [[float(f'{n:.7g}') for n in w.ravel()] for w in as_on_tensorflow(model.get_weights())]
    steps = twelve.EPOCHS * twelve.SAMPLES // twelve.BATCH
    assert K.get_value(model.optimizer.iterations) == steps
    return found


def main():
    framework = __import__(K.backend())
    source = f'Keras {keras.__version__} on {K.backend()} {framework.__version__}, NumPy {np.__version__}'
    found = {}
    if os.path.exists(twelve.PATH):
        with open(twelve.PATH) as file:
            found = json.load(file)
    for make in twelve.MODELS:
        if (make.__name__ in ON_TENSORFLOW) == (K.backend() == 'tensorflow'):
            found[make.__name__] = record(make, source)
            print(make.__name__, flush=True)
    with open(twelve.PATH, 'w') as file:
        json.dump(found, file, separators=(',', ':'), sort_keys=True)
        file.write('\n')


if __name__ == '__main__':
    main()
