"""Which frameworks the library knows, and which are installed. None is imported to find out."""

import importlib.util
import sys

# name -> (modules, any of which serves; class in cthulhu.backend.<name>), in order of preference.
FRAMEWORKS = {
    'tensorflow': (('tensorflow',), 'TensorFlowBackend'),
    'jax': (('jax',), 'JAXBackend'),
    'torch': (('torch',), 'TorchBackend'),
    'theano': (('theano', 'pytensor'), 'TheanoBackend'),
    'cntk': (('cntk',), 'CNTKBackend'),
    'numpy': (('numpy',), 'NumPyBackend'),
}


def requirements(name):
    """What pip installs for the backend `name` on this Python: a text, as for a command line. setup.py has the same in its extras."""
    python = sys.version_info[:2]
    if name == 'theano' and python >= (3, 11):
        return "'pytensor>=3'"
    older = ' numpy==1.19.5' if python < (3, 7) else ''
    return {
        'tensorflow': f'tensorflow==2.6.2{older} h5py==3.1' if older else 'tensorflow',
        'theano': f'Theano==1.0.5{older} scipy==1.5.4' if older else 'Theano==1.0.5 numpy==1.21.6 scipy==1.7.3',
        'cntk': f'cntk==2.7.post2{older}',
    }.get(name, name)


def beside(name):
    """What pip cannot install for the backend `name` and must be there on this Python: a text, lines that end in a newline, or ''."""
    python = sys.version_info[:2]
    if name != 'cntk':
        return ''
    if python >= (3, 7):
        return (
            f'where there is Python 3.6: CNTK 2.7, the last one, is not made for this one, {python[0]}.{python[1]};\n'
        )
    return 'and the libraries of OpenMPI, which it needs, with\n    sudo apt-get install libopenmpi3\n'


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
