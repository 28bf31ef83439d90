"""Files that Keras 2.3.1 wrote: they load, predict and go on learning as they did there."""

import json
import os

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.models import load_model

if not K.supports('gradients'):
    pytest.skip('training needs gradients, which this backend does not have', allow_module_level=True)

FOLDER = os.path.join(os.path.dirname(__file__), os.pardir, 'fixtures', 'keras-2.3.1')
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

# Keras 2.3.1 reads `iterations` before or after it counts, in no fixed order; these are the numbers that it read in the recordings. See tests/engine/test_fixtures.
ITERATIONS_READ = {
    'mlp_adam': [10, 11, 12, 13, 14, 14],
    'mlp_sgd_nesterov': [10, 11, 12, 13, 14, 14],
    'lstm_masked': [10, 11, 12, 13, 14, 14],
}


def recorded(name):
    with np.load(os.path.join(FOLDER, name + '.npz')) as data:
        found = {key: data[key] for key in data.files}

    def several(prefix):
        return [
            found[prefix + str(i)]
            for i in range(sum(key[: len(prefix)] == prefix and key[len(prefix) :].isdigit() for key in found))
        ]

    return found, several


@pytest.mark.parametrize('name', NAMES)
def test_it_predicts_evaluates_and_goes_on_as_in_keras(name):
    found, several = recorded(name)
    model = load_model(os.path.join(FOLDER, name + '.h5'))
    xs, ys = several('x'), several('y')
    assert model.metrics_names == list(found['metrics_names'])
    for mine, theirs in zip(model.get_weights(), several('final')):
        np.testing.assert_array_equal(mine, theirs)
    predictions = model.predict(xs)
    for mine, theirs in zip(predictions if isinstance(predictions, list) else [predictions], several('pred')):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.evaluate(xs, ys, verbose=0), found['evaluate'], rtol=1e-4)
    history = go_on(model, xs, ys, ITERATIONS_READ.get(name))
    for key, values in json.loads(str(found['history_resumed'])).items():
        np.testing.assert_allclose(history[key], values, rtol=1e-5, err_msg=key)


def go_on(model, xs, ys, iterations):
    """The history of two epochs of three steps."""
    if iterations is None:
        return model.summon(xs, ys, batch_size=8, epochs=2, shuffle=False, verbose=0).history
    history = {name: [] for name in model.metrics_names}
    for epoch in range(2):
        model.reset_metrics()
        losses = []
        for step in range(3):
            K.set_value(model.optimizer.iterations, iterations[epoch * 3 + step])
            batch = slice(step * 8, step * 8 + 8)
            values = model.train_on_batch([x[batch] for x in xs], [y[batch] for y in ys], reset_metrics=False)
            losses.append(values[0])
        for label, value in zip(model.metrics_names, [np.mean(losses)] + values[1:]):
            history[label].append(value)
    return history
