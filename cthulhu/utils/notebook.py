"""Showing things in a notebook."""

import html
import sys

_LINES = 'margin:0;font:13px/1.4 monospace;white-space:pre-wrap;word-break:normal;overflow-wrap:normal'


def in_notebook():
    """Whether the program runs in a notebook, which can show pictures."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return type(get_ipython()).__name__ == 'ZMQInteractiveShell'


class Shown:
    """HTML for where it can be shown, and text for where not: the value of a cell, or what `display` takes.

    Arguments:
        markup: string, HTML.
        text: string.
    """

    def __init__(self, markup, text):
        self.markup = markup
        self.text = text

    def _repr_html_(self):
        return self.markup

    def __repr__(self):
        return self.text


class Lines:
    """Lines of text in one place of the notebook's output, of which the last one moves. A notebook that is exported holds their last state.

    Attributes:
        MOST: how many lines are shown at most, the last ones.
    """

    MOST = 200

    def __init__(self):
        self._place = Place()
        self._lines = ['']

    def draw(self, text):
        """Show `text` as the last line. A new line stands below what else was shown since the one before it."""
        if not self._lines[-1] and self._place.is_overtaken:
            self._place = Place()
            self._lines = ['']
        self._lines[-1] = text
        text = '\n'.join(self._lines[-self.MOST :])
        self._place.show(Shown(f'<pre style="{_LINES}">{html.escape(text)}</pre>', text))

    def end(self):
        """Let the last line stand: what is drawn next is a line below it."""
        self._lines.append('')


def _outputs():
    """A number that grows by one with each output of the notebook; None where its kernel does not count the messages that it sends."""
    from IPython import get_ipython

    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    count = getattr(getattr(getattr(get_ipython(), 'kernel', None), 'session', None), 'message_count', None)
    return None if count is None else count - Place._updates


def cell():
    """The number of the cell that runs; None outside of a notebook."""
    if not in_notebook():
        return None
    from IPython import get_ipython

    return get_ipython().execution_count


class Place:
    """A place in the notebook's output where one thing after another is shown."""

    _updates = 0  # of all places: they are messages, and no new outputs

    def __init__(self):
        self._handle = None
        self._before = None

    def show(self, thing):
        """Show `thing` in place of the last one."""
        from IPython.display import display

        if self._handle is None:
            self._before = _outputs()
            self._handle = display(thing, display_id=True)
        else:
            self._handle.update(thing)
            Place._updates += 1

    @property
    def is_overtaken(self):
        """Whether something else was shown since the first thing was shown here, and so stands below it."""
        return self._before is not None and _outputs() > self._before + 1
