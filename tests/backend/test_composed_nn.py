import numpy as np
import pytest
from scipy import special

from cthulhu import backend as K
from tests.backend.helpers import check, check_function, check_gradient, evaluate

pytestmark = pytest.mark.usefixtures('fresh')
random = np.random.RandomState(2)
EPSILON = 1e-7


def distribution(shape, axis=-1):
    x = random.uniform(0.1, 1, shape)
    return x / x.sum(axis=axis, keepdims=True)


@pytest.mark.parametrize(
    'shape, axis', [((4, 3), -1), ((2, 3, 4), -1), ((2, 3, 4), 1), ((2, 3, 4, 2), -2), ((3, 2), 0)]
)
def test_categorical_crossentropy(shape, axis):
    target, output = distribution(shape, axis), random.uniform(0.1, 0.9, shape)
    normal = output / output.sum(axis=axis, keepdims=True)
    expected = -np.sum(target * np.log(np.clip(normal, EPSILON, 1 - EPSILON)), axis=axis)
    check('categorical_crossentropy', expected, target, output, axis=axis)
    check_gradient('categorical_crossentropy', target, output, kwargs={'axis': axis}, wrt=[1])


@pytest.mark.parametrize('shape, axis', [((4, 3), -1), ((2, 3, 4), 1)])
def test_categorical_crossentropy_from_logits(shape, axis):
    target, logits = distribution(shape, axis), 3 * random.normal(size=shape)
    expected = -np.sum(target * special.log_softmax(logits, axis=axis), axis=axis)
    check('categorical_crossentropy', expected, target, logits, from_logits=True, axis=axis)
    check_gradient('categorical_crossentropy', target, logits, kwargs={'axis': axis, 'from_logits': True}, wrt=[1])


def test_crossentropies_as_keras():
    # Of Keras 2.3.1 on TensorFlow 1.15, of probabilities that neither sum to 1 nor stay clear of 0 and 1.
    target = np.array([[0, 1, 0], [1, 0, 0]], 'float32')
    output = np.array([[0.2, 0.5, 0.1], [1.0, 0.0, 0.0]], 'float32')
    check('categorical_crossentropy', np.array([4.7000363e-01, 1.1920929e-07]), target, output, atol=3e-7)
    check('categorical_crossentropy', np.array([0.88009894, 0.55144465]), target, output, from_logits=True)
    expected = np.array([4.7000358e-01, 2.3841855e-07])
    check('sparse_categorical_crossentropy', expected, np.array([1, 0], 'int32'), output, atol=3e-7)
    expected = np.array([[0.22314338, 0.69314694, 0.10536041], [0, 0, 0]])
    check('binary_crossentropy', expected, target, output, atol=3e-7)


def pick(log_probabilities, target, axis):
    return -np.take_along_axis(log_probabilities, np.expand_dims(target, axis), axis).squeeze(axis)


@pytest.mark.parametrize('shape, axis', [((4, 3), -1), ((2, 3, 4), -1), ((2, 3, 4), 1), ((2, 3, 4, 2), 2)])
@pytest.mark.parametrize('from_logits', [False, True])
def test_sparse_categorical_crossentropy(shape, axis, from_logits):
    reduced = np.delete(np.array(shape), axis)
    target = random.randint(0, shape[axis], reduced)
    if from_logits:
        output = 3 * random.normal(size=shape)
        expected = pick(special.log_softmax(output, axis=axis), target, axis)
    else:
        output = random.uniform(0.1, 0.9, shape)
        expected = pick(np.log(output / output.sum(axis=axis, keepdims=True)), target, axis)
    kwargs = {'axis': axis, 'from_logits': from_logits}
    check('sparse_categorical_crossentropy', expected, target.astype('int32'), output, **kwargs)
    # As floats, as Keras feeds them, and with an axis more.
    check('sparse_categorical_crossentropy', expected, target[..., None].astype('float32'), output, **kwargs)
    check_gradient('sparse_categorical_crossentropy', target.astype('int32'), output, kwargs=kwargs)


@pytest.mark.parametrize('name', ['categorical_crossentropy', 'sparse_categorical_crossentropy'])
def test_crossentropy_refuses_an_axis_that_is_not_there(name):
    with pytest.raises(ValueError, match=r'axis: output of shape \(None, 3\) has no axis 2'):
        getattr(K, name)(K.placeholder((None, 3)), K.placeholder((None, 3)), axis=2)


def test_binary_crossentropy():
    target, output = random.uniform(0, 1, (2, 3)), random.uniform(0.1, 0.9, (2, 3))
    expected = -target * np.log(output) - (1 - target) * np.log(1 - output)
    check('binary_crossentropy', expected, target, output)
    check_gradient('binary_crossentropy', target, output, wrt=[1])
    logits = special.logit(output)
    check('binary_crossentropy', expected, target, logits, from_logits=True)
    check_gradient('binary_crossentropy', target, logits, kwargs={'from_logits': True}, wrt=[1])


def test_binary_crossentropy_of_large_logits_is_finite():
    logits, target = np.array([100.0, -100.0, 0.0]), np.array([1.0, 1.0, 0.5])
    check('binary_crossentropy', np.array([0, 100, np.log(2)]), target, logits, from_logits=True)


def test_crossentropy_casts_the_target():
    target = np.eye(3, dtype='int32')
    output = distribution((3, 3))
    check('categorical_crossentropy', -np.log(np.diag(output)), target, output)
    check('binary_crossentropy', -np.log(np.where(target, output, 1 - output)), target, output)


@pytest.mark.parametrize(
    'shape, bias_shape, data_format, fit',
    [
        ((2, 3), (3,), 'channels_last', (3,)),
        ((2, 3), (3,), 'channels_first', (3,)),
        ((2, 4, 3), (3,), 'channels_last', (3,)),
        ((2, 3, 4), (3,), 'channels_first', (3, 1)),
        ((2, 4, 5, 3), (3,), None, (3,)),
        ((2, 3, 4, 5), (3,), 'channels_first', (3, 1, 1)),
        ((2, 3, 2, 2, 2), (3,), 'channels_first', (3, 1, 1, 1)),
        ((2, 4, 3), (4, 3), 'channels_last', (4, 3)),
        ((2, 4, 5, 3), (4, 5, 3), 'channels_last', (4, 5, 3)),
    ],
)
def test_bias_add(shape, bias_shape, data_format, fit):
    x, bias = random.normal(size=shape), random.normal(size=bias_shape)
    check('bias_add', x + bias.reshape(fit), x, bias, data_format=data_format)
    check_gradient('bias_add', x, bias, kwargs={'data_format': data_format})


def test_bias_add_of_a_bias_for_each_place_channels_first():
    x, bias = random.normal(size=(2, 3, 4, 5)), random.normal(size=(4, 5, 3))
    check('bias_add', x + bias.transpose(2, 0, 1), x, bias, data_format='channels_first')
    x, bias = random.normal(size=(2, 3, 4)), random.normal(size=(4, 3))
    check('bias_add', x + bias.T, x, bias, data_format='channels_first')


def test_bias_add_refuses():
    with pytest.raises(ValueError, match='bias: expected 1 dimension, or 3 for x of shape'):
        K.bias_add(K.placeholder((None, 4, 5, 3)), K.placeholder((5, 3)))
    with pytest.raises(ValueError, match='data_format'):
        K.bias_add(K.placeholder((None, 3)), K.placeholder((3,)), 'NHWC')


BATCHES = [((6, 3), [0]), ((4, 2, 3, 3), [0, 1, 2]), ((4, 3, 2, 3), [0, 2, 3]), ((4, 2, 3), [0, 2]), ((4, 2, 3), [0])]


@pytest.mark.parametrize('shape, axes', BATCHES)
@pytest.mark.parametrize('given', ['both', 'gamma', 'beta', 'none'])
def test_normalize_batch_in_training(shape, axes, given):
    x = random.normal(1, 2, size=shape)
    left = tuple(n for axis, n in enumerate(shape) if axis not in axes)
    gamma, beta = random.uniform(0.5, 2, left), random.normal(size=left)
    mean, var = x.mean(tuple(axes), keepdims=True), x.var(tuple(axes), keepdims=True)
    expected = (x - mean) / np.sqrt(var + 0.01)
    if given in ('both', 'gamma'):
        expected = expected * gamma.reshape(mean.shape)
    if given in ('both', 'beta'):
        expected = expected + beta.reshape(mean.shape)

    def f(K, x, gamma, beta, only=None):
        gamma = gamma if given in ('both', 'gamma') else None
        beta = beta if given in ('both', 'beta') else None
        results = K.normalize_batch_in_training(x, gamma, beta, axes, epsilon=0.01)
        return results if only is None else results[only]

    wanted = [expected, mean.reshape(left), var.reshape(left)]
    check_function(f, wanted, x, gamma, beta, fixed=(1, 2), rtol=1e-4, atol=1e-5)
    if given == 'both':
        for only in range(3):
            wrt = [0, 1, 2] if only == 0 else [0]
            check_gradient(lambda *t: f(K, *t, only=only), x, gamma, beta, wrt=wrt)


@pytest.mark.parametrize('shape, axis', [((6, 3), -1), ((2, 4, 5, 3), -1), ((2, 3, 4, 5), 1), ((2, 3, 4), -2)])
def test_batch_normalization(shape, axis):
    x = random.normal(size=shape)
    n = shape[axis]
    mean, var, beta, gamma = (
        random.normal(size=n),
        random.uniform(0.5, 2, n),
        random.normal(size=n),
        random.normal(size=n),
    )
    fit = [1] * len(shape)
    fit[axis] = n
    m, v, b, g = (t.reshape(fit) for t in (mean, var, beta, gamma))
    expected = (x - m) / np.sqrt(v + 0.001) * g + b
    check(
        'batch_normalization', expected, x, mean, var, beta, gamma, axis=axis, fixed=(1, 2, 3, 4), rtol=1e-4, atol=1e-5
    )
    check('batch_normalization', expected, x, m, v, b, g, axis=axis, fixed=(1, 2, 3, 4), rtol=1e-4, atol=1e-5)
    check_gradient('batch_normalization', x, mean, var, beta, gamma, kwargs={'axis': axis})
    expected = (x - m) / np.sqrt(v + 0.5)
    check_function(
        lambda K, x, mean, var: K.batch_normalization(x, mean, var, None, None, axis=axis, epsilon=0.5),
        expected,
        x,
        mean,
        var,
        fixed=(1, 2),
        rtol=1e-4,
        atol=1e-5,
    )


@pytest.mark.parametrize(
    'activation, loss, target',
    [
        ('softmax', 'categorical_crossentropy', [[1.0, 0.0]]),
        ('softmax', 'sparse_categorical_crossentropy', [0]),
        ('sigmoid', 'binary_crossentropy', [[1.0, 0.0]]),
    ],
)
def test_a_loss_of_an_activation_agrees_with_the_loss_of_its_input(activation, loss, target):
    logits = np.array([[1.5, -0.5]])

    def f(K, target, x):
        return [
            getattr(K, loss)(target, getattr(K, activation)(x)),
            getattr(K, loss)(target, x, from_logits=True),
        ]

    of_probabilities, of_logits = evaluate(f, np.asarray(target, 'float32'), logits.astype('float32'))
    np.testing.assert_allclose(of_probabilities, of_logits, rtol=1e-5)


def test_multiply_no_nan():
    x = np.array([[1, np.nan, np.inf], [-np.inf, 2, 3]], 'float32')
    y = np.array([[2, 0, 0], [0, -1, 0]], 'float32')
    check('multiply_no_nan', np.array([[2, 0, 0], [0, -2, 0]]), x, y)
    column = K.constant([[0.0], [2.0]])
    value = K.eval(K.multiply_no_nan(K.constant([[1, np.inf, 3], [np.nan, 2, 3]]), column))
    np.testing.assert_allclose(value, [[0, 0, 0], [np.nan, 4, 6]])


@pytest.mark.skipif(not K.supports('gradients'), reason='the backend has no gradients')
def test_gradients_of_multiply_no_nan_are_zero_where_it_is():
    x = K.variable([[1.0, 2.0], [3.0, 4.0]])
    weights = K.variable([[0.0], [2.0]])
    # The gradient of log at what is left out, infinite, does not come back.
    value = K.multiply_no_nan(K.log(x - K.constant([[1.0, 0.0], [0.0, 0.0]])), weights)
    gradient = K.gradients(K.sum(value), [x])[0]
    np.testing.assert_allclose(K.eval(gradient)[1], [2 / 3, 2 / 4], rtol=1e-6)
    assert not np.isnan(K.eval(K.sum(value)))
