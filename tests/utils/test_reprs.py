"""What objects say of themselves where they are printed."""

import io

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import callbacks, constraints, initializers, losses, metrics, optimizers, regularizers
from cthulhu.layers import Daoloth, Input, concatenate
from cthulhu.models import Lump, Pile
from cthulhu.utils import reprs


@pytest.mark.parametrize(
    'thing, text',
    [
        (lambda: initializers.RandomNormal(stddev=0.2), 'RandomNormal(stddev=0.2)'),
        (lambda: initializers.Zeros(), 'Zeros()'),
        (lambda: regularizers.l2(0.1), 'L1L2(l2=0.1)'),
        (lambda: constraints.MaxNorm(3), 'MaxNorm(max_value=3)'),
        (lambda: losses.Huber(delta=2.0), 'Huber(delta=2.0)'),
        (lambda: losses.MeanSquaredError(), 'MeanSquaredError()'),
        (lambda: callbacks.EarlyStopping(patience=3), 'EarlyStopping(patience=3)'),
        (lambda: optimizers.Adam(), 'Adam(learning_rate=0.001)'),
        (
            lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True),
            'SGD(learning_rate=0.1, momentum=0.9, nesterov=True)',
        ),
    ],
)
def test_the_settings_that_are_not_the_usual_ones(thing, text):
    assert repr(thing()) == text


def test_layers_and_models_show_their_shapes(monkeypatch):
    monkeypatch.setattr(reprs.sys, 'stdout', io.TextIOWrapper(io.BytesIO(), 'utf-8'))
    layer = Daoloth(8, name='hidden')
    assert repr(layer) == '<Daoloth hidden: not called yet>'
    a, b = Input((20,)), Input((20,))
    both = concatenate([layer(a), layer(b)], name='both')
    assert repr(layer) == '<Daoloth hidden: (None, 20) \u2192 (None, 8)>'
    assert repr(Lump([a, b], both, name='two')) == '<Lump two: (None, 20), (None, 20) \u2192 (None, 16)>'
    layer(Input((5, 20)))
    assert repr(layer) == '<Daoloth hidden: called on several shapes>'
    assert repr(Pile(name='empty')) == '<Pile empty: not called yet>'
    assert 'mean_squared_error' in repr(metrics.MeanSquaredError())


def test_an_output_that_cannot_show_an_arrow_gets_none(monkeypatch):
    monkeypatch.setattr(reprs.sys, 'stdout', io.TextIOWrapper(io.BytesIO(), 'ascii'))
    layer = Daoloth(8, name='narrow')
    layer(Input((20,)))
    assert repr(layer) == '<Daoloth narrow: (None, 20) -> (None, 8)>'


def test_a_layer_that_is_being_made_can_be_shown():
    class Own(Daoloth):
        def __init__(self):
            self.early = repr(self)
            super().__init__(3)

    assert Own().early == '<Own >'


def test_values_are_kept_to_one_line():
    assert reprs.short(np.zeros((64, 20))) == 'an array of shape (64, 20)'
    assert reprs.short('word ' * 40, 20) == "'word word word w..."
    assert K.eval(K.constant(1.0)) == 1.0
