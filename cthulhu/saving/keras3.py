"""The files of Keras 3: archives ('.keras': settings in JSON, weights in HDF5) and files of weights ('.weights.h5').

Weights lie in groups that follow the structure of the objects: `layers/dense_1/vars/0`, where `dense_1` is the second layer of class Dense in its model, whatever its
name; the attribute `name` of the group `vars` has that.
"""

import datetime
import io
import re
import zipfile

from cthulhu import backend as K
from cthulhu import names
from cthulhu.callers import warn
from cthulhu.saving import configuration, data_formats, hdf5, keras3_assets, keras3_config, optimizer_state, reading
from cthulhu.saving import weights as weights_module
from cthulhu.saving.data_formats import kind_of
from cthulhu.saving.weights import Origin, SavedLayer
from cthulhu.storage import budget, texts
from cthulhu.storage.archive import Archive
from cthulhu.storage.errors import DamagedFileError, ModelFileError, explained
from cthulhu.storage.file_tree import open_stream
from cthulhu.storage.tree import HDF5Tree, image
from cthulhu.utils.generic_utils import snake_case
from cthulhu.version import __version__

#: The version that archives say they are of.
KERAS_VERSION = '3.15.1'

_SETTINGS, _METADATA, _WEIGHTS = 'config.json', 'metadata.json', 'model.weights.h5'


# -- where the weights of a layer are ----------------------------------------------------------------------


# Library class -> what Keras 3 calls the class, where that is not its public name.
_CLASSES = {'Model': 'Functional', 'GroupQueryAttention': 'GroupedQueryAttention'}


def _keys(layers):
    """The name of the group of each of some layers: that of its class, numbered."""
    counts, found = {}, []
    for layer in layers:
        kind = _CLASSES.get(kind_of(layer), names.keras_name(type(layer)))
        key = snake_case(re.sub(r'\W+', '', kind))
        number = counts.get(key, 0)
        counts[key] = number + 1
        found.append(key if number == 0 else f'{key}_{number}')
    return found


def _parts(layer):
    """The (path, object with weights) pairs that a layer consists of, beside its own weights; None for a leaf."""
    if hasattr(layer, 'layers') and hasattr(layer, 'get_layer'):
        return [('layers/' + key, each) for key, each in zip(_keys(layer.layers), layer.layers)]
    kind = kind_of(layer)
    if kind == 'Bidirectional':
        return [('forward_layer', layer.forward_layer), ('backward_layer', layer.backward_layer)]
    if kind == 'TimeDistributed':
        return [('layer', layer.layer)]
    if hasattr(layer, 'saved_parts'):
        return layer.saved_parts
    if kind == 'StackedRNNCells':
        return [('cells/' + key, each) for key, each in zip(_keys(layer.cells), layer.cells)]
    if hasattr(layer, 'cell') and hasattr(layer.cell, 'weights'):
        return [('cell', layer.cell)]
    return None


def _leaves(layer, path=''):
    """The (path, leaf) pairs inside a layer."""
    parts = _parts(layer)
    if parts is None:
        return [(path, layer)]
    own = [(path, _Beside(layer.saved_beside))] if hasattr(layer, 'saved_beside') else []
    return own + [pair for name, each in parts for pair in _leaves(each, path + '/' + name if path else name)]


class _Beside:
    """The weights of a layer of parts that are beside these in an archive."""

    def __init__(self, weights):
        self.weights = weights


# -- writing -----------------------------------------------------------------------------------------------


def write_weights(tree, model, optimizer=False):
    """Write the weights of a model, and perhaps the state of its optimizer, to a group."""
    _write_layer(tree, model)
    state = model.conjuring.optimizer_weights if optimizer else []
    if state:
        shapes = [K.int_shape(w) for w in model.conjuring.trained_weights]
        rate = keras3_config.learning_rate(model.optimizer)
        values = optimizer_state.to_keras3(model.optimizer, K.batch_get_value(state), shapes, rate)
        own = tree.create_group('optimizer')
        _write_values(own, values)
        if hasattr(model.optimizer, 'inner_optimizer'):  # whose state Keras 3 has in both places
            _write_values(own.create_group('inner_optimizer'), optimizer_state.of_inner(values))


def _write_values(tree, values):
    group = tree.create_group('vars')
    for i, value in enumerate(values):
        group.set_array(str(i), value)


def _write_layer(tree, layer):
    group = tree.create_group('vars')
    group.set_attribute('name', layer.name)
    parts = _parts(layer)
    own = layer.weights if parts is None else getattr(layer, 'saved_beside', None)
    if own:
        for i, value in enumerate(K.batch_get_value(own)):
            group.set_array(str(i), value)
    if getattr(layer, keras3_assets.WEIGHTS, None) is not None:
        group.set_array(keras3_assets.WEIGHTS, layer.weights_of_places())
    for path, each in parts or ():
        _write_layer(tree.create_group(path), each)


def archive(model, path, include_optimizer=True):
    """Write an archive."""
    conjured = include_optimizer and model.optimizer is not None and model.is_conjured
    configuration.check_functions(model)
    settings = keras3_config.of_model(model, conjured)
    data, _ = image(
        lambda file: write_weights(
            HDF5Tree(file), model, conjured and 'optimizer' in settings.get('compile_config', ())
        )
    )
    metadata = {
        'keras_version': KERAS_VERSION,
        'date_saved': datetime.datetime.now().strftime('%Y-%m-%d@%H:%M:%S'),
        'cthulhu_version': __version__,
        'backend': K.backend(),
    }
    try:
        with zipfile.ZipFile(path, 'w') as file:
            file.writestr(_METADATA, configuration.to_text(metadata))
            file.writestr(_SETTINGS, configuration.to_text(settings))
            file.writestr(_WEIGHTS, data)
    except ValueError as error:
        # Where the disk is full, Python 3.6 says that it cannot close the archive.
        if isinstance(error.__context__, OSError):
            raise error.__context__ from None
        raise


# -- reading -----------------------------------------------------------------------------------------------


def is_weights(tree):
    """Whether a group has the layout of Keras 3."""
    return (
        tree.strings('layer_names') is None
        and tree.group('model_weights') is None
        and (tree.group('layers') is not None or tree.group('vars') is not None)
    )


def _saved(tree, model):
    """The SavedLayers for the layers of a model."""
    inner = tree.group('layers') or tree.group('_layer_checkpoint_dependencies')
    found = []
    layers = model.layers
    keys = _keys(layers)
    given = {}  # layer name -> key, where the file tells the names
    for key in inner.groups() if inner is not None else ():
        group = inner.group(key)
        variables = group.group('vars') if group is not None else None
        name = variables.attribute('name') if variables is not None else None
        if name is not None:
            given[name] = key
    by_name = all(layer.name in given for layer in layers if layer.weights)
    first = {layer: key for layer, key in reversed(list(zip(layers, keys)))}  # a Pile may have a layer twice
    for layer, key in zip(layers, keys):
        if first[layer] != key:
            continue
        group = (
            inner.group(given[layer.name] if by_name and layer.name in given else key) if inner is not None else None
        )
        entries = _entries(group, layer) if group is not None else []
        if layer.weights and not entries:
            raise DamagedFileError(f'{tree.where} has no weights for layer "{layer.name}" (looked for as {key!r}).')
        found.append(_saved_layer(layer.name, entries))
    return found


def _saved_layer(name, entries):
    return SavedLayer(name, entries, {'order': [str(i) for i in range(len(entries))]})  # that of `layer.weights`


def _entries(tree, layer):
    """The entries for `layer.weights`, in that order; or all that there are, where they do not fit."""
    held, everything = {}, []
    for path, leaf in _leaves(layer):
        found = _numbered(_group_of(tree, path))
        everything.extend(found)
        if len(found) == len(leaf.weights):
            held.update(zip(map(id, leaf.weights), found))
    if all(id(w) in held for w in layer.weights):
        return [held[id(w)] for w in layer.weights]
    # the weights of a plain recurrent layer are those of its cell, of which one of cuDNN has none
    return everything or _numbered(tree.group('cell')) or _numbered(tree)


def _group_of(tree, path):
    """The group at a path; that of a part of a layer has an underscore before its name in archives of tf.keras."""
    before, _, name = path.rpartition('/')
    return tree.group(path) or tree.group(f'{before}/_{name}' if before else '_' + name) if path else tree


def _numbered(group):
    """The entries of the arrays 0, 1, ... that belong to the object whose group this is."""
    variables = group.group('vars') if group is not None else None
    present, found = set(variables.groups()) if variables is not None else (), []
    while str(len(found)) in present:
        found.append(variables.entry(str(len(found))))
    return found


def _named(tree):
    """The SavedLayers of a file by the names that it tells, for layers that are leaves."""
    inner, found = tree.group('layers'), []
    for key in inner.groups() if inner is not None else ():
        group = inner.group(key)
        variables = group.group('vars') if group is not None else None
        name = variables.attribute('name') if variables is not None else None
        if name is not None:
            found.append((name, group))
    return found


def read_weights(tree, model, by_name=False, skip_mismatch=False, reshape=False, origin=None):
    """Load weights into a model. Arguments and result as for `weights.load`."""
    origin = origin or Origin('3', None, None, tree.where, None)
    if by_name:
        layers = {layer.name: layer for layer in model.layers}
        saved = [_saved_layer(name, _entries(group, layers[name])) for name, group in _named(tree) if name in layers]
    else:
        saved = _saved(tree, model)
    return weights_module.load(
        model.layers, saved, origin, by_name=by_name, skip_mismatch=skip_mismatch, reshape=reshape
    )


def load_archive(source, where, custom_objects=None, compile=True, safe_mode=True):
    """Make the model of an archive; arguments as for `hdf5.read_model`, where `source` is a path or stream."""
    with Archive(source, where) as file:
        config = _read_settings(file, where)
        origin = _origin(file, where, config)
        if not origin.version.startswith('2.'):
            config = keras3_config.in_our_words(config, origin.own)
        with explained(where, weights_module.describe(origin)):
            tree = open_stream(io.BytesIO(file.read(_WEIGHTS)), where)
            config = keras3_assets.with_vocabularies(config, file, tree)

            def make(config):
                model = configuration.model_from(config, custom_objects)
                if model.built:
                    # Kernels are never flipped in archives, whatever the backend.
                    weights_module.load(model.layers, _saved(tree, model), origin._replace(backend=None))
                if compile:
                    _conjure(model, config.get('compile_config'), tree, origin.version, custom_objects)
                return model

            return reading.file(make, config, safe_mode, file.room(_WEIGHTS), custom_objects)


def _read_settings(file, where):
    text = file.read(_SETTINGS)
    length = file.explains(_SETTINGS)
    budget.explain(text=length)
    return texts.parse_json(text, f'{where}, {_SETTINGS},', length)


def _origin(file, where, config):
    metadata = texts.parse_json(file.read(_METADATA), f'{where}, {_METADATA},', file.explains(_METADATA))
    metadata = metadata if isinstance(metadata, dict) else {}
    version, backend, own = (metadata.get(key) for key in ('keras_version', 'backend', 'cthulhu_version'))
    if not isinstance(version, str):
        raise ModelFileError(f'{where} does not say which version of Keras it is for.')
    return Origin(version, backend, data_formats.of_config(config), where, own)


def _conjure(model, settings, tree, version, custom_objects):
    if not isinstance(settings, dict) or not settings:
        return
    if not settings.get('optimizer'):
        # Keras 3 leaves the optimizer out of an archive that it writes after an HDF5 file
        warn(f'{tree.where} does not say with which optimizer the model is trained: it was not conjured.')
        return
    configuration.conjure(model, keras3_config.training(settings), custom_objects)
    entries = _numbered(tree.group('optimizer'))
    if entries:
        # tf.keras does not keep the learning rate beside the state, nor does Keras 3 where a schedule tells it
        kept = not version.startswith('2.') and not keras3_config.is_scheduled(settings['optimizer'])
        hdf5.set_optimizer_state(model, entries, 'together', learning_rate=kept)


def load_archive_weights(source, where, model, **options):
    """Load the weights of an archive into a model."""
    with Archive(source, where) as file:
        config = _read_settings(file, where)
        origin = _origin(file, where, config)
        with explained(where, weights_module.describe(origin)):
            tree = open_stream(io.BytesIO(file.read(_WEIGHTS)), where)
            return read_weights(tree, model, origin=origin, **options)
