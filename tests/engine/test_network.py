"""Models as graphs: order, sharing, nesting, configuration, cloning, and what is said of graphs that cannot be."""

import json
import os
import sys
import time
import types

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import initializers
from cthulhu.layers import (
    Add,
    Concatenate,
    Daoloth,
    Darkness,
    Flatten,
    Input,
    InputLayer,
    Layer,
    LuKthu,
    Reshape,
    add,
    concatenate,
    deserialize,
    subtract,
)
from cthulhu.models import Lump, Pile, clone_model, model_from_config, model_from_json
from cthulhu.utils.generic_utils import to_list

X = np.random.RandomState(0).normal(size=(6, 4)).astype('float32')


def diamond():
    a, b = Input((4,), name='a'), Input((4,), name='b')
    shared = Daoloth(4, activation='tanh', name='shared')
    left, right = shared(a), shared(b)
    both = Concatenate(name='both')([left, right])
    deep = Daoloth(4, name='deep')(left)
    return Lump([a, b], [Daoloth(2, name='out')(both), Add(name='sum')([deep, right])], name='diamond')


def test_order_names_and_lookup():
    model = diamond()
    assert [layer.name for layer in model.layers] == ['a', 'b', 'shared', 'both', 'deep', 'out', 'sum']
    assert model.input_names == ['a', 'b'] and model.output_names == ['out', 'sum']
    assert (
        model.get_layer('deep') is model.layers[4] is model.get_layer(index=4)
        and model.get_layer('deep', index=0).name == 'a'
    )
    with pytest.raises(ValueError, match='no layer named .*The layers are: a, b, shared'):
        model.get_layer('dep')
    with pytest.raises(ValueError, match='Valid are 0 to 6'):
        model.get_layer(index=7)
    with pytest.raises(ValueError, match='`name` or the `index`'):
        model.get_layer()
    assert model.input_shape == [(None, 4), (None, 4)] and model.output_shape == [(None, 2), (None, 4)]
    assert model.compute_output_shape([(7, 4), (7, 4)]) == [(7, 2), (7, 4)]
    assert model.count_params() == 20 + 20 + 18


def test_depth_first_order_is_that_of_keras():
    """The order of Keras 2.3.1 for the same graph, recorded from it."""
    x = Input((4,), name='x')
    p = Daoloth(4, name='p')(x)
    q = Daoloth(4, name='q')(p)
    r = Daoloth(4, name='r')(x)
    s = Add(name='s')([r, q])
    t = Daoloth(4, name='t')(r)
    model = Lump(x, [t, s])
    assert [layer.name for layer in model.layers] == ['x', 'p', 'r', 'q', 't', 's']


def test_calling_a_model_uses_its_weights_and_leaves_its_layers_alone():
    model = diamond()
    c, d = Input((4,)), Input((4,))
    out = model([c, d])
    again = Lump([c, d], out)
    for mine, theirs in zip(again.predict([X, X]), model.predict([X, X])):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6)
    assert model.get_layer('deep').output is not None  # an error for a layer that was called several times
    assert [layer.name for layer in again.layers][-1] == 'diamond'
    with pytest.raises(ValueError, match=r'expects 2 input\(s\), but was called with 1|takes 2 input'):
        model(c)


def test_configuration_round_trip_with_nested_and_shared_models():
    inner = Pile([Daoloth(3, input_shape=(4,), name='first'), Darkness(0.5, name='drop')], name='inner')
    a, b = Input((4,), name='a'), Input((4,), name='b')
    model = Lump([a, b], [concatenate([inner(a), inner(b)], name='both'), diamond()([a, b])[0]], name='whole')
    config = json.loads(json.dumps(model.get_config()))
    places = {item['name']: item['inbound_nodes'] for item in config['layers']}
    assert places['inner'] == [[['a', 0, 0, {}]], [['b', 0, 0, {}]]]
    assert places['both'] == [[['inner', 1, 0, {}], ['inner', 2, 0, {}]]]
    again = Lump.from_config(config)
    assert json.loads(json.dumps(again.get_config())) == config
    again.set_weights(model.get_weights())
    for mine, theirs in zip(again.predict([X, X]), model.predict([X, X])):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6)
    third = model_from_config({'class_name': 'Model', 'config': config})
    assert type(third) is Lump
    broken = json.loads(json.dumps(config).replace('"both", 0, 0', '"bath", 0, 0'))
    with pytest.raises(ValueError, match='bath'):
        Lump.from_config(broken)
    broken = json.loads(json.dumps(config).replace('[["a", 0, 0, {}]]', '[["nowhere", 0, 0, {}]]'))
    with pytest.raises(ValueError, match='needs .*nowhere'):
        Lump.from_config(broken)


def test_what_is_wrong_with_connections_is_told():
    """At each door, wherever something else stands than a place of a tensor."""
    inputs = Input((4,), name='a')
    model = Lump(inputs, Daoloth(2, name='dense')(inputs), name='whole')
    calls = [None, 7, 'ab', {}, [['a', 0, 0, {}]], [[]], [7], [[['a', 0]]], [[['a', 'b', 0]]], [[[['a'], 0, 0]]]]
    calls += [
        [[['a', 0.5, 0]]],
        [[['a', 0, None]]],
        [[['a', 0, 0, 7]]],
        [[['a', 0, 0, {'x': {'class_name': '__keras_tensor__'}}]]],
    ]
    places = [None, 'ab', {}, ['a', 0, 0], [['a', 0]], [7], [[['a'], 0, 0]], [['a', 0, 'b']]]
    cases = [('inbound_nodes', calls), ('input_layers', places), ('output_layers', places)]
    cases += [('layers', [None, {}, 7, [None], ['Dense'], [[]]])]
    for key, wrong in cases:
        for value in wrong:
            config = model.get_config()
            (config['layers'][1] if key == 'inbound_nodes' else config)[key] = value
            whole = {'class_name': 'Model', 'config': config}
            doors = [(Lump.from_config, config), (deserialize, whole), (model_from_config, whole)]
            if key.endswith('put_layers') and value in ({}, ['a', 0, 0]):  # as Keras 3 may write them
                doors.pop()
            for make, given in doors:
                with pytest.raises(ValueError) as error:
                    make(given)
                assert type(error.value).__module__ == 'builtins' or make is model_from_config
                said = str(error.value)
                assert 'expected' in said or 'need' in said, (key, value, said)
    assert np.shape(model.predict(X)) == (len(X), 2)


def test_many_calls_are_refused_in_little_time():
    """Each is looked at once, however many are said to be on lists."""
    inputs, count = Input((4,), name='a'), 40000
    config = Lump(inputs, Daoloth(2, name='dense')(inputs)).get_config()
    config['layers'][1]['inbound_nodes'] = [[['nowhere', 0, 0, {}]]] * count
    config['layers'][1]['lists_of_one'] = list(range(count, 2 * count))
    begun = time.process_time()
    with pytest.raises(ValueError, match='needs .*nowhere'):
        Lump.from_config(config)
    assert time.process_time() - begun < 2


@pytest.mark.parametrize('settings', [None, 7, 'abc', [], [7]], ids=str)
def test_settings_that_are_none_are_told(settings):
    for kind in ('Dense', 'LSTM', 'TimeDistributed', 'StackedRNNCells', 'Lambda'):
        with pytest.raises(ValueError, match=f"{kind}': expected a dict of its settings"):
            deserialize({'class_name': kind, 'config': settings})
    with pytest.raises(ValueError, match="initializer 'VarianceScaling': expected a dict"):
        Daoloth(2, kernel_initializer={'class_name': 'VarianceScaling', 'config': settings})

    class Told(Layer):
        """Of which the configuration is what its own `from_config` takes."""

        @classmethod
        def from_config(cls, config):
            made = cls()
            made.told = config
            return made

        def get_config(self):
            return self.told

    assert deserialize({'class_name': 'Told', 'config': settings}, {'Told': Told}).told == settings
    made = Told()
    made.told = settings
    text = Pile([Daoloth(4, input_shape=(4,)), made]).to_json()
    assert model_from_json(text, {'Told': Told}).layers[-1].told == settings


def test_functions_of_the_caller_without_a_module_make_what_a_configuration_describes():
    scope = {'__name__': None}
    exec('def made(shape=3, dtype=None): return 1', scope)
    assert initializers.deserialize({'class_name': 'made', 'config': {}}, {'made': scope['made']}) == 1


def test_forms_that_other_writers_have_are_read():
    inputs = Input((4,), name='a')
    model = Lump(inputs, Daoloth(2, name='dense')(inputs), name='whole')
    for calls in ([[['a', 0.0, 0.0, {}]]], ((('a', 0, 0),),), [[('a', np.int64(0), np.int64(0), {})]]):
        config = model.get_config()
        config['layers'][1]['inbound_nodes'] = calls
        for make, given in (
            (Lump.from_config, config),
            (deserialize, {'class_name': 'Model', 'config': config}),
            (model_from_config, {'class_name': 'Model', 'config': config}),
        ):
            assert make(given).output_shape == (None, 2)
    settings = types.MappingProxyType({'units': 3})
    assert deserialize({'class_name': 'Dense', 'config': settings}).units == 3


def test_settings_that_lack_what_a_layer_is_made_of_are_told():
    parts = ('RNN', 'cell'), ('TimeDistributed', 'layer'), ('Bidirectional', 'layer'), ('StackedRNNCells', 'cells')
    for kind, what in parts:
        for config in ({}, {what: None}, {what: 7}):
            with pytest.raises(ValueError, match=f'"{what}" of an? {kind}: expected .*in the configuration; got'):
                deserialize({'class_name': kind, 'config': config})
    with pytest.raises(TypeError, match='needs `units`'):
        deserialize({'class_name': 'Dense', 'config': {}})
    for config in (
        {},
        {'function': None},
        {'function': 7, 'function_type': 'lambda'},
        {'function': [], 'function_type': 'lambda'},
    ):
        with pytest.raises((ValueError, TypeError), match='LuKthu: .*function'):
            deserialize({'class_name': 'Lambda', 'config': config})
    with pytest.raises(ValueError, match='LuKthu: expected a dict as "arguments"'):
        deserialize({'class_name': 'Lambda', 'config': {'function': 'relu', 'arguments': ['x']}})
    for wrong in ({}, {'layers': None}, {'layers': [None]}, [7]):
        with pytest.raises(ValueError, match='expected'):
            Pile.from_config(wrong)


def test_clone_has_weights_of_its_own():
    for model in (diamond(), Pile([Daoloth(3, input_shape=(4,)), Pile([Daoloth(2)])])):
        clone = clone_model(model)
        several = len(model.inputs)
        clone.set_weights(model.get_weights())
        data = [X] * several
        for mine, theirs in zip(to_list(clone.predict(data)), to_list(model.predict(data))):
            np.testing.assert_allclose(mine, theirs, rtol=1e-6)
        clone.set_weights([w + 1 for w in clone.get_weights()])
        assert not np.allclose(clone.get_weights()[0], model.get_weights()[0])
        on = clone_model(model, [K.constant(X) for _ in range(several)])
        assert not any(K.is_placeholder(x) for x in on.inputs)
    with pytest.raises(ValueError, match='takes a Lump or a Pile'):
        clone_model(Daoloth(2))


def test_a_subclass_is_built_by_a_shape():
    class Mine(Lump):
        def __init__(self):
            super().__init__(name='mine')
            self.inner = Daoloth(2)

        def call(self, inputs):
            return self.inner(inputs)

    model = Mine()
    with pytest.raises(ValueError, match='not built'):
        model.summary()
    model.build((None, 4))
    assert model.output_shape == (None, 2) and [layer.name for layer in model.layers] == [model.inner.name]
    with pytest.raises(NotImplementedError, match='get_config'):
        model.get_config()
    with pytest.raises(ValueError, match='cannot be cloned'):
        clone_model(model)
    with pytest.raises(NotImplementedError, match='needs a `call'):
        Lump().build((None, 3))


def test_graphs_that_cannot_be():
    a, b = Input((4,), name='a'), Input((4,), name='b')
    out = add([a, b], name='sum')
    with pytest.raises(
        ValueError, match='disconnected: .* need the Input "b", which is not among the inputs of the model'
    ):
        Lump(a, out)
    with pytest.raises(ValueError, match='must come from layers'):
        Lump(a, K.ones((3, 4)))
    with pytest.raises(ValueError, match='must come from layers'):
        Lump(K.placeholder((None, 4)), out)
    with pytest.raises(ValueError, match='must be a tensor of its own'):
        Lump([a, a], out)
    with pytest.raises(ValueError, match='Two layers .* "same"'):
        Lump(a, Daoloth(3, name='same')(Daoloth(3, name='same')(a)))
    with pytest.raises(TypeError, match='both `inputs` and `outputs`'):
        Lump(a)
    with pytest.warns(UserWarning, match='should come from Input'):
        middle = Daoloth(3)(a)
        Lump(middle, Daoloth(2)(middle))
    with pytest.raises(ValueError, match='output of layer'):
        Input(tensor=Daoloth(2)(a))


def test_inputs():
    with pytest.raises(ValueError, match='needs a `shape`'):
        Input()
    with pytest.raises(ValueError, match=r'shape=\(784,\)'):
        Input(784)
    with pytest.raises(ValueError, match=r'`shape` is a tuple of whole numbers, 1 or more .*; got \(-1,\)'):
        Input((-1,))
    x = Input(batch_shape=(2, 3), dtype='int32', name='ids')
    layer = x._keras_history[0]
    assert K.int_shape(x) == (2, 3) and K.dtype(x) == 'int32' and layer.name == 'ids' and layer.input is x
    assert layer.get_config() == {'batch_input_shape': (2, 3), 'dtype': 'int32', 'sparse': False, 'name': 'ids'}
    assert not InputLayer(input_shape=(3,)).trainable
    with pytest.raises(ValueError, match='not both'):
        InputLayer(input_shape=(3,), batch_input_shape=(None, 3))


def test_piles():
    pile = Pile()
    with pytest.raises(TypeError, match='no layers'):
        pile.pop()
    pile.add(Daoloth(3))
    pile.add(Reshape((3, 1)))
    assert not pile.built and len(pile.layers) == 2
    with pytest.raises(ValueError, match='not built'):
        pile.summary()
    pile.build((None, 4))
    assert pile.output_shape == (None, 3, 1)
    pile.add(Flatten())
    assert pile.output_shape == (None, 3)
    pile.pop()
    assert pile.output_shape == (None, 3, 1) and len(pile.layers) == 2
    again = Pile.from_config(json.loads(json.dumps(pile.get_config())))
    assert again.output_shape == (None, 3, 1)
    with pytest.raises(TypeError, match='takes a layer'):
        pile.add('dense')
    with pytest.raises(ValueError, match='can only be the first'):
        pile.add(InputLayer(input_shape=(3,)))
    with pytest.raises(ValueError, match='without a shape'):
        Pile([Daoloth(2)]).build()
    with pytest.raises(ValueError, match='one output'):
        Pile([Daoloth(2, input_shape=(4,)), LuKthu(lambda t: [t, t])])
    first = Pile([InputLayer(input_shape=(4,)), Daoloth(2)])
    assert len(first.layers) == 1 and Pile.from_config(first.get_config()).input_shape == (None, 4)
    conjured = Pile([Daoloth(2, input_shape=(4,))])
    conjured.conjure('sgd', 'mse')
    conjured.add(Daoloth(1))
    assert conjured.predict(X).shape == (6, 1)
    while pile.layers:
        pile.pop()
    assert pile.layers == [] and not pile.built


def test_summary_shows_everything_whole():
    model = diamond()
    lines = []
    model.summary(print_fn=lines.append)
    text = '\n'.join(lines)
    assert lines[0] == 'Model: "diamond"' and 'Connected to' in text and 'Total params: 58' in text
    assert 'shared[0][0]' in text and 'shared[1][0]' in text
    long = Pile([Daoloth(2, input_shape=(4,), name='a_very_long_name_' * 6)])
    lines = []
    long.summary(print_fn=lines.append)
    assert (
        any('a_very_long_name_' * 6 in line for line in lines)
        and len(set(len(line) for line in lines if set(line) <= set('_='))) == 1
    )
    lines = []
    long.summary(line_length=60, positions=[0.5, 0.8, 1.0], print_fn=lines.append)
    assert max(map(len, lines)) <= 60 and 'a_very_long_name_' * 6 in ''.join(line[:30].strip() for line in lines)
    lines = []
    long.summary(line_length=70, print_fn=lines.append)
    assert max(map(len, lines)) == 70
    model.trainable = False
    lines = []
    model.summary(print_fn=lines.append, positions=[0.3, 0.6, 0.7, 1.0], line_length=100)
    assert 'Trainable params: 0' in '\n'.join(lines) and 'Non-trainable params: 58' in '\n'.join(lines)


@pytest.mark.parametrize('columns', [200, 80, 60])
def test_a_summary_fits_the_terminal(monkeypatch, capsys, columns):
    monkeypatch.setattr('shutil.get_terminal_size', lambda: os.terminal_size((columns, 24)))
    diamond().summary()
    piped = capsys.readouterr().out
    monkeypatch.setattr(sys.stdout, 'isatty', lambda: True)
    diamond().summary()
    shown = capsys.readouterr().out
    assert max(map(len, shown.split('\n'))) <= columns
    assert (shown == piped) == (columns == 200)
    assert max(map(len, piped.split('\n'))) == 89


def test_the_phase_reaches_layers_inside_models():
    inner = Pile([Darkness(0.99, input_shape=(4,))])
    x = Input((4,))
    out = inner(x)
    assert Lump(x, out).uses_learning_phase and not diamond().uses_learning_phase
    f = K.function([x, K.learning_phase()], [out])
    assert np.allclose(f([X, 0])[0], X) and not np.allclose(f([X, 1])[0], X)


def test_arguments_of_calls_are_kept():
    class Times(Layer):
        def call(self, inputs, factor=1):
            return inputs * factor

    x = Input((4,), name='x')
    model = Lump(x, Times(name='times')(x, factor=3))
    config = model.get_config()
    assert config['layers'][1]['inbound_nodes'] == [[['x', 0, 0, {'factor': 3}]]]
    again = Lump.from_config(config, custom_objects={'Times': Times})
    np.testing.assert_allclose(again.predict(X), X * 3)
    np.testing.assert_allclose(clone_model(model).predict(X), X * 3)


def test_arguments_that_cannot_be_saved_are_told_to_whoever_asks_for_the_configuration():
    class Told(Layer):
        def call(self, inputs, how=None):
            return inputs * 2.0

    x = Input((4,))
    model = Lump(x, Told(name='told')(x, how=object))
    with pytest.warns(UserWarning, match='Layer "told" was called with arguments that cannot be saved') as caught:
        config = model.get_config()
    assert caught[0].filename == __file__
    assert config['layers'][1]['inbound_nodes'][0][0][3] == {}


def test_a_model_on_its_own_inputs_in_another_order():
    a, b = Input((3,)), Input((3,))
    model = Lump([a, b], subtract([b, a]))
    turned = Lump([b, a], model([b, a]))
    np.testing.assert_array_equal(turned.predict([np.ones((1, 3)), np.zeros((1, 3))]), -np.ones((1, 3)))
