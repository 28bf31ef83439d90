"""Recurrent models that Keras 2.3.1 made and trained (tests/recordings.py): rebuilt from their configuration, they give the same figures."""

import numpy as np
import pytest

from cthulhu import models, optimizers
from tests.recordings import recording

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


@pytest.mark.parametrize('name', sorted(SETTINGS))
def test_figures_of_keras(name):
    recorded = recording(name)
    model = models.model_from_config(recorded['config'])
    x, y = recorded['x'], recorded['y']
    assert [w.shape for w in model.get_weights()] == [w.shape for w in recorded['init']]

    model.set_weights(recorded['final'])
    predicted = model.predict(x, batch_size=8)
    for found, expected in zip(predicted if isinstance(predicted, list) else [predicted], recorded['pred']):
        np.testing.assert_allclose(found, expected, atol=1e-4)
    model.conjure(**SETTINGS[name]())
    np.testing.assert_allclose(model.evaluate(x, y, batch_size=8, verbose=0), recorded['evaluate'], rtol=1e-4)
    assert model.metrics_names == recorded['metrics_names']

    model.set_weights(recorded['init'])
    history = model.summon(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0).history
    for label, expected in recorded['history'].items():
        np.testing.assert_allclose(history[label], expected, rtol=1e-5, err_msg=label)
    for found, expected in zip(model.get_weights(), recorded['trained']):
        np.testing.assert_allclose(found, expected, atol=1e-5)
