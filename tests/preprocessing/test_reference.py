"""Cthulhu against figures recorded from Keras 2.3.1 with keras-preprocessing 1.1.2 (`record.py`), for each of `cases.py`."""

import json
import os
import re
import warnings

import numpy as np
import pytest
import scipy

from cthulhu import preprocessing
from tests.preprocessing.cases import CASES, TOLERANCES, make_files

pytest.importorskip('PIL')
pytest.importorskip('pandas')

with np.load(os.path.join(os.path.dirname(__file__), 'keras-2.3.1.npz')) as _file:
    RECORDED = dict(_file)
RECORDED.update(json.loads(RECORDED.pop('values').tobytes().decode()))
OLD_SCIPY = tuple(map(int, scipy.__version__.split('.')[:2])) < (1, 6)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    place = str(tmp_path_factory.mktemp('pictures'))
    make_files(place)
    return place


def test_every_case_was_recorded():
    assert set(RECORDED) == set(CASES)


@pytest.mark.parametrize('name', list(CASES))
def test_case(name, folder):
    if OLD_SCIPY and re.match('affine .*( reflect |nearest 3)', name):
        pytest.skip('SciPy before 1.6 reflects at another place, and had its splines end otherwise')
    with warnings.catch_warnings():
        warnings.filterwarnings('ignore', '.*(are left out|takes the statistics|was on).*')
        value = CASES[name](preprocessing, folder)
    recorded = RECORDED[name]
    if isinstance(recorded, np.ndarray):
        assert value.shape == recorded.shape and value.dtype == recorded.dtype
        np.testing.assert_allclose(
            value.astype('float64'), recorded.astype('float64'), rtol=1e-5, atol=TOLERANCES.get(name, 1e-5)
        )
    else:
        assert_close(json.loads(json.dumps(value)), recorded)


def assert_close(value, recorded):
    """Equal, but for the last digits of floats."""
    if isinstance(recorded, list):
        assert isinstance(value, list) and len(value) == len(recorded)
        for one, other in zip(value, recorded):
            assert_close(one, other)
    elif isinstance(recorded, float):
        assert value == pytest.approx(recorded, rel=1e-6, abs=1e-7)
    else:
        assert value == recorded
