"""What is drawn with matplotlib, which is imported when something is to be drawn."""

import io
import math
import os

from cthulhu.pictures.curves import panels, series
from cthulhu.storage import atomic


def figure(width, height):
    """A figure of so many inches, apart from `pyplot` and its figures.

    Raises:
        ImportError: if matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            f'Drawing needs matplotlib, which could not be imported ({error}). Install it: pip install matplotlib'
        ) from error

    class Shown(Figure):
        """A figure that a notebook shows, whatever matplotlib has told the notebook of its own."""

        def _repr_png_(self):
            return data(self)

    made = Shown(figsize=(width, height))
    FigureCanvasAgg(made)
    return made


def save(made, path):
    """Write a figure to a file, of the kind that the ending of its name says; a file that is there is replaced whole."""
    kind = os.path.splitext(path)[1][1:].lower() or 'png'
    atomic.write(path, data(made, kind))


def data(made, kind='png'):
    """A figure as the bytes of a file."""
    stream = io.BytesIO()
    made.savefig(stream, format=kind, bbox_inches='tight')
    return stream.getvalue()


def curves(epochs, values, metrics=None):
    """Values over the epochs, a panel for each, those of the validation dashed in the same panel.

    Arguments:
        epochs: list of the numbers of the epochs, from 0.
        values: dict, name -> list with one number an epoch, or None.
        metrics: list of the names to draw, without 'val_'; all if left out.

    Returns:
        A figure.
    """
    names = panels(values, metrics)
    columns = min(len(names), 3) or 1
    rows = max(math.ceil(len(names) / columns), 1)
    made = figure(4.5 * columns, 3.2 * rows)
    for place, name in enumerate(names):
        axes = made.add_subplot(rows, columns, place + 1)
        lines = series(epochs, values, name)
        for label, points in lines:
            axes.plot(*zip(*points), marker='.', label=label, linestyle='--' if label == 'validation' else '-')
        axes.set_title(name)
        axes.set_xlabel('epoch')
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        if len(lines) > 1:
            axes.legend()
    made.tight_layout()
    return made
