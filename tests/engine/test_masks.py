"""Masks in training: padded steps count neither in the loss nor in the metrics."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import optimizers
from cthulhu.layers import BlacknessFromTheStars, Daoloth, Flatten, Laldagorth, Masking, TimeDistributed
from cthulhu.models import Pile

if not K.supports('gradients'):
    pytest.skip('training needs gradients, which this backend does not have', allow_module_level=True)

random = np.random.RandomState(5)
X = random.normal(size=(6, 4, 3)).astype('float32')
Y = random.normal(size=(6, 4, 2)).astype('float32')
LENGTHS = [4, 2, 3, 1, 4, 2]
for row, length in enumerate(LENGTHS):
    X[row, length:] = 0


def padded(array, steps):
    return np.concatenate([array, np.zeros((len(array), steps) + array.shape[2:], array.dtype)], axis=1)


def model():
    made = Pile([Masking(input_shape=(None, 3)), Laldagorth(5, return_sequences=True), TimeDistributed(Daoloth(2))])
    made.conjure(optimizers.SGD(0.1), 'mse', metrics=['mae'], weighted_metrics=['mae'], sample_weight_mode='temporal')
    return made


def test_more_padding_changes_neither_loss_nor_metrics_nor_training():
    short, long = model(), model()
    long.set_weights(short.get_weights())
    weight = random.uniform(0.5, 2, size=(6, 4)).astype('float32')
    more, longer_weight = padded(X, 5), padded(weight, 5)
    targets = padded(Y, 5) + 7 * (np.arange(9) >= 4)[None, :, None]  # what lies in the padding is of no account
    np.testing.assert_allclose(
        long.evaluate(more, targets, sample_weight=longer_weight, verbose=0),
        short.evaluate(X, Y, sample_weight=weight, verbose=0),
        rtol=1e-5,
    )
    for _ in range(3):
        np.testing.assert_allclose(
            long.train_on_batch(more, targets, sample_weight=longer_weight),
            short.train_on_batch(X, Y, sample_weight=weight),
            rtol=1e-5,
        )
    for mine, theirs in zip(long.get_weights(), short.get_weights()):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)


def test_the_loss_is_the_mean_over_the_steps_that_are_there():
    made = model()
    loss, mae, weighted = made.evaluate(X, Y, verbose=0, batch_size=6)
    error = made.predict(X) - Y
    there = np.arange(4)[None] < np.array(LENGTHS)[:, None]
    np.testing.assert_allclose(loss, (error**2).mean(-1)[there].mean(), rtol=1e-5)
    np.testing.assert_allclose(mae, np.abs(error).mean(-1)[there].mean(), rtol=1e-5)
    np.testing.assert_allclose(weighted, mae, rtol=1e-5)


def test_a_mask_that_cannot_be_handled_is_refused():
    with pytest.raises(TypeError, match='does not support masking'):
        Pile([Masking(input_shape=(4, 3)), Flatten()])
    assert Pile([Masking(input_shape=(4, 3)), BlacknessFromTheStars()]).output_shape == (None, 4, 3)
