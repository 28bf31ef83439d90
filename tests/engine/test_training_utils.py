"""Keras's path for what prepares data and losses. Figures and refusals are those of Keras 2.3.1 for the same calls."""

import itertools

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import losses, metrics, models
from cthulhu.engine import training_arrays, training_generator
from cthulhu.engine import training_utils as utils
from cthulhu.layers import Daoloth
from cthulhu.utils import Sequence


def test_data_come_in_the_order_of_the_names():
    data = {'b': np.ones(3), 'a': np.ones((3, 2))}
    assert [x.shape for x in utils.standardize_input_data(data, ['a', 'b'])] == [(3, 2), (3, 1)]
    assert utils.standardize_input_data(None, ['a', 'b']) == [None, None]
    assert utils.standardize_input_data([], []) == []


@pytest.mark.parametrize('data, names, shapes, told', [
    (np.ones((3, 2)), ['a'], [(None, 3)], 'The target "a" does not fit'),
    (np.ones((3, 2)), ['a', 'b'], None, 'list of 2 target arrays'),
    ({'c': np.ones(3)}, ['a'], None, "expected the names \\['a'\\]"),
    (np.ones((3, 2)), ['a'], [(4, 2)], 'expected 4 samples'),
])  # fmt: skip
def test_data_that_do_not_fit_are_refused(data, names, shapes, told):
    with pytest.raises(ValueError, match=told):
        utils.standardize_input_data(data, names, shapes, exception_prefix='target')


def test_the_batch_axis_is_held_against_the_shape_where_that_is_asked():
    (found,) = utils.standardize_input_data(np.ones((3, 2)), ['a'], [(4, 2)], check_batch_axis=False)
    assert found.shape == (3, 2)


def test_weights_of_samples_and_classes():
    y = np.array([[0.0], [1.0], [1.0]])
    found = utils.standardize_weights(y, sample_weight=np.array([1.0, 2.0, 4.0]), class_weight={0: 1.0, 1: 3.0})
    assert found.tolist() == [1.0, 6.0, 12.0]
    assert utils.standardize_weights(y).tolist() == [1, 1, 1]
    assert utils.standardize_weights(np.ones((3, 4, 5)), sample_weight_mode='temporal').shape == (3, 4)
    with pytest.raises(ValueError, match="None or 'temporal'; got 'daily'"):
        utils.standardize_weights(y, sample_weight_mode='daily')
    with pytest.raises(ValueError, match='3 dimensions or more'):
        utils.standardize_weights(y, sample_weight_mode='temporal')


def test_weights_for_each_output():
    weights = np.ones(3)
    assert utils.standardize_sample_weights({'b': weights}, ['a', 'b']) == [None, weights]
    assert utils.standardize_class_weights({0: 1.0}, ['a']) == [{0: 1.0}]
    assert utils.standardize_class_weights(None, ['a', 'b']) == [None, None]


A, B = np.ones((4, 3, 3)), np.ones((3, 4))


@pytest.mark.parametrize(
    'arguments', [(None, None, None), (A, A, A), ([A, A], [A, A], [A, A]), ([None], [None], [None])]
)
def test_lengths_that_agree(arguments):
    utils.check_array_length_consistency(*arguments)


@pytest.mark.parametrize(
    'arguments', [(A, None, None), (A, A, None), ([A], [None], None), ([A], [B], None), ([A], None, [B])]
)
def test_lengths_that_do_not(arguments):
    with pytest.raises(ValueError, match='the same number of samples'):
        utils.check_array_length_consistency(*arguments)


LOSSES = {
    'CategoricalCrossentropy': losses.CategoricalCrossentropy(),
    'categorical_crossentropy': losses.categorical_crossentropy,
    'MeanSquaredError': losses.MeanSquaredError(),
    'mean_squared_error': losses.mean_squared_error,
    'Poisson': losses.Poisson(),
    'mse by name': utils.get_loss_function('mse'),
    'binary_crossentropy by name': utils.get_loss_function('binary_crossentropy'),
}
# (shape of the targets, of the output) -> which of them are refused
REFUSED = {
    ((2, 1), (None, 1)): [1, 1, 0, 0, 0, 0, 0],
    ((2, 1), (None, 3)): [1, 1, 1, 0, 0, 1, 1],
    ((2, 3), (None, 3)): [0, 0, 0, 0, 0, 0, 0],
    ((2, 3), (None, None)): [0, 0, 0, 0, 0, 0, 0],
    ((2, 3), (None, 4)): [1, 0, 1, 0, 0, 1, 1],
}


@pytest.mark.parametrize('shapes, place', list(itertools.product(REFUSED, range(7))))
def test_targets_that_a_loss_cannot_mean(shapes, place):
    arguments = [np.ones(shapes[0]), None], [list(LOSSES.values())[place], None], [shapes[1], None]
    if REFUSED[shapes][place]:
        with pytest.raises(ValueError, match='The targets of output 0 have the shape'):
            utils.check_loss_and_target_compatibility(*arguments)
    else:
        utils.check_loss_and_target_compatibility(*arguments)


def test_the_objective_leaves_out_what_is_masked_or_weighs_nothing():
    y = np.array([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]])
    y, p = K.constant(y), K.constant(y[::-1] * 0.5)
    mask, weights = K.constant([[1.0, 0.0], [1.0, 1.0]]), K.constant([2.0, 0.0])
    objective = utils.weighted_masked_objective(losses.mean_squared_error)
    found = [objective(y, p, weights, mask), objective(y, p, None, mask), objective(y, p, weights)]
    assert np.allclose([K.eval(x) for x in found], [2.166666269302368, 19.124996185302734, 1.75], rtol=1e-6)
    assert utils.weighted_masked_objective(None) is None


def test_what_is_masked_or_weighs_nothing_may_be_no_number():
    y, p = K.constant([[1.0, np.nan], [3.0, 3.0]]), K.constant([[2.0, 2.0], [5.0, 3.0]])
    objective = utils.weighted_masked_objective(lambda y_true, y_pred: K.square(y_true - y_pred))
    assert np.isclose(K.eval(objective(y, p, None, K.constant([[1.0, 0.0], [1.0, 1.0]]))), 5 / 3, rtol=1e-5)
    first = K.constant([[1.0, 1.0], [np.nan, 3.0]])
    assert np.isclose(K.eval(objective(first, p, K.constant([2.0, 0.0]))), 2.0, rtol=1e-5)


def test_batches_and_their_order():
    assert utils.make_batches(10, 4) == [(0, 4), (4, 8), (8, 10)]
    np.random.seed(3)
    assert utils.batch_shuffle(np.arange(11), 3).tolist() == [3, 4, 5, 0, 1, 2, 6, 7, 8, 9, 10]


def test_the_number_of_samples():
    assert utils.check_num_samples([np.ones((5, 2))], batch_size=2) == 5
    assert utils.check_num_samples([np.ones((5, 2))], steps=3) is None
    with pytest.raises(ValueError, match='`batch_size` must be None'):
        utils.check_num_samples([np.ones((5, 2))], batch_size=2, steps=3)
    with pytest.raises(ValueError, match='give `validation_steps`'):
        utils.check_num_samples([K.constant([1.0])], steps_name='validation_steps')


class Ones(Sequence):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return np.full((3, 2), index, 'float32'), np.ones((3, 1), 'float32')


def test_streams():
    assert utils.is_sequence(Ones()) and not utils.is_sequence([1])
    assert utils.is_generator_or_sequence(x for x in ()) and not utils.is_generator_or_sequence([1])
    first = [batch[0][0, 0] for batch in itertools.islice(utils.iter_sequence_infinite(Ones()), 5)]
    assert first == [0, 1, 0, 1, 0]


def test_losses_and_metrics_by_name():
    names = [utils.get_metric_name(each) for each in ('acc', 'mse', metrics.mse, metrics.MeanSquaredError('q'))]
    assert names == ['acc', 'mse', 'mean_squared_error', 'q']
    assert utils.get_loss_function(None) is None
    assert utils.collect_metrics({'a': 'mse'}, ['a', 'b']) == [['mse'], []]
    assert utils.collect_metrics(['mse'], ['a', 'b']) == [['mse'], ['mse']] and utils.collect_metrics(None, ['a']) == [
        []
    ]
    with pytest.raises(TypeError, match="got 'mse'"):
        utils.collect_metrics('mse', ['a'])


def test_which_loss_is_the_one_of_one_hot_classes():
    known = ['categorical_crossentropy', losses.categorical_crossentropy, losses.CategoricalCrossentropy()]
    others = ['mse', losses.SparseCategoricalCrossentropy(), lambda y, p: y, None]
    assert all(map(losses.is_categorical_crossentropy, known + [utils.get_loss_function('categorical_crossentropy')]))
    assert not any(map(losses.is_categorical_crossentropy, others))


def test_metrics_are_cloned_and_functions_are_not():
    counted = metrics.MeanSquaredError('q')
    copy, function = metrics.clone_metrics([counted, metrics.mse])
    assert copy is not counted and copy.name == 'q' and type(copy) is type(counted) and function is metrics.mse
    assert list(metrics.clone_metrics({'a': counted})) == ['a'] and metrics.clone_metrics(None) is None


def test_loops_over_arrays():
    x = np.arange(10.0).reshape(5, 2)
    found = training_arrays.predict_loop(None, lambda ins: [ins[0] * ins[1], ins[0].sum(1)], [x, 3], batch_size=2)
    assert np.array_equal(found[0], 3 * x) and np.array_equal(found[1], x.sum(1))
    assert training_arrays.test_loop(None, lambda ins: ins[0].mean(), [x], batch_size=2) == x.mean()
    assert training_arrays.predict_loop(None, lambda ins: ins[0], [x], batch_size=None, steps=2).shape == (10, 2)
    with pytest.raises(ValueError, match='leave out `verbose`'):
        training_arrays.predict_loop(None, lambda ins: ins[0], [x], verbose=1)


def test_functions_for_generators_are_the_methods_of_the_model():
    model = models.Pile([Daoloth(1, input_shape=(2,))])
    found = training_generator.predict_generator(model, Ones(), steps=2)
    assert np.allclose(found, model.predict(np.concatenate([Ones()[0][0], Ones()[1][0]])), atol=1e-6)
    if K.supports('gradients'):
        model.conjure('sgd', 'mse')
        assert len(training_generator.fit_generator(model, Ones(), epochs=2, verbose=0).history['loss']) == 2
        assert training_generator.evaluate_generator(model, Ones()) > 0
