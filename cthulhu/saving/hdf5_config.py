"""What is added to the configuration in an HDF5 file, so that Keras 3 opens it. Keras 2.3 and tf.keras pass over it."""

from cthulhu import losses, names, policies, registry
from cthulhu.callers import warn_once
from cthulhu.utils.generic_utils import get_custom_objects

# What holds the configuration of a layer inside another; a list of them under the last.
_INNER, _CELLS = ('layer', 'cell'), 'cells'

# Settings of layers inside others that Keras 3 refuses.
_DROPPED = ('batch_input_shape', 'input_dim', 'input_length')


def for_later(config, known):
    """The configuration of a model or layer, in which layers inside others say of which module they are, and stacks of layers begin with their input.

    Keras 3 looks for a layer in a wrapper by its module alone, and takes the shape of an input, with the batch, for one without it.

    Arguments:
        config: dict, 'class_name' and 'config'.
        known: dict, name -> class of layers.
    """
    settings = config.get('config') if isinstance(config, dict) else None
    if not isinstance(settings, dict):
        return config
    made = dict(settings)
    if isinstance(settings.get('layers'), list):
        made['layers'] = [for_later(item, known) for item in settings['layers']]
        if _kind(config, known) == 'Sequential':
            made['layers'] = _with_input(made['layers'], known)
    for key in _INNER:
        if isinstance(settings.get(key), dict):
            made[key] = _inner(settings[key], known)
    if isinstance(settings.get(_CELLS), list):
        made[_CELLS] = [_inner(item, known) for item in settings[_CELLS]]
    if _kind(config, known) == 'Discretization':  # which takes no such setting there
        made.pop('trainable', None)
    return dict(config, config=made)


def warn_of_others(model):
    """Warn of layers that compute something else in other Kerases than in Keras 2.3, and are not refused there."""
    for layer in model.all_layers():
        if getattr(layer, 'interpolation', None) == 'bilinear' and isinstance(layer, registry.layers['UpSampling2D']):
            warn_once(
                layer,
                'elsewhere',
                f'UpSampling2D "{layer.name}" puts its lines between the corners of pixels (interpolation="bilinear"), as Keras 2.3 does; tf.keras and Keras 3 read this HDF5 file, too, '
                'and put them between the middles: their predictions differ. For those make the model with "half_pixel_bilinear", and save it as an archive.',
            )


def _kind(config, known):
    """The Keras name of the library's class of a configuration; None for another."""
    cls = known.get(config.get('class_name'))
    return names.keras_name(cls) if cls is not None and cls.__module__.startswith('cthulhu.') else None


def _inner(config, known):
    made, kind = for_later(config, known), _kind(config, known)
    if kind is None or not isinstance(made.get('config'), dict):
        return made
    if kind not in ('Model', 'Sequential'):
        dropped = _DROPPED[: 1 if kind == 'Embedding' else None]
        made['config'] = {key: value for key, value in made['config'].items() if key not in dropped}
    module = 'keras' if kind in ('Model', 'Sequential') else 'keras.layers'
    return dict(made, module=module, registered_name=None)


def _with_input(items, known):
    first = items[0].get('config') if items else None
    shape = first.get('batch_input_shape') if isinstance(first, dict) else None
    if shape is None or _kind(items[0], known) == 'InputLayer':
        return items
    dtype = first.get('dtype')
    if _kind(items[0], known) == 'Embedding' or not isinstance(dtype, str) or dtype in policies.MIXED:
        dtype = 'float32'  # as a Pile makes it
    settings = {'batch_input_shape': shape, 'dtype': dtype, 'sparse': False, 'name': f'{first.get("name")}_input'}
    return [{'class_name': 'InputLayer', 'config': settings}] + items


def loss(thing):
    """The loss of a training, in which short names are written out: Keras 3 does not find 'mse' in an HDF5 file."""
    if isinstance(thing, dict):
        return {key: loss(value) for key, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [loss(item) for item in thing]
    if not isinstance(thing, str) or thing in get_custom_objects():
        return thing
    return getattr(getattr(losses, thing, None), '__name__', thing)
