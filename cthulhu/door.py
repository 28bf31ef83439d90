"""The doors by which programs that were written for Keras come to this library: `import keras` gives it to them.

`cthulhu.as_keras` opens the door of `keras`, `cthulhu.as_tf_keras` that of `tensorflow.keras`, and `python -m cthulhu` runs a program through one.
A module of Keras is found in this library under the same path, or in the room `legacy`; it is the same module, not a copy. What is installed under
those names stays as it is on the disk.
"""

import contextlib
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import runpy
import sys
import types

import cthulhu
from cthulhu import names
from cthulhu.callers import warn
from cthulhu.utils import keras1
from cthulhu.version import KERAS_VERSION

#: Where modules of Keras are looked for.
ROOMS = ('cthulhu', 'cthulhu.legacy')

#: What Keras has there. The other modules of this library are its own affair, and `keras.version`, a function of later Keras, is not one of them.
OF_KERAS = frozenset(
    """
    activations applications backend callbacks constraints datasets engine initializers layers legacy losses metrics models objectives optimizer_v2
    mixed_precision optimizers preprocessing regularizers saving utils wrappers
    """.split()
)

#: Modules of Keras whose things are in one of another path.
ELSEWHERE = {
    'callbacks.callbacks': 'cthulhu.callbacks',
    'callbacks.tensorboard_v1': 'cthulhu.callbacks.tensorboard',
    'callbacks.tensorboard_v2': 'cthulhu.callbacks.tensorboard',
    'optimizers.legacy': 'cthulhu.optimizers',
    'optimizer_v2.optimizer_v2': 'cthulhu.legacy.optimizer_v2',
    'optimizer_v2.gradient_descent': 'cthulhu.optimizers',
    'optimizer_v2.learning_rate_schedule': 'cthulhu.optimizers.schedules',
}
ELSEWHERE.update(
    ('optimizer_v2.' + name, 'cthulhu.optimizers') for name in 'adadelta adagrad adam adamax ftrl nadam rmsprop'.split()
)

#: Door -> what stays that of the installed package, as it is private and others are built on it; None for all that Keras 2.3.1 does not have.
KERAS = {'keras': ('src', '_tf_keras', 'api')}
TF_KERAS = {
    'tensorflow.keras': (),
    'tensorflow.compat.v1.keras': (),
    'tensorflow.compat.v2.keras': (),
    'tensorflow.python.keras': None,
}

_open = {}  # name of an open door -> Entrance


class Entrance(types.ModuleType):
    """The module that stands for a whole Keras, `keras` or `tensorflow.keras`: this library, with the version of the API that it has."""

    def __init__(self, name, kept, path):
        super().__init__(name, cthulhu.__doc__)
        self.__version__ = KERAS_VERSION
        self.__file__ = cthulhu.__file__
        self.__path__ = path
        self.__spec__ = importlib.machinery.ModuleSpec(name, Finder(), origin=cthulhu.__file__, is_package=True)
        self.__spec__.loader_state = (self, self.__spec__)
        self.__loader__ = self.__spec__.loader
        self.__package__ = name
        self._kept = kept
        shown = {key: value for key, value in vars(cthulhu).items() if not key.startswith('_')}
        self.__dict__.update((key, value) for key, value in shown.items() if _is_shown(key, value))

    def __getattr__(self, name):
        if not name.startswith('__'):
            value = getattr(cthulhu, name)
            if _is_shown(name, value):
                return value
        raise AttributeError(f'module {self.__name__!r} has no attribute {name!r}')

    def keeps(self, path):
        """Whether a module below the door stays that of the installed package."""
        return self._kept is None or path.split('.')[0] in self._kept


def _is_shown(name, value):
    """Whether something of this library is there behind a door."""
    return not isinstance(value, types.ModuleType) or name in OF_KERAS


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """What Python asks for the modules behind open doors."""

    def find_spec(self, fullname, path=None, target=None):
        entrance, inner = _entrance_of(fullname)
        if entrance is None:
            return None
        if not inner:
            return entrance.__spec__
        home = home_of(inner)
        if home is not None:
            module = importlib.import_module(home)
            names.speak_keras(vars(module))
            return importlib.machinery.ModuleSpec(fullname, self, loader_state=(module, module.__spec__))
        if entrance.keeps(inner):
            return None
        raise ModuleNotFoundError(
            f'No module named {fullname!r}: {entrance.__name__} is Cthulhu here, with the modules of Keras {KERAS_VERSION}, and that has no {inner}.',
            name=fullname,
        )

    def create_module(self, spec):
        return spec.loader_state[0]

    def exec_module(self, module):
        module.__spec__ = module.__spec__.loader_state[1]  # importing under another name has put its own there


def _entrance_of(fullname):
    """The open door that a module is behind, and its path there; (None, None) if there is none."""
    for name, entrance in _open.items():
        if fullname == name or fullname.startswith(name + '.'):
            return entrance, fullname[len(name) + 1 :]
    return None, None


def home_of(path):
    """The name of the module that Keras has under a path, here; None if there is none.

    >>> home_of('layers.core'), home_of('callbacks.callbacks'), home_of('ops'), home_of('version')
    ('cthulhu.layers.core', 'cthulhu.callbacks', None, None)
    """
    if path.split('.')[0] not in OF_KERAS:
        return None
    if path in ELSEWHERE:
        return ELSEWHERE[path]
    for room in ROOMS:
        try:
            if importlib.util.find_spec(f'{room}.{path}') is not None:
                return f'{room}.{path}'
        except (
            ModuleNotFoundError,
            AttributeError,
        ):  # one of those above it is not there, or is no package (as Python 3.6 says it)
            continue
    return None


def open_door(doors):
    """Make the names of a Keras mean this library, in everything that is imported from now on. An open door stays open.

    Arguments:
        doors: dict, name of a door -> what stays that of the installed package: `KERAS` or `TF_KERAS`.
    """
    for name, kept in doors.items():
        if name in _open:
            continue
        parent, _, last = name.rpartition('.')
        if parent:
            parent = _required(parent)
        else:
            _settle_tensorflow()
            _warn_of_holders(name)
        _open[name] = Entrance(name, kept, _path_of(name))
        for each in [each for each in sys.modules if each == name or each.startswith(name + '.')]:
            if (
                each == name
                or home_of(each[len(name) + 1 :]) is not None
                or not _open[name].keeps(each[len(name) + 1 :])
            ):
                del sys.modules[each]
        sys.modules[name] = _open[name]
        if parent:
            setattr(parent, last, _open[name])
            keras1.sizes_by_place = False
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder())
    for name, module in list(sys.modules.items()):
        if name.split('.')[0] == 'cthulhu':
            names.speak_keras(vars(module))


def _required(package):
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise ImportError(
            f'The door of {package}.keras needs TensorFlow, which cannot be imported: {error}. Install it, `pip install tensorflow`; programs that '
            'import `keras` alone need no more than `cthulhu.as_keras`.'
        ) from error


def _path_of(name):
    """Where the installed package has its modules; [] where there is none."""
    module = sys.modules.get(name)
    if module is not None:
        return list(getattr(module, '__path__', []))
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return []
    return list(spec.submodule_search_locations or ()) if spec is not None else []


def _settle_tensorflow():
    """TensorFlow looks for the Keras of its `tf.keras` when that is first used; here, while what is installed can still be found."""
    tensorflow = sys.modules.get('tensorflow')
    if tensorflow is not None:
        with contextlib.suppress(ImportError):  # TensorFlow without a Keras
            importlib.import_module('tensorflow.keras')
            getattr(tensorflow.keras, '__version__', None)


def _warn_of_holders(name):
    """Warn of modules that hold something of the installed package: they go on with that."""
    own = (name, 'tensorflow', 'tf_keras', 'tensorboard', 'cthulhu', '__mp_main__')
    holders = [
        module
        for module, home in sorted(sys.modules.items())
        if module.split('.')[0] not in own and isinstance(home, types.ModuleType)
        if any(_is_of(name, value) for value in list(vars(home).values()))
    ]
    if holders:
        listed = ', '.join(holders[:5]) + (', …' if len(holders) > 5 else '')
        warn(
            f'{name} was imported before this door was opened, by {listed}: there it stays the one that is installed, and layers of the two do not fit '
            'together. Open the door first: `import cthulhu.as_keras` in the first line of the program, or run it with `python -m cthulhu`.'
        )


def _is_of(name, value):
    if isinstance(value, types.ModuleType):
        return value.__name__.split('.')[0] == name
    if isinstance(value, (type, types.FunctionType)):
        return str(value.__module__).split('.')[0] == name
    return False


def run(arguments):
    """Run a program as Python does, in the module `__main__`.

    Arguments:
        arguments: list of strings: the path of a script, a folder or an archive, or '-m' and the name of a module; then the program's own arguments.
    """
    if arguments[0] == '-m':
        sys.argv = ['-m'] + arguments[2:]
        sys.path[0] = os.getcwd()
        runpy.run_module(arguments[1], run_name='__main__', alter_sys=True)
        return
    script = arguments[0]
    sys.argv = list(arguments)
    if os.path.isdir(script) or not script.endswith('.py') and runpy.get_importer(script) is not None:
        del sys.path[0]  # the script itself takes the place
        runpy.run_path(script, run_name='__main__')
        return
    sys.path[0] = os.path.dirname(os.path.realpath(script))
    with open(script, 'rb') as file:
        code = compile(file.read(), script, 'exec')
    main = sys.modules['__main__'].__dict__
    main.clear()
    main.update(__name__='__main__', __file__=script, __builtins__=__builtins__, __doc__=None, __package__=None)
    main.update(__spec__=None, __loader__=None, __cached__=None)
    exec(code, main)
