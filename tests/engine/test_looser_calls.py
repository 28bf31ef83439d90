"""Calls that Keras 2.3.1 allows, with what it was seen to make of them."""

import json

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import regularizers
from cthulhu.callbacks import Callback
from cthulhu.layers import Add, Daoloth, Darkness, Flatten, Input, Laldagorth, Layer, Masking, Reshape, Wrapper
from cthulhu.models import Lump, Pile, model_from_json
from cthulhu.utils import Sequence

X = np.ones((4, 4), 'float32')
trains = pytest.mark.skipif(not K.supports('gradients'), reason='no training')


def test_models_take_tensors_of_other_lengths_and_ranks():
    pile = Pile([Daoloth(6, input_dim=4), Reshape((3, 2))])
    x = Input((1, 4))
    assert K.int_shape(pile(x)) == (None, 3, 2)
    assert np.allclose(Lump(x, pile(x)).predict(X[:, None]), pile.predict(X))
    flat = Pile([Flatten(input_shape=(3, 2))])
    assert K.int_shape(flat(Input((5, 2, 2)))) == (None, 20)
    with pytest.raises(ValueError, match='does not fit'):  # arrays are held against the Input
        flat.predict(np.ones((4, 5, 2)))
    with pytest.raises(ValueError, match=r'\(Daoloth\) does not fit'):  # and tensors against what the layers need
        pile(Input((1, 5)))
    with pytest.raises(ValueError, match='takes 1 input'):
        pile([x, x])


def test_a_layer_that_returns_a_list_of_one():
    class Doubled(Layer):
        def call(self, x):
            return [x * 2.0]

    x = Input((4,))
    y = Doubled()(x)
    assert K.is_tensor(y) and K.int_shape(y) == (None, 4)
    assert np.allclose(Lump(x, Daoloth(1, kernel_initializer='ones')(y)).predict(X), 8.0)
    assert Pile([Doubled(input_shape=(4,)), Reshape((4,))]).predict(X).shape == (4, 4)


def test_shapes_as_other_things_have_them():
    x = Input((5, 4))
    assert K.int_shape(Input(np.array([3, 2]))) == (None, 3, 2)
    assert K.int_shape(Input(batch_shape=np.array([2, 3]))) == (2, 3)
    assert K.int_shape(Input(shape=np.zeros((2, 5, 6)).shape[1:])) == (None, 5, 6)
    assert K.int_shape(Reshape(np.array([4, 5]))(Input((20,)))) == (None, 4, 5)
    assert K.int_shape(Input(K.int_shape(x)[1:])) == (None, 5, 4)
    assert Daoloth(3, input_shape=np.array([2], 'int64')).batch_input_shape == (None, 2)
    if K.supports('sessions'):  # where `shape` of a tensor is a static one
        assert K.int_shape(Input(shape=x.shape[1:])) == (None, 5, 4)
        assert K.int_shape(Input(batch_shape=x.shape)) == (None, 5, 4)
        assert K.int_shape(Input(shape=Input((None, 3)).shape[1:])) == (None, None, 3)


def test_functions_called_without_the_phase():
    x = Input((4,))
    run = K.function([x, K.learning_phase()], [Darkness(0.5)(x)])
    assert np.array_equal(run([X])[0], X)
    assert set(np.unique(run([X, 1])[0])) <= {0.0, 2.0}
    with pytest.raises(ValueError, match='expected 2 input values, got 0'):
        run([])
    with pytest.raises(ValueError, match='expected 2 input values, got 1'):  # only what comes last may be the phase
        K.function([K.learning_phase(), x], [x])([X])


def test_inputs_of_a_batch_that_are_broadcast():
    a, b = Input((4,)), Input((4,))
    model = Lump([a, b], Add()([a, b]))
    if K.supports('broadcasting'):
        assert np.allclose(model.predict_on_batch([X, np.full((1, 4), 2.0)]), 3.0)
    with pytest.raises(ValueError, match='same number of samples'):
        model.predict([X, np.ones((1, 4))])


@trains
def test_targets_of_another_rank_with_a_loss_of_ones_own():
    pile = Pile([Daoloth(6, input_dim=4), Reshape((3, 2))])
    pile.conjure('sgd', lambda t, p: K.mean(p))
    for target in (np.zeros((4, 1)), np.zeros(4), np.zeros((4, 2, 2, 2)), np.zeros((4, 3, 2))):
        expected = pile.predict(X).mean()
        assert np.allclose(pile.train_on_batch(X, target), expected, atol=1e-5)
    history = pile.summon(X, np.zeros((4, 1)), verbose=0, validation_data=(X, np.zeros(4)), batch_size=2)
    assert history.history['loss'][0] > history.history['val_loss'][0]
    two = Lump(pile.input, [pile.output, Daoloth(1)(pile.input)])
    two.conjure('sgd', [lambda t, p: K.mean(p) + K.sum(t), 'mse'])
    values = two.test_on_batch(X, [np.ones(4), np.zeros(4)])
    first, second = two.predict(X)
    assert np.allclose(values[1:], [first.mean() + 4.0, (second**2).mean()], atol=1e-5)
    with pytest.raises(ValueError, match='must have'):  # losses of the library say what they need
        two.test_on_batch(X, [np.ones(4), np.zeros((4, 3, 2))])


class _Targets(Sequence):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return X[2 * index : 2 * index + 2], np.arange(2.0)


@trains
@pytest.mark.parametrize(
    'batches', [_Targets, lambda: (_Targets()[i % 2] for i in range(100))], ids=['Sequence', 'generator']
)
def test_targets_of_another_rank_that_come_batch_by_batch(batches):
    pile = Pile([Daoloth(6, input_dim=4, kernel_initializer='ones'), Reshape((3, 2))])
    pile.conjure('sgd', lambda t, p: K.mean(p) + K.sum(t))
    expected = pile.evaluate(X, np.array([0.0, 1.0, 0.0, 1.0]), batch_size=2, verbose=0)
    assert np.allclose(pile.evaluate(batches(), steps=2, verbose=0), expected)
    history = pile.summon(
        batches(), steps_per_epoch=2, validation_data=batches(), validation_steps=2, shuffle=False, verbose=0
    ).history
    assert np.isclose(history['val_loss'][0], pile.evaluate(batches(), steps=2, verbose=0))
    assert history['val_loss'][0] < history['loss'][0] < expected


class _Empty(Sequence):
    def __len__(self):
        return 0

    def __getitem__(self, index):
        return [][index]


@trains
@pytest.mark.parametrize(
    'layer', [lambda: Daoloth(2, input_shape=(3,)), lambda: Daoloth(2)], ids=['built', 'to be built']
)
@pytest.mark.parametrize('loss', ['mse', lambda t, p: K.mean(p)], ids=['mse', 'own'])
def test_a_sequence_without_batches_says_so_though_its_first_is_looked_at(layer, loss):
    pile = Pile([layer()])
    pile.conjure('sgd', loss)
    with pytest.raises(ValueError, match='_Empty has no batches'):
        pile.summon(_Empty(), verbose=0)


@trains
def test_the_first_batch_of_a_generator_is_trained_on_though_it_is_looked_at():
    taken = []

    def batches():
        for i in range(4):
            taken.append(i)
            yield X[i : i + 1], np.array([float(i)])

    pile = Pile([Daoloth(6, input_dim=4), Reshape((3, 2))])
    pile.conjure('sgd', lambda t, p: K.mean(t) + 0.0 * K.mean(p))
    assert pile.evaluate(batches(), steps=4, verbose=0) == 1.5 and taken == [0, 1, 2, 3]


@trains
def test_class_weight_in_a_list_of_one():
    y = np.array([0, 1, 0, 1])
    losses = []
    for given in ({0: 0.5, 1: 2.0}, [{0: 0.5, 1: 2.0}]):
        pile = Pile([Daoloth(1, input_dim=4, kernel_initializer='ones')])
        pile.conjure('sgd', 'mse')
        losses += pile.summon(X, y, class_weight=given, verbose=0).history['loss']
    assert losses == [13.0, 13.0]  # as Keras 2.3.1 has them
    with pytest.raises(ValueError, match=r'dict\(enumerate\(class_weight\)\)'):  # Keras passes over it: 12.5
        pile.summon(X, y, class_weight=[0.5, 2.0], verbose=0)


def test_sublayers_set_before_the_constructor_of_the_base():
    class Own(Layer):
        def __init__(self, **kwargs):
            self.parts = [Daoloth(3), Daoloth(2)]
            super().__init__(**kwargs)

        def call(self, x):
            return self.parts[1](self.parts[0](x))

        def compute_output_shape(self, shape):
            return shape[:-1] + (2,)

    class Model(Lump):
        def __init__(self):
            self.frozen = Daoloth(3, trainable=False)
            self.top = Daoloth(2)
            super().__init__()

        def call(self, x):
            return self.top(self.frozen(x))

    x = Input((4,))
    own = Own()
    assert Lump(x, own(x)).predict(X).shape == (4, 2) and len(own.weights) == 4
    still = Own(trainable=False)
    still(x)
    assert still.trainable_weights == [] and not still.parts[0].trainable
    model = Model()
    assert model.predict(X).shape == (4, 2) and len(model.weights) == 4 and len(model.trainable_weights) == 2


def test_one_update_given_twice():
    x, total = K.placeholder((2,)), K.variable(0.0)
    update, new = K.update(total, total + 1.0), total + 5.0
    K.function([x], [x], updates=[update, [update]])([np.ones(2)])
    assert K.get_value(total) == 1.0
    K.function([x], [x], updates=[(total, new), (total, new)])([np.ones(2)])
    assert K.get_value(total) == 6.0
    with pytest.raises(ValueError, match='updated twice'):
        K.function([x], [x], updates=[update, (total, new)])


def test_wrappers_built_without_a_shape():
    class Own(Wrapper):
        def build(self, input_shape=None):
            self.layer.build_once(input_shape)
            super().build()

        def call(self, x):
            return self.layer.call(x)

        def compute_output_shape(self, shape):
            return self.layer.compute_output_shape(shape)

    x = Input((4,))
    own = Own(Daoloth(3))
    assert Lump(x, own(x)).predict(X).shape == (4, 3) and own.built and len(own.weights) == 2


def test_regularizers_have_numbers_of_numpy():
    made = regularizers.l1_l2(0.25, 0.01)
    assert made.l1.dtype == made.l2.dtype == 'float32' and made.l1[()] == 0.25
    assert json.loads(json.dumps(made.get_config())) == {'l1': 0.25, 'l2': 0.009999999776482582}  # as in Keras 2.3.1
    assert np.allclose(K.eval(made(K.constant([[1.0, -2.0]]))), 0.25 * 3 + 0.01 * 5)


class Watch(Callback):
    def __init__(self):
        super().__init__()
        self.seen = {}

    def _note(self, hook, logs):
        self.seen[hook] = (dict(self.params), dict(logs or {}), self.validation_data)

    def on_train_begin(self, logs=None):
        self._note('train', logs)

    def on_batch_end(self, batch, logs=None):
        self._note('batch', logs)

    def on_epoch_end(self, epoch, logs=None):
        self._note('epoch', logs)

    def on_test_begin(self, logs=None):
        self._note('test', logs)

    def on_test_batch_end(self, batch, logs=None):
        self._note('test batch', logs)

    def on_predict_begin(self, logs=None):
        self._note('predict', logs)

    def on_predict_batch_end(self, batch, logs=None):
        self._note('predict batch', logs)


#: The keys that Keras 2.3.1 gives.
IN_TRAINING = {'epochs', 'steps', 'verbose', 'do_validation', 'metrics'}
OF_ARRAYS = {'batch_size', 'samples'}


def _trained():
    pile = Pile([Daoloth(1, input_dim=4)])
    pile.conjure('sgd', 'mse', metrics=['mae'])
    return pile


def _batches():
    while True:
        yield X, np.zeros(4)


@trains
def test_keys_of_params_and_logs_in_training():
    pile, watch = _trained(), Watch()
    history = pile.summon(X, np.zeros(4), verbose=0, callbacks=[watch], validation_data=(X, np.zeros(4)))
    assert set(watch.seen['train'][0]) == IN_TRAINING | OF_ARRAYS
    assert set(watch.seen['batch'][1]) == {'batch', 'size', 'loss', 'mae'}
    assert set(watch.seen['epoch'][1]) == {'loss', 'mae', 'val_loss', 'val_mae'}
    assert watch.seen['batch'][1]['loss'][()].dtype.kind == watch.seen['epoch'][1]['loss'][()].dtype.kind == 'f'
    assert [a.shape for a in watch.seen['train'][2]] == [(4, 4), (4, 1), (4,)]
    assert watch.seen['train'][2][2].tolist() == [1, 1, 1, 1]  # the weights
    assert {type(value) for values in history.history.values() for value in values} == {float}
    assert json.dumps(history.history)
    pile.summon_generator(_batches(), 2, verbose=0, callbacks=[watch])
    assert set(watch.seen['train'][0]) == IN_TRAINING and watch.seen['train'][0]['steps'] == 2


def test_keys_of_params_and_logs_in_testing_and_prediction():
    pile, watch = _trained(), Watch()
    pile.evaluate(X, np.zeros(4), verbose=0, callbacks=[watch])
    pile.predict(X, callbacks=[watch])
    assert set(watch.seen['test'][0]) == {'steps', 'verbose', 'metrics'} | OF_ARRAYS
    assert set(watch.seen['predict'][0]) == {'steps', 'verbose'} | OF_ARRAYS
    assert set(watch.seen['test batch'][1]) == {'batch', 'size', 'loss', 'mae'}
    assert set(watch.seen['predict batch'][1]) == {'batch', 'size', 'outputs'}
    pile.evaluate_generator(_batches(), 1, callbacks=[watch])
    pile.predict_generator(_batches(), 1, callbacks=[watch])
    assert set(watch.seen['test'][0]) == {'steps', 'verbose', 'metrics'}
    assert set(watch.seen['predict'][0]) == {'steps', 'verbose'}


def test_what_verbose_does_not_know_is_silent(capsys):
    pile = _trained()
    assert pile.predict(X, 500, 50000).shape == (4, 1)
    pile.evaluate(X, np.zeros(4), verbose=7)
    assert capsys.readouterr().out == ''


def test_settings_of_others_that_change_nothing_in_layers_of_ones_own():
    class Own(Laldagorth):
        def __init__(self, units, **kwargs):
            super().__init__(units, **kwargs)

    text = json.loads(Pile([Own(3, input_shape=(2, 4))]).to_json())
    config = text['config']['layers'][0]['config']
    config['time_major'] = False
    assert model_from_json(json.dumps(text), custom_objects={'Own': Own}).output_shape == (None, 3)
    config['time_major'] = True
    with pytest.raises(Exception, match='time_major'):
        model_from_json(json.dumps(text), custom_objects={'Own': Own})


def test_ranges_of_floats():
    for args, dtype, values in (
        ((0.5, 3.0), 'float32', [0.5, 1.5, 2.5]),
        ((2.0,), 'float32', [0, 1]),
        ((0, 1, 0.25), 'float32', [0, 0.25, 0.5, 0.75]),
        ((np.float64(1.5), 3), 'float32', [1.5, 2.5]),
        ((3,), 'int32', [0, 1, 2]),
        ((-3,), 'int32', []),
        ((0.5, 3.0, 1, 'float64'), 'float64', [0.5, 1.5, 2.5]),
        ((0.5, 3.0, 1, 'int64'), 'int64', [0, 1, 2]),
    ):  # as Keras 2.3.1 has them on TensorFlow
        made = K.arange(*args)
        assert K.dtype(made) == dtype and np.asarray(K.eval(made)).tolist() == values
    made = K.arange(K.constant(2.5))
    assert K.dtype(made) == 'float32' and np.asarray(K.eval(made)).tolist() == [0, 1, 2]


def test_masks_in_lists_of_lists():
    """Layers for `tensorflow.keras` return such: the masks are those of the outputs in a row."""

    class Own(Layer):
        supports_masking = True

        def call(self, inputs):
            return [inputs, 2 * inputs, 3 * inputs]

        def compute_mask(self, inputs, mask=None):
            return [[mask, None, mask], None]

        def compute_output_shape(self, shape):
            return [shape, shape, shape]

    x = Input((3, 2))
    outputs = Own()(Masking(9.0)(x))
    model = Lump(x, outputs)
    model.conjure('sgd', 'mse')
    values = np.arange(6.0).reshape(1, 3, 2)
    values[0, 1] = 9.0  # masked: what its targets are is of no account
    off = np.array([[[1.0], [5.0], [1.0]]])
    losses = model.test_on_batch(values, [values + off, 2 * values + off, 3 * values + off])
    np.testing.assert_allclose(losses[1:], [1.0, (1.0 + 23.0**2 + 1.0) / 3, 1.0], rtol=1e-6)  # masked inputs are 0
