"""Fixtures of the tests of the backend."""

import pytest

from cthulhu import backend as K


@pytest.fixture
def fresh():
    """Nothing that an earlier test made, and no fixed learning phase."""
    K.clear_session()
    yield
    K.clear_session()


@pytest.fixture(autouse=True)
def nodes(monkeypatch):
    """CNTK's own operations are tested on little, too, which is computed in NumPy otherwise."""
    if K.backend() == 'cntk':
        monkeypatch.setattr('cthulhu.backend.cntk.primitive._FEW', 1)
