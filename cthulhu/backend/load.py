"""From a backend's name to the backend. Nothing is imported before it is asked for."""

import importlib
import inspect

from cthulhu.backend import chatter
from cthulhu.backend.base import Backend
from cthulhu.backend.frameworks import FRAMEWORKS, beside, is_implemented, is_installed, requirements

_loaded = {}

# What Keras 3 and others call backends.
_OF_OTHERS = ('openvino', 'mlx', 'mxnet', 'plaidml.keras.backend')


def load_backend(name):
    """The backend called `name`: the same instance at every call.

    Arguments:
        name: 'tensorflow', 'theano', 'cntk', 'jax', 'torch' or 'numpy'; or the dotted name of a module that holds `backend` (an
            instance), or `Backend` (a subclass of `cthulhu.backend.contract.Backend`), or the primitives of that
            contract as plain functions.

    Raises:
        ImportError: the framework is not installed, this release has no such backend, or there is no such module.
        TypeError: the module lacks functions that a backend needs; the message lists them.
    """
    if name not in _loaded:
        _loaded[name] = _load_own(name) if name in FRAMEWORKS else _load_external(name)
    return _loaded[name]


def _load_own(name):
    _, class_name = FRAMEWORKS[name]
    if not is_implemented(name):
        raise _not_here(name)
    if not is_installed(name):
        raise ImportError(
            f'The backend {name!r} was asked for and its framework is not installed. Install it with\n'
            f'    pip install {requirements(name)}\n{beside(name)}'
            'or choose another backend with the environment variable CTHULHU_BACKEND or in cthulhu.json.'
        )
    with chatter.held_back(name):
        return getattr(importlib.import_module(f'{__package__}.{name}'), class_name)()


def _not_here(name):
    have = ', '.join(n for n in FRAMEWORKS if is_implemented(n))
    return ImportError(
        f'The backend {name!r} is not in this release of Cthulhu, which has: {have}. Choose one with the environment '
        'variable CTHULHU_BACKEND, which goes before KERAS_BACKEND, or in cthulhu.json.'
    )


def _load_external(name):
    if name in _OF_OTHERS:  # those modules may be there, and are no backends
        raise _not_here(name)
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        if getattr(error, 'name', None) and not (name + '.').startswith(error.name + '.'):
            raise  # The module is there, and something that it imports is not.
        raise ImportError(
            f'The backend {name!r} is none of {", ".join(FRAMEWORKS)}, nor a module that can be imported: {error}'
        ) from error
    instance = getattr(module, 'backend', None)
    if isinstance(instance, Backend):
        return instance
    found = getattr(module, 'Backend', None)
    if inspect.isclass(found) and issubclass(found, Backend) and found is not Backend:
        return found()
    return _from_functions(name, module, Backend)


def _from_functions(name, module, base):
    """A backend of a module's plain functions: those of the contract replace the methods of the same name."""
    functions = {
        key: staticmethod(value)
        for key, value in vars(module).items()
        if inspect.isroutine(value) and not key.startswith('_') and callable(getattr(base, key, None))
    }
    functions['name'] = name
    functions['dtypes'] = tuple(getattr(module, 'dtypes', base.dtypes))
    return type('ModuleBackend', (base,), functions)()
