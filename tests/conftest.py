"""Fixtures of all tests. With CI=true a package that a test wants and that is not installed fails it instead of skipping it; where `setup.py` does not
install one on some Python, the test says so by the version (tests/export/test_onnx.py).
"""

import importlib
import os
import signal

import pytest

from cthulhu import backend as K

if os.environ.get('CI') == 'true':
    pytest.importorskip = lambda name, *args, **kwargs: importlib.import_module(name)

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # A shell starts what it runs in the background so; the tests of Ctrl-C need it to arrive.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def fresh_graph():
    """Each test starts with an empty graph: what others left in it makes every new function slower."""
    K.clear_session()
    yield
    K.clear_session()
