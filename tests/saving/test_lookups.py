"""Layers that look values up in files of other Kerases: vocabularies beside the settings, and what is no layer here."""

import json
import zipfile

import numpy as np
import pytest

from cthulhu import layers
from cthulhu.engine.base_layer import Layer
from cthulhu.models import Lump, Pile, load_model
from cthulhu.saving import DamagedFileError, ModelFileError

h5py = pytest.importorskip('h5py')

DATA = np.array([[12, 36, 0, 42], [42, 7, 36, 42]])


def without_vocabularies(item):
    """A configuration as Keras 3 writes it of layers that found their vocabularies."""
    if isinstance(item, list):
        return [without_vocabularies(each) for each in item]
    if not isinstance(item, dict):
        return item
    made = {key: without_vocabularies(value) for key, value in item.items()}
    if made.get('class_name') == 'IntegerLookup':
        size = len(made['config']['vocabulary']) + made['config']['num_oov_indices']
        made['config'] = dict(made['config'], vocabulary=None, vocabulary_size=size, idf_weights=None)
    return made


def as_of_keras_3(path, vocabularies):
    """Rewrite an archive of ours: the vocabularies, name of a folder -> list, beside the settings."""
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    config = without_vocabularies(json.loads(members['config.json'].decode()))
    members['config.json'] = json.dumps(config)
    members['metadata.json'] = json.dumps({'keras_version': '3.15.1'})
    for folder, values in vocabularies.items():
        members[f'assets/{folder}/vocabulary.txt'] = '\n'.join(map(str, values))
    with zipfile.ZipFile(path, 'w') as file:
        for name, content in members.items():
            file.writestr(name, content)


def test_vocabularies_that_were_found(tmp_path):
    path = str(tmp_path / 'm.keras')
    one, other, inner = (
        layers.IntegerLookup(**settings) for settings in ({}, {'mask_token': 0}, {'output_mode': 'count'})
    )
    for number, layer in enumerate((one, other, inner)):
        layer.adapt(DATA[:, number:])
    inside = Pile([layers.InputLayer((4,), dtype='int64'), inner])
    inputs = layers.Input((4,), dtype='int64')
    spread = layers.TimeDistributed(layers.Embedding(9, 2))(layers.Reshape((4, 1))(one(inputs)))
    model = Lump(inputs, [one(inputs), other(inputs), inside(inputs), spread])
    expected = model.predict(DATA)
    model.save(path)
    as_of_keras_3(
        path,
        {
            'layers/integer_lookup': one.get_vocabulary(),
            'layers/integer_lookup_1': other.get_vocabulary(),
            'layers/sequential/layers/integer_lookup': inner.get_vocabulary(),
        },
    )
    for mine, theirs in zip(load_model(path).predict(DATA), expected):
        np.testing.assert_array_equal(mine, theirs)


def saved(path):
    layer = layers.IntegerLookup()
    layer.adapt(DATA)
    Pile([layers.InputLayer((4,), dtype='int64'), layer]).save(path)


def test_a_vocabulary_that_is_none(tmp_path):
    path = str(tmp_path / 'm.keras')
    saved(path)
    as_of_keras_3(path, {'layers/integer_lookup': ['-1', 'forty-two']})
    with pytest.raises(DamagedFileError, match='vocabulary.txt, is no vocabulary: a whole number is expected'):
        load_model(path)


def test_a_vocabulary_that_is_not_there(tmp_path):
    path = str(tmp_path / 'm.keras')
    saved(path)
    as_of_keras_3(path, {})
    with pytest.raises(
        ModelFileError, match='does not have the vocabulary of 6 values that `adapt` found for IntegerLookup'
    ):
        load_model(path)


@pytest.mark.parametrize('name', ['Hashing', 'HashedCrossing', 'StringLookup', 'TextVectorization'])
@pytest.mark.parametrize('ending', ['.h5', '.keras'])
def test_what_comes_before_a_model_here(tmp_path, name, ending):
    class Passing(Layer):
        pass

    path = str(tmp_path / ('m' + ending))
    Passing.__name__ = name
    Pile([Passing(input_shape=(1,), name='of_texts'), layers.Dense(1)]).save(path)
    for custom in (None, {name: getattr(layers, name, None)}):
        with pytest.raises(ModelFileError, match=rf'Layer "of_texts" \({name}\) is part of the model in the file'):
            load_model(path, compile=False, custom_objects=custom)
    assert type(load_model(path, compile=False, custom_objects={name: Passing}).layers[0]) is Passing


def test_sparse_vectors_are_dense_here(tmp_path):
    path = str(tmp_path / 'm.h5')
    model = Pile([layers.CategoryEncoding(4, input_shape=(3,))])
    model.save(path)
    with h5py.File(path, 'r+') as file:
        text = file.attrs['model_config']
        text = text.decode() if isinstance(text, bytes) else text
        file.attrs['model_config'] = text.replace(
            '"sparse": false, "trainable"', '"sparse": true, "trainable"'
        ).replace('"output_mode": "multi_hot", "sparse": false', '"output_mode": "multi_hot", "sparse": true')
    with pytest.warns(UserWarning, match='gives sparse vectors .sparse=True. in the file. Here it gives dense ones'):
        again = load_model(path, compile=False)
    np.testing.assert_array_equal(again.predict(np.array([[0, 3, 3]])), [[1, 0, 0, 1]])


def test_weights_that_were_found_elsewhere(tmp_path):
    path = str(tmp_path / 'm.keras')
    layer = layers.IntegerLookup(output_mode='tf_idf')
    layer.adapt(DATA)
    model = Pile([layers.InputLayer((4,), dtype='int64'), layer])
    model.save(path)
    np.testing.assert_array_equal(load_model(path).predict(DATA), model.predict(DATA))
    as_of_keras_3(path, {'layers/integer_lookup': layer.get_vocabulary()})  # and its weights are among those of layers
    np.testing.assert_allclose(load_model(path).predict(DATA), model.predict(DATA), rtol=1e-6)
    layer.idf_weights = None
    model.save(path)
    with pytest.raises(ModelFileError, match='but not its weights'):
        load_model(path)
