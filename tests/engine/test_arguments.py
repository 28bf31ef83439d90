"""Arguments of the methods of a model that other tests pass only in one form."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import callbacks, optimizers
from cthulhu.layers import Daoloth, Input
from cthulhu.models import Lump, Pile

if not K.supports('gradients'):
    pytest.skip('training needs gradients, which this backend does not have', allow_module_level=True)

rng = np.random.RandomState(3)
X = rng.normal(size=(70, 4)).astype('float32')
Y = rng.normal(size=(70, 3)).astype('float32')
W = rng.uniform(0.5, 2, size=70).astype('float32')


def linear(**kwargs):
    model = Pile([Daoloth(3, input_shape=(4,), kernel_initializer='ones', name='out')])
    model.conjure(**dict({'optimizer': 'sgd', 'loss': 'mse'}, **kwargs))
    return model


def two(shape=(4,), **kwargs):
    a, b = Input(shape, name='a'), Input(shape, name='b')
    outputs = [
        Daoloth(3, name='left', kernel_initializer='ones')(a),
        Daoloth(3, name='right', kernel_initializer='ones')(b),
    ]
    model = Lump([a, b], outputs)
    model.conjure(optimizers.SGD(0.01), 'mse', **kwargs)
    return model


def errors(x=X, y=Y):
    """The loss of each sample (and step) with the kernel of ones."""
    return ((x.sum(-1, keepdims=True) - y) ** 2).mean(-1)


def test_optimizer_by_name_and_as_an_object():
    trained = []
    for optimizer in ('sgd', 'SGD', optimizers.SGD()):
        model = linear(optimizer=optimizer)
        model.train_on_batch(X, Y)
        trained.append(model.get_weights()[0])
        assert type(model.optimizer) is optimizers.SGD
    np.testing.assert_array_equal(trained[0], trained[1])
    np.testing.assert_array_equal(trained[0], trained[2])
    assert np.abs(trained[0] - 1).max() > 1e-4
    for wrong in ({'optimizer': 'sdg'}, {'loss': 'msee'}, {'metrics': ['acuracy']}, {'sample_weight_mode': 'weekly'}):
        with pytest.raises(ValueError):
            linear(**wrong)


def test_loss_weights_as_a_list_and_a_dict():
    left, right = errors().mean(), errors(X, -Y).mean()
    for weights in ([0.5, 3.0], {'right': 3.0, 'left': 0.5}):
        total = two(loss_weights=weights).test_on_batch([X, X], [Y, -Y])[0]
        np.testing.assert_allclose(total, 0.5 * left + 3 * right, rtol=1e-5)
    np.testing.assert_allclose(
        two(loss_weights={'right': 3.0}).test_on_batch([X, X], [Y, -Y])[0], left + 3 * right, rtol=1e-5
    )
    for wrong in ([1.0], {'middle': 1.0}):
        with pytest.raises(ValueError, match='loss_weights'):
            two(loss_weights=wrong)


def test_sample_weight_mode_for_each_output():
    x, y = rng.normal(size=(6, 5, 4)), rng.normal(size=(6, 5, 3))
    each_step, each_sample = rng.uniform(size=(6, 5)), rng.uniform(size=6)
    left, right = (errors(x, y) * each_step).mean(), (errors(x, y) * each_sample[:, None]).mean()
    for mode in (['temporal', None], {'left': 'temporal'}):
        model = two((5, 4), sample_weight_mode=mode)
        np.testing.assert_allclose(
            model.test_on_batch([x, x], [y, y], [each_step, each_sample])[1:], [left, right], rtol=1e-5
        )
        with pytest.raises(ValueError, match='weights of output "left"'):
            model.test_on_batch([x, x], [y, y], [each_sample, each_sample])
    model = two((5, 4), sample_weight_mode='temporal')
    weights = {'left': each_step, 'right': each_step}
    np.testing.assert_allclose(model.train_on_batch([x, x], [y, y], weights)[1:], [left, left], rtol=1e-5)


class Sizes(callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.sizes = []

    def on_train_batch_end(self, batch, logs=None):
        self.sizes.append(logs['size'])

    on_test_batch_end = on_predict_batch_end = on_train_batch_end


def sizes(method, *args, **kwargs):
    seen = Sizes()
    method(*args, verbose=0, callbacks=[seen], **kwargs)
    return seen.sizes


def test_batch_size_and_steps_of_arrays():
    model = linear()
    assert sizes(model.summon, X, Y) == sizes(model.evaluate, X, Y) == sizes(model.predict, X) == [32, 32, 6]
    for method, data in ((model.summon, (X, Y)), (model.evaluate, (X, Y)), (model.predict, (X,))):
        assert sizes(method, *data, batch_size=35) == [35, 35]
        with pytest.raises(ValueError, match='batch_size'):
            method(*data, batch_size=0)
    assert sizes(model.summon, X, Y, epochs=2, batch_size=20, steps_per_epoch=3) == [20, 20, 20, 10, 20, 20]
    assert sizes(model.evaluate, X, Y, steps=2) == sizes(model.predict, X, steps=2) == [32, 32]
    np.testing.assert_allclose(model.predict(X, steps=2), model.predict(X)[:64])
    np.testing.assert_allclose(
        model.evaluate(X, Y, steps=1, verbose=0), model.evaluate(X[:32], Y[:32], verbose=0), rtol=1e-6
    )


def test_evaluate_weights_samples():
    model = two()
    values = model.evaluate([X, X], [Y, Y], sample_weight={'left': W}, verbose=0)
    np.testing.assert_allclose(values[1:], [(errors() * W).mean(), errors().mean()], rtol=1e-5)
    with pytest.raises(ValueError, match='sample weights of output "left"'):
        model.evaluate([X, X], [Y, Y], sample_weight={'left': W[:5]}, verbose=0)


def test_batch_methods_take_lists_and_dicts():
    expected = [(errors() * W).mean(), (errors(-X, -Y)).mean()]
    arrays = ([X, -X], [Y, -Y], [W, np.ones(70)])
    dicts = ({'b': -X, 'a': X}, {'right': -Y, 'left': Y}, {'left': W})
    for x, y, weights in (arrays, dicts):
        model = two()
        np.testing.assert_allclose(model.test_on_batch(x, y, sample_weight=weights)[1:], expected, rtol=1e-5)
        left, right = model.predict_on_batch(x)
        np.testing.assert_allclose(left, X.sum(1, keepdims=True) * np.ones(3), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(right, -left, atol=1e-5)
        np.testing.assert_allclose(model.train_on_batch(x, y, sample_weight=weights)[1:], expected, rtol=1e-5)
        assert model.test_on_batch(x, y, weights)[0] < sum(expected)
    with pytest.raises(ValueError, match='same number of samples'):
        two().train_on_batch([X, X[:5]], [Y, Y])


def test_epochs_and_what_verbose_shows(capsys):
    model = linear()
    for epochs in (0, 1, 3):
        assert model.summon(X, Y, epochs=epochs, verbose=0).epoch == list(range(epochs))
    with pytest.raises(ValueError, match='`epochs`'):
        model.summon(X, Y, epochs=-1)
    capsys.readouterr()
    for verbose, marks in ((0, []), (1, ['Epoch 2/2', '70/70 [====', 'loss: ']), (2, ['Epoch 2/2', 'loss: '])):
        model.summon(X, Y, epochs=2, verbose=verbose)
        text = capsys.readouterr().out
        assert (
            all(mark in text for mark in marks) and (text == '') == (verbose == 0) and ('[=' in text) == (verbose == 1)
        )
    for method, data in ((model.evaluate, (X, Y)), (model.predict, (X,))):
        method(*data, verbose=1)
        assert '70/70 [====' in capsys.readouterr().out
        method(*data, verbose=0)
        assert capsys.readouterr().out == ''
