"""Calls spelled as in Keras 1: each makes what Keras 2.3.1 makes of it (recorded by record.py), with a warning that shows how Keras 2 spells it."""

import json
import os
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest

import cthulhu
from cthulhu import layers
from cthulhu.utils import keras1
from tests.legacy import calls
from tests.recordings import FIXTURES

with open(os.path.join(FIXTURES, 'keras-1-calls.json')) as file:
    RECORDED = json.load(file)

SHAPES = {text: shape for shape, texts in calls.LAYERS.items() for text in texts}

#: What needs no other spelling: the arguments of these layers have no other names, and recurrent layers take the shape of their inputs so, too.
FITS = [text for text in SHAPES if text.startswith(('MaxoutDense', 'Highway'))]
FITS += ['SimpleRNN(3, input_dim=4, input_length=5)', 'LSTM(3, input_dim=4, input_length=5, return_sequences=True)']


def made(text):
    """The layer that a call makes, and the texts of the warnings about its spelling."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        layer = calls.made_of(layers, text)
    return layer, [str(w.message) for w in caught if re.search('spelled as in Keras 1|AtrousConvolution', str(w.message))]


@pytest.mark.parametrize('text', SHAPES)
def test_layers_are_those_of_keras(text):
    layer, said = made(text)
    expected = RECORDED['layers'][text]
    config = calls.plain(layer.get_config())
    assert not differing(expected['config'], config)
    output = calls.quietly(calls.used, cthulhu, layer, SHAPES[text])
    if output is not None:
        np.testing.assert_allclose(output, expected['output'], rtol=1e-4, atol=2e-6)
    assert bool(said) is (text not in FITS)


def differing(expected, found):
    """What differs of two configurations, but for the names of layers, which are counted."""
    if isinstance(expected, dict) and isinstance(found, dict):
        pairs = {key: differing(value, found.get(key, 'none')) for key, value in expected.items() if key != 'name'}
        return {key: value for key, value in pairs.items() if value}
    return None if expected == found else (expected, found)


@pytest.mark.parametrize('use', calls.USES, ids=lambda use: use.__name__)
def test_uses_come_to_what_keras_makes_of_them(use):
    found, expected = calls.quietly(use, cthulhu), RECORDED['uses'][use.__name__]
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        found, expected = [[each[key] for key in sorted(expected)] for each in (found, expected)]
    for ours, theirs in zip(*([each] if not isinstance(each, list) else each for each in (found, expected))):
        if isinstance(theirs, str):
            assert ours == theirs
        else:
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
