"""A model as a picture of its graph: HTML with SVG, in the colours of the page around it."""

import html

from cthulhu.pictures.layout import layout
from cthulhu.utils.layer_utils import count_params
from cthulhu.utils.structure import calls_and_edges, is_model, shape_text, type_name, wrapped

_BOX_HEIGHT = 42
_ROW_HEIGHT = 68
_LONGEST = 44  # characters of a line in a box; all of it is told where the mouse rests
_CHARACTER = 7.6  # the width of a character, about, in the widest of the fonts of a box, DejaVu Sans
_DEEPEST = 8  # how many models inside models are drawn

_STYLE = """
.cth-model{font:12px/1.4 system-ui,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;color:inherit}
.cth-model .cth-scroll{max-height:680px;max-width:100%;overflow:auto}
.cth-model svg{display:block;color:inherit}
.cth-model svg text{fill:currentColor;font:12px system-ui,'Segoe UI',Roboto,Helvetica,Arial,sans-serif}
.cth-model svg .cth-type{font-weight:600}
.cth-model svg .cth-quiet{opacity:.72}
.cth-model svg .cth-arrow{fill:none;stroke:currentColor;stroke-opacity:.45;stroke-width:1.3}
.cth-model svg .cth-tip{fill:currentColor;fill-opacity:.55}
.cth-model svg rect{fill-opacity:.14;stroke-opacity:.85;stroke-width:1.2}
.cth-model .cth-input rect{fill:#2a9d5c;stroke:#2a9d5c}
.cth-model .cth-learns rect{fill:#3b7ddd;stroke:#3b7ddd}
.cth-model .cth-frozen rect{fill:#3b7ddd;stroke:#3b7ddd;stroke-dasharray:4 3}
.cth-model .cth-plain rect{fill:#8a8f98;stroke:#8a8f98}
.cth-model .cth-nested rect{fill:#b5651d;stroke:#b5651d}
.cth-model details{margin:.4em 0 0 .2em;padding-left:.8em;border-left:2px solid #b5651d}
.cth-model summary{cursor:pointer}
""".replace('\n', '')


def model_html(model):
    """A model as HTML.

    Arguments:
        model: a model, built or not.

    Returns:
        String: one element that brings its style along. Names are escaped, whatever they are.
    """
    return f'<div class="cth-model"><style>{_STYLE}</style><div>{_headline(model)}</div>{_body(model, ())}</div>'


def _body(model, around):
    """The picture of a model, and the models inside it, to be opened. `around` are the models that it is in."""
    calls, edges = calls_and_edges(model)
    parts = [f'<div class="cth-scroll">{_svg(calls, edges)}</div>'] if calls else []
    if not model.is_graph:
        parts.append(f'<div><i>{_why_no_graph(model, calls)}</i></div>')
    for inner in _models_inside(calls):
        if len(around) < _DEEPEST:
            parts.append(f'<details><summary>{_headline(inner)}</summary>{_body(inner, around + (model,))}</details>')
    return ''.join(parts)


def _why_no_graph(model, calls):
    if not calls:
        return 'It has no layers yet.'
    if model.built:
        return 'What goes where is in the code of its <code>call</code>.'
    return 'It is not built yet: its first data, or <code>build(input_shape)</code>, will tell the shapes.'


def _models_inside(calls):
    found = []
    for call in calls:
        for layer in (call.layer, wrapped(call.layer)):
            if layer is not None and is_model(layer) and layer not in found:
                found.append(layer)
    return found


def _headline(model):
    text = f'<b>{html.escape(type(model).__name__)}</b> <span>{html.escape(model.name)}</span>'
    if not model.built:
        return text
    total, trainable = count_params(model.weights), count_params(model.trainable_weights)
    frozen = f' ({trainable:,} of them trainable)' if trainable != total else ''
    return f'{text}: {len(model.layers)} layers, {total:,} parameters{frozen}'


def _svg(calls, edges):
    labels = [_lines(call) for call in calls]
    widths = [max(90, 26 + _CHARACTER * max(map(len, lines[:2]))) for lines in labels]
    pairs = list(dict.fromkeys((edge.source, edge.target) for edge in edges))
    found = layout(widths, pairs)
    if not pairs and len(calls) > 1:  # nothing is known of what goes where: one below the other
        found = found._replace(
            boxes=[(max(widths) / 2, row) for row in range(len(calls))], width=max(widths), rows=len(calls)
        )
    width, height = found.width + 4, found.rows * _ROW_HEIGHT - (_ROW_HEIGHT - _BOX_HEIGHT) + 4
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="-2 -2 {width:.0f} {height:.0f}">'
    ]
    parts.append(_arrows(found))
    for call, lines, wide, (middle, row) in zip(calls, labels, widths, found.boxes):
        parts.append(_box(call, lines, wide, middle, row * _ROW_HEIGHT))
    parts.append('</svg>')
    return ''.join(parts)


def _lines(call):
    """The class and name, and the shape and parameters, of a call, each as short as a box allows; and all of it."""
    layer = call.layer
    kind, name = type_name(layer), layer.name + (f' · call {call.number} of {call.count}' if call.count > 1 else '')
    count = count_params(layer.weights)
    second = shape_text(call.output_shapes) + (f' · {count:,} parameters' if count else '')
    whole = f'{kind} {name}\ninput: {shape_text(call.input_shapes)}\noutput: {second}'
    return _cut(kind + ' ' + name), _cut(second), whole


def _cut(line):
    line = ' '.join(line.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + '…'


def _box(call, lines, width, middle, top):
    layer = call.layer
    if type(layer).__name__ == 'InputLayer':
        kind = 'input'
    elif is_model(layer) or is_model(wrapped(layer)):
        kind = 'nested'
    elif layer.weights:
        kind = 'learns' if layer.trainable_weights else 'frozen'
    else:
        kind = 'plain'
    first, second, whole = lines
    head, _, tail = first.partition(' ')
    return (
        f'<g class="cth-{kind}"><title>{html.escape(whole)}</title>'
        f'<rect x="{middle - width / 2:.1f}" y="{top}" width="{width:.1f}" height="{_BOX_HEIGHT}" rx="6"/>'
        f'<text x="{middle:.1f}" y="{top + 17}" text-anchor="middle"><tspan class="cth-type">{html.escape(head)}</tspan> '
        f'{html.escape(tail)}</text>'
        f'<text class="cth-quiet" x="{middle:.1f}" y="{top + 33}" text-anchor="middle">{html.escape(second)}</text></g>'
    )


def _arrows(found):
    """The arrows of a layout: smooth lines from the lower edge of what is above to the upper edge of what is below, with a tip at a box."""
    places = found.boxes + found.bends
    lines = [f'M{x:.0f} {row * _ROW_HEIGHT}v{_BOX_HEIGHT}' for x, row in found.bends]
    tips = []
    for upper, lower in found.links:
        (x0, row0), (x1, row1) = places[upper], places[lower]
        y0, y1 = row0 * _ROW_HEIGHT + _BOX_HEIGHT, row1 * _ROW_HEIGHT
        if lower < len(found.boxes):
            y1 -= 5
            tips.append(f'M{x1 - 4:.0f} {y1 - 2}h8l-4 6.5z')
        middle = (y0 + y1) / 2
        lines.append(
            f'M{x0:.0f} {y0}'
            + (f'V{y1}' if round(x0) == round(x1) else f'C{x0:.0f} {middle} {x1:.0f} {middle} {x1:.0f} {y1}')
        )
    return f'<path class="cth-arrow" d="{"".join(lines)}"/><path class="cth-tip" d="{"".join(tips)}"/>'
