"""Losses: values, weights, reductions, configuration, what goes with a loss."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import losses
from cthulhu.utils import CustomObjectScope
from cthulhu.utils.losses_utils import Reduction, broadcast_weights, squeeze_or_expand_dimensions

Y_TRUE = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
Y_PRED = np.array([[0.1, 0.7, 0.2], [0.3, 0.4, 0.3]])
LOGITS = 4 * Y_PRED - 2
CLASSES = np.array([[1], [0]])

# The loss of each sample of the above, recorded from Keras 2.3.1.
KERAS_VALUES = [
    ('mean_squared_error', [0.04666667, 0.24666667]),
    ('mean_absolute_error', [0.2, 0.4666667]),
    ('mean_absolute_percentage_error', [100000008.0, 233333376.0]),
    ('mean_squared_logarithmic_error', [0.02291251, 0.12254078]),
    ('squared_hinge', [0.91333342, 1.37999976]),
    ('hinge', [0.86666673, 1.13333333]),
    ('categorical_hinge', [0.5, 1.10000002]),
    ('logcosh', [0.02306688, 0.11652154]),
    ('huber_loss', [[0.005, 0.045, 0.02], [0.24499999, 0.08000001, 0.045]]),
    ('categorical_crossentropy', [0.35667497, 1.20397282]),
    ('binary_crossentropy', [0.22839285, 0.6904909]),
    ('kullback_leibler_divergence', [0.35667214, 1.20396972]),
    ('poisson', [0.45222494, 0.73465753]),
    ('cosine_proximity', [-0.95257938, -0.51449579]),
]

# `serialize(X())`, recorded from Keras 2.3.1.
KERAS_CONFIGS = [
    (
        'MeanSquaredError',
        {
            'class_name': 'MeanSquaredError',
            'config': {'reduction': 'sum_over_batch_size', 'name': 'mean_squared_error'},
        },
    ),
    (
        'MeanAbsoluteError',
        {
            'class_name': 'MeanAbsoluteError',
            'config': {'reduction': 'sum_over_batch_size', 'name': 'mean_absolute_error'},
        },
    ),
    (
        'MeanAbsolutePercentageError',
        {
            'class_name': 'MeanAbsolutePercentageError',
            'config': {'reduction': 'sum_over_batch_size', 'name': 'mean_absolute_percentage_error'},
        },
    ),
    (
        'MeanSquaredLogarithmicError',
        {
            'class_name': 'MeanSquaredLogarithmicError',
            'config': {'reduction': 'sum_over_batch_size', 'name': 'mean_squared_logarithmic_error'},
        },
    ),
    (
        'BinaryCrossentropy',
        {
            'class_name': 'BinaryCrossentropy',
            'config': {
                'reduction': 'sum_over_batch_size',
                'name': 'binary_crossentropy',
                'from_logits': False,
                'label_smoothing': 0,
            },
        },
    ),
    (
        'CategoricalCrossentropy',
        {
            'class_name': 'CategoricalCrossentropy',
            'config': {
                'reduction': 'sum_over_batch_size',
                'name': 'categorical_crossentropy',
                'from_logits': False,
                'label_smoothing': 0,
            },
        },
    ),
    (
        'SparseCategoricalCrossentropy',
        {
            'class_name': 'SparseCategoricalCrossentropy',
            'config': {
                'reduction': 'sum_over_batch_size',
                'name': 'sparse_categorical_crossentropy',
                'from_logits': False,
            },
        },
    ),
    ('Hinge', {'class_name': 'Hinge', 'config': {'reduction': 'sum_over_batch_size', 'name': 'hinge'}}),
    (
        'SquaredHinge',
        {'class_name': 'SquaredHinge', 'config': {'reduction': 'sum_over_batch_size', 'name': 'squared_hinge'}},
    ),
    (
        'CategoricalHinge',
        {'class_name': 'CategoricalHinge', 'config': {'reduction': 'sum_over_batch_size', 'name': 'categorical_hinge'}},
    ),
    ('LogCosh', {'class_name': 'LogCosh', 'config': {'reduction': 'sum_over_batch_size', 'name': 'logcosh'}}),
    ('Poisson', {'class_name': 'Poisson', 'config': {'reduction': 'sum_over_batch_size', 'name': 'poisson'}}),
    (
        'KLDivergence',
        {
            'class_name': 'KLDivergence',
            'config': {'reduction': 'sum_over_batch_size', 'name': 'kullback_leibler_divergence'},
        },
    ),
    (
        'Huber',
        {'class_name': 'Huber', 'config': {'reduction': 'sum_over_batch_size', 'name': 'huber_loss', 'delta': 1.0}},
    ),
]


@pytest.fixture(autouse=True)
def fresh_graph():
    """A graph that has grown over many tests is slow to run."""
    K.clear_session()


def signed(y):
    return 2 * y - 1 if np.isin(y, (0, 1)).all() else y


def unit(y):
    return y / np.sqrt((y**2).sum(-1, keepdims=True))


def crossentropy(y, p):
    return -(y * np.log(p / p.sum(-1, keepdims=True))).sum(-1)


def huber(y, p, delta=1.0):
    error = np.abs(y - p)
    return np.where(error <= delta, error**2 / 2, delta**2 / 2 + delta * (error - delta))


REFERENCES = {
    'mean_squared_error': lambda y, p: ((y - p) ** 2).mean(-1),
    'mean_absolute_error': lambda y, p: np.abs(y - p).mean(-1),
    'mean_absolute_percentage_error': lambda y, p: 100 * (np.abs(y - p) / np.maximum(np.abs(y), 1e-7)).mean(-1),
    'mean_squared_logarithmic_error': lambda y, p: ((np.log1p(y) - np.log1p(p)) ** 2).mean(-1),
    'hinge': lambda y, p: np.maximum(0, 1 - signed(y) * p).mean(-1),
    'squared_hinge': lambda y, p: (np.maximum(0, 1 - signed(y) * p) ** 2).mean(-1),
    'categorical_hinge': lambda y, p: np.maximum(0, 1 + ((1 - y) * p).max(-1) - (y * p).sum(-1)),
    'logcosh': lambda y, p: np.log(np.cosh(p - y)).mean(-1),
    'huber_loss': huber,
    'categorical_crossentropy': crossentropy,
    'binary_crossentropy': lambda y, p: -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean(-1),
    'kullback_leibler_divergence': lambda y, p: (np.maximum(y, 1e-7) * np.log(np.maximum(y, 1e-7) / p)).sum(-1),
    'poisson': lambda y, p: (p - y * np.log(p)).mean(-1),
    'cosine_proximity': lambda y, p: -(unit(y) * unit(p)).sum(-1),
}


def evaluate(function, y_true, y_pred, static=True, **arguments):
    shapes = [y.shape if static else (None,) * y.ndim for y in (y_true, y_pred)]
    y, p = (K.placeholder(shape=shape) for shape in shapes)
    return K.function([y, p], [function(y, p, **arguments)])([y_true, y_pred])[0]


@pytest.mark.parametrize('name, expected', KERAS_VALUES)
def test_values_are_those_of_keras(name, expected):
    made = evaluate(losses.get(name), Y_TRUE, Y_PRED)
    assert made.dtype == 'float32'
    np.testing.assert_allclose(made, expected, rtol=5e-6)


@pytest.mark.parametrize('name', sorted(REFERENCES))
@pytest.mark.parametrize('shape', [(6, 5), (4, 3, 5), (2, 3, 4, 5)])
@pytest.mark.parametrize('static', [True, False])
def test_values_are_those_of_numpy(name, shape, static):
    random = np.random.RandomState(0)
    y_true = np.eye(shape[-1])[random.randint(0, shape[-1], shape[:-1])]
    y_pred = random.rand(*shape) * 0.8 + 0.1
    expected = REFERENCES[name](y_true, y_pred)
    assert expected.shape == (shape if name == 'huber_loss' else shape[:-1])
    np.testing.assert_allclose(evaluate(losses.get(name), y_true, y_pred, static), expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize('name', ['mean_squared_error', 'hinge', 'logcosh', 'huber_loss', 'squared_hinge'])
def test_real_targets(name):
    random = np.random.RandomState(1)
    y_true, y_pred = random.randn(2, 6, 3) * 3
    np.testing.assert_allclose(evaluate(losses.get(name), y_true, y_pred), REFERENCES[name](y_true, y_pred), rtol=1e-4)


def test_logcosh_of_large_errors_is_finite():
    made = evaluate(losses.logcosh, np.array([[0.0], [0.0]]), np.array([[300.0], [-300.0]]))
    np.testing.assert_allclose(made, 300 - np.log(2), rtol=1e-5)


# Recorded from Keras 2.3.1.
@pytest.mark.parametrize(
    'name, y_true, y_pred, arguments, expected',
    [
        ('sparse_categorical_crossentropy', CLASSES, Y_PRED, {}, [0.35667488, 1.20397282]),
        ('sparse_categorical_crossentropy', CLASSES, LOGITS, {'from_logits': True}, [0.20380026, 1.25042439]),
        ('categorical_crossentropy', Y_TRUE, LOGITS, {'from_logits': True}, [0.20380026, 1.25042439]),
        ('categorical_crossentropy', Y_TRUE, Y_PRED, {'label_smoothing': 0.1}, [0.46329743, 1.19438338]),
        ('binary_crossentropy', Y_TRUE, LOGITS, {'from_logits': True}, [0.27276126, 0.68507218]),
        ('binary_crossentropy', Y_TRUE, Y_PRED, {'label_smoothing': 0.1}, [0.30223978, 0.69724864]),
    ],
)
def test_arguments(name, y_true, y_pred, arguments, expected):
    np.testing.assert_allclose(evaluate(getattr(losses, name), y_true, y_pred, **arguments), expected, rtol=5e-6)
    cls = getattr(losses, name.title().replace('_', ''))
    made = evaluate(cls(reduction='none', **arguments), y_true, y_pred)
    np.testing.assert_allclose(made, expected, rtol=5e-6)


def test_label_smoothing_counts_the_classes_of_the_last_axis():
    y_true = np.eye(5)[np.zeros((2, 3), int)]
    y_pred = np.random.RandomState(0).dirichlet(np.ones(5), (2, 3))
    expected = crossentropy(0.8 * y_true + 0.2 / 5, y_pred)
    np.testing.assert_allclose(
        evaluate(losses.categorical_crossentropy, y_true, y_pred, label_smoothing=0.2), expected, rtol=1e-5
    )


def test_label_smoothing_may_be_a_variable():
    smoothing = K.variable(0.1)
    loss = losses.BinaryCrossentropy(label_smoothing=smoothing, reduction='none')
    np.testing.assert_allclose(evaluate(loss, Y_TRUE, Y_PRED), [0.30223978, 0.69724864], rtol=1e-5)
    np.testing.assert_allclose(loss.get_config()['label_smoothing'], 0.1, rtol=1e-6)


@pytest.mark.parametrize('shape', [(4,), (4, 1), (4, 3), (4, 3, 1)])
def test_sparse_targets(shape):
    random = np.random.RandomState(0)
    y_true = random.randint(0, 5, shape)
    y_pred = random.dirichlet(np.ones(5), (4, 3) if 3 in shape else (4,))
    squeezed = y_true[..., 0] if shape[-1] == 1 else y_true
    made = evaluate(losses.sparse_categorical_crossentropy, y_true, y_pred)
    np.testing.assert_allclose(made, crossentropy(np.eye(5)[squeezed], y_pred), rtol=1e-5)


@pytest.mark.parametrize('name', sorted(set(REFERENCES) | {'sparse_categorical_crossentropy'}))
def test_arrays_and_integer_targets_are_taken(name):
    y_true = CLASSES if name.startswith('sparse') else Y_TRUE.astype('int64')
    function = getattr(losses, name)
    made = K.eval(function(y_true, Y_PRED))
    np.testing.assert_allclose(made, K.eval(function(K.constant(y_true), K.constant(Y_PRED))), rtol=1e-6)


# Recorded from Keras 2.3.1.
@pytest.mark.parametrize(
    'loss, expected',
    [
        (losses.MeanSquaredError('none'), [0.09333333, 0.12333333]),
        (losses.MeanSquaredError('sum'), 0.21666667),
        (losses.MeanSquaredError(), 0.10833333),
        (losses.Huber(0.5), 0.0525),
    ],
)
def test_weights_and_reductions_are_those_of_keras(loss, expected):
    weights = np.array([2.0, 0.5])
    for weights in (weights, weights.tolist(), K.constant(weights), weights[:, None]):
        np.testing.assert_allclose(evaluate(loss, Y_TRUE, Y_PRED, sample_weight=weights), expected, rtol=5e-6)


@pytest.mark.parametrize('shape', [(), (4,), (4, 1), (4, 3), (1, 3), (4, 3, 1)])
def test_weights_of_a_sequence(shape):
    random = np.random.RandomState(0)
    y_true, y_pred = random.randn(2, 4, 3, 2)
    weights = np.asarray(random.rand(*shape))
    each = ((y_true - y_pred) ** 2).mean(-1)
    full = weights.reshape(each.shape) if shape == (4, 3, 1) else weights.reshape(shape + (1,) * (2 - len(shape)))
    weighted = each * full
    for reduction, expected in (('none', weighted), ('sum', weighted.sum()), ('sum_over_batch_size', weighted.mean())):
        made = evaluate(losses.MeanSquaredError(reduction), y_true, y_pred, sample_weight=weights)
        np.testing.assert_allclose(made, expected, rtol=1e-5)


@pytest.mark.parametrize('shape', [(3,), (4, 2), (4, 3, 2), (4, 3, 1, 1)])
def test_weights_that_do_not_fit(shape):
    values = K.placeholder(shape=(4, 3))
    with pytest.raises(ValueError, match='`sample_weight` of shape .* does not fit losses of shape'):
        broadcast_weights(values, K.placeholder(shape=shape))


def test_squeeze_or_expand_dimensions():
    def shapes(*arguments):
        return [K.int_shape(t) for t in squeeze_or_expand_dimensions(*(K.placeholder(shape=s) for s in arguments))]

    assert shapes((4, 1), (4,)) == [(4,), (4,)] and shapes((4,), (4, 1)) == [(4,), (4,)]
    assert shapes((4, 2), (4, 1), (4,)) == [(4, 2), (4, 1), (4, 1)]
    assert shapes((4, 2), (4, 2), (4, 2, 1))[2] == (4, 2)


def test_functions_in_double_precision():
    y = K.placeholder(shape=(2, 3), dtype='float64')
    assert K.dtype(losses.mean_squared_error(Y_TRUE, y)) == 'float64'
    assert K.dtype(losses.MeanSquaredError()(Y_TRUE, y)) == 'float64'


@pytest.mark.parametrize('name, config', KERAS_CONFIGS)
def test_configuration_is_that_of_keras(name, config):
    cls = getattr(losses, name)
    assert losses.serialize(cls()) == config
    for identifier in (name, config, cls):
        made = losses.get(identifier)
        assert type(made) is cls and made.get_config() == config['config']
    other = losses.get(dict(config, config=dict(config['config'], reduction='sum', name='mine')))
    assert other.reduction == 'sum' and other.name == 'mine'


@pytest.mark.parametrize(
    'alias, name',
    [('mse', 'mean_squared_error'), ('MAE', 'mean_absolute_error'), ('mape', 'mean_absolute_percentage_error'),
     ('MSLE', 'mean_squared_logarithmic_error'), ('kld', 'kullback_leibler_divergence'), ('cosine', 'cosine_proximity'),
     ('cosine_similarity', 'cosine_proximity')],
)  # fmt: skip
def test_aliases(alias, name):
    assert getattr(losses, alias) is losses.get(alias) is getattr(losses, name)
    assert losses.serialize(getattr(losses, alias)) == name


def test_losses_of_ones_own():
    def mine(y_true, y_pred):
        return K.sum(K.abs(y_true - y_pred), axis=-1)

    class Mine(losses.Loss):
        def call(self, y_true, y_pred):
            return mine(y_true, y_pred)

    expected = np.abs(Y_TRUE - Y_PRED).sum(-1)
    np.testing.assert_allclose(evaluate(Mine(), Y_TRUE, Y_PRED), expected.mean(), rtol=1e-6)
    wrapped = losses.LossFunctionWrapper(lambda y, p: mine(y, p), name='<lambda>', reduction='sum')
    np.testing.assert_allclose(evaluate(wrapped, Y_TRUE, Y_PRED), expected.sum(), rtol=1e-6)
    assert losses.get(mine) is mine and losses.get(None) is None
    with CustomObjectScope({'mine': mine, 'Mine': Mine}):
        assert losses.get('mine') is mine and type(losses.get('Mine')) is Mine
        assert type(losses.get(losses.serialize(Mine('sum')))) is Mine


@pytest.mark.parametrize(
    'loss, sparse',
    [
        ('sparse_categorical_crossentropy', True),
        (losses.sparse_categorical_crossentropy, True),
        (losses.SparseCategoricalCrossentropy(), True),
        (losses.LossFunctionWrapper(losses.sparse_categorical_crossentropy), True),
        ('mse', False),
        (losses.BinaryCrossentropy(), False),
        (lambda y, p: y, False),
        (None, False),
    ],
)
def test_is_sparse(loss, sparse):
    assert losses.is_sparse(loss) is sparse


def test_a_function_may_say_that_its_targets_are_sparse():
    def mine(y_true, y_pred):
        return y_pred

    mine.target_kind = 'sparse'
    assert losses.is_sparse(mine) and losses.accuracy_kind(mine, (None, 4)) == 'sparse_categorical'


@pytest.mark.parametrize(
    'loss, shape, kind',
    [
        ('mse', (None, 1), 'binary'),
        ('binary_crossentropy', (None, 5), 'binary'),
        (losses.BinaryCrossentropy(), (None, 5), 'binary'),
        ('sparse_categorical_crossentropy', (None, 5), 'sparse_categorical'),
        (losses.SparseCategoricalCrossentropy(), (None, 4, 5), 'sparse_categorical'),
        ('categorical_crossentropy', (None, 5), 'categorical'),
        (None, (None, 5), 'categorical'),
    ],
)
def test_accuracy_kind(loss, shape, kind):
    assert losses.accuracy_kind(loss, shape) == kind


def test_errors():
    with pytest.raises(
        ValueError, match="Unknown loss function: 'mean_square_error'. Did you mean 'mean_squared_error'"
    ):
        losses.get('mean_square_error')
    for name in ('K', 'Loss', 'in_graph', 'compute_weighted_loss', 'deserialize', 'LossFunctionWrapper', '_tensors'):
        with pytest.raises(ValueError, match='Unknown loss function'):
            losses.get({'class_name': name, 'config': {}})
    with pytest.raises(ValueError, match='loss function identifier.*got 3'):
        losses.get(3)
    with pytest.raises(ValueError, match="`reduction` must be one of 'none', 'sum', 'sum_over_batch_size'; got 'mean'"):
        losses.MeanSquaredError('mean')
    with pytest.raises(ValueError, match='`label_smoothing` is a finite number at least 0 and at most 1; got 2'):
        losses.binary_crossentropy(Y_TRUE, Y_PRED, label_smoothing=2)
    with pytest.raises(NotImplementedError, match='must define `call'):
        losses.Loss()(Y_TRUE, Y_PRED)
    assert Reduction.all() == ('none', 'sum', 'sum_over_batch_size')
