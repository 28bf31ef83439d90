"""Doors to what other people's code reads of models. The right answers are those of Keras 2.3.1 for the same model, in Cthulhu's names."""

import copy
import subprocess
import sys

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.engine import topology, tracking
from cthulhu.layers import BlacknessFromTheStars, Daoloth, Darkness, Input
from cthulhu.legacy import privates
from cthulhu.models import Lump, Pile

X = np.linspace(-1, 1, 12, dtype='float32').reshape((3, 4))
Y = [np.ones((3, 2), 'float32'), np.zeros(3, 'float32')]


def _model(conjured=True):
    x = Input((4,), name='x')
    h = Daoloth(3, activity_regularizer='l2', name='h')(x)
    normal = BlacknessFromTheStars(name='bn')(h)
    model = Lump(x, [Daoloth(2, name='y')(Darkness(0.5, name='d')(normal)), Daoloth(1, name='z')(h)])
    if conjured:
        model.conjure('adam', 'mse', metrics=['mae'], loss_weights=[1.0, 0.5])
    return model


def test_the_names_are_those_that_are_asked_for():
    assert set(privates.DOORS) == tracking.PRIVATES
    assert not [name for name in privates.DOORS if hasattr(Lump, name)]


def test_the_library_does_not_import_them():
    told = subprocess.run(
        [sys.executable, '-c', 'import sys, cthulhu; from cthulhu import layers; layers.Daoloth(2); print("cthulhu.legacy.privates" in sys.modules)'],
        stdout=subprocess.PIPE,
        check=True,
    )  # fmt: skip
    assert told.stdout.split()[-1] == b'False'


def test_what_is_fed():
    model = _model()
    assert model._feed_inputs == model.inputs and model._feed_input_names == ['x']
    assert model._feed_input_shapes == [(None, 4)]
    assert model._feed_targets == model.targets and model._feed_sample_weights == model.sample_weights
    assert model._feed_output_names == ['y', 'z'] and model._feed_outputs == model.outputs
    both = model._feed_inputs + model._feed_targets + [K.learning_phase()]
    assert type(both) is list and len(both) == 4


def test_structure():
    model = _model()
    assert {depth: [layer.name for layer in layers] for depth, layers in model._layers_by_depth.items()} == {
        0: ['y', 'z'],
        1: ['d'],
        2: ['bn'],
        3: ['h'],
        4: ['x'],
    }
    nodes = model._nodes_by_depth
    assert sorted(nodes) == [0, 1, 2, 3, 4] and nodes[3][0].outbound_layer is model.get_layer('h')
    assert model.nodes_by_depth == nodes and model.layers_by_depth == model._layers_by_depth
    assert [layer.name for layer in model._output_layers] == ['y', 'z'] == [layer.name for layer in model.output_layers]
    assert [layer.name for layer in model._input_layers] == ['x'] == [layer.name for layer in model.input_layers]
    assert model.internal_input_shapes == [(None, 4)] and model.internal_output_shapes == [(None, 2), (None, 1)]
    assert model._is_graph_network is True
    pile = Pile([Daoloth(2, input_dim=3, name='top')])
    assert [layer.name for layer in pile._layers] == ['top_input', 'top'] and len(pile.layers) == 1
    assert Pile([Daoloth(2)])._layers[0].name.startswith('dense')


def test_shapes_of_inputs():
    x = Input((4, 5))
    assert topology._collect_input_shape(x) == (None, 4, 5)
    assert topology._collect_input_shape([x, Input((None,))]) == [(None, 4, 5), (None, None)]
    assert Daoloth(2)._collect_input_shape((x,)) == (None, 4, 5)


def test_losses_and_updates_by_inputs():
    h, bn = _model().layers[1:3]
    (key,) = h._per_input_losses
    assert key == str(id(h.input)) and h._per_input_losses[key] == h.losses
    assert [len(updates) for updates in bn._per_input_updates.values()] == [2]
    assert h._per_input_updates == {}


def test_what_conjure_was_told():
    model = _model()
    assert model._is_compiled is True and _model(conjured=False)._is_compiled is False
    assert model._collected_trainable_weights == model.trainable_weights
    assert [loss.name for loss in model.loss_functions] == ['mean_squared_error', 'mean_squared_error']
    assert (
        model._compile_metrics == ['mae'] and model._compile_weighted_metrics is None and model._function_kwargs == {}
    )
    assert model.stateful_metric_functions == model.metrics
    assert len(model.metrics_tensors) == len(model.metrics_names) - 1
    assert len(model.metrics_updates) >= len(model.metrics_tensors)


def test_before_conjuring():
    model = _model(conjured=False)
    assert model._feed_input_names == ['x']
    for name in ('_feed_targets', 'train_function', 'loss_functions', '_compile_metrics'):
        with pytest.raises(AttributeError, match='before it is conjured'):
            getattr(model, name)
    assert not hasattr(Daoloth(2), '_feed_inputs')  # of models only


def test_lists_that_would_not_be_heard_are_refused():
    model = _model()
    for change in (
        lambda told: told.append(K.constant(1.0)),
        lambda told: told.pop(),
        lambda told: told.__setitem__(0, 1),
    ):
        with pytest.raises(TypeError, match='changing it changes nothing'):
            change(model.metrics_tensors)
    copied = copy.copy(model._feed_input_names)
    copied.append('more')
    assert type(copied) is list and model._feed_input_names == ['x']


def test_standardized_data():
    model = _model()
    x, y, weights = model._standardize_user_data(X.tolist(), Y, class_weight={'z': {0: 3.0}})
    assert [[a.shape for a in each] for each in (x, y, weights)] == [[(3, 4)], [(3, 2), (3, 1)], [(3,), (3,)]]
    assert weights[0].tolist() == [1, 1, 1] and weights[1].tolist() == [3, 3, 3]
    x, y, weights = model._standardize_user_data(X)
    assert len(x) == 1 and y == [] and weights == []
    with pytest.raises(ValueError, match='does not fit'):
        model._standardize_user_data(X[:, :2])


@pytest.mark.skipif(not K.supports('gradients'), reason='no training')
def test_functions_of_keras():
    model = _model()
    assert model._uses_dynamic_learning_phase() is True
    model._make_train_function()
    model._make_test_function()
    model._make_predict_function()
    values = model.optimizer.get_weights()
    assert len(values) == 25  # made with the function, for `set_weights`
    model.optimizer.set_weights(values)
    fed = [array for arrays in model._standardize_user_data(X, Y) for array in arrays]
    expected = model.test_on_batch(X, Y)
    model.reset_metrics()
    assert np.allclose(model.test_function(fed), expected)
    model.reset_metrics()
    assert np.allclose(model.test_function(fed + [0.0]), expected)
    assert np.allclose(model.predict_function([X])[0], model.predict(X)[0])
    assert np.allclose(model.predict_function([X, 0])[1], model.predict(X)[1])
    before = model.get_weights()
    assert len(model.train_function(fed + [1.0])) == len(model.metrics_names)
    assert not np.array_equal(before[0], model.get_weights()[0])
    with pytest.raises(ValueError, match='learning phase 1; got 0'):
        model.train_function(fed + [0.0])


def test_functions_set_to_none_are_made_anew():
    model = _model()
    names = ('train_function', 'test_function', 'predict_function') if K.supports('gradients') else ('test_function',)
    for name in names:
        made = getattr(model, name)
        assert getattr(model, name) is made
        setattr(model, name, None)
        assert getattr(model, name) is not made
        with pytest.raises(TypeError, match='set to None'):
            setattr(model, name, lambda arrays: arrays)
    model.evaluate(X, Y, verbose=0)
