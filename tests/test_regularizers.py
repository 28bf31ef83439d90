"""Regularizers: values, configuration, lookup."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import regularizers
from cthulhu.utils import CustomObjectScope

X = np.sin(np.arange(6.0) + 0.5).reshape(3, 2)

# `serialize(x())`, recorded from Keras 2.3.1.
KERAS_CONFIGS = [
    ('L1L2', {'class_name': 'L1L2', 'config': {'l1': 0.0, 'l2': 0.0}}),
    ('l1', {'class_name': 'L1L2', 'config': {'l1': 0.009999999776482582, 'l2': 0.0}}),
    ('l2', {'class_name': 'L1L2', 'config': {'l1': 0.0, 'l2': 0.009999999776482582}}),
    ('l1_l2', {'class_name': 'L1L2', 'config': {'l1': 0.009999999776482582, 'l2': 0.009999999776482582}}),
]


@pytest.mark.parametrize(
    'regularizer, expected',
    [
        (regularizers.l1(0.1), 0.1 * np.abs(X).sum()),
        (regularizers.l2(0.2), 0.2 * (X**2).sum()),
        (regularizers.l1_l2(0.1, 0.2), 0.1 * np.abs(X).sum() + 0.2 * (X**2).sum()),
        (regularizers.l1_l2(0.1, 0.2), 1.0428077),  # recorded from Keras 2.3.1
    ],
)
def test_values(regularizer, expected):
    penalty = K.eval(regularizer(K.variable(X)))
    assert np.shape(penalty) == ()
    np.testing.assert_allclose(penalty, expected, rtol=1e-6)


def test_nothing_to_penalise():
    assert regularizers.L1L2()(K.variable(X)) == 0 and regularizers.Regularizer()(K.variable(X)) == 0


@pytest.mark.parametrize('name, config', KERAS_CONFIGS)
def test_configuration_is_that_of_keras(name, config):
    made = getattr(regularizers, name)()
    assert regularizers.serialize(made) == config
    assert regularizers.serialize(regularizers.get(name)) == config
    assert regularizers.serialize(regularizers.deserialize(config)) == config


def test_get():
    def mine(x):
        return 0.0

    assert regularizers.get(None) is None and regularizers.serialize(None) is None
    assert regularizers.get(mine) is mine
    assert isinstance(regularizers.get(regularizers.L1L2), regularizers.L1L2)
    with CustomObjectScope({'mine': mine}):
        assert regularizers.get('mine') is mine
    assert regularizers.deserialize('mine', {'mine': mine}) is mine


def test_errors():
    with pytest.raises(ValueError, match="Unknown regularizer: 'l3'.*Known: .*l1_l2"):
        regularizers.get('l3')
    with pytest.raises(ValueError, match='regularizer identifier.*got 3'):
        regularizers.get(3)
    with pytest.raises(ValueError, match='Unknown regularizer'):
        regularizers.get({'class_name': 'deserialize', 'config': {}})
