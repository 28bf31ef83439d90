"""Fixtures of all tests."""

import pytest

from cthulhu import backend as K


@pytest.fixture(autouse=True)
def fresh_graph():
    """Each test starts with an empty graph: what others left in it makes every new function slower."""
    K.clear_session()
    yield
    K.clear_session()
