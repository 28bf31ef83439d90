"""Layers: weights, the call protocol, nodes, attributes, losses and updates."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.engine import InputSpec, get_source_inputs
from cthulhu.layers import Azatoth, Daoloth, Input, Layer, Masking
from cthulhu.metrics import Mean
from cthulhu.models import Lump, Pile


class Scale(Layer):
    def build(self, input_shape):
        self.scale = self.add_weight('scale', (input_shape[-1],), initializer='ones')
        self.offset = self.add_weight('offset', (), initializer='zeros', trainable=False)
        super().build(input_shape)

    def call(self, inputs):
        return inputs * self.scale + self.offset


def test_weights_and_their_values():
    layer = Scale(weights=[np.full(3, 2.0), np.array(1.0)])
    with pytest.raises(RuntimeError, match='not built'):
        layer.count_params()
    out = layer(Input((3,)))
    assert K.int_shape(out) == (None, 3) and layer.count_params() == 4
    assert [w.tolist() for w in layer.get_weights()] == [[2.0] * 3, 1.0]
    assert [len(layer.trainable_weights), len(layer.non_trainable_weights)] == [1, 1]
    layer.trainable = False
    assert [len(layer.trainable_weights), len(layer.non_trainable_weights)] == [0, 2]
    with pytest.raises(ValueError, match='has 2 weight array'):
        layer.set_weights([np.ones(3)])
    with pytest.raises(
        ValueError, match=r'expected an array of shape \(3,\), but set_weights was given one of shape \(4,\)'
    ):
        layer.set_weights([np.ones(4), np.array(0.0)])
    with pytest.raises(ValueError, match='needs a known size'):
        Scale()(Input((None,)))


def test_arguments_and_names():
    K.reset_uids()
    assert [Daoloth(1).name, Daoloth(1).name, Scale().name] == ['dense_1', 'dense_2', 'scale_1']
    layer = Daoloth(2, input_shape=(3,), batch_size=5, dtype='float64', trainable=False, name='mine')
    assert (
        layer.batch_input_shape == (5, 3) and layer.dtype == 'float64' and layer.name == 'mine' and not layer.trainable
    )
    with pytest.raises(TypeError, match="'inptu_shape'.*input_shape"):
        Daoloth(2, inptu_shape=(3,))


def test_nodes_of_a_layer_that_is_called_twice():
    layer = Daoloth(2)
    with pytest.raises(AttributeError, match='not been called'):
        layer.output
    a, b = Input((3,)), Input((3,))
    first = layer(a)
    assert (
        layer.input is a
        and layer.output is first
        and layer.input_shape == (None, 3)
        and layer.output_shape == (None, 2)
    )
    second = layer(b)
    assert layer.get_output_at(1) is second and layer.get_input_at(0) is a and layer.get_output_shape_at(1) == (None, 2)
    assert layer.output_shape == (None, 2)
    with pytest.raises(AttributeError, match='get_output_at'):
        layer.output
    with pytest.raises(ValueError, match='no output at node 2'):
        layer.get_output_at(2)
    assert layer.get_output_mask_at(0) is None
    assert get_source_inputs(second)[0] is b
    assert K.is_cthulhu_tensor(second) and second._keras_history[0] is layer


@pytest.mark.parametrize(
    'spec, expected',
    [
        (dict(ndim=3), 'rank 3'),
        (dict(min_ndim=3), 'rank 3 at least'),
        (dict(max_ndim=1), 'rank 1 at most'),
        (dict(axes={-1: 4}), 'axis -1 of size 4'),
        (dict(shape=(None, 5)), r'shape \(None, 5\)'),
        (dict(dtype='int32'), 'dtype int32'),
    ],
)
def test_input_specs(spec, expected):
    layer = Azatoth('linear')
    layer.input_spec = InputSpec(**spec)
    with pytest.raises(ValueError, match=f'expected {expected}, found .*'):
        layer(Input((3,)))
    layer.input_spec = InputSpec(ndim=2, axes={-1: 3}, shape=(None, 3), dtype='float32')
    layer(Input((3,)))
    assert 'ndim=2' in repr(layer.input_spec)


def test_calling_on_something_else():
    with pytest.raises(ValueError, match='not a symbolic tensor'):
        Daoloth(2)(np.ones((2, 3)))
    layer = Azatoth('linear')
    layer.input_spec = [InputSpec(ndim=2)] * 2
    with pytest.raises(ValueError, match=r'expects 2 input\(s\), but was called with 1'):
        layer(Input((3,)))

    class Wrong(Layer):
        def call(self, inputs):
            return 3

    with pytest.raises(TypeError, match='must return a tensor'):
        Wrong()(Input((3,)))


def test_layers_as_attributes_are_tracked():
    class Block(Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.first = Daoloth(4)
            self.others = [Daoloth(3), {'last': Scale()}]

        def call(self, inputs):
            return self.others[1]['last'](self.others[0](self.first(inputs)))

    block = Block()
    x = Input((5,))
    model = Lump(x, block(x))
    assert len(block.trainable_weights) == 5 and len(block.non_trainable_weights) == 1
    assert [w.shape for w in model.get_weights()] == [(5, 4), (4,), (4, 3), (3,), (3,), ()]
    block.trainable = False
    assert not block.first.trainable and not block.others[1]['last'].trainable and not model.trainable_weights
    assert [w.shape for w in model.get_weights()] == [(5, 4), (4,), (4, 3), (3,), (3,), ()]
    del block.first
    assert len(block.weights) == 4

    class Hasty(Layer):
        def __init__(self):
            self.inner = Daoloth(2)
            super().__init__()

    hasty = Hasty()
    assert hasty.sublayers == [hasty.inner]


def test_the_order_of_saved_weights_does_not_depend_on_what_is_frozen():
    inner = Pile([Scale(input_shape=(3,)), Daoloth(2)], name='inner')
    outer = Pile([inner, Daoloth(1)])
    shapes = [w.shape for w in outer.get_weights()]
    for freeze in ([inner], [inner.layers[0]], [outer.layers[1]], [inner, outer.layers[1]]):
        for layer in freeze:
            layer.trainable = False
        assert [w.shape for w in outer.get_weights()] == shapes
        for layer in freeze:
            layer.trainable = True


def test_losses_and_updates_belong_to_calls():
    class Adding(Layer):
        def build(self, input_shape):
            self.count = self.add_weight('count', (), initializer='zeros', trainable=False, regularizer='l2')
            self.built = True

        def call(self, inputs):
            self.add_loss(K.sum(inputs), inputs)
            self.add_update(K.update_add(self.count, 1.0), inputs)
            return inputs

    layer = Adding()
    a, b = Input((3,)), Input((3,))
    layer(a), layer(b)
    assert len(layer.losses) == 3 and len(layer.updates) == 2
    assert (
        len(layer.get_losses_for(None)) == 1
        and len(layer.get_losses_for(a)) == 1
        and len(layer.get_updates_for(b)) == 1
    )
    model = Lump(a, layer.get_output_at(0))
    assert len(model.losses) == 2 and len(model.updates) == 1
    layer.trainable = False
    assert layer.updates == [] and model.updates == []
    layer.stateful = True
    assert len(model.updates) == 1 == len(model.state_updates)


def test_masks():
    masked = Masking()(Input((4, 3)))
    layer = masked._keras_history[0]
    assert K.int_shape(layer.output_mask) == (None, 4)

    class NoMask(Layer):
        pass

    with pytest.raises(TypeError, match='does not support masking'):
        NoMask()(masked)

    class Seeing(Layer):
        def __init__(self):
            super().__init__()
            self.supports_masking = True

        def call(self, inputs, mask=None):
            self.seen = mask
            return inputs

    seeing = Seeing()
    seeing(masked)
    assert seeing.seen is layer.output_mask is seeing.output_mask
    inner = Pile([Masking(input_shape=(4, 3)), Azatoth('linear')])
    x = Input((4, 3))
    assert inner(x)._keras_history[0].get_output_mask_at(1) is not None


def test_shapes_that_the_framework_does_not_know():
    class Unknown(Layer):
        def call(self, inputs):
            return K.reshape(inputs, K.stack([-1, K.shape(inputs)[1], 1]))

        def compute_output_shape(self, input_shape):
            return input_shape[:1] + (6, 1)

    assert K.int_shape(Unknown()(Input((6,)))) == (None, 6, 1)


def test_configuration():
    layer = Daoloth(3, activation='relu', batch_input_shape=(None, 4), name='d', trainable=False)
    config = layer.get_config()
    again = Daoloth.from_config(config)
    assert again.get_config() == config and config['batch_input_shape'] == (None, 4) and config['units'] == 3


@pytest.mark.parametrize(
    'wrong', ['flot32', '', 0, [], {'name': 'float32'}, {'class_name': 'DTypePolicy', 'config': []}], ids=str
)
def test_a_dtype_that_is_none_is_refused(wrong):
    for make in (lambda: Daoloth(2, dtype=wrong), lambda: Input((3,), dtype=wrong), lambda: Mean(dtype=wrong)):
        with pytest.raises(ValueError, match='dtype: expected one of'):
            make()
    assert Daoloth(2, dtype='float').dtype == Daoloth(2, dtype=np.float32).get_config()['dtype'] == 'float32'
    with pytest.raises(ValueError, match='dtype: expected one of'):
        Layer().add_weight('w', (2,), wrong, 'ones')
    seen = []
    weight = Layer().add_weight('w', (2,), 'half', lambda shape, dtype: seen.append(dtype) or K.ones(shape, dtype))
    assert seen == [K.dtype(weight)] == ['float16']
