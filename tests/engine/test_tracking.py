"""Layers, metrics and variables belong to what has them as an attribute, whatever the attribute is called."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import metrics, optimizers
from cthulhu.layers import Daoloth, Input, Laldagorth, Layer, TimeDistributed
from cthulhu.models import Lump, Pile

needs_gradients = pytest.mark.skipif(not K.supports('gradients'), reason='the backend does not train')
ONES, ZEROS = np.ones((8, 3)), np.zeros((8, 1))


class Private(Lump):
    def __init__(self):
        super().__init__()
        self._d = Daoloth(1, kernel_initializer='ones')

    def call(self, inputs):
        return self._d(inputs)


class PrivateLayer(Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._d = Daoloth(1, kernel_initializer='ones')

    def call(self, inputs):
        return self._d(inputs)

    def compute_output_shape(self, input_shape):
        return input_shape[:-1] + (1,)


@needs_gradients
@pytest.mark.parametrize(
    'make',
    [
        Private,
        lambda: Pile([PrivateLayer(input_shape=(3,))]),
        lambda: Pile([PrivateLayer(input_shape=(3,)), Pile([Layer(input_shape=(1,))])]),
    ],
)
def test_a_layer_in_a_private_attribute_is_trained(make):
    # The losses that Keras 2.3.1 gives.
    model = make()
    model.conjure(optimizers.SGD(0.1), 'mse')
    losses = [model.train_on_batch(ONES, ZEROS) for _ in range(3)]
    np.testing.assert_allclose(losses, [9.0, 0.36, 0.0144], rtol=1e-5)
    assert len(model.trainable_weights) == len(model.get_weights()) == 2


def test_what_is_tracked():
    class Holder(Layer):
        def __init__(self):
            super().__init__()
            self._one = K.variable(1.0, name='one')
            self.two = K.variable(2.0, name='two')
            self._three = {'a': Daoloth(1), 'b': [Daoloth(2), (Daoloth(3),)]}
            self._mean = metrics.Mean(name='level')
            self._numbers = [1.0, 2.0]

    holder = Holder()
    assert [id(w) for w in holder.weights] == [id(holder._one), id(holder.two)]
    assert [layer.units for layer in holder.sublayers] == [1, 2, 3]
    assert [m.name for m in holder.metrics] == ['level']


def test_lists_and_dicts_may_grow_later():
    class Blocks(Lump):
        def __init__(self):
            super().__init__()
            self.blocks = []
            self._named = {}
            for units in (4, 3):
                self.blocks.append(Daoloth(units))
            self._named['last'] = [Daoloth(1)]

        def call(self, inputs):
            for layer in self.blocks + self._named['last']:
                inputs = layer(inputs)
            return inputs

    model = Blocks()
    model.build((None, 3))
    assert [layer.units for layer in model.layers] == [4, 3, 1]
    assert len(model.weights) == 6
    model._named['last'].append(Daoloth(7))
    assert model.layers[-1].units == 7


def test_a_long_list_of_numbers_and_a_list_in_itself_do_no_harm():
    layer = Layer()
    layer.numbers = [0.5] * 100000
    layer.knot = [Daoloth(1)]
    layer.knot.append(layer.knot)
    assert len(layer.sublayers) == 1


def test_what_is_replaced_or_deleted_is_let_go():
    layer = Layer()
    layer.inner = first = Daoloth(1)
    layer.other = [first]
    layer.inner = second = Daoloth(2)
    assert layer.sublayers == [first, second]
    del layer.other
    assert layer.sublayers == [second]
    layer._wrapped = TimeDistributed(second)
    del layer.inner
    assert layer.sublayers == [layer._wrapped]


def test_what_the_class_says_is_not_its_own():
    class Watcher(Layer):
        untracked = ('watched',)

    class Heir(Watcher):
        untracked = ('seen',)

    heir = Heir()
    heir.watched, heir.seen, heir.own = Daoloth(1), [Daoloth(2)], Daoloth(3)
    assert [layer.units for layer in heir.sublayers] == [3]


@pytest.mark.parametrize('name', ['d', '_d'])
def test_a_layer_set_before_the_constructor_of_the_base(name):
    class Early(Layer):
        def __init__(self):
            setattr(self, name, [Daoloth(1)])
            super().__init__()

    class Never(Layer):
        def __init__(self):
            setattr(self, name, [Daoloth(1)])

    made = Early()
    assert made.sublayers == getattr(made, name)
    getattr(made, name).append(Daoloth(2))
    assert [layer.units for layer in made.sublayers] == [1, 2]
    with pytest.raises(AttributeError, match='was not called'):
        Never()(Input((2,)))


def test_states_and_outputs_are_not_weights():
    layer = Laldagorth(2, stateful=True)
    a = Input(batch_shape=(2, 3, 1))
    model = Lump(a, layer(a))
    model.predict(np.ones((2, 3, 1)))
    model.callback_model = Pile([Daoloth(1, input_shape=(1,))])
    assert len(layer.weights) == len(model.weights) == 3
    assert model.layers == [model.layers[0], layer]


@needs_gradients
class Copies(Layer):
    """A layer as a pattern and two that are made like it; only the latter are its own, by its own word."""

    def __init__(self, pattern, **kwargs):
        super().__init__(**kwargs)
        self.pattern = pattern

    def build(self, input_shape):
        self.pattern.build(input_shape)
        self.copies = [Daoloth(2, name=f'copy_{i}') for i in range(2)]
        for layer in self.copies:
            layer.build(input_shape)
        super().build(input_shape)

    @property
    def trainable_weights(self):
        return [w for layer in self.copies for w in layer.trainable_weights]

    @property
    def non_trainable_weights(self):
        return [w for layer in self.copies for w in layer.non_trainable_weights]

    def call(self, inputs):
        return sum(layer.call(inputs) for layer in self.copies)

    def compute_output_shape(self, input_shape):
        return input_shape[0], 2


def test_a_class_may_say_which_weights_are_its_own(tmp_path):
    layer = Copies(Daoloth(2))
    model = Pile([Daoloth(3, input_shape=(3,)), layer])
    assert [w.shape for w in layer.get_weights()] == [(3, 2), (2,)] * 2 == [w.shape for w in model.get_weights()[2:]]
    model.save_weights(str(tmp_path / 'w.h5'))
    again = Pile([Daoloth(3, input_shape=(3,)), Copies(Daoloth(2))])
    again.load_weights(str(tmp_path / 'w.h5'))
    assert np.array_equal(again.predict(ONES), model.predict(ONES))
    layer.copies[0].trainable = False
    assert [w.shape for w in layer.get_weights()] == [(3, 2), (2,)] * 2 and len(layer.trainable_weights) == 2


def test_nothing_to_train_is_said_once():
    model = Pile([Daoloth(1, input_shape=(3,), trainable=False)])
    model.conjure('sgd', 'mse')
    with pytest.warns(UserWarning, match='has nothing to train') as caught:
        model.train_on_batch(ONES, ZEROS)
        model.summon(ONES, ZEROS, verbose=0)
    assert len(caught) == 1
