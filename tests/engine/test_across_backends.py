"""A run that one backend began and saved goes on with another as if nothing had interrupted it."""

import json
import os

import h5py
import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.models import load_model
from tests.engine import across

with open(os.path.join(across.FOLDER, 'history.json')) as source:
    EXPECTED = json.load(source)


def file_of(backend):
    return os.path.join(across.FOLDER, backend + '.h5')


@pytest.mark.parametrize('began', ['tensorflow', 'theano'])
def test_files_say_which_backend_wrote_them(began):
    with h5py.File(file_of(began), 'r') as f:
        assert f.attrs['backend'] in (began, began.encode()) and 'optimizer_weights' in f


@pytest.mark.parametrize('began', ['tensorflow', 'theano'])
def test_the_files_hold_the_same_model(began):
    other = load_model(file_of({'tensorflow': 'theano', 'theano': 'tensorflow'}[began]), compile=False)
    model = load_model(file_of(began), compile=False)
    for mine, theirs in zip(model.get_weights(), other.get_weights()):
        np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=1e-4)
    x, _ = across.data()
    np.testing.assert_allclose(model.predict(x), other.predict(x), rtol=1e-3)


@pytest.mark.skipif(not K.supports('gradients'), reason='training needs gradients')
@pytest.mark.parametrize('began', ['tensorflow', 'theano'])
def test_the_run_goes_on(began, tmp_path):
    model = load_model(file_of(began))
    assert K.get_value(model.optimizer.iterations) == across.BEFORE * across.SAMPLES // across.BATCH
    history = across.train(model, across.BEFORE, across.BEFORE + 1)
    # and from a file of this backend's own
    model.save(str(tmp_path / 'model.h5'))
    rest = across.train(load_model(str(tmp_path / 'model.h5')), across.BEFORE + 1, across.BEFORE + across.AFTER)
    for name, values in EXPECTED['history'].items():
        np.testing.assert_allclose(history[name] + rest[name], values, rtol=1e-3, err_msg=name)


@pytest.mark.skipif(not K.supports('gradients'), reason='training needs gradients')
def test_a_run_that_nothing_interrupts_has_that_history():
    model = across.build()
    across.start(model)
    across.train(model, 0, across.BEFORE)
    history = across.train(model, across.BEFORE, across.BEFORE + across.AFTER)
    for name, values in EXPECTED['history'].items():
        np.testing.assert_allclose(history[name], values, rtol=1e-3, err_msg=name)
    np.testing.assert_allclose(model.predict(across.data()[0]), EXPECTED['predictions'], rtol=1e-3, atol=1e-5)
