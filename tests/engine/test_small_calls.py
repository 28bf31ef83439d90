"""Calls of one batch: what is done once for a model must follow it when it changes, and what is checked is checked at every call."""

import threading
import warnings

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.callbacks import Callback
from cthulhu.engine import one_batch
from cthulhu.engine.adapters import ArrayAdapter, StepsAdapter
from cthulhu.layers import LSTM, Daoloth, Embedding, Input, Lambda
from cthulhu.models import Lump, Pile

trains = pytest.mark.skipif(not K.supports('gradients'), reason='needs gradients')
RNG = np.random.RandomState(7)


def classifier(metrics=()):
    model = Pile([Daoloth(5, activation='tanh', input_shape=(4,)), Daoloth(3, activation='softmax')])
    model.conjure('sgd', 'sparse_categorical_crossentropy', metrics=list(metrics))
    return model


def data(samples=6):
    return RNG.rand(samples, 4).astype('float32'), RNG.randint(0, 3, samples)


# One batch that nobody watches, and the loop.


class Watching(Callback):
    """Being there is enough for the loop to be gone through."""


def two_outputs():
    x = Input((4,))
    return Lump(x, [Daoloth(2)(x), Lambda(lambda t: K.mean(t), output_shape=())(x)])


@pytest.mark.parametrize('make', [classifier, two_outputs])
@pytest.mark.parametrize('samples', [1, 6])
def test_a_prediction_of_one_batch_is_that_of_the_loop(make, samples):
    model, (x, _) = make(), data(samples)
    alone, in_the_loop = model.predict(x), model.predict(x, callbacks=[Watching()])
    if make is classifier:
        alone, in_the_loop = [alone], [in_the_loop]
    assert len(alone) == len(in_the_loop)
    for found, expected in zip(alone, in_the_loop):
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
        assert len(found) == samples


@pytest.mark.parametrize('samples', [1, 3, 6])
def test_an_evaluation_of_one_batch_is_that_of_the_loop(samples):
    model, (x, y) = classifier(['accuracy']), data(samples)
    weights = np.arange(1, samples + 1)
    alone = model.evaluate(x, y, sample_weight=weights, verbose=0)
    assert alone == model.evaluate(x, y, sample_weight=weights, verbose=0, callbacks=[Watching()])
    assert [type(value) for value in alone] == [float, float]
    assert model.evaluate(x, y, sample_weight=weights, verbose=0, return_dict=True) == dict(
        zip(model.metrics_names, alone)
    )


def test_what_is_alone():
    adapter = ArrayAdapter([np.ones((5, 2))], 8)
    assert one_batch.is_alone(adapter, None, 0) and one_batch.is_alone(adapter, [], False)
    assert not one_batch.is_alone(adapter, [Watching()], 0)
    assert not one_batch.is_alone(adapter, None, 1) and not one_batch.is_alone(adapter, None, 'curves')
    assert not one_batch.is_alone(ArrayAdapter([np.ones((9, 2))], 8), None, 0)
    assert not one_batch.is_alone(ArrayAdapter([np.ones((0, 2))], 8), None, 0)
    assert not one_batch.is_alone(StepsAdapter(1), None, 0)


def test_no_samples_are_told_of_as_ever():
    model = classifier()
    with pytest.raises(ValueError, match='There is nothing to predict'):
        model.predict(np.ones((0, 4)))
    with pytest.raises(ValueError, match='There is nothing to evaluate'):
        model.evaluate(np.ones((0, 4)), np.ones((0,)), verbose=0)


def test_a_callback_is_told_of_one_batch():
    told = []

    class Telling(Callback):
        def on_predict_batch_end(self, batch, logs=None):
            told.append(logs['size'])

        def on_test_batch_end(self, batch, logs=None):
            told.append(logs['size'])

    model, (x, y) = classifier(), data(2)
    model.predict(x, callbacks=[Telling()])
    model.evaluate(x, y, callbacks=[Telling()], verbose=0)
    assert told == [2, 2]


def test_the_bar_of_one_batch_is_shown(capsys):
    model, (x, y) = classifier(), data(2)
    model.evaluate(x, y)
    assert '2/2' in capsys.readouterr().out
    model.predict(x, verbose=1)
    assert '2/2' in capsys.readouterr().out


@trains
def test_an_evaluation_in_between_leaves_what_training_has_come_to():
    x, y = data(6)
    found = []
    for disturb in (False, True):
        np.random.seed(3)
        model = classifier(['accuracy'])
        model.set_weights([np.linspace(-1, 1, w.size).reshape(w.shape) for w in model.get_weights()])
        model.train_on_batch(x[:2], y[:2], reset_metrics=False)
        if disturb:
            model.evaluate(x[2:4], 2 - y[2:4], verbose=0)
        found.append(model.train_on_batch(x[4:], y[4:], reset_metrics=False))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6)


# What is kept follows the model.


def test_each_call_is_checked_again():
    model, (x, y) = classifier(), data(2)
    for call in (model.predict, model.predict_on_batch):
        call(x)
        with pytest.raises(ValueError, match='does not fit'):
            call(x[:, :3])
        np.testing.assert_allclose(call(x), call(x.astype('float64')), rtol=1e-6)
    for call in (model.test_on_batch, lambda x, y: model.evaluate(x, y, verbose=0)):
        call(x, y)
        with pytest.raises(ValueError, match='class numbers'):
            call(x, y + 3)
        with pytest.raises(ValueError, match='same number of samples'):
            call(x, y[:1])
        with pytest.raises(ValueError, match='must have'):
            call(x, np.ones((2, 3)))
    with pytest.warns(UserWarning, match='NaN or infinite'):
        model.predict(x * np.nan)


def test_a_pile_that_grows():
    model = Pile([Daoloth(3, input_shape=(4,))])
    x, _ = data(2)
    assert model.predict(x).shape == (2, 3)
    model.add(Daoloth(7))
    assert model.predict(x).shape == model.predict_on_batch(x).shape == (2, 7)
    model.pop()
    assert model.predict(x).shape == (2, 3)


def test_a_model_conjured_again_for_other_targets():
    model, (x, y) = classifier(), data(2)
    one_hot = np.eye(3)[y]
    first = model.test_on_batch(x, y)
    model.conjure('sgd', 'categorical_crossentropy')
    assert model.test_on_batch(x, one_hot) == pytest.approx(first, rel=1e-5)
    with pytest.raises(ValueError, match='must have'):
        model.test_on_batch(x, y)


def test_inputs_that_are_looked_up_are_checked_at_every_call():
    model = Pile([Embedding(5, 2, input_length=3)])
    model.predict(np.array([[0, 1, 4]]))
    for call in (model.predict, model.predict_on_batch):
        with pytest.raises(ValueError, match='from 0 to 4'):
            call(np.array([[0, 1, 5]]))


def test_layers_that_become_stateful_need_whole_batches():
    model = Pile([LSTM(2, batch_input_shape=(2, 3, 1))])
    x = np.ones((3, 3, 1))
    model.predict_on_batch(x[:2])
    model.layers[0].stateful = True
    with pytest.raises(ValueError, match='multiple of the batch size'):
        model.predict(x)


def test_a_subclass_with_data_of_another_length():
    class Sums(Lump):
        def call(self, inputs):
            return K.sum(inputs, axis=1, keepdims=True)

    model = Sums()
    np.testing.assert_allclose(model.predict(np.ones((2, 3))), [[3], [3]])
    np.testing.assert_allclose(model.predict(np.ones((1, 5))), [[5]])
    np.testing.assert_allclose(model.predict_on_batch(np.ones((1, 4))), [[4]])


@trains
def test_a_change_of_trainable_is_told_of_whenever_it_comes():
    model, (x, y) = classifier(), data(2)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        model.train_on_batch(x, y)
        other = classifier()
        other.layers[0].trainable = False  # of another model
        model.train_on_batch(x, y)
        model.layers[0].trainable = False
        model.layers[0].trainable = True  # there and back
        model.train_on_batch(x, y)
    model.layers[1].trainable = False
    with pytest.warns(UserWarning, match='`trainable` of a layer was changed'):
        model.train_on_batch(x, y)


@trains
def test_metrics_that_come_to_a_layer_later_are_reset_too():
    from cthulhu.metrics import Mean

    model, (x, y) = classifier(['accuracy']), data(2)
    model.train_on_batch(x, y)
    late = model.layers[0].late = Mean(name='late')
    K.set_value(late.weights[0] if late.weights else late.total, 5.0)
    model.train_on_batch(x, y)
    assert float(K.get_value(late.weights[0])) == 0


def test_several_threads():
    model, (x, _) = classifier(), data(6)
    expected, found = model.predict(x), {}

    def work(i):
        found[i] = [model.predict(x[i : i + 1]) for _ in range(30)]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for i in range(6):
        np.testing.assert_allclose(np.concatenate(found[i]), np.repeat(expected[i : i + 1], 30, axis=0), rtol=1e-5)
