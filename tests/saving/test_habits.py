"""What programs for Keras do with files and pickles, beside saving a model and loading it again."""

import copy
import json
import pickle
import warnings

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import models, optimizers
from cthulhu.export import export
from cthulhu.layers import RNN as Recurrent
from cthulhu.layers import Cthalpa1D, Cthalpa2D, Cthalpa2DTranspose, Daoloth, Input, Layer, SimpleRNNCell
from cthulhu.models import Lump, Pile, clone_model, load_model
from cthulhu.utils import CustomObjectScope

h5py = pytest.importorskip('h5py')

X = np.random.RandomState(3).normal(size=(5, 3)).astype('float32')


# -- classes made inside of functions --------------------------------------------------------------------------


def with_local_classes():
    class Doubled(Layer):
        def call(self, inputs):
            return inputs * 2

    class Slow(optimizers.SGD):
        def get_config(self):
            return super().get_config()

    def apart(y, p):
        return K.mean(K.abs(y - p), axis=-1)

    model = Pile([Daoloth(2, input_shape=(3,)), Doubled()])
    if K.supports('gradients'):
        model.conjure(Slow(0.25), apart)
    return model, {'Doubled': Doubled, 'Slow': Slow, 'apart': apart}


def test_pickles_hold_the_names_of_local_classes():
    """As those of Keras 2.3.1: whoever unpickles has the classes in a scope."""
    model, custom = with_local_classes()
    data = pickle.dumps(model)
    with CustomObjectScope(custom):
        again = pickle.loads(data)
    assert type(again.layers[1]) is custom['Doubled']
    np.testing.assert_allclose(again.predict(X), model.predict(X), rtol=1e-6)
    if K.supports('gradients'):
        assert type(again.optimizer) is custom['Slow'] and K.get_value(again.optimizer.lr) == 0.25
    with pytest.raises(ValueError, match='Doubled'):
        pickle.loads(data)


def test_copies_need_no_scope():
    model, custom = with_local_classes()
    again = copy.deepcopy(model)
    assert type(again.layers[1]) is custom['Doubled']
    np.testing.assert_allclose(again.predict(X), model.predict(X), rtol=1e-6)


# -- reshape and kernels of other layouts ----------------------------------------------------------------------


@pytest.fixture(params=['theano', 'tensorflow'])
def named_backend(request, monkeypatch):
    """A file written on a backend that keeps its kernels flipped, or on one that does not."""
    supports, flips = K.supports, request.param == 'theano'
    monkeypatch.setattr(K, 'supports', lambda name: flips if name == 'flipped_kernels' else supports(name))
    monkeypatch.setattr(K, 'backend', lambda: request.param)
    yield request.param


def save_and_load(source, target, path, monkeypatch):
    source.save_weights(path)
    monkeypatch.undo()
    target.load_weights(path, reshape=True)
    return source.get_weights(), target.get_weights()


@pytest.mark.parametrize(
    'source, target',
    [
        (Daoloth(3, input_shape=(2,)), Cthalpa2D(3, 1, input_shape=(4, 4, 2))),
        (Daoloth(3, input_shape=(2,)), Cthalpa1D(3, 1, input_shape=(4, 2))),
        (Cthalpa2D(3, 1, input_shape=(4, 4, 2)), Daoloth(3, input_shape=(2,))),
        (Cthalpa2D(3, (2, 2), input_shape=(4, 4, 2)), Daoloth(3, input_shape=(8,))),
        (Cthalpa1D(3, 2, input_shape=(4, 2)), Cthalpa2D(3, (1, 2), input_shape=(4, 4, 2))),
    ],
    ids=lambda layer: f'{type(layer).__name__}{layer.get_config().get("kernel_size", "")}',
)
def test_reshape_and_flips_do_not_meet(source, target, named_backend, monkeypatch, tmp_path):
    K.clear_session()
    source, target = (type(layer).from_config(layer.get_config()) for layer in (source, target))
    before, after = save_and_load(Pile([source]), Pile([target]), str(tmp_path / 'w.h5'), monkeypatch)
    np.testing.assert_array_equal(after[0].ravel(), before[0].ravel())
    np.testing.assert_array_equal(after[1], before[1])


@pytest.mark.parametrize('nested', [False, True])
@pytest.mark.parametrize('data_format', ['channels_last', 'channels_first'])
def test_old_kernels_of_transposes_in_theanos_layout(nested, data_format, tmp_path):
    """(filters, channels, rows, columns), as Keras 1 kept them; Keras 2.3.1 turns them so: `transpose(2, 3, 0, 1)`."""
    shape = (4, 4, 7) if data_format == 'channels_last' else (7, 4, 4)
    layer = Cthalpa2DTranspose(2, 5, input_shape=shape, data_format=data_format, name='up')
    model = Pile([Pile([layer], name='inner')]) if nested else Pile([layer])
    kernel = np.arange(2 * 7 * 5 * 5, dtype='float32').reshape(2, 7, 5, 5)
    name, path = 'inner' if nested else 'up', str(tmp_path / 'old.h5')
    with h5py.File(path, 'w') as file:
        file.attrs['layer_names'] = [name.encode()]
        group = file.create_group(name)
        group.attrs['weight_names'] = [b'up_W', b'up_b']
        group['up_W'], group['up_b'] = kernel, np.ones(2, 'float32')
    model.load_weights(path)
    np.testing.assert_array_equal(model.get_weights()[0], kernel.transpose(2, 3, 0, 1))


# -- constants of recurrent layers -----------------------------------------------------------------------------


class Leaning(Layer):
    """A cell that adds a constant."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = units

    def build(self, input_shape):
        step, constant = input_shape
        self.kernel = self.add_weight('kernel', (step[-1], self.units))
        self.lean = self.add_weight('lean', (constant[-1], self.units))
        self.built = True

    def call(self, inputs, states, constants):
        output = K.dot(inputs, self.kernel) + K.dot(constants[0], self.lean) + states[0]
        return output, [output]

    def get_config(self):
        return dict(super().get_config(), units=self.units)


@pytest.mark.parametrize('with_state', [False, True])
@pytest.mark.parametrize('ending', ['.h5', '.keras'])
def test_constants_in_files(with_state, ending, tmp_path):
    x, c, s = Input((5, 3)), Input((4,)), Input((2,))
    state = {'initial_state': s} if with_state else {}
    model = Lump([x, c] + [s] * with_state, Recurrent(Leaning(2))(x, constants=c, **state))
    path = str(tmp_path / ('model' + ending))
    model.save(path)
    again = load_model(path, custom_objects={'Leaning': Leaning}, compile=False)
    random = np.random.RandomState(1)
    data = [random.normal(size=(2,) + shape).astype('float32') for shape in [(5, 3), (4,), (2,)][: 2 + with_state]]
    np.testing.assert_allclose(again.predict(data), model.predict(data), rtol=1e-5)


# -- what is lost ----------------------------------------------------------------------------------------------


class Scaled(Layer):
    def __init__(self, by=2, offset=0, **kwargs):
        super().__init__(**kwargs)
        self.by, self.offset = by, offset

    def call(self, inputs):
        return inputs * self.by + self.offset


class Counted(Daoloth):
    def __init__(self, units, count, **kwargs):
        super().__init__(units, **kwargs)
        self.number = count


@pytest.mark.parametrize(
    'how',
    [
        lambda model, path: model.save(path + '.h5'),
        lambda model, path: model.save(path + '.keras'),
        lambda model, path: model.to_json(),
        lambda model, path: clone_model(model),
    ],
    ids=['h5', 'keras', 'json', 'clone'],
)
def test_settings_that_a_configuration_lacks_are_named(how, tmp_path):
    model = Pile([Scaled(3, input_shape=(3,), name='scaled')])
    with pytest.warns(
        UserWarning, match='Layer "scaled": \'by\' cannot be saved.* Scaled has no `get_config`.*by=self.by'
    ):
        how(model, str(tmp_path / 'm'))


def test_settings_without_which_a_layer_cannot_be_made_are_named():
    model = Pile([Counted(2, 5, input_shape=(3,))])
    with pytest.warns(UserWarning, match="'count' cannot be saved.*cannot be made"):
        model.to_json()


def test_nothing_is_said_where_nothing_is_lost():
    class Told(Scaled):
        def get_config(self):
            return dict(super().get_config(), by=self.by, offset=self.offset)

    model = Pile([Scaled(input_shape=(3,)), Told(3), Daoloth(2), Pile([Daoloth(2, input_shape=(2,))])])
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        config = model.to_json()
    assert models.model_from_json(config, {'Scaled': Scaled, 'Told': Told}).layers[1].by == 3


# -- names of files --------------------------------------------------------------------------------------------


@pytest.mark.parametrize('name', ['model.onnx', 'model.pb', 'model.TFLite'])
def test_save_leaves_the_names_of_others_alone(name, tmp_path):
    with pytest.raises(ValueError, match=r'cthulhu.export.export\(model, path\) writes ONNX'):
        Pile([Daoloth(2, input_shape=(3,))]).save(str(tmp_path / name))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('name', ['model.h5', 'model.hdf5', 'model.keras', 'model.weights.H5'])
def test_export_leaves_the_names_of_saved_models_alone(name, tmp_path):
    with pytest.raises(ValueError, match=r'write it with model.save\(path\)'):
        export(Pile([Daoloth(2, input_shape=(3,))]), str(tmp_path / name))
    assert not list(tmp_path.iterdir())


def test_a_configuration_file_with_a_key_that_is_not_known(tmp_path, monkeypatch):
    from cthulhu.backend import config

    (tmp_path / 'cthulhu.json').write_text(json.dumps({'Backend': 'theano', 'epsilon': 1e-5, 'whatever': 1}))
    monkeypatch.setenv('CTHULHU_HOME', str(tmp_path))
    with pytest.warns(UserWarning) as caught:
        assert config._read() == {'epsilon': 1e-5}
    said = [str(each.message) for each in caught]
    assert len(said) == 2
    assert 'the key "Backend" is not known' in said[0] and 'Did you mean "backend"?' in said[0]
    assert '"whatever"' in said[1] and 'mean' not in said[1] and 'image_data_format' in said[1]


@pytest.mark.parametrize('name', ['a.keras', 'a.h5'])
@pytest.mark.parametrize('declared', [True, False])
def test_layers_of_a_loaded_model_in_a_new_one_keep_their_weights(name, declared, tmp_path):
    path, x = str(tmp_path / name), np.random.rand(5, 3)
    model = Pile([Daoloth(4, **({'input_shape': (3,)} if declared else {})), Daoloth(2), Daoloth(1)])
    model.conjure('adam', 'mse')
    wanted = [model.predict(x), *model.get_weights()][1:5]
    model.save(path)
    again = load_model(path)
    part = Pile(again.layers[:-1])
    if declared:
        assert part.output_shape == (None, 2)
    part.save(path)  # whether it is built or not
    found = load_model(path, compile=False)
    for one, other in zip(wanted, found.get_weights()):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(found.predict(x), part.predict(x))
    part.add(Daoloth(7))
    assert part.predict(x).shape == (5, 7)


def test_a_stateful_pile_with_an_input_layer_and_one_in_another_come_back(tmp_path):
    path, x = str(tmp_path / 'a.keras'), np.random.rand(2, 4, 3)
    inner = Pile([Input(batch_shape=(2, 4, 3)), Recurrent(SimpleRNNCell(5), stateful=True), Daoloth(2)])
    Pile([inner, Daoloth(1)]).save(path)
    again = load_model(path, compile=False).layers[0]
    assert not hasattr(inner.layers[0], 'batch_input_shape')  # what the user made stays as it is
    part = Pile(again.layers[:-1])
    part.save(path)
    found = load_model(path, compile=False)
    assert found.input_shape == (2, 4, 3)
    np.testing.assert_array_equal(found.predict(x, batch_size=2), part.predict(x, batch_size=2))


@pytest.mark.parametrize('config', ['model.json', None, 3])
@pytest.mark.parametrize('kind', [Lump, Pile])
def test_a_configuration_that_is_none(kind, config):
    with pytest.raises(TypeError, match='config: expected the dict that `get_config'):
        kind.from_config(config)
