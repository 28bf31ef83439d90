"""Files that Keras 2.3.1 and tf.keras 2.6 wrote: they load, predict and go on learning as they did there."""

import os

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.models import load_model
from tests.recordings import FOLDER, recording
from tests.saving import record_tf_keras

if not K.supports('gradients'):
    pytest.skip('training needs gradients, which this backend does not have', allow_module_level=True)

NAMES = [
    'cnn_bn',
    'cnn_misc',
    'gru_variants',
    'lstm_masked',
    'metrics_objects',
    'mlp_adam',
    'mlp_sgd_nesterov',
    'nested_shared',
]


@pytest.mark.parametrize('name', NAMES)
def test_it_predicts_evaluates_and_goes_on_as_in_keras(name):
    recorded = recording(name)
    model = load_model(os.path.join(FOLDER, name + '.h5'))
    xs, ys = recorded['x'], recorded['y']
    assert model.metrics_names == recorded['metrics_names']
    for mine, theirs in zip(model.get_weights(), recorded['final']):
        np.testing.assert_array_equal(mine, theirs)
    predictions = model.predict(xs)
    for mine, theirs in zip(predictions if isinstance(predictions, list) else [predictions], recorded['pred']):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.evaluate(xs, ys, verbose=0), recorded['evaluate'], rtol=1e-4)
    history = model.summon(xs, ys, batch_size=8, epochs=2, shuffle=False, verbose=0).history
    for key, values in recorded['history_resumed'].items():
        np.testing.assert_allclose(history[key], values, rtol=1e-5, err_msg=key)


@pytest.mark.parametrize('name', sorted(record_tf_keras.MODELS))
def test_it_predicts_and_goes_on_as_in_tf_keras(name):
    path = os.path.join(record_tf_keras.FOLDER, name)
    with np.load(path + '.npz') as found:
        x, y, predicted = ([found[f'{key}{i}'] for i in range(9) if f'{key}{i}' in found.files] for key in 'xyp')
        losses = found['losses']
    model = load_model(path + '.h5')
    mine = model.predict(x)
    for ours, theirs in zip(mine if isinstance(mine, list) else [mine], predicted):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
    if name not in record_tf_keras.DRAWS:
        trained = [np.ravel(model.train_on_batch(x, y))[0] for _ in losses]
        np.testing.assert_allclose(trained, losses, rtol=1e-4, atol=1e-5)
