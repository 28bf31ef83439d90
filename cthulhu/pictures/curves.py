"""Values over the epochs as curves: SVG that needs nothing installed."""

import html
import math

_WIDTH, _HEIGHT = 300, 204
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 10, 42, 34
_STYLE = """
.cth-curves{font:12px/1.4 system-ui,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;color:inherit}
.cth-curves svg{color:inherit;margin:2px 8px 2px 0}
.cth-curves text{fill:currentColor;font:11px system-ui,'Segoe UI',Roboto,Helvetica,Arial,sans-serif}
.cth-curves .cth-title{font-weight:600;font-size:12px}
.cth-curves .cth-grid{stroke:currentColor;stroke-opacity:.15}
.cth-curves .cth-axis{stroke:currentColor;stroke-opacity:.5}
.cth-curves .cth-line{fill:none;stroke-width:1.8;stroke-linejoin:round}
.cth-curves .cth-training{stroke:#3b7ddd}
.cth-curves .cth-validation{stroke:#e07b28;stroke-dasharray:5 3}
.cth-curves .cth-training.cth-dot{fill:#3b7ddd}
.cth-curves .cth-validation.cth-dot{fill:#e07b28;stroke-dasharray:none}
""".replace('\n', '')


def panels(values, metrics=None):
    """What is drawn in one panel each: the names of values without 'val_', in their order.

    Arguments:
        values: dict, name -> list.
        metrics: list of such names, or None for all.

    Raises:
        ValueError: for a name that is not there.
    """
    present = [name for name in values if not (name.startswith('val_') and name[4:] in values)]
    missing = [name for name in metrics or () if name not in values]
    if missing:
        raise ValueError(f'`metrics` has {", ".join(map(repr, missing))}; there are {", ".join(present)}.')
    return present if metrics is None else list(metrics)


def series(epochs, values, name):
    """The curves of a panel: a list of ('training' or 'validation', points), with the epochs counted from 1.

    Values that are None or not finite leave a gap.
    """
    found = []
    for label, key in (('training', name), ('validation', 'val_' + name)):
        points = [(epoch + 1, value) for epoch, value in zip(epochs, values.get(key, ())) if value is not None]
        if points:
            found.append((label, points))
    return found


def curves_html(epochs, values, metrics=None, caption=''):
    """Curves as HTML: one panel for each value, those of the validation dashed in the same panel.

    Arguments:
        epochs: list of the numbers of the epochs, from 0.
        values: dict, name -> list with one number an epoch, or None.
        metrics: list of the names to draw, without 'val_'; all if left out.
        caption: string to write above.

    Returns:
        String: one element that brings its style along.
    """
    drawn = ''.join(_panel(name, series(epochs, values, name)) for name in panels(values, metrics))
    head = f'<div>{html.escape(caption)}</div>' if caption else ''
    return f'<div class="cth-curves"><style>{_STYLE}</style>{head}{drawn}</div>'


def _panel(name, lines):
    finite = [(x, y) for _, points in lines for x, y in points if math.isfinite(y)]
    xs = [x for _, points in lines for x, _ in points] or [1]
    x_ticks = _ticks(min(xs), max(xs), whole=True)
    y_ticks = _ticks(min(y for _, y in finite), max(y for _, y in finite)) if finite else [0, 1]
    x_low, x_high = min(xs), max(xs)
    y_low, y_high = y_ticks[0], y_ticks[-1]

    def at_x(x):
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * ((x - x_low) / (x_high - x_low) if x_high > x_low else 0.5)

    def at_y(y):
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * (y - y_low) / (y_high - y_low)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}">'
        f'<text class="cth-title" x="{_LEFT}" y="14">{html.escape(name)}</text>'
    ]
    for y in y_ticks:
        parts.append(
            f'<line class="cth-grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{at_y(y):.1f}" y2="{at_y(y):.1f}"/>'
            f'<text x="{_LEFT - 5}" y="{at_y(y) + 4:.1f}" text-anchor="end">{y:.4g}</text>'
        )
    bottom = _HEIGHT - _BOTTOM
    parts.append(f'<path class="cth-axis" fill="none" d="M{_LEFT} {_TOP}V{bottom}H{_WIDTH - _RIGHT}"/>')
    for x in x_ticks:
        if x_low <= x <= x_high:
            parts.append(f'<text x="{at_x(x):.1f}" y="{bottom + 14}" text-anchor="middle">{x:g}</text>')
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(f'<text class="cth-quiet" x="{middle}" y="{_HEIGHT - 4}" text-anchor="middle">epoch</text>')
    for place, (label, points) in enumerate(lines):
        parts.append(_line(label, points, at_x, at_y))
        if len(lines) > 1:
            x = _LEFT + (0 if place == 0 else 76)
            parts.append(f'<path class="cth-line cth-{label}" d="M{x} 27h16"/><text x="{x + 20}" y="31">{label}</text>')
    if len(finite) < sum(len(points) for _, points in lines):
        parts.append(
            f'<text x="{middle}" y="{_TOP + 12}" text-anchor="middle">values that are not finite are left out</text>'
        )
    return ''.join(parts) + '</svg>'


def _line(label, points, at_x, at_y):
    """A line through the points, broken where a value is not finite; the last value is told where the mouse rests."""
    steps, begun = [], False
    for x, y in points:
        if math.isfinite(y):
            steps.append(f'{"L" if begun else "M"}{at_x(x):.1f} {at_y(y):.1f}')
        begun = math.isfinite(y)
    dots = ''
    if len(points) <= 25:
        dots = ''.join(
            f'<circle class="cth-{label} cth-dot" cx="{at_x(x):.1f}" cy="{at_y(y):.1f}" r="2.2"/>'
            for x, y in points
            if math.isfinite(y)
        )
    x, y = points[-1]
    return f'<g><title>{label}: {y:.6g} after epoch {x}</title><path class="cth-line cth-{label}" d="{"".join(steps)}"/>{dots}</g>'


def _ticks(low, high, whole=False):
    """Round numbers from at most `low` to at least `high`, four to seven of them, or fewer where they are `whole`."""
    if high <= low:
        pad = 1 if whole else abs(low) / 2 or 1
        low, high = low - (0 if whole else pad), high + (0 if whole else pad)
        if whole:
            return [low]
    raw = (high - low) / 4
    size = 10 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= raw * (1 - 1e-9))
    if whole:
        step = max(1, math.ceil(step))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [index * step for index in range(first, last + 1)]
