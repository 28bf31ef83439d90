import time
from html.parser import HTMLParser

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.layers import Add, Azatoth, Daoloth, Darkness, Input, Laldagorth, TimeDistributed, concatenate
from cthulhu.models import Lump, Pile


class Reader(HTMLParser):
    """Checks that elements are closed in order, and keeps them with their texts."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag != 'br':
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append((self.open[-1] if self.open else None, data))

    def count(self, tag):
        return sum(found == tag for found, _ in self.tags)

    def told(self, tag):
        return [text for where, text in self.texts if where == tag]


def picture(model):
    return Reader(model._repr_html_())


def nested():
    inner = Pile([Daoloth(4, input_shape=(8,), name='wide'), Darkness(0.5, name='drop')], name='encoder')
    x, y, steps = Input((8,), name='x'), Input((8,), name='y'), Input((5, 8), name='steps')
    many = TimeDistributed(inner, name='many')(steps)
    both = concatenate([inner(x), inner(y), Laldagorth(2, name='memory')(many)], name='both')
    return Lump([x, y, steps], Daoloth(1, name='out', trainable=False)(both), name='nested')


def test_a_box_for_each_call_and_what_it_tells():
    found = picture(Pile([Daoloth(3, input_shape=(2,), name='one'), Azatoth('relu', name='two')], name='pile'))
    assert found.count('rect') == 3
    assert found.told('title')[1] == 'Daoloth one\ninput: (None, 2)\noutput: (None, 3) · 9 parameters'
    assert '(None, 3) · 9 parameters' in found.told('text') and '(None, 3)' in found.told('text')
    assert [text for text in found.told('b') + found.told('span')] == ['Pile', 'pile']
    assert any('2 layers, 9 parameters' in text for text in found.told('div'))


def test_models_inside_can_be_opened_each_once():
    found = picture(nested())
    assert found.count('details') == 1 and found.count('rect') == 8 + 1 + 3
    assert 'Pile encoder · call 2 of 2\ninput: (None, 8)\noutput: (None, 4) · 36 parameters' in found.told('title')
    kinds = [attributes['class'] for tag, attributes in found.tags if tag == 'g']
    assert kinds.count('cth-nested') == 3 and kinds.count('cth-frozen') == 1 and kinds.count('cth-input') == 4


def test_names_do_not_run():
    model = nested()
    evil = '</svg><script>alert("1")</script><img src=x onerror=alert(2)>'
    for thing in [model, model.get_layer('encoder')] + model.layers:
        thing.name = evil + thing.name
    text = model._repr_html_()
    assert '<script' not in text and '<img' not in text and '&lt;script&gt;' in text
    assert {tag for tag, _ in Reader(text).tags} <= {
        'div', 'style', 'b', 'span', 'svg', 'g', 'title', 'rect', 'text', 'tspan', 'path', 'details', 'summary',
    }  # fmt: skip


def test_the_name_of_a_class_does_not_run():
    evil = type('<script>alert(1)</script>', (Daoloth,), {})
    model = Pile([evil(1, input_shape=(2,), name='evil')])
    assert '<script' not in model._repr_html_()


def test_models_that_say_little_of_themselves():
    class Own(Lump):
        def __init__(self):
            super().__init__(name='own')
            self.one, self.two = Daoloth(3, name='one'), Daoloth(2, name='two')

        def call(self, x):
            return self.two(self.one(x))

    model = Own()
    assert any('not built yet' in text for text in picture(model).told('i'))
    model.build((None, 4))
    found = picture(model)
    assert found.count('rect') == 2 and 'What goes where is in the code of its ' in found.told('i')
    assert '(None, 3) · 15 parameters' in found.told('text')
    assert any('not built yet' in text for text in picture(Pile([Daoloth(3)])).told('i'))
    assert picture(Pile()).told('i') == ['It has no layers yet.']


def test_layers_called_twice_in_a_row():
    x = Input((3,))
    again = Daoloth(3, name='again')
    found = picture(Lump(x, Add()([again(again(x)), x])))
    assert found.count('rect') == 4
    assert sum('call 1 of 2' in text for text in found.told('title')) == 1


def test_a_model_cut_out_of_another():
    x = Input((3,))
    middle = Daoloth(4, name='middle')(x)
    end = Daoloth(1, name='end')(middle)
    with pytest.warns(UserWarning, match='should come from Input'):
        part = Lump(middle, end)
    assert any('Daoloth end' in text for text in picture(part).told('title'))


def test_large_models_are_quick():
    x = i = Input((4,))
    for _ in range(60):
        x = Add()([x, Daoloth(4)(Azatoth('relu')(x))])
    model = Lump(i, x)
    best = min(_seconds(model) for _ in range(3))
    assert best < 1.5, best  # 0.1 s on a quiet machine
    assert 'max-height' in model._repr_html_() and len(model._repr_html_()) < 150000


def _seconds(model):
    start = time.perf_counter()
    model._repr_html_()
    return time.perf_counter() - start


def test_the_picture_is_read_off_and_changes_nothing():
    model = Pile([Daoloth(2, input_shape=(2,))])
    before = model.get_config()
    nodes = [len(layer._inbound_nodes) for layer in model.layers]
    model._repr_html_()
    assert model.get_config() == before and [len(layer._inbound_nodes) for layer in model.layers] == nodes
    assert K.int_shape(model.output) == (None, 2) and np.all(np.isfinite(model.get_weights()[0]))
