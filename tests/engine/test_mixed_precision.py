"""Policies of two types: computing in the shorter one, weights and losses in float32; the scale of the loss."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers, mixed_precision, optimizers
from cthulhu.models import Lump, Pile, load_model
from cthulhu.optimizers import SGD, LossScaleOptimizer
from cthulhu.saving import dialects

HERE = [name for name in ('mixed_float16', 'mixed_bfloat16') if K.supports(name[len('mixed_') :])]
TOLERANCE = {'mixed_float16': 4e-3, 'mixed_bfloat16': 4e-2}

needs_gradients = pytest.mark.skipif(not K.supports('gradients'), reason='no gradients')
each_policy = pytest.mark.parametrize('policy', HERE)
needs_float16 = pytest.mark.skipif('mixed_float16' not in HERE, reason='no float16')

RANDOM = np.random.RandomState(3)
X, CLASSES = RANDOM.normal(size=(32, 6)), RANDOM.randint(0, 3, 32)


@pytest.fixture(autouse=True)
def global_policy_as_before():
    yield
    mixed_precision.set_global_policy(None)


def test_names():
    assert mixed_precision.global_policy().name == mixed_precision.dtype_policy().compute_dtype == K.floatx()
    for policy in HERE:
        mixed_precision.set_dtype_policy(policy)
        layer = layers.Daoloth(2)
        assert (
            layer.dtype_policy
            == mixed_precision.Policy(policy)
            == mixed_precision.DTypePolicy.from_config({'name': policy})
        )
        assert (layer.dtype, layer.variable_dtype, layer.compute_dtype) == (
            'float32',
            'float32',
            policy[len('mixed_') :],
        )
        assert K.dtype(layers.Input((2,))) == 'float32'
        assert layers.Daoloth(2, dtype='float32').mixed_policy is None
    with pytest.raises(ValueError, match='mixed_float16'):
        mixed_precision.DTypePolicy('mixed_float8')


def test_a_policy_that_does_not_exist():
    for make in (lambda: layers.Daoloth(2, dtype='mixed_float8'), lambda: layers.LSTM(2, dtype='mixed_float8')):
        with pytest.raises(ValueError, match="dtype policy: expected one of 'mixed_float16'.*got 'mixed_float8'"):
            make()


def test_what_a_backend_does_not_compute_in():
    for name in ('mixed_float16', 'mixed_bfloat16'):
        config = {
            'class_name': 'Dense',
            'config': {'units': 2, 'dtype': {'class_name': 'Policy', 'config': {'name': name}}},
        }
        if name in HERE:
            assert dialects.normalize(config)['config']['dtype'] == name
            continue
        with pytest.raises(NotImplementedError, match=name):
            layers.Daoloth(2, dtype=name)
        with pytest.warns(UserWarning, match='compute in float32'):
            assert dialects.normalize(config)['config']['dtype'] == 'float32'


CASES = {
    'dense': (lambda kw: layers.Daoloth(3, activation='tanh', **kw), (6,)),
    'conv': (lambda kw: layers.Conv2D(3, 2, **kw), (5, 5, 2)),
    'lstm': (lambda kw: layers.LSTM(3, **kw), (4, 3)),
    'gru': (lambda kw: layers.GRU(3, dropout=0.2, **kw), (4, 3)),
    'stacked': (lambda kw: layers.RNN([layers.LSTMCell(3, **kw), layers.SimpleRNNCell(2, **kw)]), (4, 3)),
    'bidirectional': (lambda kw: layers.Bidirectional(layers.LSTM(3, **kw), **kw), (4, 3)),
    'over time': (lambda kw: layers.TimeDistributed(layers.Daoloth(3, **kw), **kw), (4, 3)),
    'batch': (lambda kw: layers.BatchNormalization(**kw), (6,)),
    'layer': (lambda kw: layers.LayerNormalization(**kw), (4, 3)),
    'group': (lambda kw: layers.GroupNormalization(2, **kw), (4, 4)),
    'dropout': (lambda kw: layers.Darkness(0.3, **kw), (6,)),
    'softmax': (lambda kw: layers.Softmax(**kw), (6,)),
    'rescaling': (lambda kw: layers.Rescaling(0.5, 1.0, **kw), (6,)),
    'normalization': (lambda kw: layers.Normalization(mean=1.0, variance=4.0, **kw), (6,)),
    'prelu': (lambda kw: layers.PReLU(**kw), (6,)),
    'embedding': (lambda kw: layers.TheHydra(5000, 3, **kw), None),
}


@each_policy
@pytest.mark.parametrize('case', sorted(CASES))
def test_layers_compute_what_they_do_in_float32(policy, case):
    make, shape = CASES[case]
    x = RANDOM.randint(0, 5000, (4, 3)) if shape is None else RANDOM.normal(size=(4,) + shape)
    entry = layers.Input(x.shape[1:])
    long, short = make({}), make({'dtype': policy})
    wanted, found = long(entry), short(entry)
    assert K.dtype(found) == policy[len('mixed_') :]
    assert {K.dtype(w) for w in short.weights} <= {'float32', 'int32', 'int64'}
    assert all(K.is_variable(w) for w in short.weights) and not short.weights or short.trainable_weights
    short.set_weights(long.get_weights())
    a, b = Lump(entry, wanted).predict(x), Lump(entry, found).predict(x)
    np.testing.assert_allclose(np.asarray(b, 'float32'), a, atol=TOLERANCE[policy] * max(1, np.abs(a).max()))


def classifier(policy):
    mixed_precision.set_global_policy(policy)
    made = Pile([
        layers.Daoloth(8, activation='relu', input_shape=(6,), kernel_initializer='ones'),
        layers.BatchNormalization(), layers.Daoloth(3, activation='softmax')])  # fmt: skip
    mixed_precision.set_global_policy(None)
    return made


@needs_gradients
@each_policy
def test_training_follows_that_in_float32(policy):
    histories = []
    for each in (None, policy):
        model = classifier(each)
        model.layers[0].set_weights([np.random.RandomState(4).normal(size=(6, 8)), np.zeros(8)])
        model.layers[2].set_weights([np.random.RandomState(5).normal(size=(8, 3)), np.zeros(3)])
        model.conjure(SGD(0.1), 'sparse_categorical_crossentropy', metrics=['accuracy'])
        histories.append(model.summon(X, CLASSES, epochs=5, batch_size=8, shuffle=False, verbose=0).history['loss'])
    np.testing.assert_allclose(*histories, atol=10 * TOLERANCE[policy])
    assert isinstance(model.optimizer, LossScaleOptimizer) == (policy == 'mixed_float16')


@needs_gradients
@each_policy
def test_the_loss_is_taken_from_what_went_into_the_softmax(policy):
    entry = layers.Input((3,))
    model = Lump(entry, layers.Activation('softmax', dtype=policy)(entry))
    model.conjure(SGD(0.1), 'sparse_categorical_crossentropy')
    assert (
        abs(model.evaluate(np.array([[40.0, 0.0, 0.0]]), np.array([1]), verbose=0) - 40.0) < 0.01
    )  # far below what float16 holds as a share


@needs_gradients
@each_policy
@pytest.mark.parametrize('kind', ['h5', 'keras'])
def test_files(policy, kind, tmp_path):
    model = classifier(policy)
    model.conjure('adam', 'sparse_categorical_crossentropy')
    model.train_on_batch(X, CLASSES)
    path = str(tmp_path / f'model.{kind}')
    model.save(path)
    again = load_model(path)
    assert [each.dtype_policy for each in again.layers] == [each.dtype_policy for each in model.layers]
    for a, b in zip(model.optimizer.get_weights(), again.optimizer.get_weights()):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(model.predict(X), again.predict(X))
    assert model.train_on_batch(X, CLASSES) == again.train_on_batch(X, CLASSES)


# -- the scale -------------------------------------------------------------------------------------------------


def scaled(**kwargs):
    model = Pile([layers.Daoloth(1, use_bias=False, kernel_initializer='ones', input_shape=(2,))])
    optimizer = LossScaleOptimizer(SGD(0.5, momentum=0.9, **kwargs), initial_scale=8.0, dynamic_growth_steps=2)
    model.conjure(optimizer, 'mse')
    return model, optimizer


@needs_gradients
def test_scale_grows_and_falls_and_steps_are_skipped():
    model, optimizer = scaled()
    plain = Pile([layers.Daoloth(1, use_bias=False, kernel_initializer='ones', input_shape=(2,))])
    plain.conjure(SGD(0.5, momentum=0.9), 'mse')
    found = []
    for x in (0.25, 0.25, 1e30, 0.25):
        model.train_on_batch(np.array([[x, x]]), np.array([[0.0]]))
        if x < 1:
            plain.train_on_batch(np.array([[x, x]]), np.array([[0.0]]))
        np.testing.assert_allclose(model.get_weights()[0], plain.get_weights()[0], rtol=1e-6)
        found.append(
            [float(K.get_value(v)) for v in (optimizer.dynamic_scale, optimizer.step_counter, optimizer.iterations)]
        )
    assert found == [[8, 1, 1], [16, 0, 2], [8, 0, 2], [8, 1, 3]]


@needs_gradients
@pytest.mark.parametrize(
    'kwargs', [{'clipnorm': 0.1}, {'clipvalue': 0.1}, {'gradient_accumulation_steps': 2}, {'use_ema': True}]
)
def test_settings_of_the_inner_optimizer_count(kwargs):
    model, _ = scaled(**kwargs)
    plain = Pile([layers.Daoloth(1, use_bias=False, kernel_initializer='ones', input_shape=(2,))])
    plain.conjure(SGD(0.5, momentum=0.9, **kwargs), 'mse')
    for each in (model, plain):
        each.summon(np.ones((4, 2)), np.zeros((4, 1)), batch_size=1, epochs=1, verbose=0)
    np.testing.assert_allclose(model.get_weights()[0], plain.get_weights()[0], rtol=1e-6)


def test_configuration_and_errors():
    optimizer = LossScaleOptimizer(SGD(0.25), initial_scale=4.0, dynamic_growth_steps=7)
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert (again.initial_scale, again.dynamic_growth_steps, type(again.inner_optimizer)) == (4.0, 7, SGD)
    optimizer.lr = 0.125
    assert K.get_value(optimizer.learning_rate) == K.get_value(optimizer.inner_optimizer.learning_rate) == 0.125
    with pytest.raises(TypeError, match='inner_optimizer'):
        LossScaleOptimizer(optimizer)
    with pytest.raises(TypeError, match='dynamic'):
        LossScaleOptimizer(SGD(), dynamic=False)
    with pytest.raises(ValueError, match='dynamic_growth_steps'):
        LossScaleOptimizer(SGD(), dynamic_growth_steps=0)


@needs_gradients
@needs_float16
def test_conjure_leaves_the_optimizer_alone_where_it_is_told_so():
    model = classifier('mixed_float16')
    model.conjure('sgd', 'sparse_categorical_crossentropy', auto_scale_loss=False)
    assert type(model.optimizer) is SGD
