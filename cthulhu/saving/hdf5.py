"""The layout of Keras 2.3's HDF5 files, on anything that a `Tree` can be made of.

A file of weights has the attribute `layer_names`, and for each layer a group with the attribute `weight_names` and a dataset for each weight. A file of
a model has that in the group `model_weights`; beside it the attributes `model_config` and `training_config`, in JSON, and the group `optimizer_weights`. Both say
which version and backend wrote them. Attributes that Keras does not know are our version, the data format, the order of what a Dense after a Flatten reads, and
that of the weights of a model in a model.
"""

import numpy as np

from cthulhu import backend as K
from cthulhu import optimizers
from cthulhu.callers import warn
from cthulhu.saving import (
    configuration,
    data_formats,
    hdf5_config,
    hdf5_training,
    keras3_config,
    optimizer_state,
    reading,
)
from cthulhu.saving import weights as weights_module
from cthulhu.saving.converters import for_file
from cthulhu.saving.weights import Origin, SavedLayer
from cthulhu.storage import budget, texts
from cthulhu.storage.errors import DamagedFileError, ModelFileError
from cthulhu.utils.generic_utils import unique
from cthulhu.version import KERAS_VERSION, __version__

# -- writing -----------------------------------------------------------------------------------------------


def write_weights(tree, layers):
    """Write the weights of layers to a group.

    A model among them has its weights in Keras's order, which depends on what is frozen; the attribute `order` says which weight each is when nothing is.
    """
    layers = unique(layers)  # a Pile may have one twice
    tree.set_strings('layer_names', [layer.name for layer in layers])
    _write_origin(tree)
    data_format = data_formats.of_layers(layers)
    if data_format is not None:
        tree.set_attribute('data_format', data_format)
    ordered = [weights_module.in_state_order(layer) for layer in layers]
    values = iter(K.batch_get_value([w for variables in ordered for w in variables]))
    for layer, variables in zip(layers, ordered):
        held = {id(w): value for w, value in zip(variables, values)}
        for leaf in weights_module.leaves(layer):
            held.update(zip(map(id, leaf.weights), for_file(leaf, [held[id(w)] for w in leaf.weights])))
        group = tree.create_group(layer.name)
        found = weights_module.weight_names(variables)
        group.set_strings('weight_names', found)
        order = data_formats.flattened(layer)
        if order is not None and variables:
            group.set_attribute('flattened', order[0])
        if weights_module.inner_layers(layer) is not None and variables:
            places = {id(w): i for i, w in enumerate(layer.weights)}
            group.set_strings('order', [str(places[id(w)]) for w in variables])
        for name, w in zip(found, variables):
            group.set_array(name, held[id(w)])


def _write_origin(tree):
    tree.set_attribute('keras_version', KERAS_VERSION)
    tree.set_attribute('backend', K.backend())
    tree.set_attribute('cthulhu_version', __version__)


def write_model(tree, model, include_optimizer=True):
    """Write the configuration and weights of a model and, if it is conjured, how it is trained and the optimizer's state."""
    _write_origin(tree)
    configuration.check_functions(model)
    hdf5_config.warn_of_others(model)
    config = hdf5_config.for_later(configuration.of_model(model), configuration.layers_of(model))
    tree.set_attribute('model_config', configuration.to_text(config))
    write_weights(tree.create_group('model_weights'), model.layers)
    if not include_optimizer or not model.optimizer:
        return
    if isinstance(model.optimizer, optimizers.TFOptimizer):
        warn(
            'An optimizer of TensorFlow cannot be saved: its settings and state are not known from outside. The model is saved without it; conjure '
            'it again when it was loaded, or use an optimizer of this library.'
        )
        return
    tree.set_attribute('training_config', configuration.to_text(hdf5_training.of_model(model)))
    arrays, of_scale = hdf5_training.state_of(model)
    if arrays:
        group = tree.create_group('optimizer_weights')
        group.set_strings('weight_names', [name for name, _ in arrays])
        if of_scale:
            group.set_strings('scale_names', [name for name, _ in of_scale])
        for name, value in arrays + of_scale:
            group.set_array(name, value)


# -- reading -----------------------------------------------------------------------------------------------


def origin_of(tree, root=None):
    """The Origin of a group of weights; `root` is the file that it is in, whose configuration may tell more."""
    data_format = tree.attribute('data_format')
    if data_format is None and root is not None:
        data_format = data_formats.of_config(_config_of(root))
    return Origin(
        tree.attribute('keras_version') or '1',
        tree.attribute('backend'),
        data_format,
        tree.where,
        tree.attribute('cthulhu_version'),
    )


def _config_of(root):
    text = root.attribute('model_config')
    try:
        return texts.parse_json(text) if text else {}
    except ModelFileError:
        return {}


def saved_layers(tree, root=None):
    """The SavedLayers of a group of weights."""
    listed = tree.strings('layer_names')
    if listed is None:
        raise DamagedFileError(
            f'{tree.where} has no weights in the layout of Keras: there is no attribute "layer_names".'
        )
    config = _config_of(root) if root is not None else {}
    orders = data_formats.orders_in_config(config.get('config')) if isinstance(config, dict) else {}
    items = _items(config)
    found = []
    for name in listed:
        group = tree.group(name)
        if group is None:
            raise DamagedFileError(f'{tree.where} names the layer {name!r} but has no group for it.')
        names = group.strings('weight_names')
        if names is None:
            raise DamagedFileError(
                f'{tree.where}/{name} does not list its weights: there is no attribute "weight_names".'
            )
        order = group.attribute('flattened') or orders.get(name)
        notes = {'flattened': (order,)} if order else {}
        if name in items:
            notes['config'] = items[name]
        places = group.strings('order')
        if places is not None:
            notes['order'] = places
        found.append(SavedLayer(name, [group.entry(each) for each in names], notes))
    return found


def _items(config):
    """Name -> configuration of a layer, in that of a model."""
    settings = config.get('config') if isinstance(config, dict) else None
    layers = settings.get('layers') if isinstance(settings, dict) else settings
    found = {}
    for item in layers if isinstance(layers, list) else ():
        if not isinstance(item, dict):
            continue
        inner = item.get('config')
        name = item.get('name') or (inner.get('name') if isinstance(inner, dict) else None)
        if isinstance(name, str):
            found[name] = item
    return found


def weights_group(tree):
    """The group of weights in a file: the file itself, or, in a file of a model, the group 'model_weights'."""
    if tree.strings('layer_names') is None:
        inner = tree.group('model_weights')
        if inner is not None:
            return inner
    return tree


def read_weights(tree, layers, **options):
    """Load weights into layers; options as for `weights.load`. Returns its result."""
    group = weights_group(tree)
    root = tree if group is not tree else None
    return weights_module.load(layers, saved_layers(group, root), origin_of(group, root), **options)


def describe(tree):
    """A sentence on who wrote a file, for errors; empty if it does not say."""
    try:
        group = weights_group(tree)
        if group.strings('layer_names') is None and group.attribute('keras_version') is None:
            newer = tree.group('layers') is not None or tree.group('vars') is not None
            return weights_module.describe(Origin('3', None, None, tree.where, None)) if newer else ''
        return weights_module.describe(origin_of(group, tree))
    except Exception:  # the file is damaged: the error that is being described says more
        return ''


def read_model(tree, custom_objects=None, compile=True, safe_mode=True, build=None):
    """Make the model of a file.

    Arguments:
        tree: Tree of the file.
        custom_objects: dict, name -> class or function.
        compile: whether to conjure it as the file says.
        safe_mode: whether code in the file is refused.
        build: function of the configuration that makes the model without weights; by default from registered and custom classes.
    """
    text = tree.attribute('model_config')
    if text is None:
        raise ModelFileError(
            f'{tree.where} has no configuration of a model: it holds weights only, perhaps. Build the model, then load them: `model.load_weights(path)`.'
        )
    budget.explain(text=len(text))
    config = texts.parse_json(text)
    group = tree.group('model_weights')
    if group is None:
        raise DamagedFileError(f'{tree.where} has no group "model_weights".')
    saved, origin = saved_layers(group, tree), origin_of(group, tree)
    if origin.version.startswith('3'):
        config = keras3_config.in_our_words(config)
    if isinstance(config, dict):
        config = dict(config, keras_version=origin.version)
    room = 2**24 + 4 * sum(entry.nbytes for item in saved for entry in item.entries)

    def make(config):
        model = (build or configuration.model_from)(config, custom_objects)
        weights_module.load(model.layers, saved, origin)
        if compile:
            _conjure(model, tree, custom_objects)
        return model

    return reading.file(make, config, safe_mode, room, custom_objects)


def _conjure(model, tree, custom_objects):
    text = tree.attribute('training_config')
    if text is None:
        warn(f'{tree.where} does not say how the model is trained: it was not conjured.')
        return
    budget.explain(text=len(text))
    configuration.conjure(model, texts.parse_json(text), custom_objects)
    group = tree.group('optimizer_weights')
    if group is None:
        return
    names = group.strings('weight_names')
    if names is None:  # as tf.keras writes it
        raise DamagedFileError(f'{tree.where}/optimizer_weights does not list its arrays.')
    entries, scale = ([group.entry(name) for name in each] for each in (names, group.strings('scale_names') or ()))
    set_optimizer_state(model, entries, optimizer_state.style(names), optimizer_state.has_learning_rate(names), scale)


def set_optimizer_state(model, entries, order, learning_rate=False, scale=()):
    """Give the optimizer of a conjured model its saved state; with a warning instead, if it does not fit. The last three are as for `optimizer_state.to_ours`."""
    if model.outputs is None:
        return
    conjuring = model.conjuring
    conjuring.optimizer_state()  # made now, so that it can be set
    variables = model.optimizer.weights
    room = 4 * sum(int(np.prod(K.int_shape(w), dtype='int64')) for w in variables) + 1024
    try:
        if sum(entry.size for entry in (*entries, *scale)) > room:
            raise ValueError(f'it has {len(entries)} arrays that are too large for it')
        shapes = [K.int_shape(w) for w in conjuring.trained_weights]
        values, scale = [entry.value() for entry in entries], [entry.value() for entry in scale]
        model.optimizer.set_weights(
            optimizer_state.to_ours(model.optimizer, values, shapes, order, learning_rate, scale)
        )
    except ValueError as error:
        warn(f'The saved state of the optimizer does not fit, so it starts afresh: {error}')
