"""What projects that are built on the package keras_applications hand to it: the modules of the Keras that is in use."""

import functools

from cthulhu import backend, layers, models, utils

__all__ = ['keras_modules_injection']


def keras_modules_injection(base_fun):
    """Decorator: a function of the package keras_applications is given the modules of this library, as it asks for those of a Keras.

    Arguments:
        base_fun: function that takes `backend`, `layers`, `models` and `utils`.
    """

    @functools.wraps(base_fun)
    def call(*args, **kwargs):
        kwargs.update(backend=backend, layers=layers, models=models, utils=utils)
        return base_fun(*args, **kwargs)

    return call
