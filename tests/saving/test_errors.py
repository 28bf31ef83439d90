"""What an error says: who wrote the file, what does not fit, and what to do."""

import io
import json

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.engine.base_layer import Layer
from cthulhu.layers import Cthalpa2D, Daoloth, Flatten
from cthulhu.models import Lump, Pile, load_model, model_from_json
from cthulhu.saving import ModelFileError

h5py = pytest.importorskip('h5py')

ENDINGS = ['.h5', '.keras']


class Rick(Layer):
    pass


class Morty(Layer):
    pass


def picture_model(units=2, data_format='channels_first'):
    return Pile(
        [Cthalpa2D(units, 2, input_shape=(3, 5, 5), data_format=data_format, name='c'), Flatten(), Daoloth(2, name='d')]
    )


@pytest.mark.parametrize('ending', ENDINGS)
def test_all_unknown_classes_are_listed_with_what_to_pass(ending, tmp_path):
    path = str(tmp_path / ('m' + ending))
    inner = Pile([Morty(input_shape=(3,))])
    Pile([Rick(input_shape=(3,)), inner, Daoloth(2)]).save(path)
    with pytest.raises(ModelFileError) as caught:
        load_model(path)
    text = str(caught.value)
    assert 'Unknown layers: Rick, Morty' in text and "custom_objects={'Rick': Rick, 'Morty': Morty}" in text
    assert 'CustomObjectScope' in text and f'backend {K.backend()}' in text
    with pytest.raises(ModelFileError, match=r"Unknown layer: Morty.*custom_objects=\{'Morty': Morty\}"):
        load_model(path, custom_objects={'Rick': Rick})
    assert isinstance(load_model(path, {'Rick': Rick, 'Morty': Morty}, compile=False), Lump)
    with pytest.raises(ModelFileError, match='Unknown layers: Rick, Morty'):
        model_from_json(Pile([Rick(input_shape=(3,)), inner]).to_json())


@pytest.mark.parametrize('ending', ENDINGS)
def test_version_backend_and_data_format_are_told(ending, tmp_path):
    from cthulhu import __version__

    path = str(tmp_path / ('m' + ending))
    picture_model().save(path)
    version = {'.h5': r'2\.3\.1', '.keras': r'3\.15\.1'}[ending]
    told = r'\(Written by Cthulhu %s \(layout of Keras %s\), backend %s, data format channels_first\.\)'
    with pytest.raises(ModelFileError, match=told % (__version__.replace('.', r'\.'), version, K.backend())):
        picture_model(4).load_weights(path)


def test_they_are_told_of_files_of_others(tmp_path):
    path = str(tmp_path / 'w.h5')
    for attributes, told in (
        ({}, 'Keras 1, backend not named, data format not named'),
        ({'keras_version': b'2.1.6', 'backend': b'theano'}, 'Keras 2.1.6, backend theano, data format not named'),
    ):
        with h5py.File(path, 'w') as file:
            file.attrs.update(attributes)
            file.attrs['layer_names'] = [b'd']
            file.create_group('d').attrs['weight_names'] = [b'w']
            file['d']['w'] = np.ones((3, 3))
        with pytest.raises(ModelFileError) as caught:
            Pile([Daoloth(2, input_shape=(3,), name='d')]).load_weights(path)
        assert f'(Written by {told}.)' in str(caught.value) and str(caught.value).count('Written by') == 1


@pytest.mark.parametrize('ending', ['.h5', '.weights.h5'])
def test_a_mismatch_names_the_layer_both_shapes_and_the_way_around(ending, tmp_path):
    path = str(tmp_path / ('w' + ending))
    saved = Pile([Daoloth(2, input_shape=(3,), name='a'), Daoloth(2, name='b')])
    saved.save_weights(path)
    model = Pile([Daoloth(2, input_shape=(3,), name='a'), Daoloth(4, name='b')])
    before = model.get_weights()
    for by_name in (False, True):
        with pytest.raises(ModelFileError) as caught:
            model.load_weights(path, by_name=by_name)
        for part in ('Layer "b"', '(2, 4)', '(2, 2)', 'by_name=True, skip_mismatch=True', 'Written by'):
            assert part in str(caught.value)
        for a, b in zip(model.get_weights(), before):  # all or nothing
            np.testing.assert_array_equal(a, b)
    with pytest.warns(UserWarning, match=r'Layer "b".*\(2, 4\).*\(2, 2\)'):
        model.load_weights(path, by_name=True, skip_mismatch=True)
    np.testing.assert_array_equal(model.get_weights()[0], saved.get_weights()[0])
    np.testing.assert_array_equal(model.get_weights()[2], before[2])
    more = Pile([Daoloth(2, input_shape=(3,), name='a'), Daoloth(2), Daoloth(2)])
    with pytest.raises(
        ModelFileError, match='2 layers.*3 layers.*by_name=True' if ending == '.h5' else 'no weights for'
    ):
        more.load_weights(path)


@pytest.mark.parametrize('ending', ENDINGS)
def test_what_the_training_needs_and_is_not_known(ending, tmp_path):
    def mine(y_true, y_pred):
        return K.mean(K.abs(y_true - y_pred), axis=-1)

    path = str(tmp_path / ('m' + ending))
    model = Pile([Daoloth(2, input_shape=(3,))])
    model.conjure('sgd', loss=mine)
    model.save(path)
    with pytest.raises(ModelFileError, match='mine.*compile=False'):
        load_model(path)
    assert not load_model(path, compile=False).is_conjured
    assert load_model(path, custom_objects={'mine': mine}).loss is mine


def test_an_archive_that_lost_its_optimizer(tmp_path):
    """As Keras 3 writes it after an HDF5 file."""
    import zipfile

    path = str(tmp_path / 'm.keras')
    model = Pile([Daoloth(2, input_shape=(3,))])
    model.conjure('sgd', 'mse')
    model.save(path)
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    config = json.loads(members['config.json'].decode())
    assert config['compile_config'].pop('optimizer')['class_name'] == 'SGD'
    made = io.BytesIO()
    with zipfile.ZipFile(made, 'w') as file:
        for name, data in dict(members, **{'config.json': json.dumps(config).encode()}).items():
            file.writestr(name, data)
    with pytest.warns(UserWarning, match='optimizer.*not conjured'):
        again = load_model(io.BytesIO(made.getvalue()))
    assert not again.is_conjured
    np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])
    config['compile_config']['optimizer'] = 'adagrad'  # the name alone, as tf.keras writes it
    made = io.BytesIO()
    with zipfile.ZipFile(made, 'w') as file:
        for name, data in dict(members, **{'config.json': json.dumps(config).encode()}).items():
            file.writestr(name, data)
    if K.supports('gradients'):
        again = load_model(io.BytesIO(made.getvalue()))
        assert abs(again.optimizer.get_config()['learning_rate'] - 0.001) < 1e-8
