"""What conjure, summon, evaluate, predict and the batch methods compute, against NumPy."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import callbacks, losses, metrics, optimizers
from cthulhu.layers import Azatoth, BlacknessFromTheStars, Daoloth, Darkness, Input, Layer, LuKthu, add
from cthulhu.models import Lump, Pile

if not K.supports('gradients'):
    pytest.skip('training needs gradients, which this backend does not have', allow_module_level=True)

random = np.random.RandomState(7)
X = random.normal(size=(22, 4)).astype('float32')
Y = random.normal(size=(22, 3)).astype('float32')
LABELS = random.randint(0, 3, size=22)


def linear(loss='mse', optimizer=None, **kwargs):
    model = Pile([Daoloth(3, input_shape=(4,), kernel_initializer='ones', name='out')])
    model.conjure(optimizer or optimizers.SGD(0.05), loss, **kwargs)
    return model


class Linear:
    """The same model and its training by gradient descent, in NumPy."""

    def __init__(self, learning_rate=0.05):
        self.w, self.b, self.learning_rate = np.ones((4, 3)), np.zeros(3), learning_rate

    def step(self, x, y, weight=None):
        weight = np.ones(len(x)) if weight is None else weight
        error = x @ self.w + self.b - y
        loss = (np.mean(error**2, axis=-1) * weight).mean()
        gradient = 2 * error / 3 * weight[:, None] / len(x)
        self.w -= self.learning_rate * x.T @ gradient
        self.b -= self.learning_rate * gradient.sum(0)
        return loss

    def loss(self, x, y, weight=None):
        per_sample = np.mean((x @ self.w + self.b - y) ** 2, axis=-1)
        return (per_sample * (1 if weight is None else weight)).mean()

    def epoch(self, x, y, batch_size, weight=None):
        total = 0
        for i in range(0, len(x), batch_size):
            s = slice(i, i + batch_size)
            total += self.step(x[s], y[s], None if weight is None else weight[s]) * len(x[s])
        return total / len(x)


def test_summon_agrees_with_numpy_with_a_short_last_batch():
    model, reference = linear(metrics=['mae']), Linear()
    history = model.summon(X, Y, batch_size=8, epochs=3, shuffle=False, verbose=0).history
    expected = [reference.epoch(X, Y, 8) for _ in range(3)]
    np.testing.assert_allclose(history['loss'], expected, rtol=1e-5)
    np.testing.assert_allclose(model.get_weights()[0], reference.w, atol=1e-5)
    np.testing.assert_allclose(model.evaluate(X, Y, verbose=0)[0], reference.loss(X, Y), rtol=1e-5)


@pytest.mark.parametrize('batch_size', [1, 5, 22])
def test_metrics_do_not_depend_on_the_batch_size(batch_size):
    model = linear(metrics=['mae'])
    expected = np.abs(X.sum(1, keepdims=True) - Y)
    loss, mae = model.evaluate(X, Y, batch_size=batch_size, verbose=0)
    np.testing.assert_allclose(mae, expected.mean(), rtol=1e-5)
    np.testing.assert_allclose(loss, (expected**2).mean(), rtol=1e-5)


def test_sample_weights_and_class_weights():
    weight = random.uniform(0.5, 2, size=22).astype('float32')
    model, reference = linear(), Linear()
    history = model.summon(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0, sample_weight=weight).history
    np.testing.assert_allclose(history['loss'], [reference.epoch(X, Y, 8, weight) for _ in range(2)], rtol=1e-5)
    np.testing.assert_allclose(
        model.evaluate(X, Y, sample_weight=weight, verbose=0), reference.loss(X, Y, weight), rtol=1e-5
    )

    one_hot = np.eye(3)[LABELS]
    by_class = {0: 1.0, 1: 3.0, 2: 0.5}
    model, reference = linear(), Linear()
    loss = model.train_on_batch(X, one_hot, class_weight=by_class)
    np.testing.assert_allclose(loss, reference.step(X, one_hot, np.array([by_class[c] for c in LABELS])), rtol=1e-5)
    both = linear().train_on_batch(X, one_hot, class_weight=by_class, sample_weight=weight)
    np.testing.assert_allclose(
        both, Linear().step(X, one_hot, np.array([by_class[c] for c in LABELS]) * weight), rtol=1e-5
    )


def test_temporal_weights():
    x = random.normal(size=(6, 5, 4)).astype('float32')
    y = random.normal(size=(6, 5, 3)).astype('float32')
    weight = random.uniform(size=(6, 5)).astype('float32')
    model = Pile([Daoloth(3, input_shape=(5, 4), kernel_initializer='ones')])
    model.conjure('sgd', 'mse', sample_weight_mode='temporal', weighted_metrics=['mae'], metrics=['mae'])
    loss, mae, weighted = model.evaluate(x, y, sample_weight=weight, verbose=0, batch_size=4)
    error = x.sum(-1, keepdims=True) - y
    np.testing.assert_allclose(loss, ((error**2).mean(-1) * weight).mean(), rtol=1e-5)
    np.testing.assert_allclose(mae, np.abs(error).mean(), rtol=1e-5)
    np.testing.assert_allclose(weighted, (np.abs(error).mean(-1) * weight).sum() / weight.sum(), rtol=1e-5)
    assert model.metrics_names == ['loss', 'mae', 'mae_1']
    with pytest.raises(ValueError, match=r'weights of output "dense_\d+" must have 2'):
        model.evaluate(x, y, sample_weight=weight[:, 0], verbose=0)
    with pytest.raises(ValueError, match='needs an output with time steps'):
        linear(sample_weight_mode='temporal')


def two_by_two():
    a, b = Input((4,), name='a'), Input((4,), name='b')
    left = Daoloth(3, name='left', kernel_initializer='ones')(a)
    right = Daoloth(3, name='right', activation='softmax', kernel_initializer='glorot_uniform')(b)
    return Lump([a, b], [left, right])


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def test_two_inputs_two_outputs_from_dicts():
    """Losses, metrics and weights of a model with two inputs and two outputs, step by step against NumPy."""
    model = two_by_two()
    model.conjure(
        optimizers.SGD(0.1),
        loss={'left': 'mse', 'right': 'categorical_crossentropy'},
        metrics={'left': ['mae'], 'right': 'accuracy'},
        weighted_metrics={'right': ['accuracy']},
        loss_weights={'left': 0.5, 'right': 2.0},
    )
    assert model.metrics_names == ['loss', 'left_loss', 'right_loss', 'left_mae', 'right_accuracy', 'right_accuracy_1']
    b = random.normal(size=(22, 4)).astype('float32')
    one_hot = np.eye(3)[LABELS].astype('float32')
    weights = {'left': random.uniform(size=22), 'right': random.uniform(size=22)}
    w1, b1, w2, b2 = [w.astype('float64') for w in model.get_weights()]
    history = model.summon(
        {'a': X, 'b': b},
        {'left': Y, 'right': one_hot},
        sample_weight=weights,
        batch_size=8,
        epochs=2,
        shuffle=False,
        verbose=0,
    ).history
    for epoch in range(2):
        sums, counted = np.zeros(6), 0.0
        for i in range(0, 22, 8):
            s = slice(i, i + 8)
            n = len(X[s])
            left, right = X[s] @ w1 + b1, softmax(b[s] @ w2 + b2)
            error, wl, wr = left - Y[s], weights['left'][s], weights['right'][s]
            loss_l = ((error**2).mean(-1) * wl).mean()
            loss_r = (-np.log((right * one_hot[s]).sum(-1)) * wr).mean()
            hit = (right.argmax(-1) == one_hot[s].argmax(-1)).astype(float)
            sums += [
                n * (0.5 * loss_l + 2 * loss_r),
                n * loss_l,
                n * loss_r,
                np.abs(error).mean(-1).sum(),
                hit.sum(),
                (hit * wr).sum(),
            ]
            counted += wr.sum()
            gradient = 0.5 * 2 * error / 3 * wl[:, None] / n
            w1, b1 = w1 - 0.1 * X[s].T @ gradient, b1 - 0.1 * gradient.sum(0)
            gradient = 2.0 * (right - one_hot[s]) * wr[:, None] / n
            w2, b2 = w2 - 0.1 * b[s].T @ gradient, b2 - 0.1 * gradient.sum(0)
        expected = sums / np.array([22, 22, 22, 22, 22, counted])
        np.testing.assert_allclose([history[name][epoch] for name in model.metrics_names], expected, rtol=1e-5)
    for mine, theirs in zip(model.get_weights(), [w1, b1, w2, b2]):
        np.testing.assert_allclose(mine, theirs, atol=1e-5)


@pytest.mark.parametrize(
    'given',
    [
        {'metrics': ['mae']},
        {'metrics': [['mae'], ['mae']]},
        {'metrics': ['mae', ['mae']]},
        {'metrics': {'left': 'mae', 'right': ['mae']}},
        {'metrics': [metrics.MeanAbsoluteError]},  # an object, made in the test
    ],
)
def test_the_forms_of_metrics(given):
    model = two_by_two()
    if given['metrics'] == [metrics.MeanAbsoluteError]:
        given = {'metrics': [metrics.MeanAbsoluteError(name='mae')]}
    model.conjure('sgd', 'mse', **given)
    assert model.metrics_names == ['loss', 'left_loss', 'right_loss', 'left_mae', 'right_mae']
    values = model.evaluate([X, X], [Y, Y], verbose=0)
    left, right = model.predict([X, X])
    np.testing.assert_allclose(values[3:], [np.abs(left - Y).mean(), np.abs(right - Y).mean()], rtol=1e-5)


def test_the_forms_of_losses():
    expected = None
    forms = [
        'mse',
        losses.mean_squared_error,
        losses.MeanSquaredError(),
        lambda t, p: K.mean(K.square(t - p), axis=-1),
        {'out': 'mse'},
        ['mse'],
    ]
    for form in forms:
        model = linear(loss=form)
        value = model.evaluate(X, Y, verbose=0)
        expected = value if expected is None else expected
        np.testing.assert_allclose(value, expected, rtol=1e-6)
    summed = linear(loss=losses.MeanSquaredError(reduction='sum')).test_on_batch(X, Y)
    np.testing.assert_allclose(summed, expected * 22, rtol=1e-5)


def test_an_output_without_a_loss_and_losses_of_layers():
    a = Input((4,))
    hidden = Daoloth(3, name='hidden', kernel_initializer='ones', activity_regularizer='l2')(a)
    model = Lump(a, [hidden, LuKthu(lambda t: t * 2, name='double')(hidden)])
    model.conjure('sgd', {'hidden': 'mse'})
    assert model.metrics_names == ['loss', 'hidden_loss']
    loss, own = model.evaluate(X, Y, batch_size=22, verbose=0)
    output = X.sum(1, keepdims=True) * np.ones(3)
    np.testing.assert_allclose(own, ((output - Y) ** 2).mean(), rtol=1e-5)
    np.testing.assert_allclose(loss - own, 0.01 * (output**2).sum(), rtol=1e-4)

    only = Lump(a, hidden)
    only.add_loss(K.mean(hidden))
    only.conjure('sgd')
    np.testing.assert_allclose(only.test_on_batch(X, None), output.mean() + 0.01 * (output**2).sum(), rtol=1e-4)


def test_target_tensors():
    a = Input((4,))
    out = Daoloth(3, kernel_initializer='ones', name='out')(a)
    target = K.placeholder((None, 3))
    model = Lump(a, out)
    for given in (target, [target], {'out': target}):
        model.conjure('sgd', 'mse', target_tensors=given)
        assert model.targets[0] is target
    constant = K.constant(Y)
    model.conjure(optimizers.SGD(0.05), 'mse', target_tensors=constant)
    np.testing.assert_allclose(model.train_on_batch(X, None), Linear().loss(X, Y), rtol=1e-5)
    with pytest.raises(ValueError, match='target_tensors'):
        model.conjure('sgd', 'mse', target_tensors=[constant, constant])


def test_tensors_of_the_framework_as_data():
    """Inputs and targets that are tensors: as `Input(tensor=)`, and as `x` and `y`."""
    expected = Linear().loss(X, Y)
    a = Input(tensor=K.constant(X))
    model = Lump(a, Daoloth(3, kernel_initializer='ones')(a))
    model.conjure(optimizers.SGD(0.05), 'mse', target_tensors=K.constant(Y))
    history = model.summon(epochs=2, steps_per_epoch=2, verbose=0).history
    reference = Linear()
    np.testing.assert_allclose(
        history['loss'], [np.mean([reference.step(X, Y) for _ in range(2)]) for _ in range(2)], rtol=1e-5
    )
    assert model.predict(None, steps=3).shape == (66, 3)
    fresh = linear()
    np.testing.assert_allclose(fresh.evaluate(K.constant(X), K.constant(Y), steps=2, verbose=0), expected, rtol=1e-5)
    np.testing.assert_allclose(fresh.predict(K.constant(X), steps=1), X.sum(1, keepdims=True) * np.ones(3), rtol=1e-5)
    history = fresh.summon(K.constant(X), K.constant(Y), epochs=1, verbose=0).history
    np.testing.assert_allclose(history['loss'], [expected], rtol=1e-5)
    np.testing.assert_allclose(fresh.evaluate(X, Y, verbose=0), Linear_after_one_step(), rtol=1e-5)
    with pytest.raises(ValueError, match='Do not mix'):
        two = two_by_two()
        two.conjure('sgd', 'mse')
        two.summon([K.constant(X), X], [Y, Y])


def Linear_after_one_step():
    reference = Linear()
    reference.step(X, Y)
    return reference.loss(X, Y)


def test_validation_split_data_and_frequency():
    model = linear(metrics=['mae'])
    history = model.summon(X, Y, validation_split=0.25, epochs=4, verbose=0, validation_freq=2).history
    assert len(history['loss']) == 4 and len(history['val_loss']) == 2
    np.testing.assert_allclose(history['val_loss'][-1], model.evaluate(X[16:], Y[16:], verbose=0)[0], rtol=1e-5)
    history = model.summon(
        X, Y, validation_data=(X, Y), validation_split=0.5, epochs=3, verbose=0, validation_freq=[1, 3]
    ).history
    assert len(history['val_mae']) == 2
    np.testing.assert_allclose(history['val_mae'][-1], model.evaluate(X, Y, verbose=0)[1], rtol=1e-5)
    weight = random.uniform(size=22)
    history = model.summon(X, Y, validation_data=(X, Y, weight), verbose=0).history
    np.testing.assert_allclose(
        history['val_loss'][0], model.evaluate(X, Y, sample_weight=weight, verbose=0)[0], rtol=1e-5
    )
    seen = []
    watch = callbacks.LuKthuCallback(on_train_begin=lambda logs: seen.append(1))
    model.summon(X, Y, validation_data=(X, Y), validation_steps=1, batch_size=4, verbose=0, callbacks=[watch])
    np.testing.assert_allclose(
        model.history.history['val_loss'][0], model.evaluate(X[:4], Y[:4], verbose=0)[0], rtol=1e-5
    )
    assert seen == [1]
    for wrong in (0, 'x', True):
        with pytest.raises(ValueError, match='validation_freq'):
            model.summon(X, Y, validation_data=(X, Y), validation_freq=wrong, verbose=0)
    with pytest.raises(ValueError, match='validation_data'):
        model.summon(X, Y, validation_data=(X,), verbose=0)
    for fraction in (1.0, -0.1, 0.999):
        with pytest.raises(ValueError, match='validation_split'):
            model.summon(X, Y, validation_split=fraction, verbose=0)


class Fed(Layer):
    """Hands its inputs through, and keeps the first numbers of the rows of the last batch that it was trained on; -1 where there are no more rows."""

    def build(self, input_shape):
        self.rows = self.add_weight('rows', (8, 1), initializer='zeros', trainable=False)
        self.built = True

    def call(self, inputs):
        padded = K.concatenate([inputs[:, :1], K.constant(-1.0, shape=(8, 1))], axis=0)
        self.add_update(K.update(self.rows, padded[:8]))
        return inputs


def order_of(x, **kwargs):
    """The first numbers of the rows of each batch that a model is trained on."""
    fed, seen = Fed(input_shape=(4,)), []
    model = Pile([fed, Daoloth(3)])
    model.conjure('sgd', 'mse')

    def look(batch, logs):
        rows = K.get_value(fed.rows)[:, 0]
        seen.append(rows[rows >= 0])

    model.summon(x, Y, verbose=0, callbacks=[callbacks.LuKthuCallback(on_batch_end=look)], **kwargs)
    return seen


def test_shuffle():
    x = np.tile(np.arange(22.0)[:, None], (1, 4))
    plain = order_of(x, shuffle=False, batch_size=8)
    assert [list(b) for b in plain] == [list(range(8)), list(range(8, 16)), list(range(16, 22))]
    np.random.seed(3)
    mixed = order_of(x, batch_size=8, epochs=2)
    assert sorted(np.concatenate(mixed[:3])) == list(range(22)) and list(np.concatenate(mixed[:3])) != list(
        np.concatenate(mixed[3:])
    )
    batches = order_of(x, shuffle='batch', batch_size=4)
    assert all(list(np.diff(b)) == [1] * (len(b) - 1) for b in batches) and list(np.concatenate(batches)) != list(
        range(22)
    )
    assert list(batches[-1]) == [20, 21]
    around = order_of(x, batch_size=8, steps_per_epoch=2, epochs=2)
    assert [list(b) for b in around] == [list(range(8)), list(range(8, 16)), list(range(16, 22)), list(range(8))]
    with pytest.raises(ValueError, match='shuffle'):
        linear().summon(x, Y, shuffle='all', verbose=0)


def test_initial_epoch():
    history = linear().summon(X, Y, epochs=5, initial_epoch=3, verbose=0)
    assert history.epoch == [3, 4]


def test_batch_methods_accumulate_metrics_only_when_told():
    model = linear(metrics=['mae'], optimizer=optimizers.SGD(0.0))
    whole = model.test_on_batch(X, Y)[1]
    model.reset_metrics()
    model.train_on_batch(X[:4], Y[:4], reset_metrics=False)
    np.testing.assert_allclose(model.train_on_batch(X[4:], Y[4:], reset_metrics=False)[1], whole, rtol=1e-5)
    np.testing.assert_allclose(model.test_on_batch(X, Y)[1], whole, rtol=1e-5)
    np.testing.assert_allclose(
        model.test_on_batch(X[:4], Y[:4])[1], np.abs(X[:4].sum(1, keepdims=True) - Y[:4]).mean(), rtol=1e-5
    )


def test_predictions():
    model = two_by_two()
    left, right = model.predict([X, X], batch_size=5)
    np.testing.assert_allclose(left, X.sum(1, keepdims=True) * np.ones(3), rtol=1e-5)
    np.testing.assert_array_equal(model.predict_on_batch([X, X])[1].shape, (22, 3))
    assert model.predict({'a': X, 'b': X}, steps=2, batch_size=4)[0].shape == (8, 3)
    pile = Pile([Daoloth(3, activation='softmax', input_shape=(4,))])
    assert list(pile.predict_classes(X)) == list(pile.predict_proba(X).argmax(-1))
    assert set(Pile([Daoloth(1, activation='sigmoid', input_shape=(4,))]).predict_classes(X).ravel()) <= {0, 1}


def test_the_same_seed_gives_the_same_run():
    def run():
        np.random.seed(11)
        model = Pile([Daoloth(16, activation='relu', input_shape=(4,)), Darkness(0.5), Daoloth(3)])
        model.conjure('adam', 'mse')
        model.summon(X, Y, batch_size=8, epochs=3, verbose=0)
        return model.get_weights()

    for first, second in zip(run(), run()):
        np.testing.assert_array_equal(first, second)


def test_dropout_differs_from_step_to_step_and_not_in_predictions():
    model = Pile([Darkness(0.25, input_shape=(4,)), Azatoth('linear')])
    model.conjure(optimizers.SGD(0.0), 'mse')
    with pytest.warns(UserWarning, match='has nothing to train'):
        model.train_on_batch(X, X)
    assert model.train_on_batch(X, X) != model.train_on_batch(X, X)
    np.testing.assert_array_equal(model.predict(X), X)
    assert model.test_on_batch(X, X) == 0


def test_pandas_hdf5_lists_and_sparse_inputs(tmp_path):
    pandas = pytest.importorskip('pandas')
    h5py = pytest.importorskip('h5py')
    expected = linear().evaluate(X, Y, verbose=0)
    frame = pandas.DataFrame(X, columns=list('abcd'))
    np.testing.assert_allclose(linear().evaluate(frame, pandas.DataFrame(Y), verbose=0), expected, rtol=1e-6)
    np.testing.assert_allclose(linear().evaluate(X.tolist(), Y.tolist(), verbose=0), expected, rtol=1e-6)
    with h5py.File(str(tmp_path / 'data.h5'), 'w') as data:
        data['x'], data['y'] = X, Y
        np.testing.assert_allclose(
            linear().evaluate(data['x'], data['y'], verbose=0, batch_size=5), expected, rtol=1e-6
        )
        for shuffle in (True, 'batch', False):
            model = linear(optimizer=optimizers.SGD(0.0))
            loss = model.summon(data['x'], data['y'], shuffle=shuffle, batch_size=5, verbose=0).history['loss'][0]
            np.testing.assert_allclose(loss, expected, rtol=1e-5)
    if K.supports('sparse'):
        from scipy import sparse

        a = Input((4,), sparse=True)
        model = Lump(a, Daoloth(3, kernel_initializer='ones')(a))
        model.conjure('sgd', 'mse')
        np.testing.assert_allclose(
            model.evaluate(sparse.csr_matrix(X), Y, verbose=0, batch_size=5), expected, rtol=1e-6
        )


def test_metrics_added_by_layers_and_models():
    class Spy(Layer):
        def call(self, inputs):
            self.add_metric(K.max(inputs), name='largest')
            return inputs

    a = Input((4,))
    out = Daoloth(3, kernel_initializer='ones')(Spy()(a))
    model = Lump(a, out)
    model.add_metric(K.sum(out), name='total')
    model.conjure('sgd', 'mse', metrics=['mae'])
    assert sorted(model.metrics_names) == ['largest', 'loss', 'mae', 'total']
    values = dict(zip(model.metrics_names, model.evaluate(X, Y, batch_size=22, verbose=0)))
    np.testing.assert_allclose([values['largest'], values['total']], [X.max(), 3 * X.sum()], rtol=1e-4)


def test_a_model_in_a_model_brings_its_updates_and_losses():
    class Counting(Layer):
        def build(self, input_shape):
            self.count = self.add_weight('count', (), initializer='zeros', trainable=False)
            self.built = True

        def call(self, inputs):
            self.add_update(K.update_add(self.count, 1.0), inputs)
            self.add_loss(K.mean(inputs), inputs)
            return inputs

    counting = Counting()
    inner = Pile([counting, Daoloth(3, kernel_initializer='ones')])
    inner.build((None, 4))
    a = Input((4,))
    model = Lump(a, inner(a))
    model.conjure(optimizers.SGD(0.0), 'mse')
    loss = model.train_on_batch(X, Y)
    np.testing.assert_allclose(loss, Linear().loss(X, Y) + X.mean(), rtol=1e-4)
    model.train_on_batch(X, Y)
    model.test_on_batch(X, Y)
    assert K.get_value(counting.count) == 2


def test_trainable_after_conjure_warns_once_and_the_adversarial_pattern_does_not(recwarn):
    judge = Pile([Daoloth(1, input_shape=(3,))])
    judge.conjure('sgd', 'mse')
    maker = Pile([Daoloth(3, input_shape=(4,))])
    judge.trainable = False
    a = Input((4,))
    both = Lump(a, judge(maker(a)))
    both.conjure(optimizers.SGD(0.1), 'mse')
    before = judge.get_weights()
    both.train_on_batch(X, X[:, :1])
    np.testing.assert_array_equal(before[0], judge.get_weights()[0])
    judge.train_on_batch(Y, X[:, :1])
    assert not np.array_equal(before[0], judge.get_weights()[0])
    assert not [w for w in recwarn if 'trainable' in str(w.message)]

    model = Pile([Daoloth(3, input_shape=(4,)), Daoloth(3)])
    model.conjure('sgd', 'mse')
    model.layers[0].trainable = False
    model.train_on_batch(X, Y)
    model.train_on_batch(X, Y)
    assert len([w for w in recwarn if 'trainable' in str(w.message)]) == 1


def test_stateful_models_take_whole_batches_only():
    model = Pile([Daoloth(3, batch_input_shape=(4, 4))])
    model.layers[0].stateful = True
    model.conjure('sgd', 'mse')
    assert model.predict(X[:20]).shape == (20, 3)
    with pytest.raises(ValueError, match='multiple of the batch size'):
        model.predict(X)
    with pytest.raises(ValueError, match='batches of 4'):
        model.summon(X[:20], Y[:20], batch_size=5, verbose=0)


def test_fit_and_compile_are_the_same_methods():
    class Mine(Pile):
        def summon(self, *args, **kwargs):
            self.summoned = True
            return super().summon(*args, **kwargs)

    model = Mine([Daoloth(3, input_shape=(4,))])
    model.compile('sgd', 'mse')
    model.fit(X, Y, verbose=0)
    assert model.summoned


def test_subclassed_and_deferred_models_are_built_by_their_data():
    class Two(Lump):
        def __init__(self):
            super().__init__()
            self.first = Daoloth(3, kernel_initializer='ones')
            self.dropped = Darkness(0.5)

        def call(self, inputs):
            return self.dropped(self.first(inputs))

    for model in (Two(), Pile([Daoloth(3, kernel_initializer='ones')])):
        model.conjure(optimizers.SGD(0.05), 'mse')
        model.summon(X, Y, verbose=0, epochs=2)
        assert len(model.get_weights()) == 2 and model.predict(X).shape == (22, 3)
        assert sum(isinstance(layer, Daoloth) for layer in model.layers) == 1
    model = Pile([Daoloth(3, kernel_initializer='ones')])
    np.testing.assert_allclose(model.predict(X), X.sum(1, keepdims=True) * np.ones(3), rtol=1e-5)


def test_callbacks_are_called_in_the_order_of_keras(capsys):
    calls = []

    class Watch(callbacks.Callback):
        pass

    for name in [
        n for n in dir(callbacks.Callback) if n.startswith('on_') and n not in ('on_batch_begin', 'on_batch_end')
    ]:
        setattr(Watch, name, lambda self, *args, _name=name, **kwargs: calls.append(_name[3:]))
    model = linear()
    model.summon(X[:8], Y[:8], batch_size=8, validation_data=(X[:4], Y[:4]), callbacks=[Watch()], verbose=0)
    assert calls == [
        'train_begin', 'epoch_begin', 'train_batch_begin', 'train_batch_end', 'test_begin', 'test_batch_begin', 'test_batch_end', 'test_end',
        'epoch_end', 'train_end',
    ]  # fmt: skip
    del calls[:]
    model.evaluate(X, Y, batch_size=22, callbacks=[Watch()], verbose=0)
    model.predict(X, batch_size=22, callbacks=[Watch()])
    assert calls == [
        'test_begin', 'test_batch_begin', 'test_batch_end', 'test_end', 'predict_begin', 'predict_batch_begin', 'predict_batch_end', 'predict_end',
    ]  # fmt: skip
    capsys.readouterr()
    model.summon(X, Y, epochs=2, verbose=2)
    lines = [line for line in capsys.readouterr().out.split('\n') if line]
    assert len(lines) == 4 and lines[0] == 'Epoch 1/2' and 'loss: ' in lines[1]


def test_stop_training_and_exceptions_end_the_run():
    model = linear()
    ended = []

    def fail(batch, logs):
        raise KeyboardInterrupt

    watch = callbacks.LuKthuCallback(on_batch_end=fail, on_train_end=lambda logs: ended.append(True))
    with pytest.raises(KeyboardInterrupt):
        model.summon(X, Y, verbose=0, callbacks=[watch])
    assert ended == [True]
    stop = callbacks.LuKthuCallback(on_batch_end=lambda batch, logs: setattr(model, 'stop_training', True))
    assert len(model.summon(X, Y, batch_size=4, epochs=5, verbose=0, callbacks=[stop]).epoch) == 1


def test_settings_can_be_changed_between_runs():
    model = linear()
    first = model.evaluate(X, Y, verbose=0)
    model.conjure('adam', 'mae', metrics=['mse'])
    values = model.evaluate(X, Y, verbose=0)
    np.testing.assert_allclose(values[1], first, rtol=1e-5)


def test_a_layer_that_is_called_twice_makes_both_its_updates():
    """Normalisation shared by two branches: its moving averages follow both, in order."""
    a, b = Input((4,)), Input((4,))
    shared = BlacknessFromTheStars(momentum=0.9)
    model = Lump([a, b], add([shared(a), shared(b)]))
    model.conjure(optimizers.SGD(0.0), 'mse')
    other = X * 3 + 1
    model.train_on_batch([X, other], X)
    expected = (0.1 * X.mean(0)) * 0.9 + 0.1 * other.mean(0)
    np.testing.assert_allclose(K.get_value(shared.moving_mean), expected, rtol=1e-4, atol=1e-6)
