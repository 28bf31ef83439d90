"""Recurrent models that Keras 2.3.1 made and trained: rebuilt from their configuration, they give the same figures.

A fixture holds the data `x`, `y`, the configuration, the weights before (`init`) and after (`final`) three epochs of
batches of 8 in the order of the data, the `history` of the training, and what the model then predicts (`pred`) and
evaluates to.
"""

import json
import os

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import models, optimizers

FIXTURES = os.path.join(os.path.dirname(os.path.dirname(__file__)), 'fixtures', 'keras-2.3.1')
SETTINGS = {
    'lstm_masked': lambda: {
        'optimizer': optimizers.Nadam(learning_rate=0.01, schedule_decay=0.004),
        'loss': 'binary_crossentropy',
        'metrics': ['accuracy'],
    },
    'gru_variants': lambda: {
        'optimizer': optimizers.Adamax(learning_rate=0.01),
        'loss': ['mse', 'categorical_crossentropy'],
        'loss_weights': [0.3, 1.7],
    },
}
# Keras counts its iterations in no fixed order with reading their number, so a step sees the right number or one more.
# Which it saw, each history shows: of all the ways there are in nine steps, only these give its losses, and the final
# weights.
FIRST_ITERATION = {'lstm_masked': 1, 'gru_variants': 0}


@pytest.fixture(params=sorted(SETTINGS))
def fixture(request):
    with np.load(os.path.join(FIXTURES, request.param + '.npz')) as arrays:
        yield request.param, dict(arrays)


def listed(arrays, prefix):
    return [arrays[prefix + str(i)] for i in range(len(arrays)) if prefix + str(i) in arrays]


def test_figures_of_keras(fixture):
    name, arrays = fixture
    model = models.model_from_config(json.loads(str(arrays['config'])))
    x, y = listed(arrays, 'x'), listed(arrays, 'y')
    assert [w.shape for w in model.get_weights()] == [w.shape for w in listed(arrays, 'init')]

    model.set_weights(listed(arrays, 'final'))
    predicted = model.predict(x, batch_size=8)
    for found, expected in zip(predicted if isinstance(predicted, list) else [predicted], listed(arrays, 'pred')):
        np.testing.assert_allclose(found, expected, atol=1e-4)
    model.conjure(**SETTINGS[name]())
    np.testing.assert_allclose(model.evaluate(x, y, batch_size=8, verbose=0), arrays['evaluate'], rtol=1e-4)
    assert model.metrics_names == list(arrays['metrics_names'])

    model.set_weights(listed(arrays, 'init'))
    K.set_value(model.optimizer.iterations, FIRST_ITERATION[name])
    history = model.summon(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0).history
    for label, expected in json.loads(str(arrays['history'])).items():
        np.testing.assert_allclose(history[label], expected, rtol=1e-3, err_msg=label)
    for found, expected in zip(model.get_weights(), listed(arrays, 'final')):
        np.testing.assert_allclose(found, expected, atol=1e-4)
