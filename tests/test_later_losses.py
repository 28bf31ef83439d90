"""Losses that came after Keras 2.3: against Keras 3, with slopes against differences, in training and in files."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import losses, metrics
from cthulhu.layers import Daoloth
from cthulhu.models import Pile, load_model

Y_TRUE = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
Y_PRED = np.array([[0.1, 0.7, 0.2], [0.3, 0.4, 0.3]])
LOGITS = 4 * Y_PRED - 2
LABELS, STEPS = np.array([[1, 2, 2], [3, 0, 0]]), np.sin(np.arange(48.0)).reshape(2, 6, 4)
HALF = np.array([1.0, 0.5])

needs_ctc = pytest.mark.skipif(not K.supports('ctc'), reason='this backend has no CTC')
trains = pytest.mark.skipif(not K.supports('gradients'), reason='this backend does not train')

# Recorded from Keras 3.15.1.
KERAS_3 = [
    (lambda: losses.dice(Y_TRUE, Y_PRED), 0.5),
    (lambda: losses.dice(Y_TRUE, Y_PRED, axis=-1), [0.3, 0.7]),
    (lambda: losses.Dice()(Y_TRUE, Y_PRED, HALF), 0.375),
    (lambda: losses.Dice(axis=1)(Y_TRUE, Y_PRED, HALF), 0.325),
    (lambda: losses.tversky(Y_TRUE, Y_PRED), 0.5),
    (lambda: losses.tversky(Y_TRUE, Y_PRED, 0.3, 0.7, axis=-1), [0.3, 0.7]),
    (lambda: losses.binary_focal_crossentropy(Y_TRUE, Y_PRED), [0.0140267, 0.2345932]),
    (lambda: losses.binary_focal_crossentropy(Y_TRUE, LOGITS, True, 0.3, 1.5, True, 0.2), [0.0319232, 0.1187141]),
    (lambda: losses.BinaryFocalCrossentropy(apply_class_balancing=True)(Y_TRUE, Y_PRED, HALF), 0.0219901),
    (lambda: losses.categorical_focal_crossentropy(Y_TRUE, Y_PRED), [0.0080252, 0.1474867]),
    (lambda: losses.CategoricalFocalCrossentropy([0.1, 0.2, 0.3], 1.5, True, 0.2, reduction='none')(Y_TRUE, LOGITS), [0.0552482, 0.0853203]),
    (lambda: losses.huber(Y_TRUE, 3 * Y_PRED), [0.275, 0.37]),
    (lambda: losses.CosineSimilarity()(Y_TRUE, Y_PRED), -0.7335376),
]  # fmt: skip


@pytest.mark.parametrize('compute, wanted', KERAS_3)
def test_the_numbers_of_keras_3(compute, wanted):
    np.testing.assert_allclose(K.eval(compute()), wanted, rtol=1e-5, atol=1e-6)


@needs_ctc
def test_ctc():
    np.testing.assert_allclose(K.eval(losses.ctc(LABELS, STEPS)), [5.2434402, 6.1966839], rtol=1e-5)
    np.testing.assert_allclose(K.eval(losses.CTC()(LABELS, STEPS)), 5.7200623, rtol=1e-5)
    with pytest.raises(ValueError, match=r'ctc: `y_true` is of shape \(batch, labels\)'):
        losses.ctc(LABELS, Y_PRED)


@trains
@pytest.mark.parametrize(
    'loss',
    [losses.Dice(axis=-1), losses.Tversky(0.3, 0.7), losses.BinaryFocalCrossentropy(True, gamma=1.5), losses.CategoricalFocalCrossentropy()],
    ids=lambda loss: loss.name,
)  # fmt: skip
def test_slopes(loss):
    y = K.placeholder((2, 3))
    value = loss(K.constant(Y_TRUE), y)
    f = K.function([y], [value] + K.gradients(value, [y]))
    slope = f([Y_PRED])[1]
    step = 1e-2
    for place in np.ndindex(2, 3):
        moved = np.zeros((2, 3))
        moved[place] = step
        difference = (f([Y_PRED + moved])[0] - f([Y_PRED - moved])[0]) / (2 * step)
        assert slope[place] == pytest.approx(difference, rel=0.02, abs=2e-4)


@trains
def test_a_slope_where_nothing_is_missed():
    y = K.placeholder((1, 2))
    loss = losses.BinaryFocalCrossentropy()(K.constant([[1.0, 0.0]]), y)
    assert np.isfinite(K.function([y], K.gradients(loss, [y]))([[[1.0, 0.0]]])[0]).all()


def test_names_and_kinds():
    assert (
        losses.get('log_cosh') is losses.logcosh and losses.get('kl_divergence') is losses.kullback_leibler_divergence
    )
    assert losses.get('huber') is losses.huber and isinstance(losses.get('Dice'), losses.Dice)
    assert losses.target_kind('binary_focal_crossentropy') == 'binary' and losses.target_kind(losses.Dice()) == 'same'
    assert losses.target_kind(losses.CTC()) is None
    assert metrics.get('binary_focal_crossentropy') is losses.binary_focal_crossentropy
    for name, argument in (('Dice', 'axis'), ('Tversky', 'beta'), ('BinaryFocalCrossentropy', 'gamma')):
        with pytest.raises(ValueError, match=f'{name}: `{argument}` is '):
            getattr(losses, name)(**{argument: -0.5})


@trains
@pytest.mark.parametrize('ending', ['.h5', '.keras'])
def test_training_and_files(tmp_path, ending):
    x = np.linspace(-1, 1, 24).reshape(8, 3)
    y = (x.sum(-1, keepdims=True) > [[0, 0.5]]) * 1.0
    model = Pile([Daoloth(2, activation='sigmoid', input_shape=(3,)), Daoloth(2, activation='sigmoid')])
    for loss in (losses.Dice(), losses.Tversky(0.3, 0.7, axis=-1), losses.BinaryFocalCrossentropy(True, 0.3, 1.5)):
        score = metrics.F1Score('macro', 0.4)
        model.conjure('sgd', loss, metrics=[score, metrics.BinaryIoU(threshold=0.4), 'binary_focal_crossentropy'])
        history = model.summon(x, y, epochs=2, batch_size=8, verbose=0, sample_weight=np.linspace(0.5, 1.5, 8)).history
        assert history['loss'][1] < history['loss'][0] and set(history) > {'f1_score', 'binary_focal_crossentropy'}
        path = str(tmp_path / ('model' + ending))
        model.save(path)
        again = load_model(path)
        assert again.loss.get_config() == loss.get_config()
        np.testing.assert_allclose(again.evaluate(x, y, verbose=0), model.evaluate(x, y, verbose=0), rtol=1e-5)


@pytest.mark.parametrize('nothing', [1, -1, 255])
def test_a_class_that_is_ignored(nothing):
    """Maps of classes of 2 by 3 places, some of which are not known."""
    draws = np.random.RandomState(0)
    labels, scores = draws.randint(0, 3, (4, 2, 3)), draws.uniform(0.1, 1, (4, 2, 3, 3))
    labels[0, 0], labels[3] = nothing, nothing
    scores /= scores.sum(-1, keepdims=True)
    known = labels != nothing
    each = np.where(known, -np.log(np.take_along_axis(scores, np.where(known, labels, 0)[..., None], -1)[..., 0]), 0)
    loss = losses.SparseCategoricalCrossentropy(ignore_class=nothing)
    np.testing.assert_allclose(K.eval(loss(labels, scores)), each.sum() / known.sum(), rtol=1e-5)
    for reduction, wanted in (('sum', each.sum()), ('none', each)):
        found = losses.SparseCategoricalCrossentropy(reduction=reduction, ignore_class=nothing)(labels, scores)
        np.testing.assert_allclose(K.eval(found), wanted, rtol=1e-5, atol=1e-7)
    again = losses.get({'class_name': 'SparseCategoricalCrossentropy', 'config': loss.get_config()})
    assert again.ignore_class == nothing
    none_known = losses.SparseCategoricalCrossentropy(ignore_class=nothing)(np.full((2, 1), nothing), scores[:2, 0, 0])
    assert K.eval(none_known) == 0


@trains
def test_training_where_classes_are_not_known():
    x, y = np.linspace(-1, 1, 24).reshape(8, 3), np.array([[0], [1], [-1], [2], [-1], [0], [1], [-1]])
    found = []
    for rows, target in ((x, y), (x[y[:, 0] >= 0], y[y[:, 0] >= 0])):
        model = Pile([Daoloth(3, activation='softmax', kernel_initializer='ones', input_shape=(3,))])
        model.conjure('sgd', losses.SparseCategoricalCrossentropy(ignore_class=-1))
        found.append((model.train_on_batch(rows, target), model.get_weights()[0]))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-5)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-5)


@trains
@needs_ctc
def test_ctc_trains():
    model = Pile([Daoloth(4, input_shape=(6, 4))])
    model.conjure('adam', losses.CTC())
    history = model.summon(STEPS, LABELS, epochs=3, verbose=0).history['loss']
    assert history[-1] < history[0]
