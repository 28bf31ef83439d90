"""Where to draw the boxes of a graph: in rows, so that arrows go down, cross seldom and bend little.

Source: Sugiyama, Tagawa, Toda, "Methods for visual understanding of hierarchical system structures", 1981; the places within a row are those
of least squares that keep the order (pool adjacent violators).
"""

import collections

# Beyond so many places to bend, arrows that pass several rows go straight.
_MOST_BENDS = 8000
_SWEEPS = 6
_GAP = 24
_BEND_WIDTH = 8

Layout = collections.namedtuple('Layout', ['boxes', 'bends', 'links', 'width', 'rows'])
Layout.__doc__ = """The (middle, row) of each box, and of each place where an arrow passes a row; the links between these places, numbered through, from upper to
lower; the width of the whole; and how many rows there are."""


def layout(widths, edges):
    """Find a place for each box.

    Arguments:
        widths: list with the width of each box; a box comes after those that its arrows come from.
        edges: list of pairs (source, target) of places in that list; each pair once.

    Returns:
        Layout.
    """
    rows_of = _rows(len(widths), edges)
    items, chains = _with_bends(widths, rows_of, edges)
    rows = _ordered(items, chains)
    middles = _middles(items, rows, chains)
    left = min((middles[i] - items[i][1] / 2 for i in range(len(items))), default=0)
    right = max((middles[i] + items[i][1] / 2 for i in range(len(items))), default=0)
    places = [(middle - left, items[i][0]) for i, middle in enumerate(middles)]
    return Layout(
        places[: len(widths)],
        places[len(widths) :],
        list(dict.fromkeys(link for chain in chains.values() for link in zip(chain, chain[1:]))),
        right - left,
        1 + max(rows_of, default=-1),
    )


def _rows(count, edges):
    """The row of each box: the longest way from a box without arrows to it; a box that only sends stands just above."""
    rows = [0] * count
    targets = collections.defaultdict(list)
    fed = {target for _, target in edges}
    for source, target in sorted(edges, key=lambda edge: edge[1]):
        rows[target] = max(rows[target], rows[source] + 1)
        targets[source].append(target)
    for box in range(count):
        if box not in fed and targets[box]:
            rows[box] = min(rows[target] for target in targets[box]) - 1
    least = min(rows, default=0)
    return [row - least for row in rows]


def _with_bends(widths, rows_of, edges):
    """Boxes and places to bend as (row, width), and for each edge those that it goes through. Arrows from one box share their places to bend."""
    items = [(row, width) for row, width in zip(rows_of, widths)]
    reach = {}
    for source, target in edges:
        reach[source] = max(reach.get(source, 0), rows_of[target] - 1)
    bends = sum(max(0, last - rows_of[source]) for source, last in reach.items())
    bend_of = {}
    chains = {}
    for source, target in edges:
        between = range(rows_of[source] + 1, rows_of[target]) if bends <= _MOST_BENDS else ()
        chain = [source]
        for row in between:
            if (source, row) not in bend_of:
                bend_of[source, row] = len(items)
                items.append((row, _BEND_WIDTH))
            chain.append(bend_of[source, row])
        chains[source, target] = chain + [target]
    return items, chains


def _links(chains):
    """Above and below: for each item those that it is linked with in other rows."""
    above, below = collections.defaultdict(list), collections.defaultdict(list)
    seen = set()
    for chain in chains.values():
        for upper, lower in zip(chain, chain[1:]):
            if (upper, lower) not in seen:
                seen.add((upper, lower))
                below[upper].append(lower)
                above[lower].append(upper)
    return above, below


def _ordered(items, chains):
    """The items of each row from left to right, so that few arrows cross: each goes to the average place of those that it is linked with."""
    rows = [[] for _ in range(1 + max((row for row, _ in items), default=-1))]
    for index, (row, _) in enumerate(items):
        rows[row].append(index)
    above, below = _links(chains)
    place = {}
    for row in rows:
        place.update((index, i) for i, index in enumerate(row))
    for sweep in range(_SWEEPS):
        links = below if sweep % 2 else above
        for row in reversed(rows) if sweep % 2 else rows:
            row.sort(key=lambda i: sum(place[j] for j in links[i]) / len(links[i]) if links[i] else place[i])
            place.update((index, i) for i, index in enumerate(row))
    return rows


def _middles(items, rows, chains):
    """The middle of each item."""
    above, below = _links(chains)
    middles = [0.0] * len(items)
    for row in rows:
        _place(row, items, [0.0] * len(row), middles)
    for sweep in range(_SWEEPS):
        for row in reversed(rows) if sweep % 2 else rows:
            wanted = []
            for i in row:
                linked = (below if sweep % 2 else above)[i] or (above if sweep % 2 else below)[i]
                wanted.append(sum(middles[j] for j in linked) / len(linked) if linked else middles[i])
            _place(row, items, wanted, middles)
    return middles


def _place(row, items, wanted, middles):
    """Put the items of a row as near to where they want to be as their order and widths allow."""
    shifts, shift = [], 0.0
    for index, item in enumerate(row):
        if index:
            shift += (items[row[index - 1]][1] + items[item][1]) / 2 + _GAP
        shifts.append(shift)
    blocks = []  # [sum of what is wanted, how many]
    for want, shift in zip(wanted, shifts):
        blocks.append([want - shift, 1])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            total, count = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += count
    index = 0
    for total, count in blocks:
        for _ in range(count):
            middles[row[index]] = total / count + shifts[index]
            index += 1
