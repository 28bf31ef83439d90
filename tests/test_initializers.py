"""Initializers: values, seeds, configuration."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import initializers
from cthulhu.utils import CustomObjectScope

# The first four values of the first and of the second call, recorded from Keras 2.3.1 on TensorFlow 1.15.5.
KERAS_VALUES = [
    (
        initializers.RandomNormal(0.1, 0.5, seed=3),
        (2, 3),
        [0.63083106, -0.33928916, 0.15593608, 0.19255859],
        [0.24814802, 0.08429338, 0.0726447, 0.1188159],
    ),
    (
        initializers.RandomUniform(-1, 2, seed=3),
        (2, 3),
        [0.16078818, 0.08007872, 1.93063879, -0.74045086],
        [1.86974525, -0.19956768, 1.99339318, 1.5376792],
    ),
    (
        initializers.TruncatedNormal(0.1, 0.5, seed=3),
        (2, 3),
        [0.63083106, -0.33928916, 0.15593608, 0.19255859],
        [0.24814802, 0.08429338, 0.0726447, 0.1188159],
    ),
    (
        initializers.Orthogonal(1.5, seed=3),
        (3, 2),
        [1.00457489, 1.08797121, -1.06513262, 1.03242159],
        [-0.41644859, 0.0710227, -0.57888865, -1.38022077],
    ),
    (
        initializers.VarianceScaling(2.0, 'fan_out', 'uniform', seed=5),
        (2, 3),
        [-0.31590343, 0.46296489, -0.87140799, 0.58280492],
        [0.40532517, -1.06515706, 1.11611569, -1.01173913],
    ),
    (
        initializers.glorot_uniform(seed=7),
        (2, 2, 3),
        [-0.02487856, 0.00960976, -0.37932965, -0.58134681],
        [0.43611181, 0.58059919, 0.51525486, -0.2648986],
    ),
    (
        initializers.glorot_normal(seed=7),
        (2, 2, 3),
        [-0.02386782, -0.61208028, 0.59323484, 0.59515929],
        [-0.25279209, 0.25207892, 0.27060497, -0.14657891],
    ),
    (
        initializers.he_uniform(seed=7),
        (2, 2, 3),
        [-0.03933644, 0.0151943, -0.59977287, -0.91918999],
        [0.68955326, 0.91800797, 0.81468952, -0.41884148],
    ),
    (
        initializers.he_normal(seed=7),
        (2, 2, 3),
        [-0.03773834, -0.96778387, 0.93798661, 0.94102949],
        [-0.39969942, 0.39857179, 0.42786402, -0.23176159],
    ),
    (
        initializers.lecun_uniform(seed=7),
        (2, 2, 3),
        [-0.0278151, 0.01074404, -0.42410344, -0.64996547],
        [0.48758775, 0.64912957, 0.57607239, -0.29616565],
    ),
    (
        initializers.lecun_normal(seed=7),
        (2, 2, 3),
        [-0.02668504, -0.68432653, 0.6632567, 0.66540831],
        [-0.28263018, 0.28183281, 0.30254555, -0.1638802],
    ),
]

# `serialize(X())`, recorded from Keras 2.3.1.
KERAS_CONFIGS = [
    ('Zeros', {'class_name': 'Zeros', 'config': {}}),
    ('Ones', {'class_name': 'Ones', 'config': {}}),
    ('Constant', {'class_name': 'Constant', 'config': {'value': 0}}),
    ('RandomNormal', {'class_name': 'RandomNormal', 'config': {'mean': 0.0, 'stddev': 0.05, 'seed': None}}),
    ('RandomUniform', {'class_name': 'RandomUniform', 'config': {'minval': -0.05, 'maxval': 0.05, 'seed': None}}),
    ('TruncatedNormal', {'class_name': 'TruncatedNormal', 'config': {'mean': 0.0, 'stddev': 0.05, 'seed': None}}),
    (
        'VarianceScaling',
        {
            'class_name': 'VarianceScaling',
            'config': {'scale': 1.0, 'mode': 'fan_in', 'distribution': 'normal', 'seed': None},
        },
    ),
    ('Orthogonal', {'class_name': 'Orthogonal', 'config': {'gain': 1.0, 'seed': None}}),
    ('Identity', {'class_name': 'Identity', 'config': {'gain': 1.0}}),
    (
        'glorot_uniform',
        {
            'class_name': 'VarianceScaling',
            'config': {'scale': 1.0, 'mode': 'fan_avg', 'distribution': 'uniform', 'seed': None},
        },
    ),
    (
        'glorot_normal',
        {
            'class_name': 'VarianceScaling',
            'config': {'scale': 1.0, 'mode': 'fan_avg', 'distribution': 'normal', 'seed': None},
        },
    ),
    (
        'he_uniform',
        {
            'class_name': 'VarianceScaling',
            'config': {'scale': 2.0, 'mode': 'fan_in', 'distribution': 'uniform', 'seed': None},
        },
    ),
    (
        'he_normal',
        {
            'class_name': 'VarianceScaling',
            'config': {'scale': 2.0, 'mode': 'fan_in', 'distribution': 'normal', 'seed': None},
        },
    ),
    (
        'lecun_uniform',
        {
            'class_name': 'VarianceScaling',
            'config': {'scale': 1.0, 'mode': 'fan_in', 'distribution': 'uniform', 'seed': None},
        },
    ),
    (
        'lecun_normal',
        {
            'class_name': 'VarianceScaling',
            'config': {'scale': 1.0, 'mode': 'fan_in', 'distribution': 'normal', 'seed': None},
        },
    ),
]


@pytest.fixture(autouse=True)
def fresh_graph():
    """A graph that has grown over many tests is slow to run."""
    K.clear_session()


def value(initializer, shape, dtype=None):
    return K.eval(initializer(shape, dtype=dtype))


@pytest.mark.skipif(K.backend() != 'tensorflow', reason="the figures are those of TensorFlow's generator")
@pytest.mark.parametrize('initializer, shape, first, second', KERAS_VALUES)
def test_values_of_a_seed_are_those_of_keras(initializer, shape, first, second):
    initializer = initializers.deserialize(initializers.serialize(initializer))
    for expected in (first, second):
        made = value(initializer, shape)
        assert made.shape == shape and made.dtype == 'float32'
        np.testing.assert_allclose(made.ravel()[:4], expected, atol=2e-7)


@pytest.mark.parametrize('name, config', KERAS_CONFIGS)
def test_configuration_is_that_of_keras(name, config):
    assert initializers.serialize(getattr(initializers, name)()) == config
    assert initializers.serialize(initializers.get(name)) == config
    assert initializers.serialize(initializers.get(config)) == config


@pytest.mark.parametrize(
    'make, mean, stddev, low, high',
    [
        (lambda: initializers.RandomUniform(-1, 3, seed=1), 1, 4 / np.sqrt(12), -1, 3),
        (lambda: initializers.RandomNormal(2, 0.5, seed=1), 2, 0.5, -np.inf, np.inf),
        (lambda: initializers.TruncatedNormal(2, 0.5, seed=1), 2, 0.5 * 0.87963, 1, 3),
        (lambda: initializers.lecun_uniform(1), 0, np.sqrt(1 / 100), -np.sqrt(3 / 100), np.sqrt(3 / 100)),
        (lambda: initializers.lecun_normal(1), 0, np.sqrt(1 / 100), -0.2274, 0.2274),
        (lambda: initializers.he_uniform(1), 0, np.sqrt(2 / 100), -np.sqrt(6 / 100), np.sqrt(6 / 100)),
        (lambda: initializers.he_normal(1), 0, np.sqrt(2 / 100), -0.3216, 0.3216),
        (lambda: initializers.glorot_uniform(1), 0, np.sqrt(2 / 300), -np.sqrt(6 / 300), np.sqrt(6 / 300)),
        (lambda: initializers.glorot_normal(1), 0, np.sqrt(2 / 300), -0.1857, 0.1857),
        (lambda: initializers.VarianceScaling(3, 'fan_out', seed=1), 0, np.sqrt(3 / 200), -0.2785, 0.2785),
    ],
)
def test_distribution(make, mean, stddev, low, high):
    made = value(make(), (100, 200))
    np.testing.assert_allclose(made.mean(), mean, atol=4 * stddev / np.sqrt(made.size))
    np.testing.assert_allclose(made.std(), stddev, rtol=0.02)
    assert low <= made.min() and made.max() <= high
    if np.isfinite(high):
        assert made.max() > mean + 0.98 * (high - mean) and made.min() < mean - 0.98 * (mean - low)


@pytest.mark.parametrize(
    'shape, fan_in, fan_out',
    [
        ((5, 7), 5, 7),
        ((3, 5, 7), 15, 21),
        ((3, 2, 5, 7), 30, 42),
        ((2, 3, 2, 5, 7), 60, 84),
        ((9,), 3, 3),
        ((4, 1, 1, 1, 1, 9), 6, 6),
    ],
)
def test_fans(shape, fan_in, fan_out):
    for mode, n in (('fan_in', fan_in), ('fan_out', fan_out), ('fan_avg', (fan_in + fan_out) / 2)):
        wide = value(initializers.VarianceScaling(1.0, mode, 'uniform', seed=2), shape)
        unit = value(initializers.RandomUniform(-1, 1, seed=2), shape)
        np.testing.assert_allclose(wide, unit * np.sqrt(3 / n), rtol=1e-5, atol=1e-7)


def test_constants():
    np.testing.assert_array_equal(value(initializers.Zeros(), (2, 3)), np.zeros((2, 3)))
    np.testing.assert_array_equal(value(initializers.Ones(), (2,)), np.ones(2))
    np.testing.assert_array_equal(value(initializers.Constant(2.5), (2, 3)), np.full((2, 3), 2.5))
    np.testing.assert_array_equal(value(initializers.Constant([1, 2, 3]), (3,)), [1, 2, 3])


@pytest.mark.parametrize('shape', [(3, 3), (2, 4), (4, 2)])
def test_identity(shape):
    np.testing.assert_array_equal(value(initializers.Identity(2.0), shape), 2 * np.eye(*shape))


@pytest.mark.parametrize('small', [1024, 3])
@pytest.mark.parametrize('shape', [(6, 4), (4, 6), (3, 2, 4), (2, 3, 4, 5)])
def test_orthogonal(shape, small, monkeypatch):
    monkeypatch.setattr(initializers, '_SMALL', small)
    flat = value(initializers.Orthogonal(gain=3.0, seed=1), shape).reshape(-1, shape[-1])
    product = flat.T @ flat if flat.shape[0] >= flat.shape[1] else flat @ flat.T
    np.testing.assert_allclose(product, 9 * np.eye(len(product)), atol=1e-4)


@pytest.mark.parametrize('name', ['zeros', 'ones', 'glorot_uniform', 'he_normal', 'orthogonal', 'identity', 'normal'])
@pytest.mark.parametrize('dtype', ['float32', 'float64'])
def test_dtype(name, dtype):
    assert value(initializers.get(name), (3, 3), dtype).dtype == dtype


def test_without_a_seed_numpys_seed_decides():
    values = []
    for _ in range(2):
        np.random.seed(11)
        values.append([value(initializers.get(name), (4, 4)) for name in ('glorot_uniform', 'orthogonal')])
    np.testing.assert_array_equal(values[0], values[1])
    assert not np.array_equal(values[0][0], value(initializers.get('glorot_uniform'), (4, 4)))


@pytest.mark.parametrize(
    'alias, cls',
    [('zero', 'Zeros'), ('one', 'Ones'), ('uniform', 'RandomUniform'), ('random_normal', 'RandomNormal'),
     ('truncated_normal', 'TruncatedNormal'), ('constant', 'Constant')],
)  # fmt: skip
def test_aliases(alias, cls):
    assert getattr(initializers, alias) is getattr(initializers, cls)
    assert type(initializers.get(alias)) is getattr(initializers, cls)


def test_get_takes_callables_classes_and_custom_objects():
    def mine(shape, dtype=None):
        return K.constant(7, shape=shape, dtype=dtype)

    class Mine(initializers.Ones):
        pass

    assert initializers.get(mine) is mine
    assert isinstance(initializers.get(initializers.Ones), initializers.Ones)
    with CustomObjectScope({'mine': mine, 'Mine': Mine, 'make': lambda: Mine()}):
        assert initializers.get('mine') is mine
        assert type(initializers.get('Mine')) is type(initializers.get('make')) is Mine
        assert type(initializers.get({'class_name': 'Mine', 'config': {}})) is Mine


def test_dtype_in_a_configuration_is_left_out():
    config = {'value': 3, 'dtype': 'float32'}
    assert initializers.Constant.from_config(config).value == 3
    assert config == {'value': 3, 'dtype': 'float32'}


def test_errors():
    with pytest.raises(ValueError, match="Unknown initializer: 'glorot'.*Did you mean"):
        initializers.get('glorot')
    for identifier in (None, 3):
        with pytest.raises(ValueError, match='initializer identifier'):
            initializers.get(identifier)
    with pytest.raises(ValueError, match='`scale` is a finite number above 0'):
        initializers.VarianceScaling(scale=0)
    with pytest.raises(ValueError, match="`mode` must be one of 'fan_in', 'fan_out', 'fan_avg'; got 'fan'"):
        initializers.VarianceScaling(mode='fan')
    with pytest.raises(ValueError, match="`distribution` must be one of .* got 'flat'"):
        initializers.VarianceScaling(distribution='flat')
    with pytest.raises(ValueError, match=r'two axes; got the shape \(2, 3, 4\)'):
        initializers.Identity()((2, 3, 4))
    with pytest.raises(ValueError, match=r'got the shape \(3,\)'):
        initializers.Orthogonal()((3,))
    with pytest.raises(NotImplementedError, match='must define `__call__'):
        initializers.Initializer()((3,))


def test_helpers_are_not_initializers():
    for name in ('K', 'deserialize', 'get', 'np', '_Random', 'registry'):
        with pytest.raises(ValueError, match='Unknown initializer'):
            initializers.get({'class_name': name, 'config': {}})
