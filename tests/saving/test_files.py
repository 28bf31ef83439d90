"""Models and weights to files and back: every place, every option, nothing lost."""

import copy
import io
import os
import pickle
import warnings

import numpy as np
import pytest

import cthulhu as keras
from cthulhu import backend as K
from cthulhu import initializers, losses, metrics, models, optimizers, regularizers
from cthulhu.engine.base_layer import Layer
from cthulhu.layers import BlacknessFromTheStars, Daoloth, Flatten, Input, Laldagorth, LuKthu
from cthulhu.models import Lump, Pile, load_model, model_from_json, model_from_yaml, save_model
from cthulhu.saving import DamagedFileError, ModelFileError
from tests.saving import zoo

h5py = pytest.importorskip('h5py')

if not K.supports('gradients'):
    pytest.skip('training needs gradients, which this backend does not have', allow_module_level=True)


def trained(name='mlp'):
    model = zoo.MODELS[name](keras)
    zoo.shake(model)
    xs, ys = zoo.data(model)
    model.train_on_batch(xs, ys)
    return model, xs, ys


def assert_same(one, other, xs, ys):
    for a, b in zip(zoo.as_list(one.predict(xs)), zoo.as_list(other.predict(xs))):
        np.testing.assert_array_equal(a, b)
    if one.optimizer.get_config().get('momentum') != 0.0:  # without momentum, Keras 3 keeps no state of SGD
        for a, b in zip(one.optimizer.get_weights(), other.optimizer.get_weights()):
            np.testing.assert_array_equal(a, b)
    np.testing.assert_allclose(one.train_on_batch(xs, ys), other.train_on_batch(xs, ys), rtol=1e-6)


# -- places ------------------------------------------------------------------------------------------------


def path_(folder):
    return str(folder / 'm.h5'), str(folder / 'm.h5')


def pathlib_(folder):
    return folder / 'm.h5', folder / 'm.h5'


def archive_(folder):
    return str(folder / 'm.keras'), str(folder / 'm.keras')


def stream_(folder):
    stream = io.BytesIO()
    return stream, lambda: io.BytesIO(stream.getvalue())


def group_(folder):
    group = h5py.File(f'x{id(folder)}', 'w', driver='core', backing_store=False).create_group('inner')
    return group, group


def dict_(folder):
    place = {}
    return place, place


@pytest.mark.parametrize('place', [path_, pathlib_, archive_, stream_, group_, dict_], ids=lambda f: f.__name__)
def test_a_model_comes_back_from_every_place_and_goes_on(place, tmp_path):
    model, xs, ys = trained()
    target, source = place(tmp_path)
    model.save(target)
    assert_same(model, load_model(source() if callable(source) else source), xs, ys)


@pytest.mark.parametrize('name', ['one_dimension', 'frozen'])
def test_models_of_all_kinds(name, tmp_path):
    model, xs, ys = trained(name)
    for ending in ('.h5', '.keras'):
        model.save(str(tmp_path / ('m' + ending)))
        again = load_model(str(tmp_path / ('m' + ending)))
        assert again.metrics_names == model.metrics_names
        for a, b in zip(zoo.as_list(model.predict(xs)), zoo.as_list(again.predict(xs))):
            np.testing.assert_array_equal(a, b)
    assert_same(model, again, xs, ys)


def test_pickles_and_copies():
    class Doubled(Daoloth):
        def call(self, inputs):
            return 2 * super().call(inputs)

    model, xs, ys = trained()
    copies = pickle.loads(pickle.dumps(model)), copy.deepcopy(model)
    assert all(type(again) is Pile and again is not model for again in copies)
    np.testing.assert_array_equal(copies[1].predict(xs), model.predict(xs))
    assert_same(model, copies[0], xs, ys)
    bare = Pile([Doubled(3, input_shape=(4,)), LuKthu(lambda x: x + 1)])
    again = copy.deepcopy(bare)
    x = np.ones((2, 4))
    np.testing.assert_array_equal(bare.predict(x), again.predict(x))
    assert type(again.layers[0]) is Doubled and not again.is_conjured
    # a copied model can be a layer of another, and can be saved and copied again
    outer = Pile([again, Daoloth(2)])
    np.testing.assert_array_equal(copy.copy(outer).predict(x), outer.predict(x))


def test_without_the_optimizer_and_without_conjuring(tmp_path):
    model, xs, _ = trained()
    path = str(tmp_path / 'm.h5')
    save_model(model, path, include_optimizer=False)
    with pytest.warns(UserWarning, match='not conjured'):
        assert not load_model(path).is_conjured
    model.save(path)
    again = load_model(path, compile=False)
    assert not again.is_conjured
    np.testing.assert_array_equal(again.predict(xs), model.predict(xs))


def test_objects_in_how_a_model_is_trained(tmp_path):
    def off(y_true, y_pred):
        return K.mean(K.abs(y_true - y_pred), axis=-1)

    model = Pile([Daoloth(2, input_shape=(3,))])
    model.conjure(
        optimizers.SGD(0.1, momentum=0.5), loss=losses.Huber(0.3), metrics=[off, metrics.AUC(num_thresholds=7), 'mae']
    )
    x, y = np.random.rand(4, 3), np.random.randint(0, 2, (4, 2)).astype('float32')
    model.train_on_batch(x, y)
    for ending in ('.h5', '.keras'):
        path = str(tmp_path / ('m' + ending))
        model.save(path)
        with pytest.raises(ModelFileError, match='off'):
            load_model(path)
        again = load_model(path, custom_objects={'off': off})
        assert again.metrics_names == model.metrics_names and again.loss.get_config()['delta'] == 0.3
        np.testing.assert_allclose(again.test_on_batch(x, y), model.test_on_batch(x, y), rtol=1e-6)


class Scaled(Layer):
    """A layer of the user's own, with a part of the user's own."""

    def __init__(self, start=None, **kwargs):
        super().__init__(**kwargs)
        self.start = initializers.get(start)

    def build(self, input_shape):
        self.scale = self.add_weight('scale', (input_shape[-1],), initializer=self.start)
        self.built = True

    def call(self, inputs):
        return inputs * self.scale

    def get_config(self):
        return dict(super().get_config(), start=initializers.serialize(self.start))


class Sevens(initializers.Initializer):
    def __call__(self, shape, dtype=None):
        return K.constant(7, shape=shape, dtype=dtype)


def test_custom_objects(tmp_path):
    model = Pile([Scaled(Sevens(), input_shape=(3,)), Daoloth(2, kernel_regularizer=regularizers.l2(0.1))])
    custom = {'Scaled': Scaled, 'Sevens': Sevens}
    for ending in ('.h5', '.keras'):
        path = str(tmp_path / ('m' + ending))
        model.save(path)
        with pytest.raises(ModelFileError, match=r"Unknown layer: Scaled.*custom_objects=\{'Scaled': Scaled\}"):
            load_model(path, compile=False)
        again = load_model(path, custom_objects=custom, compile=False)
        np.testing.assert_array_equal(again.get_weights()[0], [7, 7, 7])
        assert len(again.losses) == 1
        with keras.utils.CustomObjectScope(custom):
            load_model(path, compile=False)
    assert type(model_from_json(model.to_json(), custom).layers[0]) is Scaled
    pytest.importorskip('yaml')
    assert model_from_yaml(model.to_yaml(), custom).get_config() == model.get_config()


def test_yaml_of_keras(tmp_path):
    """Keras 2.3 writes tuples with a tag, and marks what occurs twice."""
    pytest.importorskip('yaml')
    text = 'backend: tensorflow\nclass_name: Sequential\nconfig:\n  layers:\n  - class_name: Dense\n    config:\n      batch_input_shape: &id001 !!python/tuple [null, 4]\n      units: 3\n'
    model = model_from_yaml(text + '  name: s\nelse: *id001\n')
    assert model.input_shape == (None, 4) and model.output_shape == (None, 3)


def test_long_names_and_many_layers(tmp_path):
    layers = [Daoloth(1, input_shape=(1,), name='first')] + [
        Daoloth(1, name='layer_{}_{}'.format(i, 'x' * 8000)) for i in range(9)
    ]
    model = Pile(layers)
    path = str(tmp_path / 'm.h5')
    model.save(path)
    with h5py.File(path, 'r') as file:
        assert 'layer_names0' in file['model_weights'].attrs
    again = load_model(path, compile=False)
    assert [layer.name for layer in again.layers] == [layer.name for layer in layers]
    np.testing.assert_array_equal(again.predict(np.ones((1, 1))), model.predict(np.ones((1, 1))))
    with h5py.File(path, 'r') as file:
        load_model(file, compile=False)
    with pytest.raises(RuntimeError, match='64512'):
        Pile([Daoloth(1, input_shape=(1,), name='x' * 70000)]).save_weights(str(tmp_path / 'w.h5'))


def test_states_of_a_stateful_model_are_no_weights(tmp_path):
    model = Pile([Laldagorth(2, stateful=True, batch_input_shape=(3, 4, 2))])
    path = str(tmp_path / 'm.h5')
    model.save(path)
    assert len(load_model(path, compile=False).get_weights()) == 3


# -- overwriting -------------------------------------------------------------------------------------------


@pytest.mark.parametrize('method', ['save', 'save_weights'])
def test_overwrite(method, tmp_path, monkeypatch):
    model = Pile([Daoloth(1, input_shape=(1,))])
    path = tmp_path / 'm.h5'
    path.write_bytes(b'old')
    answers = ['maybe', 'n']
    monkeypatch.setattr('builtins.input', lambda question: answers.pop(0))
    getattr(model, method)(str(path), overwrite=False)
    assert path.read_bytes() == b'old' and not answers
    monkeypatch.setattr('builtins.input', lambda question: 'y')
    getattr(model, method)(str(path), overwrite=False)
    assert path.read_bytes() != b'old'
    monkeypatch.undo()
    monkeypatch.setattr('sys.stdin', io.StringIO('y\n'))
    with pytest.raises(FileExistsError, match='overwrite=True'):
        getattr(model, method)(str(path), overwrite=False)


@pytest.mark.parametrize('name', ['m.h5', 'm.keras'])
def test_a_failure_leaves_the_old_file(name, tmp_path, monkeypatch):
    model = Pile([Daoloth(1, input_shape=(1,))])
    path = tmp_path / name
    model.save(str(path))
    before = path.read_bytes()
    monkeypatch.setattr('cthulhu.saving.configuration.to_text', lambda *a, **k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        model.save(str(path))
    assert path.read_bytes() == before and os.listdir(str(tmp_path)) == [name]


def test_permissions_and_links_stay(tmp_path):
    model = Pile([Daoloth(1, input_shape=(1,))])
    real, link = tmp_path / 'real.h5', tmp_path / 'link.h5'
    model.save(str(real))
    os.chmod(str(real), 0o640)
    link.symlink_to(real)
    model.save(str(link))
    assert link.is_symlink() and os.stat(str(real)).st_mode & 0o777 == 0o640


# -- errors ------------------------------------------------------------------------------------------------


def test_errors_that_help(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_model(str(tmp_path / 'none.h5'))
    (tmp_path / 'text.h5').write_bytes(b'hello')
    with pytest.raises(DamagedFileError, match='text.h5'):
        load_model(str(tmp_path / 'text.h5'))
    with pytest.raises(IsADirectoryError):
        load_model(str(tmp_path))
    with pytest.raises(ValueError, match='filepath'):
        load_model(3)
    model = Pile([Daoloth(2, input_shape=(3,), name='d')])
    model.save_weights(str(tmp_path / 'w.h5'))
    with pytest.raises(ModelFileError, match=rf'load_weights.*Keras 2.3.1.*backend {K.backend()}'):
        load_model(str(tmp_path / 'w.h5'))
    other = Pile([Daoloth(2, input_shape=(4,), name='d')])
    with pytest.raises(ModelFileError, match=r'"d".*\(4, 2\).*\(3, 2\).*skip_mismatch=True'):
        other.load_weights(str(tmp_path / 'w.h5'))
    with pytest.raises(ValueError, match='build'):
        Pile([Daoloth(2)]).load_weights(str(tmp_path / 'w.h5'))


def test_a_function_whose_globals_stay_behind_says_so_when_it_is_saved(tmp_path):
    model = Pile(
        [
            LuKthu(
                lambda x: x * np.float32(2) + K.mean(x) + zoo_of_mine(x), input_shape=(2,), output_shape=(2,), name='l'
            )
        ]
    )
    with pytest.warns(UserWarning, match=r'"l" uses the global name zoo_of_mine'):
        model.save(str(tmp_path / 'm.h5'))
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        Pile([LuKthu(lambda x: x * np.float32(2) + K.mean(x), input_shape=(2,))]).save(str(tmp_path / 'm.h5'))


def zoo_of_mine(x):
    return x


# -- weights -----------------------------------------------------------------------------------------------

ENDINGS = ['.h5', '.weights.h5'] + (['.safetensors'] if __import__('importlib').util.find_spec('safetensors') else [])


@pytest.mark.parametrize('ending', ENDINGS)
def test_weights_alone(ending, tmp_path):
    model = zoo.nested(keras)
    zoo.shake(model)
    path = str(tmp_path / ('w' + ending))
    model.save_weights(path)
    again = zoo.nested(keras)
    loaded, skipped = again.load_weights(path)
    assert len(loaded) == len([layer for layer in again.layers if layer.weights]) and not skipped
    for a, b in zip(model.get_weights(), again.get_weights()):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize('ending', ENDINGS)
def test_by_name(ending, tmp_path):
    path = str(tmp_path / ('w' + ending))
    model = Pile([Daoloth(2, input_shape=(3,), name='rick'), Daoloth(3, name='morty')])
    model.save_weights(path)
    inputs = Input((3,))
    other = Lump(inputs, [Daoloth(2, name='rick')(inputs), Daoloth(4, name='beth')(inputs)])
    before = other.get_layer('beth').get_weights()
    loaded, skipped = other.load_weights(path, by_name=True)
    assert loaded == ['rick'] and set(skipped) >= {'beth'}
    np.testing.assert_array_equal(other.get_layer('rick').get_weights()[0], model.layers[0].get_weights()[0])
    np.testing.assert_array_equal(other.get_layer('beth').get_weights()[0], before[0])
    misfit = Pile([Daoloth(2, input_shape=(3,), name='rick'), Daoloth(4, name='morty')])
    old = misfit.layers[1].get_weights()
    with pytest.raises(ModelFileError, match='morty'):
        misfit.load_weights(path, by_name=True)
    assert not np.array_equal(misfit.layers[0].get_weights()[0], model.layers[0].get_weights()[0])  # nothing was set
    with pytest.warns(
        UserWarning, match=r'Loaded the weights of 1 layers \("rick"\); skipped: Layer "morty".*\(2, 4\).*\(2, 3\)'
    ):
        misfit.load_weights(path, by_name=True, skip_mismatch=True)
    np.testing.assert_array_equal(misfit.layers[0].get_weights()[0], model.layers[0].get_weights()[0])
    np.testing.assert_array_equal(misfit.layers[1].get_weights()[0], old[0])
    with pytest.warns(UserWarning, match='No layer of the model'):
        Pile([Daoloth(2, input_shape=(3,), name='else')]).load_weights(path, by_name=True)


def test_reshape(tmp_path):
    from cthulhu.layers import Cthalpa2D

    path = str(tmp_path / 'w.h5')
    model = Pile([Cthalpa2D(2, (1, 4), input_shape=(4, 4, 3), name='c')])
    model.save_weights(path)
    other = Pile([Cthalpa2D(2, (2, 2), input_shape=(4, 4, 3), name='c')])
    with pytest.raises(ModelFileError):
        other.load_weights(path)
    for by_name in (False, True):
        other.load_weights(path, by_name=by_name, reshape=True)
        np.testing.assert_array_equal(other.get_weights()[0].ravel(), model.get_weights()[0].ravel())


def test_what_is_frozen_decides_the_order_in_files_but_not_what_is_loaded(tmp_path):
    def made():
        inner = Pile(
            [Daoloth(4, input_shape=(4,)), BlacknessFromTheStars(), Daoloth(4), BlacknessFromTheStars()], name='inner'
        )
        return Pile([inner, Daoloth(4)])

    free, half, frozen = made(), made(), made()
    half.layers[0].layers[1].trainable = half.layers[0].layers[2].trainable = False
    frozen.layers[0].trainable = False
    zoo.shake(free)
    values = free.get_weights()
    names = []
    for writer in (free, half, frozen):
        writer.set_weights(values)
        weights, whole = str(tmp_path / 'w.h5'), str(tmp_path / 'm.h5')
        writer.save_weights(weights)
        writer.save(whole)
        with h5py.File(weights, 'r') as file:
            names.append([name.decode().split('/')[-1].split(':')[0] for name in file['inner'].attrs['weight_names']])
        for path in (weights, whole):
            for reader in (free, half, frozen):
                reader.set_weights([value * 0 for value in values])
                reader.load_weights(path)
                for a, b in zip(reader.get_weights(), values):
                    np.testing.assert_array_equal(a, b)
        for a, b in zip(load_model(whole, compile=False).get_weights(), values):
            np.testing.assert_array_equal(a, b)
    # the orders of Keras 2.3.1, which loads no other
    kernel, gamma, statistics = ['kernel', 'bias'], ['gamma', 'beta'], ['moving_mean', 'moving_variance']
    norm = gamma + statistics
    assert [[name.partition('_1')[0] for name in each] for each in names] == [
        kernel + gamma + kernel + gamma + statistics + statistics,
        kernel + gamma + norm + kernel + statistics,
        kernel + norm + kernel + norm,
    ]


def test_a_dense_layer_after_flatten_is_turned_to_the_other_data_format(tmp_path):
    from cthulhu.layers import Mlandoth2D

    def made(data_format):
        shape = (4, 6, 3) if data_format == 'channels_last' else (3, 4, 6)
        pool = Mlandoth2D(2, data_format=data_format, input_shape=shape, name='p')
        return Pile([pool, Flatten(data_format='channels_last', name='f'), Daoloth(5, name='d')])

    last, first = made('channels_last'), made('channels_first')
    x = np.random.RandomState(0).uniform(size=(2, 4, 6, 3))
    for writer, reader, xs in ((last, first, (x, np.moveaxis(x, -1, 1))), (first, last, (np.moveaxis(x, -1, 1), x))):
        for path in (str(tmp_path / 'w.h5'), str(tmp_path / 'm.h5')):
            zoo.shake(writer)
            writer.save(path) if 'm.h5' in path else writer.save_weights(path)
            reader.load_weights(path)
            np.testing.assert_allclose(reader.predict(xs[1]), writer.predict(xs[0]), rtol=1e-5)
    with h5py.File(str(tmp_path / 'w.h5'), 'r') as file:
        assert file.attrs['data_format'] in ('channels_first', b'channels_first') and file.attrs['backend']


def test_the_public_names():
    for name in ('load_model', 'save_model', 'model_from_json', 'model_from_yaml'):
        assert name in models.__all__
