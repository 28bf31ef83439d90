"""A small transformer learns on every backend what it learns in Keras 3, from equal weights and batches."""

import json

import numpy as np
import pytest

import cthulhu
from cthulhu import backend as K
from tests.engine import transformer


@pytest.mark.skipif(not K.supports('gradients'), reason='training needs gradients')
def test_it_learns_the_same():
    with open(transformer.PATH) as file:
        expected = json.load(file)['history']
    history = transformer.train(cthulhu)
    for name, values in expected.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-3, atol=1e-5, err_msg=name)
    assert history['loss'][-1] < 0.85 * history['loss'][0]
