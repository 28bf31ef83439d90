import itertools
import random
import time

import pytest

from cthulhu.pictures.layout import layout


def check(widths, edges):
    """What holds of every layout; the layout."""
    found = layout(widths, edges)
    for source, target in edges:
        assert found.boxes[source][1] < found.boxes[target][1]
    rows = {}
    for (middle, row), width in zip(found.boxes, widths):
        assert width / 2 - 1e-6 <= middle <= found.width - width / 2 + 1e-6 and 0 <= row < found.rows
        rows.setdefault(row, []).append((middle - width / 2, middle + width / 2))
    for row in rows.values():
        for (_, right), (left, _) in itertools.combinations(sorted(row), 2):
            assert right <= left
    # the links lead from each source to its targets, a row at a time
    below = {}
    for upper, lower in found.links:
        below.setdefault(upper, []).append(lower)
    for source, target in edges:
        reached, waiting = set(), [source]
        while waiting:
            for place in below.get(waiting.pop(), ()):
                if place >= len(widths):
                    waiting.append(place)
                reached.add(place)
        assert target in reached
    return found


def test_a_chain_is_straight():
    found = check([100, 60, 140], [(0, 1), (1, 2)])
    assert len({round(middle, 3) for middle, _ in found.boxes}) == 1
    assert [row for _, row in found.boxes] == [0, 1, 2] and found.width == 140 and not found.bends


def test_branches_stand_side_by_side_around_their_source():
    found = check([100] * 4, [(0, 1), (0, 2), (1, 3), (2, 3)])
    top, left, right, bottom = (middle for middle, _ in found.boxes)
    assert left != right and abs((left + right) / 2 - top) < 1 and abs(top - bottom) < 1


def test_a_long_arrow_goes_around_the_boxes_that_it_passes():
    found = check([100] * 4, [(0, 1), (1, 2), (2, 3), (0, 3)])
    assert len(found.bends) == 2
    for middle, row in found.bends:
        box = next(m for m, r in found.boxes if r == row)
        assert abs(middle - box) > 50


def test_arrows_from_one_box_share_their_way():
    found = check([100] * 5, [(0, 1), (1, 2), (2, 3), (3, 4), (0, 3), (0, 4)])
    assert len(found.bends) == 3


def test_inputs_stand_just_above_what_needs_them():
    found = check([100] * 4, [(0, 1), (1, 3), (2, 3)])
    assert found.boxes[2][1] == 1


def test_crossings_are_undone():
    found = check([100] * 4, [(0, 3), (1, 2)])
    (a, _), (b, _), (c, _), (d, _) = found.boxes
    assert (a < b) == (d < c)


def test_nothing_and_one():
    assert layout([], []).width == 0 and check([50], []).rows == 1


@pytest.mark.parametrize('seed', range(5))
def test_any_graph(seed):
    generator = random.Random(seed)
    count = 40
    edges = sorted({tuple(sorted(generator.sample(range(count), 2))) for _ in range(70)})
    check([generator.randint(60, 300) for _ in range(count)], edges)


def test_many_boxes_take_no_time():
    count = 400
    edges = [(i, i + 1) for i in range(count - 1)] + [(i, i + 7) for i in range(0, count - 7, 7)]
    start = time.perf_counter()
    layout([120] * count, edges)
    each_to_each = list(itertools.combinations(range(150), 2))
    found = layout([120] * 150, each_to_each)
    assert time.perf_counter() - start < 5  # a twentieth of it on a quiet machine
    assert not found.bends  # 11,000 places to bend would help nobody
