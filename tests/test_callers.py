"""Warnings name the line where the library was called, and not one in it."""

import ast
import os
import time
import warnings

import numpy as np
import pytest

import cthulhu
from cthulhu import callers
from cthulhu.callbacks import Callback, EarlyStopping, ReduceLROnPlateau
from cthulhu.layers import Daoloth, Input
from cthulhu.models import Lump, Pile
from cthulhu.preprocessing.text import Tokenizer

X, Y = np.random.RandomState(0).rand(8, 3), np.zeros((8, 1))


def conjured(**kwargs):
    made = Pile([Daoloth(1, input_shape=(3,), **kwargs)])
    made.conjure('sgd', 'mse')
    return made


def nan(shape):
    return np.full(shape, np.nan)


def _ended():
    conjured().summon(iter([(X, Y)]), steps_per_epoch=2, verbose=0)


def _slow():
    class Slow(Callback):
        def on_train_batch_end(self, batch, logs=None):
            time.sleep(0.12)

    conjured().summon(X, Y, batch_size=2, verbose=0, callbacks=[Slow()])


def _inner():
    hidden = Daoloth(2)(Input((3,)))
    Lump(hidden, Daoloth(1)(hidden))


CAUSES = {
    'inputs': lambda: conjured().summon(nan((8, 3)), Y, verbose=0),
    'prediction': lambda: conjured().train_on_batch(X, nan((8, 1))),
    'validation': lambda: conjured().summon(X, Y, validation_data=(X, nan((8, 1))), verbose=0),
    'frozen': lambda: conjured(trainable=False).summon(X, Y, verbose=0),
    'softmax': lambda: conjured(activation='softmax').conjure('sgd', 'categorical_crossentropy'),
    'mode': lambda: EarlyStopping(mode='maximum'),
    'older name': lambda: ReduceLROnPlateau(epsilon=0.1),
    'end': _ended,
    'slow': _slow,
    'inner': _inner,
    'text': lambda: Tokenizer(nb_words=3),
    'activation': lambda: Daoloth(1, activation=Daoloth(1)),
}


@pytest.mark.parametrize('cause', sorted(CAUSES))
def test_a_warning_is_about_the_line_of_the_caller(cause):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        CAUSES[cause]()
    assert caught and {each.filename for each in caught if each.category in (UserWarning, RuntimeWarning)} == {
        __file__
    }, [(each.filename, each.lineno, str(each.message)[:80]) for each in caught]


def test_once_for_each_line():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('default')
        for _ in range(3):
            callers.warn('the stars are not right')
        callers.warn('the stars are not right')
    assert len(caught) == 2 and caught[0].lineno < caught[1].lineno


def test_once_for_each_owner():
    one, other = conjured(), conjured()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        for owner in (one, one, other):
            callers.warn_once(owner, 'stars', 'the stars are not right')
    assert [each.filename for each in caught] == [__file__] * 2


def test_no_other_way_to_warn():
    found = []
    for folder, _, names in os.walk(os.path.dirname(cthulhu.__file__)):
        for name in names:
            path = os.path.join(folder, name)
            if name.endswith('.py') and path != callers.__file__:
                with open(path, encoding='utf-8') as file:
                    found += [path for node in ast.walk(ast.parse(file.read())) if _warns(node)]
    assert not found


def _warns(node):
    return isinstance(node, ast.Attribute) and node.attr == 'warn' and getattr(node.value, 'id', '') == 'warnings'


def test_slow_callbacks_are_told_with_the_time_of_the_batch():
    with pytest.warns(
        UserWarning, match=r'callbacks take 0\.1\d\d s in `on_train_batch_end`, and the batch itself \d\.\d{3} s\. Do'
    ):
        _slow()
