"""How Keras 1 merged: one function, and one layer, for all ways. Keras 2 has a layer for each; what is here makes those.

The path of the layers that merge, `layers.merge`, is at the same time the name of that function: the module can be called.
"""

import types

from cthulhu import backend as K
from cthulhu.callers import warn
from cthulhu.layers import merge as layers_that_merge
from cthulhu.layers.core import Reshape
from cthulhu.layers.merge import Add, Average, Concatenate, Dot, Maximum, Multiply
from cthulhu.utils.arguments import checked

__all__ = ['Merge']

_LAYERS = {'sum': Add, 'mul': Multiply, 'ave': Average, 'max': Maximum, 'concat': Concatenate, 'dot': Dot, 'cos': Dot}


@checked
def merged(
    inputs,
    mode='sum',
    concat_axis=-1,
    dot_axes=-1,
    output_shape=None,
    output_mask=None,
    arguments=None,
    name=None,
):
    """Merge tensors, as Keras 1 spelled it: `merge([a, b], mode='concat', concat_axis=-1)`.

    Arguments:
        inputs: list of tensors.
        mode: 'sum', 'mul', 'ave', 'max', 'concat', 'dot' or 'cos', for the layer `Add`, `Multiply`, `Average`, `Maximum`, `Concatenate` or `Dot`.
        concat_axis: int, of 'concat'.
        dot_axes: int or pair of int, of 'dot' and 'cos'.
        output_shape, output_mask, arguments: of a function as the mode, which is refused.
        name: string, name of the layer.

    Returns:
        A tensor. That of 'cos' has one axis more, of size 1, after the batch.

    Raises:
        ValueError: for another mode.
    """
    layer, text = _layer(mode, concat_axis, dot_axes, (output_shape, output_mask, arguments), name)
    warn(f"`merge(..., mode='{mode}')` is spelled as in Keras 1. Write `{text}(...)`.")
    output = layer(list(inputs))
    if mode != 'cos':
        return output
    return Reshape((1,) + K.int_shape(output)[1:])(output)


@checked
def Merge(
    layers=None, mode='sum', concat_axis=-1, dot_axes=-1, output_shape=None, output_mask=None, arguments=None, name=None
):
    """The layer that merges, as Keras 1 spelled it.

    Arguments:
        layers: of Keras 1, models whose outputs are merged at the bottom of a Pile; refused, as a Pile has one input.
        mode, concat_axis, dot_axes, name: as for `merge`.

    Returns:
        The layer of Keras 2 that merges so, to be called on a list of tensors.

    Raises:
        ValueError: for another mode, or `layers`.
    """
    if layers is not None:
        raise ValueError(
            'Merge: a Pile has one input, so that models cannot be merged at its bottom. Write Lump(a.inputs + b.inputs, '
            'concatenate([a.output, b.output])), or what else merges them.'
        )
    layer, text = _layer(mode, concat_axis, dot_axes, (output_shape, output_mask, arguments), name)
    warn(f"`Merge(mode='{mode}')` is spelled as in Keras 1. Write `{text}`.")
    return layer


def _layer(mode, concat_axis, dot_axes, of_functions, name):
    """The layer for a mode, and how Keras 2 spells it."""
    if callable(mode):
        raise ValueError('merge: `mode` is a function, which is no mode any more. Write `Lambda(function)(inputs)`.')
    if mode not in _LAYERS:
        raise ValueError(f'merge: `mode` is one of {", ".join(map(repr, _LAYERS))}; got {mode!r}.')
    if any(value is not None for value in of_functions):
        raise ValueError(
            'merge: `output_shape`, `output_mask` and `arguments` are for a function as the `mode`, which is a `Lambda` now. Leave them out.'
        )
    settings = {
        'concat': {'axis': concat_axis},
        'dot': {'axes': dot_axes},
        'cos': {'axes': dot_axes, 'normalize': True},
    }.get(mode, {})
    text = ', '.join(f'{key}={value!r}' for key, value in settings.items())
    return _LAYERS[mode](name=name, **settings), f'{_LAYERS[mode].__name__}({text})'


class _CallableModule(types.ModuleType):
    def __call__(self, *args, **kwargs):
        return merged(*args, **kwargs)


layers_that_merge.__class__ = _CallableModule
