"""A NaN in what a layer is fed comes out of it, also where a framework joins several operations to one kernel.

But for a convolution of images and its relu under oneDNN, which stay joined.
"""

import os
import subprocess
import sys

import numpy as np
import pytest

from cthulhu import backend as K

PROGRAM = """
import numpy as np
from cthulhu import layers as L
from cthulhu.models import Pile
nan = np.nan
for layers, shape in [
    ([L.Daoloth(3, activation='relu')], (4,)),
    ([L.Daoloth(3), L.ReLU()], (4,)),
    ([L.Daoloth(3), L.ReLU(6.)], (4,)),
    ([L.TimeDistributed(L.Daoloth(3, activation='relu'))], (5, 4)),
    ([L.DepthwiseCthalpa2D(3, activation='relu')], (5, 5, 2)),
    ([L.Cthalpa2D(3, 3), L.ReLU(6.)], (5, 5, 2)),
    ([L.Cthalpa3D(3, 3, activation='relu')], (5, 5, 5, 2)),
    ([L.Cthalpa2D(3, 3), L.BlacknessFromTheStars(), L.Azatoth('relu')], (5, 5, 2)),
]:
    model = Pile([L.Azatoth('linear', input_shape=shape)] + layers)
    print([type(layer).__name__ for layer in layers], np.isnan(model.predict(np.full((2,) + shape, nan))).all())
x = np.ones((8, 4)); x[3, 2] = nan
model = Pile([L.Daoloth(8, activation='relu', input_shape=(4,)), L.Daoloth(1, activation='sigmoid')])
model.conjure('adam', 'binary_crossentropy')
print('loss', np.isnan(model.summon(x, x[:, :1], epochs=2, verbose=0).history['loss']).all())
"""


@pytest.mark.skipif(K.backend() != 'tensorflow', reason='it is about kernels of oneDNN')
@pytest.mark.parametrize('onednn', ['0', '1'])
def test_no_fused_kernel_hides_nan(onednn):
    version = pytest.importorskip('tensorflow').__version__
    if onednn == '1' and tuple(map(int, version.split('.')[:2])) < (2, 9):
        pytest.skip('before 2.9 TensorFlow does not use oneDNN unless told to, and then breaks off')
    environment = dict(
        os.environ, TF_ENABLE_ONEDNN_OPTS=onednn, TF_CPP_MIN_LOG_LEVEL='3', PYTHONPATH=os.pathsep.join(sys.path)
    )
    found = (
        subprocess.run(
            [sys.executable, '-W', 'ignore', '-c', PROGRAM],
            env=environment,
            stdout=subprocess.PIPE,
            check=True,
        )
        .stdout.decode()
        .splitlines()
    )
    assert len(found) == 9
    assert [line for line in found if not line.endswith('True')] == []


@pytest.mark.parametrize('options', [{}, {'max_value': 6.0}, {'alpha': 0.5}, {'threshold': 1.0}])
def test_relu_and_its_gradient(options):
    """The slope at 0 is that below it."""
    values = np.array([[-2.0, 0, 0.5, 3, 5, 8, np.nan]])
    x = K.placeholder((None, 7))
    w = K.variable(np.ones((7,)))
    y = K.relu(K.bias_add(x, K.zeros((7,))) * w, **options)
    low, high = options.get('threshold', 0), options.get('max_value', np.inf)
    alpha = options.get('alpha', 0)
    with np.errstate(invalid='ignore'):
        expected = np.where(values > low, np.minimum(values, high), np.where(np.isnan(values), values, alpha * values))
    np.testing.assert_allclose(K.function([x], [y])([values])[0], expected)
    if K.supports('gradients'):
        gradient = K.function([x], K.gradients(K.sum(y[:, :-1]), [w]))([values[:, :]])[0]
        slope = np.where((values > low) & (values < high), 1, np.where(values <= low, alpha, 0))
        np.testing.assert_allclose(gradient[:-1], (slope * values)[0, :-1])
