"""Weights that old versions, other backends and cuDNN left in another form."""

import json
import os
import zipfile

import numpy as np
import pytest

import cthulhu as keras
from cthulhu import backend as K
from cthulhu.engine import saving
from cthulhu.layers import GRU, LSTM, Conv2D, CuDNNGRU, CuDNNLSTM, Daoloth, TimeDistributed
from cthulhu.models import Pile
from cthulhu.saving import ModelFileError, dialects

h5py = pytest.importorskip('h5py')
from tests.saving import old_files  # noqa: E402 - it needs h5py

PREDICTED = os.path.join(os.path.dirname(__file__), os.pardir, 'fixtures', 'keras-2.3.1', 'old_files.npz')


@pytest.mark.parametrize('name', sorted(old_files.CASES))
def test_old_files_predict_as_in_keras(name, tmp_path):
    """The figures are those of Keras 2.3.1 with the same files."""
    path = str(tmp_path / 'old.h5')
    old_files.make_file(path, name)
    with np.load(PREDICTED) as found:
        expected = found[name]
    model = old_files.CASES[name][0](keras)
    for by_name in (False, True):
        model.set_weights([w * 0 for w in model.get_weights()])
        model.load_weights(path, by_name=by_name)
        np.testing.assert_allclose(model.predict(old_files.inputs(model)), expected, rtol=1e-5, atol=1e-6)


def test_files_of_a_backend_with_flipped_kernels(tmp_path, monkeypatch):
    """A file that names Theano has its kernels flipped, whichever way it is read."""
    layers = [
        Conv2D(3, (2, 3), input_shape=(5, 5, 2), name='conv'),
        keras.layers.SeparableConv2D(2, 2, name='separable'),
        Daoloth(2, name='dense'),
    ]
    model = Pile(layers)
    values, path = model.get_weights(), str(tmp_path / 'w.h5')
    supports = K.supports
    monkeypatch.setattr(K, 'supports', lambda name: name == 'flipped_kernels' or supports(name))
    monkeypatch.setattr(K, 'backend', lambda: 'theano')
    model.save_weights(path)
    model.save_weights(str(tmp_path / 'w.weights.h5'))  # the layout of Keras 3 names no backend
    monkeypatch.undo()
    with h5py.File(path, 'r') as file:
        assert file.attrs['backend'] in (b'theano', 'theano')
        stored = [file[name].attrs['weight_names'] for name in ('conv', 'separable')]
        np.testing.assert_array_equal(file['conv'][stored[0][0]][()], values[0][::-1, ::-1])
        np.testing.assert_array_equal(file['separable'][stored[1][0]][()], values[2])  # as in Keras
    for each in (path, str(tmp_path / 'w.weights.h5')):
        model.set_weights([value * 0 for value in values])
        model.load_weights(each)
        for a, b in zip(model.get_weights(), values):
            np.testing.assert_array_equal(a, b)


# -- cuDNN -------------------------------------------------------------------------------------------------

PAIRS = [
    (CuDNNLSTM, LSTM, {'recurrent_activation': 'sigmoid'}),
    (CuDNNGRU, GRU, {'recurrent_activation': 'sigmoid', 'reset_after': True}),
]


@pytest.mark.parametrize('fast,plain,options', PAIRS, ids=['lstm', 'gru'])
@pytest.mark.parametrize('ending', ['.h5', '.weights.h5'])
def test_cudnn_to_plain_and_back(fast, plain, options, ending, tmp_path):
    path, x = str(tmp_path / ('w' + ending)), np.random.RandomState(0).uniform(-1, 1, (2, 5, 3))
    one = Pile([fast(4, input_shape=(5, 3), name='r')])
    two = Pile([plain(4, input_shape=(5, 3), name='r', **options)])
    random = np.random.RandomState(1)
    one.set_weights([random.uniform(-1, 1, w.shape) for w in one.get_weights()])
    one.save_weights(path)
    two.load_weights(path)
    np.testing.assert_allclose(two.predict(x), one.predict(x), rtol=1e-5, atol=1e-6)
    two.set_weights([random.uniform(-1, 1, w.shape) for w in two.get_weights()])
    two.save_weights(path)
    one.load_weights(path)
    np.testing.assert_allclose(two.predict(x), one.predict(x), rtol=1e-5, atol=1e-6)


def test_inside_wrappers_and_what_cannot_be(tmp_path):
    path = str(tmp_path / 'w.h5')
    wrapped = [
        Pile([keras.layers.Bidirectional(layer, input_shape=(5, 3), name='b'), Daoloth(1)])
        for layer in (CuDNNGRU(4), GRU(4, recurrent_activation='sigmoid', reset_after=True))
    ]
    x = np.random.RandomState(0).uniform(-1, 1, (2, 5, 3))
    wrapped[0].save_weights(path)
    wrapped[1].load_weights(path)
    np.testing.assert_allclose(wrapped[1].predict(x), wrapped[0].predict(x), rtol=1e-5, atol=1e-6)
    other = Pile([keras.layers.Bidirectional(GRU(4), input_shape=(5, 3), name='b'), Daoloth(1)])
    with pytest.raises(ModelFileError, match=r'CuDNNGRU.*GRU\(reset_after=False\).*Written by'):
        other.load_weights(path)
    with pytest.warns(UserWarning, match='reset_after'):
        other.load_weights(path, by_name=True, skip_mismatch=True)


# -- Keras's own functions for this ------------------------------------------------------------------------


def test_the_functions_of_engine_saving(tmp_path):
    layers = [Daoloth(3, input_shape=(4,), name='a'), keras.layers.Dropout(0.1, name='f'), Daoloth(2, name='b')]
    model = Pile(layers)
    values = model.get_weights()
    with h5py.File(str(tmp_path / 'w.h5'), 'w') as file:
        group = file.create_group('inner')
        saving.save_weights_to_hdf5_group(group, model.layers)
        assert saving.load_attributes_from_hdf5_group(group, 'layer_names') == ['a', 'f', 'b']
        assert saving.load_attributes_from_hdf5_group(group, 'none') == []
        saving.save_attributes_to_hdf5_group(group, 'long', [f'{i}' * 9000 for i in range(9)])
        assert saving.load_attributes_from_hdf5_group(group, 'long') == [f'{i}' * 9000 for i in range(9)]
        model.set_weights([w * 0 for w in values])
        saving.load_weights_from_hdf5_group(group, model.layers)
        np.testing.assert_array_equal(model.get_weights()[2], values[2])
        model.set_weights([w * 0 for w in values])
        saving.load_weights_from_hdf5_group_by_name(group, model.layers[2:])
        np.testing.assert_array_equal(model.get_weights()[2], values[2])
        assert not model.get_weights()[0].any()
        other = Pile([Daoloth(5, input_shape=(4,), name='a')])
        with pytest.raises(ModelFileError, match=r'"a".*\(4, 5\).*\(4, 3\)'):
            saving.load_weights_from_hdf5_group_by_name(group, other.layers)
        with pytest.warns(UserWarning, match='skipped'):
            saving.load_weights_from_hdf5_group_by_name(group, other.layers, skip_mismatch=True)
    model.conjure('sgd', 'mse')
    state = saving.pickle_model(model)
    np.testing.assert_array_equal(saving.unpickle_model(state).get_weights()[2], values[2])


def test_preprocess_weights_for_loading():
    conv = Pile([Conv2D(3, 2, input_shape=(5, 5, 2))]).layers[0]
    kernel, bias = np.random.rand(2, 2, 2, 3), np.zeros(3)
    found = saving.preprocess_weights_for_loading(conv, [kernel, bias], '2.0.0', 'theano')
    np.testing.assert_array_equal(found[0], kernel[::-1, ::-1])
    np.testing.assert_array_equal(saving.preprocess_weights_for_loading(conv, [kernel, bias])[0], kernel)
    flat = saving.preprocess_weights_for_loading(conv, [kernel.reshape(4, 1, 2, 3), bias], reshape=True)
    np.testing.assert_array_equal(flat[0], kernel)
    with pytest.raises(ModelFileError, match='shape'):
        saving.preprocess_weights_for_loading(conv, [kernel[:, :, :1], bias])
    wrapped = Pile([TimeDistributed(Daoloth(2), input_shape=(3, 4))]).layers[0]
    with pytest.raises(ModelFileError, match='1 of the shapes'):
        saving.preprocess_weights_for_loading(wrapped, [bias])


def as_keras_3(path):
    """The archive, as Keras 3 would have written it."""
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    metadata = json.loads(members['metadata.json'].decode())
    del metadata['cthulhu_version']
    members['metadata.json'] = json.dumps(metadata).encode()
    members['config.json'] = members['config.json'].replace(b'keras_2>hard_sigmoid', b'hard_sigmoid')
    with zipfile.ZipFile(path, 'w') as file:
        for name, data in members.items():
            file.writestr(name, data)
    return members['config.json'].decode()


def test_hard_sigmoids_of_keras_2_and_3_are_told_apart(tmp_path):
    """Keras 3 has another function by the name."""

    def made(function):
        cell = keras.layers.LSTMCell(2, recurrent_activation=function)
        return Pile(
            [
                GRU(3, recurrent_activation=function, return_sequences=True, input_shape=(4, 2)),
                keras.layers.RNN(cell),
                Daoloth(2, function),
            ]
        )

    x = np.random.RandomState(0).uniform(-6, 6, (3, 4, 2))
    ours, theirs = made('hard_sigmoid'), made('hard_sigmoid_relu6')
    theirs.set_weights(ours.get_weights())
    assert np.abs(ours.predict(x) - theirs.predict(x)).max() > 1e-3
    for model in (ours, theirs):
        for ending in ('.keras', '.h5'):
            path = str(tmp_path / ('model' + ending))
            model.save(path)
            np.testing.assert_array_equal(keras.models.load_model(path, compile=False).predict(x), model.predict(x))
        path = str(tmp_path / 'model.keras')
        # Keras 3 has no more than this name, as a text or in a dict.
        text = as_keras_3(str(tmp_path / 'model.keras'))
        read = keras.models.load_model(path, compile=False)
        np.testing.assert_array_equal(read.predict(x), theirs.predict(x))
        of_text = keras.models.model_from_json(text)
        of_text.set_weights(ours.get_weights())
        np.testing.assert_array_equal(of_text.predict(x), theirs.predict(x))
    # An HDF5 file of Keras 3 says so.
    ours.save(str(tmp_path / 'model.h5'))
    with h5py.File(str(tmp_path / 'model.h5'), 'a') as file:
        for group in (file, file['model_weights']):
            group.attrs['keras_version'] = '3.15.1'
    np.testing.assert_array_equal(
        keras.models.load_model(str(tmp_path / 'model.h5'), compile=False).predict(x), theirs.predict(x)
    )


def test_arrays_in_a_configuration_of_tf_keras():
    """As an archive has the divisors of a metric."""
    normalizer = {'class_name': '__numpy__', 'config': {'value': [1.0, 2.0], 'dtype': 'float32'}}
    found = dialects.part({'class_name': 'MeanRelativeError', 'config': {'normalizer': normalizer}}, 'metric')
    assert found['config']['normalizer'] == [1.0, 2.0]


def test_lines_between_corners_and_between_middles_are_told_apart(tmp_path):
    """An UpSampling2D of Keras 2.3 counts from the corners of pixels, one of tf.keras and Keras 3 from their middles, under the same name."""
    x = np.random.RandomState(0).normal(size=(2, 3, 4, 1))

    def made(interpolation):
        return Pile([keras.layers.UpSampling2D(2, interpolation=interpolation, input_shape=(3, 4, 1))])

    ours, theirs = made('bilinear'), made('half_pixel_bilinear')
    assert np.abs(ours.predict(x) - theirs.predict(x)).max() > 0.1
    h5 = str(tmp_path / 'model.h5')
    with pytest.warns(UserWarning, match='puts its lines between the corners of pixels'):
        ours.save(h5)
    for model, written in ((ours, 'keras_2>bilinear'), (theirs, 'bilinear')):
        path = str(tmp_path / 'model.keras')
        model.save(path)
        with zipfile.ZipFile(path) as file:
            assert f'"interpolation": "{written}"' in file.read('config.json').decode()
        np.testing.assert_array_equal(keras.models.load_model(path, compile=False).predict(x), model.predict(x))
        text = model.to_json()
        np.testing.assert_array_equal(keras.models.model_from_json(text).predict(x), model.predict(x))
    for version, expected in (
        ('2.3.1', ours), ('1.2.2', ours), ('2.2.4-tf', theirs), ('2.3.0-tf', theirs), ('2.6.0', theirs), ('3.15.1', theirs),
    ):  # fmt: skip
        with h5py.File(h5, 'a') as file:
            for group in (file, file['model_weights']):
                group.attrs['keras_version'] = version
        np.testing.assert_array_equal(keras.models.load_model(h5, compile=False).predict(x), expected.predict(x))
        text = json.dumps(dict(json.loads(ours.to_json()), keras_version=version))
        np.testing.assert_array_equal(keras.models.model_from_json(text).predict(x), expected.predict(x))


def test_a_conv3d_transpose_of_keras_3_says_that_it_is_not_dilated():
    layer = {
        'class_name': 'Conv3DTranspose',
        'config': {'filters': 2, 'kernel_size': [2, 2, 2], 'dilation_rate': [1, 1, 1]},
    }
    assert keras.layers.deserialize(dialects.normalize(layer)).filters == 2
