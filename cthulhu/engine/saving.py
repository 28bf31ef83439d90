"""Keras's path for saving and loading: models, and groups of an HDF5 file one by one."""

import numpy as np

from cthulhu.models import load_model, model_from_config, model_from_json, model_from_yaml, save_model
from cthulhu.saving import hdf5
from cthulhu.saving.weights import Origin, SavedLayer, arrays_for
from cthulhu.storage.arrays import Entry
from cthulhu.storage.errors import explained
from cthulhu.storage.tree import HDF5Tree, require_h5py
from cthulhu.version import KERAS_VERSION

__all__ = [
    'load_attributes_from_hdf5_group',
    'load_model',
    'load_weights_from_hdf5_group',
    'load_weights_from_hdf5_group_by_name',
    'model_from_config',
    'model_from_json',
    'model_from_yaml',
    'pickle_model',
    'preprocess_weights_for_loading',
    'save_attributes_to_hdf5_group',
    'save_model',
    'save_weights_to_hdf5_group',
    'unpickle_model',
]


def pickle_model(model):
    """A dict with what a file of the model would have. For pickles, `pickle.dumps(model)` does more: it keeps custom classes."""
    state = {}
    save_model(model, state)
    return state


def unpickle_model(state):
    """The model of what `pickle_model` gave; errors are those of `load_model`."""
    return load_model(state)


def save_attributes_to_hdf5_group(group, name, data):
    """Write a list of texts as an attribute, or as several where it is too long for one.

    Arguments:
        group: h5py.Group or h5py.File.
        name: name of the attribute; pieces get a number after it.
        data: list of texts or bytes.

    Raises:
        RuntimeError: if one text is longer than HDF5 can hold (64512 bytes).
    """
    require_h5py('save_attributes_to_hdf5_group')
    HDF5Tree(group).set_strings(name, data)


def load_attributes_from_hdf5_group(group, name):
    """The list of texts that `save_attributes_to_hdf5_group` wrote; an empty one if there is none of the name."""
    require_h5py('load_attributes_from_hdf5_group')
    return HDF5Tree(group).strings(name) or []


def save_weights_to_hdf5_group(group, layers):
    """Write the weights of layers to an open group of an HDF5 file.

    Arguments:
        group: h5py.Group or h5py.File.
        layers: list of built layers.
    """
    require_h5py('save_weights_to_hdf5_group')
    hdf5.write_weights(HDF5Tree(group), layers)


def load_weights_from_hdf5_group(f, layers, reshape=False):
    """Load the weights of layers from a group of an HDF5 file, the first saved layer to the first layer, and so on.

    Arguments:
        f: h5py.Group or h5py.File.
        layers: list of built layers; those without weights are passed over.
        reshape: whether an array with the right number of elements is reshaped to fit.

    Raises:
        ValueError: if the numbers of layers differ, or a layer does not fit; then nothing is loaded.
    """
    _load(f, layers, reshape=reshape)


def load_weights_from_hdf5_group_by_name(f, layers, skip_mismatch=False, reshape=False):
    """Load the weights of those layers that have the name of a saved layer.

    Arguments:
        f: h5py.Group or h5py.File.
        layers: list of built layers.
        skip_mismatch: whether layers that do not fit are left as they are, with a warning.
        reshape: whether an array with the right number of elements is reshaped to fit.

    Raises:
        ValueError: if a layer does not fit and `skip_mismatch` is False; then nothing is loaded.
    """
    _load(f, layers, by_name=True, skip_mismatch=skip_mismatch, reshape=reshape)


def _load(group, layers, **options):
    require_h5py('Loading from a group of an HDF5 file')
    with explained('The group', lambda: hdf5.describe(HDF5Tree(group))):
        hdf5.read_weights(HDF5Tree(group, 'the group'), layers, **options)


def preprocess_weights_for_loading(layer, weights, original_keras_version=None, original_backend=None, reshape=False):
    """The arrays of a layer that another version or backend saved, as this library and backend have them.

    Arguments:
        layer: a built layer.
        weights: list of arrays, in the order of the file.
        original_keras_version: version of Keras that wrote them, '1' for all before 2; by default one of now.
        original_backend: name of the backend that wrote them.
        reshape: whether an array with the right number of elements is reshaped to fit.

    Returns:
        List of arrays for `layer.weights`.

    Raises:
        ValueError: if they do not fit the layer.
    """
    entries = [
        Entry(str(i), value.shape, value.dtype, lambda value=value: value)
        for i, value in enumerate(map(np.asarray, weights))
    ]
    origin = Origin(original_keras_version or KERAS_VERSION, original_backend, None, 'the weights', None)
    return [value for _, value in arrays_for(layer, SavedLayer(layer.name, entries), origin, reshape)]
