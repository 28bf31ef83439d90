"""What is drawn with matplotlib, which is imported when something is to be drawn."""

import io
import os

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
    made = Figure(figsize=(width, height))
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


def in_notebook():
    """Whether the program runs in a notebook, which can show pictures."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return type(get_ipython()).__name__ == 'ZMQInteractiveShell'


class Display:
    """A place in the notebook's output where one picture after another is shown."""

    def __init__(self):
        self._handle = None

    def show(self, made):
        """Show a figure in place of the last one."""
        from IPython.display import Image, display

        picture = Image(data=data(made), format='png')
        if self._handle is None:
            self._handle = display(picture, display_id=True)
        else:
            self._handle.update(picture)
