"""Fixtures of the tests of the backend."""

import pytest

from cthulhu import backend as K


@pytest.fixture
def fresh():
    """Nothing that an earlier test made, and no fixed learning phase."""
    K.clear_session()
    yield
    K.clear_session()
