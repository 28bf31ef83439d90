"""Twelve models learn on every backend what they learn in Keras 2.3.1, from equal weights and batches (tests/fixtures/twelve.json says how it was recorded)."""

import json

import numpy as np
import pytest

import cthulhu
from cthulhu import backend as K
from tests.engine import twelve

with open(twelve.PATH) as source:
    EXPECTED = json.load(source)


@pytest.mark.parametrize('make', twelve.MODELS, ids=lambda make: make.__name__)
def test_it_computes_the_losses_before_and_after_the_training(make):
    model, x, y, options = make(cthulhu)
    expected = EXPECTED[make.__name__]
    twelve.start(model)
    np.testing.assert_allclose(twelve.evaluate(model, x, y, options), expected['before'], rtol=1e-4, atol=1e-6)
    model.set_weights([np.reshape(w, v.shape) for w, v in zip(expected['weights'], model.get_weights())])
    np.testing.assert_allclose(twelve.evaluate(model, x, y, options), expected['after'], rtol=1e-4, atol=1e-6)
    assert abs(expected['after'][0] - expected['before'][0]) > 0.01 * abs(expected['before'][0])


@pytest.mark.skipif(not K.supports('gradients'), reason='training needs gradients')
@pytest.mark.parametrize('make', twelve.MODELS, ids=lambda make: make.__name__)
def test_it_learns_the_same(make):
    model, x, y, options = make(cthulhu)
    expected = EXPECTED[make.__name__]
    twelve.start(model)
    history = twelve.train(model, x, y, options)
    assert set(history) == set(expected['history'])
    for name, values in expected['history'].items():
        np.testing.assert_allclose(history[name], values, rtol=1e-4, atol=1e-6, err_msg=name)
    np.testing.assert_allclose(twelve.evaluate(model, x, y, options), expected['after'], rtol=1e-4, atol=1e-6)
    for weight, values in zip(model.get_weights(), expected['weights']):
        np.testing.assert_allclose(weight.ravel(), values, rtol=1e-4, atol=1e-5)


def test_there_are_twelve():
    assert sorted(EXPECTED) == sorted(make.__name__ for make in twelve.MODELS) and len(EXPECTED) == 12
