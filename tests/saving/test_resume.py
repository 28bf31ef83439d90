"""N steps, saved, loaded in a new process, M steps: the same as N + M steps, for every optimizer."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import optimizers, registry
from cthulhu.layers import Daoloth
from cthulhu.models import Pile

pytest.importorskip('h5py')
if not K.supports('gradients'):
    pytest.skip('training needs gradients, which this backend does not have', allow_module_level=True)

OPTIMIZERS = {
    'sgd': lambda: optimizers.SGD(0.1, decay=0.02, clipvalue=0.01),
    'momentum': lambda: optimizers.SGD(0.1, momentum=0.9, decay=0.05, nesterov=True),
    'rmsprop': lambda: optimizers.RMSprop(0.01, rho=0.8, decay=0.1),
    'adagrad': lambda: optimizers.Adagrad(0.1, epsilon=1e-4),
    'adadelta': lambda: optimizers.Adadelta(1.0, rho=0.9, decay=0.01),
    'adam': lambda: optimizers.Adam(0.02, decay=0.01, clipnorm=0.1),
    'amsgrad': lambda: optimizers.Adam(0.02, beta_1=0.8, amsgrad=True, clipvalue=0.02),
    'adamax': lambda: optimizers.Adamax(0.02, decay=0.1),
    'nadam': lambda: optimizers.Nadam(0.02, schedule_decay=0.01, clipnorm=0.5),
    'adamw': lambda: optimizers.AdamW(0.02, weight_decay=0.1, amsgrad=True),
    'lion': lambda: optimizers.Lion(0.02, weight_decay=0.1, decay=0.1),
    'ftrl': lambda: optimizers.Ftrl(0.1, beta=0.1, use_ema=True, ema_momentum=0.7, ema_overwrite_frequency=4),
    'adafactor': lambda: optimizers.Adafactor(optimizers.schedules.CosineDecay(0.02, 5, alpha=0.1), weight_decay=0.1),
    'lamb': lambda: optimizers.Lamb(0.02, weight_decay=0.1, gradient_accumulation_steps=2, clipnorm=0.1),
    'muon': lambda: optimizers.Muon(0.02, exclude_layers=['2/']),
    'decaying': lambda: optimizers.SGD(0.02, momentum=0.5, weight_decay=0.1),
}

PROGRAM = """
import json, os, sys
import numpy as np
from cthulhu.models import load_model

folder = sys.argv[1]
data = np.load(os.path.join(folder, 'data.npz'))
found = {}
for name in sorted(os.listdir(folder)):
    if name.endswith(('.h5', '.keras')):
        model = load_model(os.path.join(folder, name))
        for i in range(3):
            model.train_on_batch(data['x'], data['y'])
        found[name] = [w.tolist() for w in model.get_weights()]
print('found' + json.dumps(found))
"""


@pytest.mark.filterwarnings('ignore:tf.keras ')  # which does not go on with each of them
def test_every_optimizer(tmp_path):
    random = np.random.RandomState(0)
    x, y = random.uniform(size=(8, 4)), random.uniform(size=(8, 2))
    np.savez(str(tmp_path / 'data.npz'), x=x, y=y)
    expected = {}
    for name, make in OPTIMIZERS.items():
        model = Pile([Daoloth(3, activation='tanh', input_shape=(4,)), Daoloth(2)])
        model.conjure(make(), 'mse')
        for _ in range(3):
            model.train_on_batch(x, y)
        # as a scheduler does it: what counts is the rate at the time of saving
        if model.optimizer.schedule is None:
            K.set_value(model.optimizer.lr, 0.8 * K.get_value(model.optimizer.lr))
        model.save(str(tmp_path / (name + '.h5')))
        model.save(str(tmp_path / (name + '.keras')))
        for _ in range(3):
            model.train_on_batch(x, y)
        expected[name] = model.get_weights()
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([os.getcwd(), os.environ.get('PYTHONPATH', '')]))
    output = subprocess.check_output(
        [sys.executable, '-W', 'error:::cthulhu', '-c', PROGRAM, str(tmp_path)],
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    found = json.loads(output.decode().rpartition('found')[2])
    assert len(found) == 2 * len(OPTIMIZERS)
    assert len(OPTIMIZERS) > len(set(registry.optimizers) - {'TFOptimizer'})
    for name, weights in found.items():
        for mine, theirs in zip(weights, expected[name.rpartition('.')[0]]):
            np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-7, err_msg=name)
