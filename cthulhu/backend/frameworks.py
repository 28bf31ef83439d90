"""Which frameworks the library knows, and which are installed. None is imported to find out."""

import importlib.util

# name -> (modules, any of which serves; class in cthulhu.backend.<name>; what pip installs), in order of preference.
FRAMEWORKS = {
    'tensorflow': (('tensorflow',), 'TensorFlowBackend', "'cthulhu[tensorflow]'"),
    'theano': (('theano', 'pytensor'), 'TheanoBackend', "'cthulhu[theano]'"),
    'cntk': (('cntk',), 'CNTKBackend', "'cthulhu[cntk]'"),
    'numpy': (('numpy',), 'NumPyBackend', 'numpy'),
}


def is_here(module):
    """Whether there is a module of that name to import."""
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def is_implemented(name):
    """Whether this release has the backend `name`."""
    return name in FRAMEWORKS and is_here(f'{__package__}.{name}')


def is_installed(name):
    """Whether the framework of the backend `name` is installed; it is not imported to find out."""
    return any(is_here(module) for module in FRAMEWORKS[name][0])


def is_available(name):
    """Whether this release has the backend `name` and its framework is installed."""
    return is_implemented(name) and is_installed(name)
