"""Programs that change a model's lists: its layers, its outputs. What Keras 2.3.1 makes of each was seen there."""

import copy
import json

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.layers import Add, Daoloth, Input, Reshape
from cthulhu.models import Lump, Pile, load_model, model_from_json

X = np.linspace(-1, 1, 12, dtype='float32').reshape((3, 4))


def _lump():
    x = Input((4,), name='x')
    a = Daoloth(3, activation='tanh', name='a')(x)
    b = Daoloth(5, name='b')(a)
    c = Daoloth(2, name='c')(Add(name='sum')([b, Daoloth(5, name='d')(a)]))
    return Lump(x, c)


def _pile():
    return Pile([Daoloth(3, activation='tanh', input_dim=4, name='a'), Daoloth(5, name='b'), Daoloth(2, name='c')])


def _expected(model, upto):
    value = X
    for name in upto:
        kernel, bias = model.get_layer(name).get_weights()
        value = value @ kernel + bias
        value = np.tanh(value) if name == 'a' else value
    return value


@pytest.mark.filterwarnings('ignore:A layer was taken off')
def test_the_old_way_to_cut_a_model():
    model = _lump()
    model.layers.pop()
    assert [layer.name for layer in model.layers] == ['x', 'a', 'b', 'd', 'sum']
    model.layers[-1].outbound_nodes = []
    model.outputs = [model.layers[2].output]
    assert [layer.name for layer in model.layers] == ['x', 'a', 'b'] and model.output_shape == (None, 5)
    expected = _expected(model, 'ab')
    assert np.allclose(model.predict(X), expected, atol=1e-6)
    new = Lump(model.input, model.layers[-1].output)
    assert np.allclose(new.predict(X), expected, atol=1e-6)
    assert [w.shape for w in model.get_weights()] == [(4, 3), (3,), (3, 5), (5,)]


def test_taking_off_says_that_what_is_computed_stays():
    model = _lump()
    before = model.predict(X)
    with pytest.warns(UserWarning, match='model.outputs = '):
        assert model.layers.pop().name == 'c'
    assert model.layers[-1].name == 'sum'
    assert np.array_equal(model.predict(X), before)  # as on Keras
    with pytest.raises(ValueError, match=r'still need .*\(c\)'):
        model.to_json()


@pytest.mark.filterwarnings('ignore:A layer was taken off')
def test_input_layer_taken_off_and_model_called_on_another():
    model = _lump()
    del model.layers[0]
    x = Input((4,))
    assert np.allclose(Lump(x, model(x)).predict(X), model.predict(X), atol=1e-6)


def test_outputs_set_then_saved_called_trained(tmp_path):
    model = _lump()
    model.conjure('sgd', 'mse')
    model.outputs = [model.layers[1].output, model.get_layer('sum').output]
    assert model.output_names == ['a', 'sum']
    assert model.metrics_names == ['loss', 'a_loss', 'sum_loss']
    first, second = model.predict(X)
    assert np.allclose(first, _expected(model, 'a'), atol=1e-6) and second.shape == (3, 5)
    x = Input((4,))
    assert np.allclose(Lump(x, model(x)).predict(X)[1], second, atol=1e-6)
    model = _lump()
    model.outputs = model.get_layer('b').output  # one tensor
    model.save(str(tmp_path / 'cut.h5'))
    again = load_model(str(tmp_path / 'cut.h5'), compile=False)
    assert np.allclose(again.predict(X), _expected(model, 'ab'), atol=1e-6)
    if K.supports('gradients'):
        model.conjure('sgd', 'mse')
        weights = model.get_weights()
        model.train_on_batch(X, np.ones((3, 5)))
        assert not np.array_equal(model.get_weights()[0], weights[0])


def test_outputs_set_and_set_back():
    model = _lump()
    before, ends, names = model.predict(X), model.outputs, [layer.name for layer in model.layers]
    model.outputs = [model.layers[1].output]
    model.outputs = ends
    assert np.array_equal(model.predict(X), before) and [layer.name for layer in model.layers] == names


def test_outputs_that_cannot_be_leave_the_model_as_it_was():
    model, stranger = _lump(), Daoloth(2)(Input((4,)))
    before = model.predict(X)
    with pytest.raises(ValueError, match='disconnected'):
        model.outputs = [stranger]
    with pytest.raises(ValueError, match='must come from layers'):
        model.outputs = [K.constant(1.0)]
    assert np.array_equal(model.predict(X), before)
    model(Input((4,)))
    with pytest.raises(ValueError, match='was called on other tensors'):
        model.outputs = [model.layers[1].output]


def test_inputs_set_to_where_the_model_shall_begin():
    model = _lump()
    between = model.get_layer('a').output
    with pytest.warns(UserWarning, match=r'should come from Input'):
        model.inputs = [between]
    x = Input((3,))
    assert [layer.name for layer in model.layers] == ['b', 'd', 'sum', 'c']
    weights = [w for name in 'bdc' for w in model.get_layer(name).get_weights()]
    expected = (X[:, :3] @ (weights[0] + weights[2]) + weights[1] + weights[3]) @ weights[4] + weights[5]
    assert np.allclose(Lump(x, model(x)).predict(X[:, :3]), expected, atol=1e-5)


def test_pile_whose_top_is_taken_off():
    pile = _pile()
    expected = _expected(pile, 'ab')
    with pytest.warns(UserWarning, match='as `pile.pop'):
        assert pile.layers.pop().name == 'c'
    assert [layer.name for layer in pile.layers] == ['a', 'b'] and pile.output_shape == (None, 5)
    pile.layers[-1].outbound_nodes = []
    pile.outputs = [pile.layers[-1].output]
    assert np.allclose(pile.predict(X), expected, atol=1e-6)
    pile.add(Daoloth(7, name='e'))
    assert pile.predict(X).shape == (3, 7)


def test_pile_that_ends_earlier():
    pile = _pile()
    pile.outputs = [pile.layers[0].output]
    assert len(pile.layers) == 1
    assert np.allclose(model_from_json(pile.to_json()).predict(X).shape, (3, 3))
    assert np.allclose(pile.predict(X), _expected(pile, 'a'), atol=1e-6)
    with pytest.raises(ValueError, match='one of its layers'):
        pile.outputs = [Daoloth(2)(pile.inputs[0])]


def test_pile_without_a_shape_yet():
    pile = Pile([Daoloth(3), Reshape((3, 1)), Daoloth(2)])
    with pytest.warns(UserWarning, match='taken off the Pile'):
        del pile.layers[1:]
    assert pile.predict(X).shape == (3, 3)


def test_what_would_change_nothing_is_refused():
    other = Daoloth(2)
    for model in (_lump(), _pile()):
        for change in (
            lambda layers: layers.append(other),
            lambda layers: layers.insert(1, other),
            lambda layers: layers.extend([other]),
            lambda layers: layers.__setitem__(0, other),
            lambda layers: layers.reverse(),
            lambda layers: layers.sort(key=id),
        ):
            before = list(model.layers)
            with pytest.raises(TypeError, match=r'list\(model.layers\)'):
                change(model.layers)
            assert model.layers == before
    with pytest.raises(TypeError, match='Only the top layer'):
        _pile().layers.pop(0)
    with pytest.raises(IndexError):
        _lump().layers.pop(9)


def test_layers_of_a_subclass_are_its_attributes():
    class Mine(Lump):
        def __init__(self):
            super().__init__()
            self.top = Daoloth(2)

        def call(self, x):
            return self.top(x)

    with pytest.raises(TypeError, match='attributes of it'):
        Mine().layers.pop()


def test_lists_made_of_the_layers_are_plain():
    model = _lump()
    for made in (model.layers[1:], model.layers + [], copy.copy(model.layers), list(model.layers), model.layers.copy()):
        assert type(made) is list
        made.append(None)
    assert len(model.layers) == 6
    assert json.dumps([layer.name for layer in model.layers])
