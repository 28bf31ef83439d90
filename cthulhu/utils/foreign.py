"""Objects of other libraries that are given where one of this is wanted: what is said of them."""

from cthulhu import names
from cthulhu.utils.reprs import short

_LIBRARIES = {
    'keras': 'Keras 3',
    'tf_keras': 'tf-keras',
    'tensorflow': 'TensorFlow',
    'torch': 'PyTorch',
    'jax': 'JAX',
    'jaxlib': 'JAX',
    'theano': 'Theano',
    'pytensor': 'PyTensor',
    'cntk': 'CNTK',
}


def library_of(thing):
    """The name of the library that the class of an object, or the function itself, is from; None for one of no such library."""
    kinds = thing.__mro__ if isinstance(thing, type) else type(thing).__mro__
    modules = [getattr(thing, '__module__', None)] + [kind.__module__ for kind in kinds]
    roots = [module.split('.')[0] for module in modules if isinstance(module, str)]
    return next((_LIBRARIES[root] for root in roots if root in _LIBRARIES), None)


def described(thing, room, entries):
    """What an object is, for a message that does not take it, and which one of `room` to take in its place where there is such.

    Arguments:
        thing: any object.
        room: name of the module of this library that has what is wanted, such as 'layers'.
        entries: the names that are there.

    Example:
        >>> described(3, 'layers', ())
        '3 (int)'
    """
    kind = thing if isinstance(thing, type) else type(thing)
    text = f'{short(thing)} ({kind.__name__})'
    library = library_of(thing)
    if library is None:
        return text
    name = names.cthulhu_name(kind.__name__)
    here = f' The one of this library is cthulhu.{room}.{name}' if name in entries else ''
    return f'{text}, which is of {library}.{here}'.rstrip('.')
