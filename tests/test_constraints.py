"""Constraints: values, configuration, lookup."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import constraints
from cthulhu.utils import CustomObjectScope

X = np.sin(np.arange(6.0) + 0.5).reshape(3, 2)

# `serialize(X())`, recorded from Keras 2.3.1.
KERAS_CONFIGS = [
    ('MaxNorm', {'class_name': 'MaxNorm', 'config': {'max_value': 2, 'axis': 0}}),
    ('NonNeg', {'class_name': 'NonNeg', 'config': {}}),
    ('UnitNorm', {'class_name': 'UnitNorm', 'config': {'axis': 0}}),
    (
        'MinMaxNorm',
        {'class_name': 'MinMaxNorm', 'config': {'min_value': 0.0, 'max_value': 1.0, 'rate': 1.0, 'axis': 0}},
    ),
]


def value(constraint, x):
    return K.eval(constraint(K.variable(x)))


# The expected values are recorded from Keras 2.3.1.
@pytest.mark.parametrize(
    'constraint, expected',
    [
        (constraints.MaxNorm(0.8), [0.30870676, 0.62777287, 0.385362, -0.22076522, -0.62944114, -0.44403136]),
        (constraints.NonNeg(), [0.47942555, 0.997495, 0.59847212, -0.0, -0.0, -0.0]),
        (constraints.UnitNorm(), [0.38588342, 0.78471607, 0.48170248, -0.27595651, -0.78680134, -0.55503917]),
        (
            constraints.MinMaxNorm(0.9, 1.1, 0.5),
            [0.45194861, 0.93034124, 0.56417239, -0.32716766, -0.92150575, -0.65804166],
        ),
    ],
)
def test_values(constraint, expected):
    made = value(constraint, X)
    assert made.shape == X.shape and made.dtype == 'float32'
    np.testing.assert_allclose(made.ravel(), expected, atol=2e-7)


@pytest.mark.parametrize('axis, axes', [(0, (0,)), (1, (1,)), ([0, 1, 2], (0, 1, 2))])
def test_norms_along_axes(axis, axes):
    x = np.random.RandomState(0).randn(3, 4, 5, 2) * 3
    norms = np.sqrt((x**2).sum(axes, keepdims=True))
    np.testing.assert_allclose(value(constraints.MaxNorm(4, axis), x), x * np.minimum(1, 4 / norms), rtol=1e-5)
    np.testing.assert_allclose(value(constraints.UnitNorm(axis), x), x / norms, rtol=1e-5)
    clipped = np.clip(norms, 5, 6)
    np.testing.assert_allclose(value(constraints.MinMaxNorm(5, 6, 1, axis), x), x * clipped / norms, rtol=1e-5)


def test_zeros_stay_finite():
    for constraint in (constraints.MaxNorm(), constraints.UnitNorm(), constraints.MinMaxNorm(0.5, 1)):
        np.testing.assert_array_equal(value(constraint, np.zeros((2, 2))), np.zeros((2, 2)))


def test_non_neg_keeps_the_dtype():
    np.testing.assert_array_equal(K.eval(constraints.NonNeg()(K.constant([-1, 2], dtype='float64'))), [0, 2])


@pytest.mark.parametrize('name, config', KERAS_CONFIGS)
def test_configuration_is_that_of_keras(name, config):
    assert constraints.serialize(getattr(constraints, name)()) == config
    assert constraints.serialize(constraints.get(name)) == config
    assert constraints.serialize(constraints.deserialize(config)) == config


@pytest.mark.parametrize(
    'alias, cls',
    [('max_norm', 'MaxNorm'), ('maxnorm', 'MaxNorm'), ('non_neg', 'NonNeg'), ('nonneg', 'NonNeg'),
     ('unit_norm', 'UnitNorm'), ('unitnorm', 'UnitNorm'), ('min_max_norm', 'MinMaxNorm')],
)  # fmt: skip
def test_aliases(alias, cls):
    assert getattr(constraints, alias) is getattr(constraints, cls)
    assert type(constraints.get(alias)) is getattr(constraints, cls)


def test_get():
    def mine(w):
        return w

    assert constraints.get(None) is None and constraints.get(mine) is mine
    assert isinstance(constraints.get(constraints.NonNeg), constraints.NonNeg)
    assert constraints.Constraint()(mine) is mine
    with CustomObjectScope({'mine': mine}):
        assert constraints.get('mine') is mine


def test_errors():
    with pytest.raises(ValueError, match="Unknown constraint: 'max_nrm'. Did you mean 'max_norm'"):
        constraints.get('max_nrm')
    with pytest.raises(ValueError, match='constraint identifier.*got 3'):
        constraints.get(3)
    with pytest.raises(ValueError, match='Unknown constraint'):
        constraints.get({'class_name': 'serialize', 'config': {}})
