"""Decorators that let layers, optimizers and models of others be called as in Keras 1, under the names that Keras 2.3.1 has them.

>>> class Layer:
...     @legacy_dense_support
...     def __init__(self, units, use_bias=True):
...         self.units, self.use_bias = units, use_bias
>>> import warnings
>>> with warnings.catch_warnings(record=True):
...     vars(Layer(output_dim=3, bias=False))
{'units': 3, 'use_bias': False}
"""

import functools
import inspect

from cthulhu.utils import keras1
from cthulhu.utils.arguments import named_arguments

__all__ = ['generate_legacy_interface', 'generate_legacy_method_interface', 'raise_duplicate_arg_error']


def generate_legacy_interface(
    allowed_positional_args=None, conversions=None, preprocessor=None, value_conversions=None, object_type='class'
):
    """A decorator for a constructor or method, that brings calls from an older spelling into the newer one.

    Arguments:
        allowed_positional_args: list of the names of the arguments that may be given by position, without `self`; None for any.
        conversions: list of (old name, new name).
        preprocessor: function `(args, kwargs) -> (args, kwargs, [(new name, old name), ...])`, which is asked first.
        value_conversions: dict, name -> {old value: new value}.
        object_type: 'class' for a constructor, 'method' for a method: whose name a message gives.

    Raises:
        TypeError: by what is decorated, for more arguments by position, or one in both spellings.
    """
    values, renamed = value_conversions or {}, dict(conversions or ())

    def decorate(function):
        @functools.wraps(function)
        def run(*args, **kwargs):
            name = type(args[0]).__name__ if object_type == 'class' else function.__name__
            old = keras1.Call(name, args[1:], kwargs)
            changed = []
            if preprocessor is not None:
                args, kwargs, changed = preprocessor(args, kwargs)
            if allowed_positional_args is not None and len(args) > len(allowed_positional_args) + 1:
                raise TypeError(
                    f'`{name}` takes {len(allowed_positional_args)} argument(s) by position, {", ".join(allowed_positional_args)}; got {len(args) - 1}. Give '
                    'the others by name.'
                )
            for key in set(values) & set(kwargs):
                kwargs[key] = values[key].get(kwargs[key], kwargs[key])
            for key in [key for key in kwargs if key in renamed]:
                if renamed[key] in kwargs:
                    raise_duplicate_arg_error(key, renamed[key])
                kwargs[renamed[key]] = kwargs.pop(key)
                changed = [*changed, key]
            if changed:
                keras1.warn(name, old, keras1.Call(name, args[1:], kwargs))
            return function(*args, **kwargs)

        run._original_function = function
        return run

    return decorate


generate_legacy_method_interface = functools.partial(generate_legacy_interface, object_type='method')


def raise_duplicate_arg_error(old_arg, new_arg):
    """Raise the TypeError for an argument that is given in both spellings."""
    raise TypeError(f'`{old_arg}` is how Keras 1 called `{new_arg}`, and both are given. Leave out `{old_arg}`.')


def _support(row):
    """A decorator for a constructor or method that is called as the one that the table has under a name."""

    def decorate(function):
        known = named_arguments(function)
        if any(p.kind == p.VAR_KEYWORD for p in inspect.signature(function).parameters.values()):
            known = None  # what is handed on may be any of them

        @functools.wraps(function)
        def run(*args, **kwargs):
            name = type(args[0]).__name__ if function.__name__ == '__init__' else function.__name__
            args, kwargs = keras1.respelled_as(row, args, kwargs, known, name)
            return function(*args, **kwargs)

        run._original_function = function
        return run

    return decorate


#: What Keras calls its decorators -> the name under which the table has what they take.
_SUPPORTS = {
    'dense': 'Dense', 'dropout': 'Dropout', 'embedding': 'Embedding', 'pooling1d': 'MaxPooling1D', 'prelu': 'PReLU', 'gaussiannoise': 'GaussianNoise',
    'recurrent': 'LSTM', 'gaussiandropout': 'GaussianDropout', 'pooling2d': 'MaxPooling2D', 'pooling3d': 'MaxPooling3D',
    'global_pooling': 'GlobalMaxPooling2D', 'upsampling1d': 'UpSampling1D', 'upsampling2d': 'UpSampling2D', 'upsampling3d': 'UpSampling3D',
    'conv1d': 'Conv1D', 'conv2d': 'Conv2D', 'separable_conv2d': 'SeparableConv2D', 'deconv2d': 'Conv2DTranspose', 'conv3d': 'Conv3D',
    'convlstm2d': 'ConvLSTM2D', 'batchnorm': 'BatchNormalization', 'zeropadding2d': 'ZeroPadding2D', 'zeropadding3d': 'ZeroPadding3D',
    'cropping2d': 'Cropping2D', 'cropping3d': 'Cropping3D', 'spatialdropout1d': 'SpatialDropout1D', 'spatialdropoutNd': 'SpatialDropout2D',
    'lambda': 'Lambda', 'generator_methods': 'fit_generator', 'model_constructor': 'Model', 'input': 'InputLayer', 'add_weight': 'add_weight',
    'get_updates': 'get_updates',
}  # fmt: skip

for _name, _row in _SUPPORTS.items():
    globals()[f'legacy_{_name}_support'] = _support(_row)
    __all__.append(f'legacy_{_name}_support')
