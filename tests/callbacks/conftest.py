import pytest

from cthulhu import backend as K


@pytest.fixture(autouse=True)
def a_graph_for_each_test():
    """So that the graphs of earlier tests do not slow the later ones."""
    K.clear_session()
