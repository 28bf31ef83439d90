"""Custom objects, (de)serialisation by name, and small helpers for functions and lists."""

import builtins
import codecs
import collections.abc
import difflib
import functools
import inspect
import marshal
import re
import threading
import types

from cthulhu import names
from cthulhu.storage import budget
from cthulhu.storage.errors import UnsafeFileError
from cthulhu.utils.progbar import Progbar  # noqa: F401  Keras's home of it
from cthulhu.utils.reprs import short

_EVERYWHERE = {}


class _Scopes(threading.local):
    """What is known in the scopes that a thread is inside of, outermost first: no other thread sees it."""

    def __init__(self):
        self.known = []


_SCOPES = _Scopes()


class CustomObjectScope:
    """Context in which further classes and functions are known by name, in the thread that enters it; leaving it restores what was known before.

    Arguments:
        *args: dicts, name -> class or function.

    >>> def twice(x):
    ...     return 2 * x
    >>> with CustomObjectScope({'twice': twice}):
    ...     deserialize_cthulhu_object('twice')(3)
    6
    """

    def __init__(self, *args):
        self.custom_objects = args

    def __enter__(self):
        known = get_custom_objects().copy()
        for objects in self.custom_objects:
            known.update(objects or {})
        _SCOPES.known.append(known)
        return self

    def __exit__(self, *args):
        _SCOPES.known.pop()


def custom_object_scope(*args):
    """Make a `CustomObjectScope` of the given dicts (name -> class or function)."""
    return CustomObjectScope(*args)


def get_custom_objects():
    """The live dict of custom objects that are known everywhere: change it to register or forget one. Inside a `CustomObjectScope`, that of the scope."""
    return _SCOPES.known[-1] if _SCOPES.known else _EVERYWHERE


def register_keras_serializable(package='Custom', name=None):
    """Decorator: make a class or function known everywhere, and let files name it `package>name`.

    Arguments:
        package: the name of a project, so that two projects may have a class of one name.
        name: the name there; the class's own if left out.

    Raises:
        ValueError: for a class without `get_config`.

    Example:
        >>> @register_keras_serializable('cult')
        ... def chant(x):
        ...     return 2 * x
        >>> get_registered_name(chant), deserialize_cthulhu_object('cult>chant')(3)
        ('cult>chant', 6)
    """

    def register(thing):
        if inspect.isclass(thing) and not hasattr(thing, 'get_config'):
            raise ValueError(
                f'register_keras_serializable: {thing.__name__} has no `get_config`, so it cannot be written. Give it one that returns the arguments of `__init__`.'
            )
        registered = f'{package}>{name or thing.__name__}'
        get_custom_objects()[registered] = thing
        names.register(thing, registered)
        return thing

    return register


def get_registered_name(obj):
    """The name that a class or function is registered under, else its own."""
    return names.written_name(obj)


def get_registered_object(name, custom_objects=None, module_objects=None):
    """The class or function of a name: among what is registered, then in the dicts that are given; None if it is in none."""
    for known in (get_custom_objects(), custom_objects, module_objects):
        if known and name in known:
            return known[name]
    return None


def serialize_cthulhu_object(instance):
    """Describe an object by its Keras class name and configuration, or a function by its name.

    Arguments:
        instance: None, an object with `get_config`, or a function or class.

    Returns:
        None, `{'class_name': str, 'config': dict}`, or a name.

    Raises:
        ValueError: the object has neither a `get_config` nor a name.
    """
    if instance is None:
        return None
    if hasattr(instance, 'get_config') and not inspect.isclass(instance):
        return {'class_name': names.written_name(type(instance)), 'config': instance.get_config()}
    if hasattr(instance, '__name__'):
        # A plain function may carry any name, a user's `Lump` included: only classes of ours are translated.
        return names.written_name(instance)
    raise ValueError(
        f'Cannot serialize {instance!r}: it has neither a `get_config` method nor a `__name__`. '
        'Give its class a `get_config`, or use a named function.'
    )


def deserialize_cthulhu_object(identifier, module_objects=None, custom_objects=None, printable_module_name='object'):
    """Find a class or function by name among the registered ones, and build the instance that a configuration describes.

    The given custom objects come first, then the global ones, then the module's. Nothing is ever imported by name.

    Arguments:
        identifier: None, a name, or `{'class_name': str, 'config': dict}`.
        module_objects: dict of what the module offers, under Cthulhu or Keras names.
        custom_objects: dict of the caller's own classes and functions.
        printable_module_name: what the thing is called in an error.

    Returns:
        None for None; the function or class for a name; an instance for a configuration.

    Raises:
        ValueError: an unknown name, or something that is not a name or a configuration.
    """
    if identifier is None:
        return None
    if isinstance(identifier, str):
        return _find(identifier, module_objects, custom_objects, printable_module_name)
    if not isinstance(identifier, dict):
        raise ValueError(
            f'Could not interpret serialized {printable_module_name}: expected a name or a dict with '
            f"'class_name' and 'config', got {identifier!r}."
        )
    if 'class_name' not in identifier or 'config' not in identifier:
        raise ValueError(
            f'Improper configuration of {printable_module_name}: expected a dict with '
            f"'class_name' and 'config', got {identifier!r}."
        )
    cls = _find(identifier['class_name'], module_objects, custom_objects, printable_module_name)
    config = identifier['config']
    is_ours = str(getattr(cls, '__module__', None)).startswith('cthulhu.')  # a user's may be described by anything
    if is_ours and not isinstance(config, getattr(cls, 'config_types', collections.abc.Mapping)):
        raise ValueError(
            f'The configuration of {printable_module_name} {identifier["class_name"]!r}: expected a dict of its settings as "config"; got {config!r:.200}.'
        )
    custom_objects = custom_objects or {}
    if hasattr(cls, 'from_config'):
        if has_arg(cls.from_config, 'custom_objects'):
            return cls.from_config(config, custom_objects=dict(get_custom_objects(), **custom_objects))
        with CustomObjectScope(custom_objects):
            return cls.from_config(config)
    # A function that makes the object, such as `glorot_uniform`: the configuration holds its arguments. Those of the library are made for that; one of the user's
    # own was given for some other role, perhaps, and a file does not choose what it is called with.
    if budget.present() is not None and not inspect.isclass(cls) and cls not in (module_objects or {}).values():
        raise UnsafeFileError(
            f'The configuration calls the function {identifier["class_name"]!r} of `custom_objects` with arguments of its own, as if it were a class. Only '
            'classes are made so.'
        )
    with CustomObjectScope(custom_objects):
        return cls(**config)


def get_cthulhu_object(identifier, module_objects, printable_module_name='object'):
    """Make a part (initializer, regularizer, ...) of what a user may write for one.

    Arguments:
        identifier: a name, a configuration dict, a class, or a callable.
        module_objects: dict of what the module offers.
        printable_module_name: what the thing is called in an error.

    Returns:
        An instance, or the callable itself.

    Raises:
        ValueError: an unknown name, or something else than the above.
    """
    if isinstance(identifier, dict):
        return deserialize_cthulhu_object(identifier, module_objects, None, printable_module_name)
    if isinstance(identifier, str):
        found = _find(identifier, module_objects, None, printable_module_name)
        return found() if _is_factory(found) else found
    if inspect.isclass(identifier):
        return identifier()
    if callable(identifier):
        return identifier
    raise ValueError(
        f'Could not interpret {printable_module_name} identifier: expected a name, a configuration dict, '
        f'an instance or a callable, got {short(identifier)}.'
    )


def _is_factory(found):
    # A custom name may stand for a class, for a function that makes the part, or for a function that is the part.
    if inspect.isclass(found):
        return True
    if inspect.isfunction(found) and found.__code__.co_argcount > len(found.__defaults__ or ()):
        return False  # as the signature says below, but sooner
    try:
        inspect.signature(found).bind()
    except TypeError:
        return False
    return True


def _find(name, module_objects, custom_objects, printable_module_name):
    for known in (custom_objects, get_custom_objects()):
        if known and name in known:
            return known[name]
    module_objects = module_objects or {}
    if isinstance(name, str):
        for spelling in (name,) + names.spellings(name):
            if spelling in module_objects:
                return module_objects[spelling]
    raise ValueError(_unknown(name, module_objects, custom_objects, printable_module_name))


def _unknown(name, module_objects, custom_objects, printable_module_name):
    if len(str(name)) > 200:  # no name, and long to compare with those that there are
        return f'Unknown {printable_module_name}: {str(name)[:100]!r}... ({len(str(name))} characters).'
    known = sorted(set(module_objects) | set(custom_objects or ()) | set(get_custom_objects()))
    lowered = {each.lower(): each for each in known}
    close = [lowered[each] for each in difflib.get_close_matches(str(name).lower(), lowered, n=3)]
    hint = ' Did you mean ' + ' or '.join(map(repr, close)) + '?' if close else ''
    return (
        f'Unknown {printable_module_name}: {name!r}.{hint} Known: {", ".join(known) or "none"}. '
        f'If it is your own, pass it by `custom_objects={{{name!r}: ...}}` or use it inside a `CustomObjectScope`.'
    )


def func_dump(func):
    """Turn a function into text: its byte code in base64, its defaults, its closure's values.

    Returns:
        (str, tuple or None, tuple or None).
    """
    code = codecs.encode(marshal.dumps(func.__code__), 'base64').decode('ascii')
    closure = tuple(cell.cell_contents for cell in func.__closure__) if func.__closure__ else None
    return code, func.__defaults__, closure


def func_load(code, defaults=None, closure=None, globs=None):
    """Build a function from what `func_dump` gave. This makes code run: only for sources that the caller trusts.

    Arguments:
        code: byte code in base64 text, or the whole triple that `func_dump` gave.
        defaults: tuple of the last arguments' defaults, or None.
        closure: tuple of values (or cells) that the function closes over, or None.
        globs: dict of the function's globals; by default this module's.
    """
    if isinstance(code, (tuple, list)):
        code, defaults, closure = code
    if isinstance(defaults, list):
        defaults = tuple(defaults)
    if closure is not None:
        closure = tuple(value if isinstance(value, _CellType) else _cell(value) for value in closure)
    try:
        code = marshal.loads(codecs.decode(code.encode('ascii'), 'base64'))
    except ValueError:  # Keras before 2.1.2 wrote escaped bytes (UnicodeError and binascii.Error are ValueErrors)
        code = marshal.loads(code.encode('raw_unicode_escape'))
    namespace = globals() if globs is None else globs
    namespace.setdefault('__builtins__', builtins)  # before Python 3.10 a function has none but those of its namespace
    return types.FunctionType(code, namespace, name=code.co_name, argdefs=defaults, closure=closure)


def _cell(value):
    return (lambda: value).__closure__[0]


_CellType = type(_cell(None))


def has_arg(fn, name, accept_all=False):
    """Whether a callable takes a keyword argument of that name.

    Arguments:
        fn: callable.
        name: the argument's name.
        accept_all: whether a `**kwargs` counts.

    >>> has_arg(lambda x, mask=None: x, 'mask'), has_arg(lambda **kwargs: 0, 'mask', accept_all=True)
    (True, True)
    """
    parameters = inspect.signature(fn).parameters
    if name in parameters:
        return parameters[name].kind in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return accept_all and any(each.kind == inspect.Parameter.VAR_KEYWORD for each in parameters.values())


def to_list(x, allow_tuple=False):
    """A list of one for anything but a list; a tuple counts as a list if `allow_tuple`."""
    if isinstance(x, list):
        return x
    if allow_tuple and isinstance(x, tuple):
        return list(x)
    return [x]


def unpack_singleton(x):
    """The only element of a list of one; any other list as it is."""
    return x[0] if len(x) == 1 else x


def in_a_row(x):
    """A list of what is in a list, and in the lists in it.

    >>> in_a_row([[1, [2]], None]), in_a_row(3)
    ([1, 2, None], [3])
    """
    return [item for part in x for item in in_a_row(part)] if isinstance(x, (list, tuple)) else [x]


def unique(items):
    """The items in their order, each object once."""
    return list({id(item): item for item in items}.values())


class DistinctNames(list):
    """A list of names, to which `add` appends one that is not in it yet: the name itself, or with the next free number.

    >>> names = DistinctNames(['mae'])
    >>> names.add('mae'), names.add('mae'), names.add('mse')
    ('mae_1', 'mae_2', 'mse')
    """

    def __init__(self, names=()):
        super().__init__()
        self._known, self._numbers = set(), {}
        for name in names:
            self.append(name)

    def append(self, name):
        super().append(name)
        self._known.add(name)

    def add(self, name, taken=lambda candidate, known: candidate in known):
        """Append a free name, and return it; `taken` says of a candidate and the set of the names whether it is not free."""
        candidate, number = name, self._numbers.get(name, 1)
        while taken(candidate, self._known):
            candidate = f'{name}_{number}'
            number += 1
        self._numbers[name] = number
        self.append(candidate)
        return candidate


def object_list_uid(object_list):
    """A text that names the identity of each object of a list (or of one object), for use as a key."""
    return ', '.join(str(abs(id(x))) for x in to_list(object_list))


def is_all_none(iterable_or_element):
    """Whether every element of a list or tuple, or the one element, is None."""
    return all(element is None for element in to_list(iterable_or_element, allow_tuple=True))


def slice_arrays(arrays, start=None, stop=None):
    """Take the same rows of one array or of each of a list of arrays.

    Arguments:
        arrays: None, an array, or a list of arrays and Nones.
        start: first row, or a list or array of row indices.
        stop: row to stop before; None with indices.

    Returns:
        `[None]` for None, else as `arrays`.
    """
    if arrays is None:
        return [None]
    if hasattr(start, '__len__'):
        # HDF5 datasets take lists of indices, not arrays.
        rows = start.tolist() if hasattr(start, 'shape') else start
    else:
        rows = slice(start, stop)
    if isinstance(arrays, list):
        return [None if x is None else x[rows] for x in arrays]
    return arrays[rows]


def transpose_shape(shape, target_format, spatial_axes):
    """Reorder a channels-last shape (tuple or list) for `target_format`.

    >>> transpose_shape((16, 128, 64, 3), 'channels_first', spatial_axes=(1, 2))
    (16, 3, 128, 64)
    """
    if target_format == 'channels_last':
        return shape
    if target_format != 'channels_first':
        raise ValueError(f"`target_format` must be 'channels_first' or 'channels_last'; got {target_format!r}.")
    moved = tuple(shape[: spatial_axes[0]]) + (shape[-1],) + tuple(shape[axis] for axis in spatial_axes)
    return type(shape)(moved)


def check_for_unexpected_keys(name, input_dict, expected_values):
    """Raise a ValueError that names the keys of the argument `name` which are not among `expected_values`."""
    unknown = sorted(set(input_dict) - set(expected_values), key=str)
    if unknown:
        raise ValueError(f'Unknown entries in `{name}`: {unknown}. Expected keys are: {list(expected_values)}.')


def snake_case(name, word='[A-Z][a-z]+'):
    """Turn a class name into words in lower case, joined by underscores.

    Arguments:
        name: the class name.
        word: pattern of a word; whether digits belong to it is where Keras 2 and Keras 3 differ.

    >>> snake_case('ConvLSTM2D'), snake_case('ConvLSTM2D', '[A-Z][a-z0-9]+')
    ('conv_lstm2d', 'conv_lst_m2d')
    """
    return re.sub('([a-z])([A-Z])', r'\1_\2', re.sub(f'(.)({word})', r'\1_\2', name)).lower()


@functools.lru_cache(maxsize=1000)
def to_snake_case(name):
    """Turn a class name into the layer-name form.

    >>> to_snake_case('ConvLSTM2D'), to_snake_case('MaxPooling1D'), to_snake_case('_Hidden')
    ('conv_lst_m2d', 'max_pooling1d', 'private__hidden')
    """
    snake = snake_case(name, '[A-Z][a-z0-9]+')
    # A leading underscore is not allowed in a framework's name scope.
    return 'private' + snake if snake.startswith('_') else snake


names.add_aliases(globals())
