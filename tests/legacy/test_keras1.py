"""Calls spelled as in Keras 1: each makes what Keras 2.3.1 makes of it (recorded by record.py), with a warning that shows how Keras 2 spells it."""

import json
import os
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest

import cthulhu
from cthulhu import layers
from cthulhu.utils import keras1
from tests.legacy import calls
from tests.recordings import FIXTURES

with open(os.path.join(FIXTURES, 'keras-1-calls.json')) as file:
    RECORDED = json.load(file)

SHAPES = {text: shape for shape, texts in calls.LAYERS.items() for text in texts}

#: What needs no other spelling: the arguments of these layers have no other names, and recurrent layers take the shape of their inputs so, too.
FITS = [text for text in SHAPES if text.startswith(('MaxoutDense', 'Highway'))]
FITS += ['SimpleRNN(3, input_dim=4, input_length=5)', 'LSTM(3, input_dim=4, input_length=5, return_sequences=True)']


def made(text):
    """The layer that a call makes, and the texts of the warnings about its spelling."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        layer = calls.made_of(layers, text)
    return layer, [
        str(w.message) for w in caught if re.search('spelled as in Keras 1|AtrousConvolution', str(w.message))
    ]


@pytest.mark.parametrize('text', SHAPES)
def test_layers_are_those_of_keras(text):
    layer, said = made(text)
    expected = RECORDED['layers'][text]
    config = calls.plain(layer.get_config())
    assert not differing(expected['config'], config)
    output = calls.quietly(calls.used, cthulhu, layer, SHAPES[text])
    if output is not None:
        np.testing.assert_allclose(output, expected['output'], rtol=1e-4, atol=2e-6)
    assert bool(said) is (text not in FITS)


def differing(expected, found):
    """What differs of two configurations, but for the names of layers, which are counted."""
    if isinstance(expected, dict) and isinstance(found, dict):
        pairs = {key: differing(value, found.get(key, 'none')) for key, value in expected.items() if key != 'name'}
        return {key: value for key, value in pairs.items() if value}
    return None if expected == found else (expected, found)


@pytest.mark.parametrize('use', calls.USES, ids=lambda use: use.__name__)
def test_uses_come_to_what_keras_makes_of_them(use):
    agree(calls.quietly(use, cthulhu), RECORDED['uses'][use.__name__])


def agree(found, expected):
    """Numbers agree to rounding, all else exactly."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for key in expected:
            agree(found[key], expected[key])
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for ours, theirs in zip(found, expected):
            agree(ours, theirs)
    elif isinstance(expected, float):
        assert abs(found - expected) <= 1e-6 + 1e-5 * abs(expected)
    else:
        assert found == expected


@pytest.mark.parametrize('text', calls.REFUSED)
def test_what_keras_refuses_is_refused(text):
    assert RECORDED['refused'][text] in ('TypeError', 'ValueError')
    with pytest.raises((TypeError, ValueError)) as caught:
        calls.quietly(calls.made_of, layers, text)
    assert re.search('[`\'"]', str(caught.value))  # it names what is wrong


# -- what is said ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    'text, new',
    [
        ("Dense(output_dim=3, init='one')", "Dense(units=3, kernel_initializer='one')"),
        ('Daoloth(output_dim=3)', 'Daoloth(units=3)'),
        ('Conv2D(2, 3, 5)', 'Conv2D(2, kernel_size=(3, 5))'),
        ('Convolution2D(2, 3, 5)', 'Conv2D(2, kernel_size=(3, 5))'),
        ("Cthalpa2D(2, 3, 5, border_mode='same')", "Cthalpa2D(2, kernel_size=(3, 5), padding='same')"),
        ('LSTM(3, dropout_W=0.5)', 'LSTM(3, dropout=0.5)'),
    ],
)
def test_the_new_spelling_is_shown_under_the_name_that_was_typed(text, new):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        code = compile(text, 'typed.py', 'eval')
        eval(code, dict(vars(layers), __name__='typed', __file__='typed.py'))
    (warning,) = caught
    assert f'Write `{new}`.' in str(warning.message)
    assert warning.category is UserWarning and warning.filename == 'typed.py'


def test_what_becomes_of_an_argument_that_is_left_out_is_said():
    _, (said,) = made('Embedding(5, 3, dropout=0.2)')
    assert 'SpatialDropout1D' in said
    _, (said,) = made("LSTM(3, forget_bias_init='zero')")
    assert 'unit_forget_bias=False' in said


def test_each_place_warns_once():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('default')
        for _ in range(3):
            layers.Dense(output_dim=3)
        layers.Dense(output_dim=3)
    assert len(caught) == 2


def test_both_spellings_are_refused_by_name():
    with pytest.raises(TypeError, match='`output_dim` is how Keras 1 called `units`, and both are given'):
        layers.Dense(3, output_dim=3)
    with pytest.raises(ValueError, match=r'Write kernel_size=\(3, 5\) or kernel_size=3, strides=5'):
        layers.Conv2D(2, 3, 5, padding='same')
    with pytest.raises(ValueError, match="`consume_less` is one of 'cpu', 'mem', 'gpu'; got 'x'"):
        layers.GRU(2, consume_less='x')
    with pytest.raises(TypeError, match='`mode=1` of Keras 1 cannot be had any more'):
        layers.BatchNormalization(mode=1)


def test_an_argument_that_nobody_knows_is_refused_with_the_nearest():
    with pytest.raises(TypeError, match="has no argument 'unit'. Did you mean `units`"):
        layers.Dense(3, unit=3)
    with pytest.raises(TypeError, match="has no argument 'nb_row'"):
        layers.Conv2D(2, (3, 3), nb_row=3)


def test_strides_by_position_stay_where_no_call_of_keras_1_looks_so():
    assert layers.Conv2D(2, (3, 3), (2, 2)).strides == (2, 2)
    assert layers.Conv2D(2, 3, (2, 2)).strides == (2, 2)
    assert layers.Conv2D(2, 3, 2, 'same').strides == (2, 2)
    assert layers.Conv1D(2, 3, 2).strides == (2,)
    assert layers.DepthwiseConv2D(3, 2).strides == (2, 2)


def test_sizes_by_position_can_be_off_as_tf_keras_has_them(monkeypatch):
    monkeypatch.setattr(keras1, 'sizes_by_place', False)
    layer = layers.Conv2D(2, 3, 2, padding='same')
    assert (layer.kernel_size, layer.strides) == ((3, 3), (2, 2))


# -- where else such calls come ----------------------------------------------------------------------------


class Doubled(layers.Conv2D):
    """A layer of a user's own, with a constructor of Keras 1's days."""

    def __init__(self, nb, **kwargs):
        super().__init__(2 * nb, 3, 5, init='one', **kwargs)


def test_subclasses_hand_on_what_is_old():
    with pytest.warns(UserWarning, match=r'Write `Conv2D\(4, kernel_size=\(3, 5\)') as caught:
        layer = Doubled(2, border_mode='same')
    assert caught[0].filename == __file__
    assert (layer.kernel_size, layer.padding, layer.strides) == ((3, 5), 'same', (1, 1))


class Old(layers.Layer):
    def build(self, input_shape):
        self.a = self.add_weight((3,), name='a', initializer='one')
        self.b = self.add_weight((3,), 'zero', name='b')
        self.built = True


def test_the_shape_of_a_weight_may_come_first():
    layer = Old()
    with pytest.warns(UserWarning, match=r"Write `add_weight\(name='a', initializer='one', shape=\(3,\)\)`"):
        layer.build(None)
    assert [w.tolist() for w in layer.get_weights()] == [[1, 1, 1], [0, 0, 0]]
    with pytest.raises(TypeError, match='Give all arguments by name'):
        layer.add_weight((3,), 'zero')


def test_updates_of_swapped_arguments():
    K = cthulhu.backend
    weight = K.variable(np.array([1.0, -2.0]))
    with pytest.warns(UserWarning, match='get_updates'):
        updates = cthulhu.optimizers.SGD(0.25).get_updates([weight], K.sum(K.square(weight)))
    K.function([], [], updates=updates)([])
    np.testing.assert_allclose(K.get_value(weight), [0.5, -1])


@pytest.mark.parametrize('mode', ['sum', 'mul', 'ave', 'max', 'concat', 'dot', 'cos'])
def test_merge_by_mode(mode):
    a, b = calls.filled((2, 4), 1), calls.filled((2, 4), 2)
    expected = {
        'sum': a + b, 'mul': a * b, 'ave': (a + b) / 2, 'max': np.maximum(a, b), 'concat': np.concatenate([a, b], -1),
        'dot': (a * b).sum(-1, keepdims=True),
        'cos': ((a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1))[:, None, None],
    }[mode]  # fmt: skip
    inputs = [layers.Input((4,)), layers.Input((4,))]
    with pytest.warns(UserWarning, match='spelled as in Keras 1') as caught:
        output = layers.merge(inputs, mode=mode)
    assert caught[0].filename == __file__
    np.testing.assert_allclose(cthulhu.Model(inputs, output).predict([a, b]), expected, rtol=1e-5)
    if mode != 'cos':
        with pytest.warns(UserWarning, match='spelled as in Keras 1'):
            layer = layers.Merge(mode=mode)
        np.testing.assert_allclose(cthulhu.Model(inputs, layer(inputs)).predict([a, b]), expected, rtol=1e-5)


def test_merge_refuses_what_it_cannot_do():
    inputs = [layers.Input((4,)), layers.Input((4,))]
    with pytest.raises(ValueError, match=r'Write `Lambda\(function\)'):
        layers.merge(inputs, mode=lambda tensors: tensors[0])
    with pytest.raises(ValueError, match="`mode` is one of 'sum'"):
        layers.merge(inputs, mode='join')
    with pytest.raises(ValueError, match='a Pile has one input'):
        layers.Merge([cthulhu.Sequential()], mode='sum')


def test_the_table_is_left_alone_by_calls_that_fit():
    program = (
        'import sys, cthulhu\n'
        'from cthulhu.layers import Conv2D, Conv2DTranspose, Dense, Dropout, Input\n'
        "x = Conv2D(8, (3, 3), padding='same', name='a', input_shape=(8, 8, 3))(Input((8, 8, 3)))\n"
        "y = Dense(3, activation='relu', trainable=False)(Dropout(0.5)(Conv2DTranspose(3, 3, strides=2)(x)))\n"
        'cthulhu.optimizers.SGD(lr=0.1)\n'
        "print([name for name in sys.modules if name.startswith(('cthulhu.utils.keras1', 'cthulhu.legacy'))])\n"
    )
    made = subprocess.run([sys.executable, '-c', program], stdout=subprocess.PIPE, check=True)
    assert made.stdout.decode().split()[-1] == '[]'


def test_paths_of_keras_1():
    from cthulhu import objectives
    from cthulhu.legacy import layers as old

    assert objectives.mean_squared_error is cthulhu.losses.mean_squared_error
    for name in (
        'AtrousConvolution1D',
        'AtrousConvolution2D',
        'ConvRecurrent2D',
        'Highway',
        'MaxoutDense',
        'Recurrent',
    ):
        assert getattr(old, name) is getattr(layers, name)
    assert layers.recurrent.Recurrent is layers.Recurrent


def test_shapes_of_convolutional_recurrent_layers():
    layer = layers.ConvRecurrent2D(8, 3, strides=(1, 2), padding='same', return_sequences=True, return_state=True)
    layer.states = [None, None]
    state = (None, 5, 3, 8)
    assert layer.compute_output_shape((None, 4, 5, 6, 2)) == [(None, 4, 5, 3, 8), state, state]
    assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()
    first = layers.ConvRecurrent2D(8, 3, data_format='channels_first')
    assert first.compute_output_shape((None, 4, 2, 5, 6)) == (None, 8, 3, 4)
    with pytest.raises(NotImplementedError, match='must define `step'):
        first.step(None, [])


# -- the page ----------------------------------------------------------------------------------------------

PAGE = os.path.join(os.path.dirname(FIXTURES), '..', 'docs', 'programs.md')


def section():
    with open(PAGE, encoding='utf-8') as file:
        return file.read().partition('## Keras 1 spellings\n')[2].partition('\n## ')[0]


def rows():
    """The table as the page has it: classes and methods that share a row of `keras1.TABLE`, and old spellings with new ones."""
    shared = {}
    for name, arguments in keras1.TABLE.items():
        sizes = ', '.join(f'`{part}`' for part in keras1.SIZES.get(name, ()))
        said = [f'{sizes} → `kernel_size`'] if sizes else []
        for old, new in arguments.items():
            new = (new,) if isinstance(new, str) else new
            said.append(
                f'`{old}` → '
                + ('left out' if isinstance(new, keras1.Dropped) else ', '.join(f'`{each}`' for each in new))
            )
        if said:
            shared.setdefault('; '.join(said), []).append(f'`{name}`')
    return [f'| {", ".join(names)} | {said} |' for said, names in shared.items()]


def test_the_page_has_the_table():
    assert [line for line in section().split('\n') if line.startswith('|')][2:] == rows()
