"""Two models of convolutional layers that Keras 2.3.1 made, trained and recorded (on TensorFlow 1.15)."""

import json
import os

import numpy as np
import pytest

from cthulhu import optimizers
from cthulhu.models import Lump, Pile, model_from_config

FIXTURES = os.path.join(os.path.dirname(__file__), os.pardir, 'fixtures', 'keras-2.3.1')

# How each was compiled: optimizer, loss, metrics.
TRAINING = {
    'cnn_bn': (lambda: optimizers.RMSprop(learning_rate=0.003), 'categorical_crossentropy', ['accuracy']),
    'cnn_misc': (lambda: optimizers.Adagrad(learning_rate=0.02), 'binary_crossentropy', ['binary_accuracy']),
}


@pytest.fixture(params=sorted(TRAINING))
def recorded(request):
    """The name, the recorded arrays, and the model made from its recorded configuration, compiled."""
    with np.load(os.path.join(FIXTURES, request.param + '.npz')) as file:
        arrays = {name: file[name] for name in file.files}
    model = model_from_config(json.loads(str(arrays['config'])))
    optimizer, loss, metrics = TRAINING[request.param]
    model.conjure(optimizer(), loss, metrics=metrics)
    return request.param, arrays, model


def weights(arrays, prefix):
    names = sorted((n for n in arrays if n.startswith(prefix)), key=lambda n: int(n[len(prefix) :]))
    return [arrays[n] for n in names]


def assert_retraces(history, record):
    record = json.loads(str(record))
    assert sorted(history) == sorted(record)
    for name, values in record.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-3, err_msg=name)


def test_the_configuration_gives_the_model(recorded):
    name, arrays, model = recorded
    config = json.loads(str(arrays['config']))
    assert type(model) is (Pile if name == 'cnn_bn' else Lump)
    assert json.loads(json.dumps(model.get_config())) == config['config']
    assert [w.shape for w in model.get_weights()] == [w.shape for w in weights(arrays, 'init')]


def test_final_weights_predict_and_evaluate_the_same(recorded):
    _, arrays, model = recorded
    model.set_weights(weights(arrays, 'final'))
    np.testing.assert_allclose(model.predict(arrays['x0']), arrays['pred0'], rtol=1e-4, atol=1e-6)
    assert model.metrics_names == list(arrays['metrics_names'])
    found = model.evaluate(arrays['x0'], arrays['y0'], verbose=0)
    np.testing.assert_allclose(found, arrays['evaluate'], rtol=1e-4)


def test_training_retraces_the_history(recorded):
    _, arrays, model = recorded
    x, y = arrays['x0'], arrays['y0']
    model.set_weights(weights(arrays, 'init'))
    history = model.summon(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0).history
    assert_retraces(history, arrays['history'])
    np.testing.assert_allclose(model.predict(x), arrays['pred0'], rtol=1e-2)
    history = model.summon(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0).history
    assert_retraces(history, arrays['history_resumed'])
