"""The settings every part of the library reads: float type, fuzz factor, image data format, and which backend.

They come from `cthulhu.json` in the folder `~/.cthulhu`, or in the folder that the environment variable CTHULHU_HOME
names:

    {"floatx": "float32", "epsilon": 1e-07, "backend": "tensorflow", "image_data_format": "channels_last"}

Each key may be left out. The file is only ever read.
"""

import difflib
import json
import numbers
import os

from cthulhu.backend import frameworks
from cthulhu.backend.inference import dtypes
from cthulhu.callers import warn

FLOAT_TYPES = ('float16', 'float32', 'float64')
DATA_FORMATS = ('channels_last', 'channels_first')
DEFAULT_BACKEND = 'tensorflow'


def _check_floatx(value, source='floatx'):
    return dtypes.asked(value, FLOAT_TYPES, source)


def _check_epsilon(value, source='epsilon'):
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 < value < float('inf'):
        raise ValueError(f'{source}: expected a number above 0, such as 1e-7, got {value!r}.')
    return float(value)


def _check_data_format(value, source='data_format'):
    name = value.lower() if hasattr(value, 'lower') else value
    if name not in DATA_FORMATS:
        raise ValueError(f'{source}: expected one of {", ".join(map(repr, DATA_FORMATS))}, got {value!r}.')
    return str(name)


def _check_backend(value, source='backend'):
    if not isinstance(value, str) or not value.strip():
        raise ValueError(
            f"{source}: expected the name of a backend, such as 'tensorflow', or of a module, got {value!r}."
        )
    return value.strip()


_CHECKS = {
    'floatx': _check_floatx,
    'epsilon': _check_epsilon,
    'backend': _check_backend,
    'image_data_format': _check_data_format,
}


def config_path():
    """The path of the configuration file, whether or not it is there."""
    folder = os.environ.get('CTHULHU_HOME') or os.path.join(os.path.expanduser('~'), '.cthulhu')
    return os.path.join(folder, 'cthulhu.json')


def _read():
    path = config_path()
    try:
        with open(path, encoding='utf-8') as file:
            found = json.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ValueError(f'{path} cannot be read as JSON: {error}. Correct it or remove it.') from None
    if not isinstance(found, dict):
        raise ValueError(f'{path}: expected an object with the keys {", ".join(_CHECKS)}, got {found!r}.')
    for key in found:
        if key not in _CHECKS:
            near = difflib.get_close_matches(key.lower(), _CHECKS, 1)
            meant = f' Did you mean "{near[0]}"?' if near else ''
            warn(f'{path}: the key "{key}" is not known and changes nothing; the keys are {", ".join(_CHECKS)}.{meant}')
    return {key: check(found[key], f'{path}, {key}') for key, check in _CHECKS.items() if key in found}


_settings = {'floatx': 'float32', 'epsilon': 1e-7, 'image_data_format': 'channels_last'}
_settings.update(_read())
_choice = None


def _choose():
    for variable in ('CTHULHU_BACKEND', 'KERAS_BACKEND'):
        if os.environ.get(variable):
            return _check_backend(os.environ[variable], f'environment variable {variable}'), variable
    if 'backend' in _settings:
        return _settings['backend'], config_path()
    if frameworks.is_available(DEFAULT_BACKEND):
        return DEFAULT_BACKEND, 'default'
    return next(name for name in frameworks.FRAMEWORKS if frameworks.is_available(name)), 'installed'


def backend_choice():
    """Which backend is used and what chose it.

    Returns:
        (name, source): source is 'CTHULHU_BACKEND' or 'KERAS_BACKEND' (environment variables), the path of the
        configuration file, 'default', or 'installed' (the default is not installed, this one is).
    """
    global _choice
    if _choice is None:
        _choice = _choose()
    return _choice


def chooser():
    """What chose the backend: the end of a sentence."""
    source = backend_choice()[1]
    return {
        'default': 'the default',
        'installed': f'which is installed while {DEFAULT_BACKEND}, the default, is not',
        config_path(): f'as {source} says',
    }.get(source, f'as the environment variable {source} says')


def announcement():
    """The line that says which backend is used and what chose it."""
    return f'Using {backend()} backend, {chooser()}.\n'


def backend():
    """The name of the backend in use, such as 'tensorflow'."""
    return backend_choice()[0]


def floatx():
    """The default float type: 'float16', 'float32' or 'float64'."""
    return _settings['floatx']


def set_floatx(floatx):
    """Set the default float type.

    Arguments:
        floatx: 'float16', 'float32' or 'float64'.

    Raises:
        ValueError: anything else.
    """
    _settings['floatx'] = _check_floatx(floatx)


def epsilon():
    """The fuzz factor: a float above 0 that keeps divisions and logarithms finite."""
    return _settings['epsilon']


def set_epsilon(e):
    """Set the fuzz factor.

    Arguments:
        e: float above 0.

    Raises:
        ValueError: anything else.
    """
    _settings['epsilon'] = _check_epsilon(e)


def image_data_format():
    """Where images keep their channels when a layer is not told: 'channels_last' or 'channels_first'."""
    return _settings['image_data_format']


def set_image_data_format(data_format):
    """Set where images keep their channels when a layer is not told.

    Arguments:
        data_format: 'channels_last' or 'channels_first'.

    Raises:
        ValueError: anything else.
    """
    _settings['image_data_format'] = _check_data_format(data_format)


def normalize_data_format(value):
    """A data format's name in lower case; `image_data_format()` for None.

    Raises:
        ValueError: not 'channels_last', 'channels_first' or None.
    """
    return _settings['image_data_format'] if value is None else _check_data_format(value)
