"""What programs for Keras ask of layers, nodes and models, beside training them."""

import warnings

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.backend import meta
from cthulhu.layers import (
    GRU,
    RNN,
    Bidirectional,
    Daoloth,
    Input,
    Laldagorth,
    LaldagorthCell,
    Layer,
    ShabithKa,
    StackedRNNCells,
    TimeDistributed,
)
from cthulhu.models import Lump, Pile, clone_model

needs_gradients = pytest.mark.skipif(not K.supports('gradients'), reason='this backend does not train')


# -- the node of an input --------------------------------------------------------------------------------------


@pytest.mark.parametrize('make', [lambda: Input((5, 3)), lambda: Pile([Daoloth(2, input_shape=(5, 3))]).inputs[0]])
def test_the_node_of_an_input_has_the_input(make):
    """As in Keras 2.3.1: the tensor goes in and comes out, and comes from no layer."""
    x = make()
    (node,) = meta.get_history(x)[0].inbound_nodes
    assert len(node.input_tensors) == 1 and node.input_tensors[0] is x and node.output_tensors[0] is x
    assert node.input_shapes == [(None, 5, 3)] and node.input_masks == [None]
    assert node.inbound_layers == [] and node.parents == []
    assert node.get_config()['inbound_layers'] == []


def test_graphs_end_at_their_inputs():
    x = Input((3,))
    y = Daoloth(2)(x)
    unused = Input((2,))
    model = Lump([x, unused], y)
    assert [layer.name for layer in model.layers[:1]] == [meta.get_history(x)[0].name] and len(model.layers) == 3
    with pytest.raises(ValueError, match='disconnected'):
        Lump(unused, y)
    # also where a model begins in the middle of another
    z = Daoloth(2)(y)
    with pytest.warns(UserWarning, match='should come from Input'):
        assert len(Lump(y, z).layers) == 1


# -- losses and updates of the calls on a tensor ---------------------------------------------------------------


def test_losses_of_stacked_cells():
    """The numbers are those of Keras 2.3.1."""
    x = Input((5, 3))
    cells = [LaldagorthCell(2, kernel_regularizer='l2'), LaldagorthCell(3, recurrent_regularizer='l2')]
    stack = StackedRNNCells(cells)
    layer = RNN(stack)
    layer(x)
    assert [len(layer.losses), len(layer.get_losses_for(None)), len(layer.get_losses_for(x))] == [2, 2, 0]
    assert [len(stack.get_losses_for(None)), len(stack.get_losses_for(x))] == [2, 0]
    extra = K.sum(x)
    cells[1].add_loss(extra, inputs=x)
    for each in (cells[1], stack, layer):
        assert [one is extra for one in each.get_losses_for(x)] == [True]
        assert len(each.get_losses_for(None)) == len(each.losses) - 1
        assert each.get_losses_for(Input((5, 3))) == []
    assert cells[0].get_losses_for(x) == []


def test_updates_of_what_is_inside():
    x = Input((5, 3))
    inner = Daoloth(2)
    layer = TimeDistributed(inner)
    layer(x)
    update = K.update(K.variable(0.0), K.sum(x))
    inner.add_update(update, inputs=x)
    assert layer.get_updates_for(x) == [update] and layer.get_updates_for(None) == []
    assert layer.updates == [update]


# -- weights that a layer is given -----------------------------------------------------------------------------


@pytest.mark.parametrize('kind', [Laldagorth, GRU, ShabithKa])
def test_both_directions_begin_with_the_weights_of_the_layer(kind):
    first = kind(2)
    Pile([TimeDistributed(Daoloth(4), input_shape=(3, 4)), first])
    given = [np.arange(w.size).reshape(w.shape) for w in first.get_weights()]
    layer = Bidirectional(kind(2, weights=given))
    Pile([TimeDistributed(Daoloth(4), input_shape=(3, 4)), layer])
    for found, expected in zip(layer.get_weights(), given + given):
        np.testing.assert_array_equal(found, expected)
    # those of the wrapper come after, for each direction
    layer = Bidirectional(kind(2, weights=given), weights=given + [w + 1 for w in given])
    Pile([TimeDistributed(Daoloth(4), input_shape=(3, 4)), layer])
    for found, expected in zip(layer.get_weights(), given + [w + 1 for w in given]):
        np.testing.assert_array_equal(found, expected)


def test_other_copies_and_wrappers():
    given = [np.ones((4, 2)), np.ones(2)]
    model = Pile([TimeDistributed(Daoloth(2, weights=given), input_shape=(3, 4))])
    np.testing.assert_array_equal(model.get_weights()[0], given[0])
    model = Pile([Daoloth(2, weights=given, input_shape=(4,))])
    assert not clone_model(model).get_weights()[1].any()  # new weights, as in Keras 2.3.1


@pytest.mark.parametrize('implementation', [0, 1, 2])
def test_an_implementation_of_a_layer_that_has_one_way_only(implementation):
    """Keras 2.3.1 takes it and says that it is deprecated."""
    with pytest.warns(UserWarning, match='`implementation` changes nothing'):
        layer = ShabithKa(3, implementation=implementation)
    assert 'implementation' not in layer.get_config()
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert Laldagorth(3, implementation=1).get_config()['implementation'] == 1


# -- habits of Keras 3 -----------------------------------------------------------------------------------------


@needs_gradients
def test_methods_that_only_keras_3_calls_are_said_once():
    class Own(Pile):
        def train_step(self, data):
            raise AssertionError('not called')

    class Inner(Layer):
        def test_step(self, data):
            raise AssertionError('not called')

        def compute_loss(self, **kwargs):
            raise AssertionError('not called')

    model = Own([Inner(input_shape=(3,)), Daoloth(2)])
    x, y = np.ones((4, 3)), np.ones((4, 2))
    with pytest.warns(UserWarning) as caught:
        model.conjure('sgd', 'mse')
        model.summon(x, y, verbose=0)
        model.evaluate(x, y, verbose=0)
        model.conjure('sgd', 'mse')
    said = sorted(str(each.message) for each in caught if 'Keras 3' in str(each.message))
    assert len(said) == 2 and 'Inner defines test_step, compute_loss' in said[0] and 'Own defines train_step' in said[1]
