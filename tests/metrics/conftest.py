"""Fixtures of the tests of metrics."""

import pytest

from cthulhu import backend as K


@pytest.fixture(autouse=True)
def fresh():
    """Nothing that an earlier test made."""
    K.clear_session()
