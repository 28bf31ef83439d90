"""Lets tests import their helpers (`tests.layers.running`) under pytest 7.0 too, the last one for Python 3.6.

With `--import-mode=importlib` it puts empty modules where the packages of tests would be, unless they are there already.
"""

import importlib
import os

# On Theano, tests of values and shapes are not worth optimised C code; one that is says so itself.
os.environ.setdefault('CTHULHU_THEANO_MODE', 'PYTHON')
# Nor is it worth remembering the stack in which each of their variables was made: a sixth of the time.
for _variable, _flag in (('THEANO_FLAGS', 'traceback.limit=0'), ('PYTENSOR_FLAGS', 'traceback__limit=0')):
    os.environ[_variable] = ','.join(filter(None, [_flag, os.environ.get(_variable)]))

_HERE = os.path.dirname(os.path.abspath(__file__))

for _folder, _folders, _ in os.walk(os.path.join(_HERE, 'tests')):
    _folders[:] = [name for name in _folders if name.isidentifier() and not name.startswith('__')]
    importlib.import_module(os.path.relpath(_folder, _HERE).replace(os.sep, '.'))
