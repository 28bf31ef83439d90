"""Models recorded from Keras 2.3.1 (tests/recordings.py): rebuilt from their configuration, they learn what they learnt there."""

import json

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import losses, metrics, optimizers
from cthulhu.models import model_from_config
from tests.recordings import recording

if not K.supports('gradients'):
    pytest.skip('training needs gradients, which this backend does not have', allow_module_level=True)

SETTINGS = {
    'mlp_sgd_nesterov': {
        'optimizer': lambda: optimizers.SGD(0.05, momentum=0.9, nesterov=True, decay=0.01, clipnorm=1.0),
        'loss': 'mse',
        'metrics': ['mae', 'mape'],
    },
    'mlp_adam': {
        'optimizer': lambda: optimizers.Adam(0.01, amsgrad=True),
        'loss': 'categorical_crossentropy',
        'metrics': ['accuracy', 'top_k_categorical_accuracy'],
    },
    'nested_shared': {
        'optimizer': lambda: optimizers.RMSprop(0.001),
        'loss': {'same': 'binary_crossentropy', 'kind': 'categorical_crossentropy'},
        'metrics': {'same': 'accuracy', 'kind': ['accuracy', 'mse']},
        'loss_weights': {'same': 2.0, 'kind': 0.5},
    },
    'metrics_objects': {
        'optimizer': lambda: optimizers.SGD(0.1),
        'loss': losses.BinaryCrossentropy(label_smoothing=0.1),
        'metrics': lambda: [
            metrics.AUC(num_thresholds=50, name='auc_1'),
            metrics.Precision(name='precision_1'),
            metrics.Recall(thresholds=0.4, name='recall_1'),
            'accuracy',
            metrics.FalsePositives(name='false_positives_1'),
        ],
    },
}


def load(name):
    recorded = recording(name)
    model = model_from_config(recorded['config'])
    settings = dict(SETTINGS[name])
    settings['optimizer'] = settings['optimizer']()
    if callable(settings['metrics']):
        settings['metrics'] = settings['metrics']()
    model.conjure(**settings)
    return model, recorded


@pytest.mark.parametrize('name', sorted(SETTINGS))
def test_it_retraces_the_recorded_history(name):
    model, recorded = load(name)
    assert model.metrics_names == recorded['metrics_names']
    model.set_weights(recorded['init'])
    found = model.summon(recorded['x'], recorded['y'], batch_size=8, epochs=3, shuffle=False, verbose=0).history
    assert set(found) == set(recorded['history'])
    for key, values in recorded['history'].items():
        np.testing.assert_allclose(found[key], values, rtol=1e-5, err_msg=key)
    for mine, theirs in zip(model.get_weights(), recorded['trained']):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)


@pytest.mark.parametrize('name', sorted(SETTINGS))
def test_it_predicts_and_evaluates_as_recorded(name):
    model, recorded = load(name)
    model.set_weights(recorded['final'])
    predictions = model.predict(recorded['x'])
    for found, expected in zip(predictions if isinstance(predictions, list) else [predictions], recorded['pred']):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    found = model.evaluate(recorded['x'], recorded['y'], verbose=0)
    np.testing.assert_allclose(found, recorded['evaluate'], rtol=1e-4)


@pytest.mark.parametrize('name', sorted(SETTINGS))
def test_the_configuration_is_that_of_keras(name):
    model, recorded = load(name)
    assert json.loads(json.dumps(model.get_config())) == recorded['config']['config']
