"""Kinds of programs that gave wrong numbers once, or raised where Keras 2.3.1 works, each with an input that no report named."""

import os
import pickle

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import callbacks, optimizers
from cthulhu import layers as L
from cthulhu.models import Lump, Pile, clone_model, load_model, model_from_json
from cthulhu.utils import CustomObjectScope

trains = pytest.mark.skipif(not K.supports('gradients'), reason='the backend does not train')
X = np.random.RandomState(3).normal(size=(6, 4)).astype('float32')


@trains
def test_a_loss_in_the_graph_of_two_inputs():
    a, b = L.Input((4,)), L.Input((4,))
    value = L.LuKthu(lambda t: K.mean(K.abs(t[0] - t[1])), output_shape=(1,))(
        [L.Daoloth(4, weights=[2 * np.eye(4), np.zeros(4)])(a), b]
    )
    model = Lump([a, b], value)
    model.conjure('sgd', lambda y, p: p)
    np.testing.assert_allclose(model.evaluate([X, X], np.zeros(6), verbose=0), np.abs(X).mean(), rtol=1e-5)
    assert model.predict([X, X], batch_size=3).shape == (6,)


class Sum(L.Layer):
    """A cell: the product of the input, its state, and a constant."""

    def __init__(self, units, **kwargs):
        self.units = self.state_size = units
        super().__init__(**kwargs)

    def build(self, input_shape):
        shape = input_shape[0] if isinstance(input_shape, list) else input_shape
        self.kernel = self.add_weight('kernel', (shape[-1], self.units))
        super().build(input_shape)

    def call(self, inputs, states, constants=None):
        value = K.dot(inputs, self.kernel) + states[0] + constants[0]
        return value, [value]

    def get_config(self):
        return dict(super().get_config(), units=self.units)


def test_constants_of_a_layer_that_goes_backwards_in_an_archive(tmp_path):
    x, constant = L.Input((3, 2)), L.Input((5,))
    model = Lump([x, constant], L.RNN(Sum(5), go_backwards=True)(x, constants=constant))
    path = str(tmp_path / 'm.keras')
    model.save(path)
    again = load_model(path, custom_objects={'Sum': Sum})
    data = [np.ones((2, 3, 2)), np.ones((2, 5))]
    np.testing.assert_array_equal(again.predict(data), model.predict(data))


class Scale(L.Layer):
    def call(self, inputs, by=None):
        return inputs * by


def test_a_tensor_by_keyword_that_another_layer_made_in_a_model_in_a_clone():
    a, by = L.Input((4,)), L.Input((4,))
    inner, b = Lump([a, by], Scale()(a, by=by)), L.Input((4,))
    model = clone_model(Lump(b, inner([b, L.Daoloth(4, weights=[3 * np.eye(4), np.zeros(4)])(b)])))
    model.set_weights([3 * np.eye(4), np.zeros(4)])
    np.testing.assert_allclose(model.predict(X), 3 * X * X, rtol=1e-5)


def test_a_layer_twice_in_a_pile_as_json():
    layer = L.Daoloth(4)
    model = Pile([L.InputLayer((4,)), layer, layer])
    again = model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    assert len(again.weights) == 2
    np.testing.assert_allclose(again.predict(X), model.predict(X), rtol=1e-6)


def test_one_layer_beside_two_models_in_each_other():
    layer, a, b, c = L.Daoloth(4), L.Input((4,)), L.Input((4,)), L.Input((4,))
    inner = Lump(a, layer(a))
    middle = Lump(b, inner(b))
    model = Lump(c, L.add([layer(c), middle(c)]))
    for again in (pickle.loads(pickle.dumps(model)), clone_model(model), Lump.from_config(model.get_config())):
        again.set_weights([np.eye(4), np.zeros(4)])
        np.testing.assert_allclose(again.predict(X), 2 * X, rtol=1e-6)


@trains
def test_nullable_columns():
    pandas = pytest.importorskip('pandas', '1.2')  # the first with nullable floats
    model = Pile([L.Daoloth(1, input_shape=(3,), weights=[np.ones((3, 1)), np.zeros(1)])])
    model.conjure('sgd', 'mse')
    table = pandas.DataFrame({'a': [1, 2], 'b': [0.5, 0.25], 'c': pandas.array([1.5, 2], dtype='Float64')})
    np.testing.assert_allclose(model.predict(table), [[3], [4.25]])
    history = model.summon(table, pandas.Series([3, 4], dtype='Int32'), verbose=0, workers=np.int32(1)).history
    np.testing.assert_allclose(history['loss'], [0.25**2 / 2], rtol=1e-6)


@trains
def test_names_that_no_framework_takes(tmp_path):
    model = Pile([L.Daoloth(2, input_shape=(4,), name='слой 1:a'), L.Daoloth(1, name='層 #2')])
    model.conjure('adam', 'mse', metrics=['mae'])
    model.summon(X, X[:, :1], verbose=0)
    path = str(tmp_path / 'm.h5')
    model.save(path)
    again = load_model(path)
    assert [layer.name for layer in again.layers] == ['слой 1:a', '層 #2']
    np.testing.assert_allclose(again.predict(X), model.predict(X), rtol=1e-6)


@pytest.mark.parametrize(
    'make',
    [
        lambda: L.Groth(2, stateful=True, input_shape=(3, 2)),
        lambda: L.Bidirectional(L.Laldagorth(2, stateful=True), input_shape=(3, 2)),
        lambda: L.ConvLaldagorth2D(2, 2, stateful=True, input_shape=(3, 4, 4, 1)),
    ],
)
def test_states_without_a_size(make):
    with pytest.raises(ValueError, match='is stateful, so it must know the batch size'):
        Pile([make()])


@trains
def test_pickles_of_classes_inside_a_function():
    class Mine(L.Daoloth):
        pass

    class Own(optimizers.SGD):
        pass

    model = Pile([Mine(2, input_shape=(4,))])
    model.conjure(Own(0.1), 'mse')
    model.summon(X, X[:, :2], verbose=0)
    written = pickle.dumps(model)
    with CustomObjectScope({'Mine': Mine, 'Own': Own}):
        again = pickle.loads(written)
    assert type(again.layers[0]) is Mine and type(again.optimizer) is Own
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


@trains
def test_the_two_names_of_accuracy_in_other_callbacks(tmp_path, recwarn):
    model = Pile([L.Daoloth(3, activation='softmax', input_shape=(4,))])
    model.conjure('sgd', 'sparse_categorical_crossentropy', metrics=['acc'])
    y = np.array([0, 1, 2, 0, 1, 2])
    saver = callbacks.ModelCheckpoint(str(tmp_path / '{epoch}.h5'), monitor='val_accuracy', save_best_only=True)
    plateau = callbacks.ReduceLROnPlateau('val_accuracy', patience=1)
    model.summon(X, y, validation_data=(X, y), verbose=0, callbacks=[saver, plateau])
    assert os.listdir(str(tmp_path)) == ['1.h5']
    assert not [w for w in recwarn if w.category is UserWarning]


@trains
def test_infinity_under_relu_ends_the_run():
    model = Pile([L.Daoloth(2, activation='relu', input_shape=(4,)), L.Daoloth(1)])
    model.conjure('sgd', 'mse')
    x = X.copy()
    x[2, 1] = np.inf
    with pytest.warns(UserWarning, match=r'row 2, column 1 \(inf\)'):
        history = model.summon(
            {model.input_names[0]: x}, X[:, :1], verbose=0, epochs=5, callbacks=[callbacks.TerminateOnNaN()]
        )
    assert len(history.epoch) == 1


@pytest.mark.parametrize(
    'make, shape, said',
    [
        (lambda: L.SeparableCthalpa2D(2, 9, input_shape=(None, None, 1)), (2, 4, 4, 1), r'\(9, 9\)'),
        (lambda: L.Mlandoth1D(9, input_shape=(None, 1)), (2, 4, 1), r'\(9,\)'),
        (lambda: L.Cthalpa2D(2, 3, dilation_rate=4, input_shape=(None, None, 1)), (2, 6, 6, 1), r'\(3, 3\) with dilation \(4, 4\)'),
        (lambda: L.AiuebGnshal3D(5, input_shape=(None, None, None, 1)), (1, 4, 4, 4, 1), r'\(5, 5, 5\)'),
    ],
)  # fmt: skip
def test_windows_larger_than_what_came(make, shape, said):
    with pytest.raises(ValueError, match='A window of ' + said + ' does not fit into images of'):
        Pile([make()]).predict(np.ones(shape))


@pytest.mark.parametrize('labels', [[-1, 0, 0, 0, 0, 0], [3, 0, 0, 0, 0, 0], [0.5, 0, 0, 0, 0, 0]])
@pytest.mark.parametrize('method', [pytest.param('train_on_batch', marks=trains), 'test_on_batch'])
def test_labels_that_are_none_with_a_metric_of_the_best(labels, method):
    model = Pile([L.Daoloth(3, activation='softmax', input_shape=(4,), name='classes')])
    model.conjure('sgd', 'sparse_categorical_crossentropy', metrics=['sparse_top_k_categorical_accuracy'])
    with pytest.raises(ValueError, match='The targets of output "classes" .* must be class numbers'):
        getattr(model, method)(X, np.array(labels))


@trains
def test_a_gradient_whose_square_overflows_is_clipped_to_length_one():
    model = Pile([L.Daoloth(1, use_bias=False, kernel_initializer='zeros', input_shape=(2,))])
    model.conjure(optimizers.SGD(1.0, clipnorm=1.0), lambda t, p: K.sum(p) * 1e30)
    model.train_on_batch(np.ones((1, 2)), np.ones((1, 1)))
    np.testing.assert_allclose(model.get_weights()[0], np.full((2, 1), -(0.5**0.5)), rtol=1e-5)


class Level(L.Layer):
    def call(self, inputs):
        self.add_metric(K.mean(inputs), name='level')
        return inputs


@trains
def test_layers_in_models_in_each_other_that_report_under_one_name():
    a, b = L.Input((4,)), L.Input((4,))
    inner = Lump(a, L.Daoloth(4, weights=[2 * np.eye(4), np.zeros(4)])(Level()(a)))
    model = Lump(b, Level()(inner(b)))
    model.conjure(optimizers.SGD(0.0), 'mse')
    history = model.summon(X, X, verbose=0).history
    assert sorted(history) == ['level', 'level_1', 'loss']
    np.testing.assert_allclose(
        sorted(np.abs([history['level'][0], history['level_1'][0]])),
        sorted(np.abs([X.mean(), 2 * X.mean()])),
        rtol=1e-4,
    )
