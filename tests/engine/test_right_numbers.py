"""What goes in comes out right, or is told: labels, indices, kinds of data, batches of every size, scalar losses."""

import warnings

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import callbacks, losses, metrics, optimizers
from cthulhu import layers as L
from cthulhu.models import Lump, Pile
from cthulhu.utils import Sequence
from tests.metrics.helpers import measure

trains = pytest.mark.skipif(not K.supports('gradients'), reason='the backend does not train')
X = np.random.RandomState(3).normal(size=(6, 4)).astype('float32')


@pytest.fixture
def half():
    K.set_floatx('float16')
    yield
    K.set_floatx('float32')


def dense(units, loss, activation=None, **kwargs):
    model = Pile([L.Daoloth(units, activation=activation, input_shape=(4,))])
    model.conjure('sgd', loss, **kwargs)
    return model


def said(act):
    """What `act()` returned, and the texts of our warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        found = act()
    return found, [str(w.message) for w in caught if w.category is UserWarning]


# -- shapes of targets ---------------------------------------------------------------------------------------

NAMES = ['mse', 'mae', 'mape', 'msle', 'hinge', 'squared_hinge', 'categorical_hinge', 'logcosh', 'huber_loss', 'kld', 'poisson', 'cosine',
         'binary_crossentropy', 'categorical_crossentropy', losses.Huber(), losses.MeanAbsoluteError()]  # fmt: skip


@pytest.mark.parametrize('loss', NAMES)
def test_targets_have_the_shape_of_the_output(loss):
    model = dense(4, loss)
    with pytest.raises(ValueError, match=r'must have the shape \(None, 4\).*\(6, 1\)'):
        model.test_on_batch(X, np.ones((6, 1)))
    with pytest.raises(ValueError, match=r'must have 2 dimensions.*\(6, 4, 1\)'):
        model.test_on_batch(X, np.ones((6, 4, 1)))
    assert np.ndim(model.test_on_batch(X, np.full((6, 4), 0.5))) == 0


def test_a_loss_of_ones_own_takes_what_it_will():
    model = dense(4, lambda y, p: K.mean(K.abs(p - K.mean(y, axis=-1, keepdims=True)), axis=-1))
    expected = np.abs(model.predict(X) - 1).mean()
    assert model.test_on_batch(X, np.ones((6, 1))) == pytest.approx(expected, rel=1e-5)


# -- labels and indices --------------------------------------------------------------------------------------


@pytest.mark.filterwarnings('ignore:invalid value')
@pytest.mark.parametrize('label, shown', [(-1, '-1'), (7, '7'), (3, '3'), (0.5, '0.5'), (np.nan, 'nan')])
def test_a_class_that_is_none_is_told_with_the_range(label, shown):
    model = dense(3, 'sparse_categorical_crossentropy', 'softmax', metrics=['accuracy'])
    y = np.array([0, 1, 2, 0, 1, label])
    with pytest.raises(ValueError, match=f'class numbers from 0 to 2, but there is {shown} among them'):
        model.evaluate(X, y, verbose=0)
    with pytest.raises(ValueError, match=shown):
        model.evaluate_generator(iter([(X, y)]), steps=1)
    if label != label:  # the accuracy, which is not weighted, has no number for it
        return
    weight = np.array([1, 1, 1, 1, 1, 0])
    expected = model.evaluate(X, np.array([0, 1, 2, 0, 1, 0]), sample_weight=weight, verbose=0)[0]
    assert model.evaluate(X, y, sample_weight=weight, verbose=0)[0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize('value', [-1, 3])
def test_where_it_is_computed_an_index_out_of_range_is_the_same_error_everywhere(value):
    wrong = K.constant([value], dtype='int32')
    with pytest.raises(ValueError, match=f'The index {value} is out of range: there are 3, numbered from 0 to 2'):
        K.eval(K.gather(K.variable(np.ones((3, 2))), wrong))
    with pytest.raises(ValueError, match=f'The class {value} is out of range: there are 3, numbered from 0 to 2'):
        K.eval(losses.sparse_categorical_crossentropy(wrong, K.constant([[0.1, 0.1, 0.8]])))
    inside = Pile([L.LuKthu(lambda x: x - 1, input_shape=(1,)), L.TheHydra(3, 2)])
    with pytest.raises(ValueError, match=f'The index {value} is out of range'):
        inside.predict(np.array([[value + 1]]))
    assert inside.predict(np.array([[3]])).shape == (1, 1, 2)


@trains
def test_masked_labels_may_be_out_of_range_and_others_not():
    model = Pile([L.Masking(input_shape=(2, 1)), L.TimeDistributed(L.Daoloth(3, activation='softmax'))])
    model.conjure('sgd', 'sparse_categorical_crossentropy')
    assert np.isfinite(model.train_on_batch(np.array([[[1], [0]]]), np.array([[[1], [-1]]])))
    with pytest.raises(ValueError, match='The class 7 is out of range: there are 3'):
        model.train_on_batch(np.array([[[1], [1]]]), np.array([[[1], [7]]]))


@pytest.mark.parametrize('token, shown', [(4, '4'), (-1, '-1'), (4.0, '4.0'), (np.nan, 'nan')])
def test_a_token_that_is_none_is_told_before_it_is_fed(token, shown):
    plain = Pile([L.TheHydra(4, 2, input_length=2)])
    x = L.Input((2,))
    models = [plain, Pile([Pile([L.TheHydra(4, 2, input_length=2)]), L.Flatten()]), Lump(x, L.TheHydra(4, 2)(x))]
    for model in models:
        with pytest.raises(ValueError, match=f'TheHydra.*go from 0 to 3, but there is {shown} among them'):
            model.predict(np.array([[0, token]]))
        assert model.predict(np.array([[0, 3]])).shape[0] == 1


def test_indices_do_not_pass_through_float16(half):
    model = Pile([L.TheHydra(4000, 2, input_length=1)])
    rows = np.arange(8000).reshape(4000, 2) % 1999
    model.set_weights([rows])
    for index in (2049, 3999):
        np.testing.assert_array_equal(model.predict(np.array([[index]])), rows[None, None, index])
    x = L.Input((1,))
    with pytest.raises(ValueError, match="float16.*2049.*dtype='int32'"):
        Lump(x, L.TheHydra(4000, 2)(x)).predict(np.array([[2049]]))
    x = L.Input((1,), dtype='int32')
    whole = Lump(x, L.TheHydra(4000, 2)(x))
    whole.set_weights([rows])
    np.testing.assert_array_equal(whole.predict(np.array([[2049]])), rows[None, None, 2049])


def test_labels_do_not_pass_through_float16(half):
    scores = np.zeros((1, 4000))
    scores[0, 2049] = 1
    for metric in (metrics.SparseCategoricalAccuracy(), metrics.SparseTopKCategoricalAccuracy(1)):
        y = K.placeholder((None,), dtype='int32')
        result = metric(y, K.constant(scores))
        step = K.function([y], [], updates=metric.updates, after_updates=[result])
        assert (step([np.array([2049])])[0], step([np.array([2048])])[0]) == (1, 0.5)
    bias = 9 * scores[0]
    model = Pile([L.Daoloth(4000, activation='softmax', kernel_initializer='zeros', input_shape=(4,))])
    model.conjure('sgd', 'sparse_categorical_crossentropy', metrics=['accuracy'])
    model.set_weights([np.zeros((4, 4000)), bias])
    assert [model.test_on_batch(X[:1], np.array([label]))[1] for label in (2049, 2048)] == [1, 0]
    assert model.test_on_batch(X[:1], np.array([2049]))[0] == pytest.approx(np.log(1 + 3999 * np.exp(-9)), rel=0.01)


@pytest.mark.parametrize('labels, warns', [([-1, 1], True), ([0, 255], True), ([0, 1], False), ([0.2, 0.9], False)])
def test_labels_that_binary_crossentropy_does_not_mean_are_told_once(labels, warns):
    model = dense(1, 'binary_crossentropy', 'sigmoid')
    y = np.array(labels * 3, 'float32')
    texts = said(lambda: [model.test_on_batch(X, y), model.evaluate(X, y, verbose=0)])[1]
    assert len(texts) == warns and all(f'from {float(labels[0])} to {float(labels[1])}' in text for text in texts)


def test_a_softmax_over_one_unit_is_told_under_a_crossentropy():
    nested = Pile([Pile([L.Daoloth(1, activation='softmax', input_shape=(4,))])])
    spread = Pile([L.TimeDistributed(L.Daoloth(1, activation='softmax'), input_shape=(2, 4))])
    separate = Pile([L.Daoloth(1, input_shape=(4,)), L.Azatoth('softmax')])
    for model in (nested, spread, separate):
        for loss in ('binary_crossentropy', losses.CategoricalCrossentropy()):
            texts = said(lambda: model.conjure('sgd', loss))[1]
            assert len(texts) <= 1
        assert '_warned' in model.__dict__
    assert said(lambda: separate.conjure('sgd', 'mse'))[1] == []
    assert said(lambda: dense(2, 'categorical_crossentropy', 'softmax'))[1] == []
    assert 'softmax over one unit' in said(lambda: dense(1, 'binary_crossentropy', 'softmax'))[1][0]


# -- NaN -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('bad', [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_told_once_with_its_place(bad):
    y, weight = np.ones((6, 4), 'float32'), np.ones(6)
    spoilt = X.copy()
    spoilt[3, 2] = spoilt[5, 1] = bad
    model = dense(4, 'mse')
    for data in ((spoilt, y, weight), (X, spoilt, weight), (X, y, np.abs(spoilt[:, 2]))):
        for expected in (1, 0):
            texts = said(lambda: model.test_on_batch(*data))[1]
            assert len(texts) == expected
            assert all('row 3' in text and str(bad).strip('-') in text for text in texts)
    assert {text.split('"')[0] for _, text in model.__dict__['_warned']} == {'input ', 'target ', 'weights of '}
    ignored = np.where(np.isfinite(spoilt).all(axis=1), 1, 0)
    assert said(lambda: dense(4, 'mse').test_on_batch(X, spoilt, sample_weight=ignored))[1] == []
    assert 'row 3, column 2' in said(lambda: dense(4, 'mse').predict(spoilt))[1][0]
    for dtype, value in (('float32', 1e38), ('float16', 60000)):  # whose sum is too large for the dtype
        many = np.full((5000, 4), value, dtype)
        assert said(lambda: dense(4, 'mse').predict(many))[1] == []
        many[4000, 3] = bad
        assert '1 value(s)' in said(lambda: dense(4, 'mse').predict(many))[1][0]


@trains
def test_terminate_on_nan_looks_at_weights():
    model = dense(1, 'mse')

    class Spoiling(callbacks.Callback):
        def on_batch_end(self, batch, logs=None):
            if self.spoil(batch):
                weights = self.model.get_weights()
                weights[0][0, 0] = np.nan
                self.model.set_weights(weights)

    seen = Spoiling()
    seen.spoil = lambda batch: batch == 0
    history = model.summon(
        X, np.ones(6), batch_size=6, epochs=5, verbose=0, callbacks=[seen, callbacks.TerminateOnNaN()]
    )
    assert len(history.epoch) == 1 and np.isfinite(history.history['loss'][0])


def test_negative_weights_are_told_once():
    model = dense(1, 'mse')
    weight = np.array([1, 1, 1, 1, 1, -2.0])
    texts = said(lambda: [model.test_on_batch(X, np.ones(6), sample_weight=weight) for _ in range(2)])[1]
    assert len(texts) == 1 and '-2.0' in texts[0]


# -- kinds of data -------------------------------------------------------------------------------------------


def test_objects_that_are_numbers_are_numbers():
    model = dense(1, 'mse')
    expected = model.predict(X)
    np.testing.assert_allclose(model.predict(X.astype(object)), expected)
    weight = np.array([1, 2, 3, 4, 5, 6], dtype=object)
    loss = model.evaluate(X, X[:, :1].astype(object), sample_weight=weight, verbose=0)
    assert loss == pytest.approx(np.mean((expected - X[:, :1])[:, 0] ** 2 * np.arange(1, 7)), rel=1e-5)


@pytest.mark.parametrize(
    'data, message',
    [
        (np.array([[1, 2, 3, None]], dtype=object), 'row 0, column 3 there is None'),
        (np.array([[1, 2, 3, '4']], dtype=object), "row 0, column 3 there is '4'"),
        (np.array([[1, 2], [1]], dtype=object), 'different lengths'),
        (np.zeros((1, 4), 'datetime64[D]'), 'dates'),
        (np.zeros((1, 4), 'timedelta64[s]'), 'times'),
        (np.array([['1'] * 4]), 'texts'),
        (np.ones((1, 4)) * 1j, 'complex'),
        (np.zeros((1, 4), [('a', 'f4')]), 'records'),
    ],
)
def test_data_that_are_no_numbers_are_refused(data, message):
    with pytest.raises(ValueError, match=f'input "dense_1_input".*{message}'):
        dense(1, 'mse').predict(data)


def test_tables():
    pandas = pytest.importorskip('pandas')
    table = pandas.DataFrame({'a': [1, 2], 'b': [True, False], 'c': [1.5, 2], 'd': pandas.array([1, 2], dtype='Int64')})
    model = dense(1, 'mse')
    np.testing.assert_allclose(model.predict(table), model.predict(np.array([[1, 1, 1.5, 1], [2, 0, 2, 2]])))
    table['d'] = pandas.array([1, None], dtype='Int64')
    with pytest.raises(ValueError, match='row 1, column 3 there is <NA>.*fill in what is missing'):
        model.predict(table)


def test_masked_values_are_nan_with_a_word():
    data = np.ma.masked_array(X, np.zeros_like(X, bool))
    model = dense(1, 'mse')
    expected = model.predict(X)
    found, texts = said(lambda: model.predict(data))
    assert texts == []
    np.testing.assert_array_equal(found, expected)
    data[2, 1] = np.ma.masked
    found, texts = said(lambda: model.predict(data))
    assert '1 masked values are taken for NaN' in texts[0]
    assert np.isnan(found[2]).all() and np.isfinite(np.delete(found, 2, 0)).all()


def test_a_dict_may_have_more_than_the_model_uses():
    x = L.Input((4,), name='x')
    model = Lump(x, L.Daoloth(1, name='y')(x))
    model.conjure('sgd', 'mse')
    np.testing.assert_array_equal(model.predict({'x': X, 'other': X}), model.predict(X))
    assert model.evaluate({'x': X, 'z': 1}, {'y': X[:, :1], 'z': 1}, verbose=0) >= 0
    with pytest.raises(ValueError, match='Missing: x'):
        model.predict({'other': X})


@trains
def test_integers_of_numpy_are_integers():
    model = dense(1, 'mse')
    history = model.summon(
        X, np.ones(6), np.int64(4), epochs=np.int32(2), verbose=0, validation_split=0.5, validation_freq=np.int64(2)
    )
    assert len(history.epoch) == 2 and len(history.history['val_loss']) == 1
    batches = iter([(X, np.ones(6))] * 2)
    model.summon_generator(batches, np.int64(2), verbose=0, workers=np.int64(0), max_queue_size=np.int16(3))


# -- batches -------------------------------------------------------------------------------------------------


@trains
def test_an_empty_batch_weighs_nothing():
    model = Pile([L.Daoloth(3, input_shape=(4,)), L.BlacknessFromTheStars(), L.Daoloth(1)])
    model.conjure('sgd', 'mse', metrics=['mae'])
    y = X[:, :1]
    batches = [(X[:2], y[:2]), (X[:0], y[:0]), (X[2:], y[2:]), (X[:0], y[:0])]
    np.testing.assert_allclose(
        model.evaluate_generator(iter(batches), steps=4), model.evaluate(X, y, verbose=0), rtol=1e-5
    )
    np.testing.assert_allclose(model.predict_generator(iter(batches), steps=4), model.predict(X), rtol=1e-5)
    history = model.summon_generator(iter(batches), steps_per_epoch=4, verbose=0).history
    assert np.isfinite(history['loss'][0]) and np.isfinite(history['mae'][0])
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    assert K.get_value(model.optimizer.iterations) == 2
    for act in (model.train_on_batch, model.test_on_batch):
        with pytest.raises(ValueError, match='no samples'):
            act(X[:0], y[:0])
    with pytest.raises(ValueError, match='nothing to evaluate'):
        model.evaluate_generator(iter(batches[1:2]), steps=1)


class Shrinking(Sequence):
    lengths = 7, 4, 3, 3, 2

    def __init__(self):
        self.epoch = 0

    def __len__(self):
        return self.lengths[min(self.epoch, 4)]

    def __getitem__(self, index):
        return X[:2], np.ones((2, 1))

    def on_epoch_end(self):
        self.epoch += 1


@trains
def test_a_sequence_may_change_its_length_between_epochs(capsys):
    seen = []

    class Steps(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            seen.append(self.params['steps'])

    dense(1, 'mse').summon(Shrinking(), epochs=5, callbacks=[Steps()])
    assert tuple(seen) == Shrinking.lengths
    printed = capsys.readouterr().out
    assert [f'{n}/{n} [' in printed for n in Shrinking.lengths] == [True] * 5
    assert '4/7' not in printed


class Reading(Lump):
    def __init__(self):
        super().__init__()
        self.read, self.tell = L.Laldagorth(3), L.Daoloth(1)

    def call(self, x):
        return self.tell(self.read(x))


@trains
def test_a_subclass_takes_sequences_of_another_length():
    np.random.seed(0)
    model = Reading()
    model.conjure(optimizers.Adam(0.01), 'mse', metrics=['mae'])
    x, y = np.ones((4, 5, 4)), np.ones((4, 1))
    first = model.train_on_batch(x, y)
    assert model.train_on_batch(x[:, :3], y)[0] != first[0]
    assert K.get_value(model.optimizer.iterations) == 2 and len(model.get_weights()) == 5
    states = model.optimizer.get_weights()
    assert model.predict(np.ones((2, 9, 4))).shape == (2, 1) and model.test_on_batch(x[:, :1], y)
    for state, before in zip(model.optimizer.get_weights(), states):
        np.testing.assert_array_equal(state, before)
    assert np.abs(states[1]).sum() > 0
    history = model.summon(x, y, epochs=2, verbose=0, validation_data=(x[:, :2], y)).history
    assert history['loss'][1] < history['loss'][0]
    fresh = Reading()
    fresh.conjure('sgd', 'mse', metrics=['mae'])
    history = fresh.summon(x, y, epochs=2, verbose=0, validation_data=(x[:, :2], y)).history
    np.testing.assert_allclose(history['mae'], np.sqrt(history['loss']), rtol=1e-4)  # of the four same samples


def test_a_subclass_that_needs_the_length_refuses_another():
    class Flat(Lump):
        def __init__(self):
            super().__init__()
            self.tell = L.Daoloth(1)

        def call(self, x):
            return self.tell(L.Flatten()(x))

    model = Flat()
    assert model.predict(np.ones((2, 3, 2))).shape == (2, 1)
    with pytest.raises(ValueError, match='expected an array of shape'):
        model.predict(np.ones((2, 4, 2)))
    assert model.predict(np.ones((2, 3, 2))).shape == (2, 1)


# -- losses --------------------------------------------------------------------------------------------------


@trains
def test_a_loss_that_is_computed_in_the_graph():
    """The figures are those of Keras 2.3.1 on TensorFlow 1.15.5 for the same program."""
    x, target = L.Input((3,)), L.Input((1,))
    found = L.Daoloth(1, kernel_initializer='ones')(x)
    loss = L.LuKthu(lambda pair: K.mean(K.square(pair[0] - pair[1])), output_shape=(1,), name='loss')([found, target])
    model = Lump([x, target], loss)
    model.conjure(optimizers.SGD(0.1), {'loss': lambda y, p: p})
    data, zeros = [np.arange(12).reshape(4, 3) / 10.0, np.ones((4, 1))], np.zeros((4, 1))
    history = model.summon(data, zeros, epochs=2, batch_size=2, shuffle=False, verbose=0).history
    np.testing.assert_allclose(history['loss'], [1.5110686421394348, 0.6739650070667267], rtol=1e-6)
    np.testing.assert_allclose(model.get_weights()[0].ravel(), [0.6284418, 0.6009538, 0.5734656], rtol=1e-6)
    assert model.evaluate(data, zeros, batch_size=2, verbose=0) == pytest.approx(0.4490676745772362, rel=1e-6)
    np.testing.assert_allclose(
        model.predict(data, batch_size=2), [0.7614722, 0.7614722, 0.13666312, 0.13666312], rtol=1e-6
    )
    weight = np.array([1, 0, 2, 3.0])
    history = model.summon(data, zeros, batch_size=4, shuffle=False, verbose=0, sample_weight=weight).history
    assert history['loss'][0] == pytest.approx(0.673601508140564, rel=1e-6)
    history = model.summon(data, np.zeros(4), batch_size=4, shuffle=False, verbose=0).history
    assert history['loss'][0] == pytest.approx(0.39915281534194946, rel=1e-6)


@trains
def test_several_losses_that_are_computed_in_the_graph():
    x = L.Input((4,))
    found = L.Daoloth(1, kernel_initializer='ones')(x)
    outputs = [L.LuKthu(lambda y: K.mean(K.square(y)))(found), L.LuKthu(lambda y: K.mean(K.abs(y)))(found)]
    model = Lump(x, outputs)
    model.conjure(optimizers.SGD(0.0), [lambda y, p: p] * 2)
    values = model.evaluate(X, [np.zeros(6)] * 2, batch_size=6, verbose=0)
    sums = X.sum(axis=1)
    np.testing.assert_allclose(values[1:], [np.mean(sums**2), np.mean(np.abs(sums))], rtol=1e-5)
    np.testing.assert_allclose(values[0], sum(values[1:]), rtol=1e-6)


def test_metrics_of_an_output_without_a_loss_are_left_out():
    x = L.Input((4,))
    model = Lump(x, [L.Daoloth(1, name='a')(x), L.Daoloth(1, name='b')(x)])
    for given in (
        {'loss': {'a': 'mse'}, 'metrics': {'a': ['mae'], 'b': ['mae']}},
        {'loss': ['mse', None], 'metrics': ['mae']},
    ):
        model.conjure('sgd', **given)
        assert model.metrics_names == ['loss', 'a_loss', 'a_mae']  # as in Keras
    model.conjure('sgd', {'a': 'mse'}, metrics=[[], ['mae']], weighted_metrics={'b': 'mse'})
    assert model.metrics_names == ['loss', 'a_loss']


class Adding(L.Layer):
    def call(self, x):
        for loss in (1, 1, 1.0, K.constant(2.0)):
            self.add_loss(loss)
        return x


def test_each_loss_that_is_added_counts():
    model = Pile([Adding(input_shape=(4,)), L.Daoloth(1, kernel_initializer='zeros')])
    model.conjure('sgd', 'mse')
    assert model.test_on_batch(X, np.zeros(6)) == pytest.approx(5.0)


@trains
def test_each_update_that_is_added_counts():
    class Counting(L.Laldagorth):
        def build(self, shape):
            super().build(shape)
            self.count = self.add_weight(name='count', shape=(), initializer='zeros', trainable=False)

        def call(self, x, **kwargs):
            self.add_update(K.update_add(self.count, 1))
            self.add_update(0)
            self.add_update(0)
            return super().call(x, **kwargs)

    model = Pile([L.Bidirectional(Counting(2), input_shape=(3, 4))])
    model.conjure('sgd', 'mse')
    assert sum(isinstance(update, float) for update in model.updates) == 4
    model.train_on_batch(np.ones((2, 3, 4)), np.ones((2, 4)))
    layer = model.layers[0]
    assert [K.get_value(each.count) for each in (layer.forward_layer, layer.backward_layer)] == [1, 1]


# -- clipping and dtypes -------------------------------------------------------------------------------------


def step_from(gradient, **clipping):
    """How far plain descent at a rate of 1 moves a weight of 0 with a given slope."""
    model = Pile([L.Daoloth(1, use_bias=False, kernel_initializer='zeros', input_shape=(len(gradient),))])
    model.conjure(optimizers.SGD(1.0, **clipping), lambda y, p: p)
    model.train_on_batch(np.array([gradient]), np.zeros((1, 1)))
    return -model.get_weights()[0].ravel()


@trains
@pytest.mark.parametrize(
    'gradient, clipping, expected',
    [
        ([3.0, -4], {'clipvalue': 0}, [0, 0]),
        ([3.0, -4], {'clipnorm': 0}, [0, 0]),
        ([3.0, -4], {'clipnorm': 0.0, 'clipvalue': 1}, [0, 0]),
        ([3.0, -4], {'clipnorm': 1}, [0.6, -0.8]),
        ([3.0, -4], {'clipnorm': 10}, [3, -4]),
        ([3.0, -4], {'clipvalue': 3.5}, [3, -3.5]),
        ([1e20, 0], {'clipnorm': 1}, [1, 0]),
        ([3e20, -4e20], {'clipnorm': 1}, [0.6, -0.8]),
        ([0.0, 0], {'clipnorm': 1}, [0, 0]),
    ],
)
def test_clipping(gradient, clipping, expected):
    np.testing.assert_allclose(step_from(gradient, **clipping), expected, rtol=1e-6, atol=1e-12)


@trains
@pytest.mark.parametrize('dtype', ['float64', 'float16'])
@pytest.mark.parametrize('optimizer', ['sgd', 'adam', 'rmsprop', 'nadam'])
def test_layers_of_another_dtype_than_floatx_learn(dtype, optimizer):
    layers = [
        L.Daoloth(3, input_shape=(4,), dtype=dtype, activation='tanh'),
        L.BlacknessFromTheStars(dtype=dtype),
        L.Daoloth(1, dtype=dtype),
    ]
    model = Pile(layers)
    model.conjure(optimizer, 'mse', metrics=['mae'], weighted_metrics=['mse'])
    before = model.get_weights()
    history = model.summon(X, X[:, :1], epochs=3, verbose=0, sample_weight=np.ones(6)).history
    assert {weight.dtype for weight in model.get_weights()} == {np.dtype(dtype)}
    assert all(np.isfinite(values).all() for values in history.values())
    assert all(np.any(new != old) for new, old in zip(model.get_weights(), before))
    assert model.predict(X).dtype == dtype


@trains
def test_trainable_that_changes_after_conjure_is_told_once():
    inner = Pile([L.Daoloth(2, input_shape=(4,))])
    wrapped = L.TimeDistributed(L.Daoloth(2), input_shape=(3, 4))
    for model, layer, x in (
        (Pile([inner, L.Daoloth(1)]), inner.layers[0], X),
        (Pile([wrapped]), wrapped.layer, np.ones((6, 3, 4))),
        (Pile([L.Bidirectional(L.Laldagorth(1), input_shape=(3, 4))]), None, np.ones((6, 3, 4))),
    ):
        model.conjure('sgd', 'mse')
        layer = layer or model.layers[0].forward_layer
        y = np.ones((6,) + model.output_shape[1:])
        assert said(lambda: model.train_on_batch(x, y))[1] == []
        layer.trainable = False
        texts = said(lambda: [model.train_on_batch(x, y) for _ in range(2)])[1]
        assert len(texts) == 1 and 'call `conjure` again' in texts[0]
        model.conjure('sgd', 'mse')
        assert not any('conjure' in text for text in said(lambda: model.train_on_batch(x, y))[1])


def test_measures_of_labels_and_of_scores_agree_with_numpy():
    labels, scores = np.array([0, 2, 1, 1]), np.random.RandomState(0).uniform(size=(4, 3))
    scores /= scores.sum(axis=1, keepdims=True)
    weight = np.array([1, 0, 2, 1.0])
    hit = scores.argmax(axis=1) == labels
    found = measure(metrics.SparseCategoricalAccuracy(), [(labels, scores, weight)])[0]
    assert found == pytest.approx((hit * weight).sum() / weight.sum(), rel=1e-6)
    found = measure(metrics.SparseCategoricalCrossentropy(), [(labels, scores, weight)])[0]
    assert found == pytest.approx(-(np.log(scores[np.arange(4), labels]) * weight).sum() / weight.sum(), rel=1e-5)
