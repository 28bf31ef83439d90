"""What Keras 2.3.1's own callbacks did when they were told of the same epochs (fixtures/keras-2.3.1/callbacks.json)."""

import json
import os

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import callbacks
from tests.callbacks.running import Told, tell

_PATH = os.path.join(os.path.dirname(__file__), '..', 'fixtures', 'keras-2.3.1', 'callbacks.json')
with open(_PATH) as _file:
    RECORDED = json.load(_file)


def name(case):
    return '-'.join([case['callback'], case['sequence']] + [f'{k}={v}' for k, v in sorted(case['kwargs'].items())])


@pytest.mark.parametrize('case', RECORDED['cases'], ids=name)
def test_as_keras_did(case):
    rates, model = [], Told()
    callback = getattr(callbacks, case['callback'])(**case['kwargs'])
    told_end = callback.on_epoch_end

    def on_epoch_end(epoch, logs):
        told_end(epoch, logs)
        rates.append(float(K.get_value(model.optimizer.lr)))

    callback.on_epoch_end = on_epoch_end
    monitor = case['kwargs']['monitor']
    tell(callback, [{monitor: value} for value in RECORDED['sequences'][case['sequence']]], model)
    assert len(rates) == case['epochs']
    assert model.stop_training == case['stopped']
    assert model.saved == case['saved']
    assert model.weights == case['weights']
    np.testing.assert_allclose(callback.best, case['best'])
    if case['lrs']:
        np.testing.assert_allclose(rates, case['lrs'], rtol=1e-6)
