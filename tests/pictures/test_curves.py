import math
import re

import pytest

from cthulhu.pictures.curves import _ticks, curves_html, panels, series
from tests.pictures.test_graph import Reader


def lines(text):
    """The points of each line of each panel, by the class of the line."""
    found = re.findall(r'<path class="cth-line cth-(\w+)" d="(M[^"h]*)"/>', text)
    return [(label, [tuple(map(float, point.split())) for point in re.split('[ML]', d) if point]) for label, d in found]


def test_a_panel_for_each_value_and_its_validation():
    values = {'loss': [4.0, 2.0, 1.0], 'val_loss': [4.0, 3.0, 2.0], 'acc': [0.5, 0.6, 0.7]}
    text = curves_html([0, 1, 2], values, caption='Epoch 3')
    found = Reader(text)
    assert found.count('svg') == 2 and 'Epoch 3' in found.told('div')
    assert [label for label, _ in lines(text)] == ['training', 'validation', 'training']
    loss, validation, _ = (points for _, points in lines(text))
    assert [x for x, _ in loss] == [x for x, _ in validation]
    assert loss[0] == validation[0] and loss[1][1] > validation[1][1]  # the smaller, the lower: y goes down
    # equal steps of the epochs, and heights in proportion to the values
    assert abs((loss[1][0] - loss[0][0]) - (loss[2][0] - loss[1][0])) < 0.2
    assert abs((loss[1][1] - loss[0][1]) - 2 * (loss[2][1] - loss[1][1])) < 0.3
    assert 'training: 1 after epoch 3' in found.told('title')
    ticks = [text for text in found.told('text') if re.fullmatch(r'[\d.]+', text)]
    assert {'1', '2', '3', '4', '0.5', '0.7'} <= set(ticks)


def test_epochs_without_a_value_and_values_that_are_not_finite():
    values = {'loss': [1.0, math.nan, 2.0, 3.0], 'val_loss': [None, 1.0, None, 2.0]}
    text = curves_html([0, 1, 2, 3], values)
    found = dict(lines(text))
    assert len(found['training']) == 3 and len(found['validation']) == 2
    path = re.search(r'cth-training" d="([^"]*)"', text.split('<title>')[1]).group(1)
    assert path.count('M') == 2  # the line is broken
    assert 'values that are not finite are left out' in text
    assert Reader(curves_html([0], {'loss': [math.inf]})).count('circle') == 0


def test_one_epoch_and_many():
    assert Reader(curves_html([4], {'loss': [0.5]})).count('circle') == 1
    many = curves_html(list(range(500)), {'loss': [1 / (i + 1) for i in range(500)]})
    assert Reader(many).count('circle') == 0 and len(lines(many)[0][1]) == 500


def test_which_panels():
    values = {'loss': [1.0], 'val_loss': [1.0], 'lr': [0.1], 'val_only': [2.0]}
    assert panels(values) == ['loss', 'lr', 'val_only'] and panels(values, ['lr']) == ['lr']
    with pytest.raises(ValueError, match="`metrics` has 'auc'; there are loss, lr"):
        panels(values, ['auc'])
    assert series([0], values, 'loss') == [('training', [(1, 1.0)]), ('validation', [(1, 1.0)])]


def test_names_do_not_run():
    assert '<script' not in curves_html([0], {'<script>alert(1)</script>': [1.0]}, caption='<script>')


@pytest.mark.parametrize('low, high', [(0, 1), (0.12, 0.13), (-3, 250), (1e-9, 3e-9), (5, 5), (0, 0), (1e6, 1.1e6)])
def test_ticks_are_round_and_around(low, high):
    ticks = _ticks(low, high)
    assert ticks[0] <= low and ticks[-1] >= high and 2 <= len(ticks) <= 8
    steps = [b - a for a, b in zip(ticks, ticks[1:])]
    assert max(steps) - min(steps) < 1e-6 * max(steps)
    digits = f'{steps[0]:.2e}'.split('e')[0].rstrip('0').rstrip('.')
    assert digits in ('1', '2', '2.5', '5')


def test_epochs_are_whole():
    assert _ticks(1, 3, whole=True) == [1, 2, 3] and _ticks(7, 7, whole=True) == [7]
