"""Showing things in a notebook."""

import html

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
        """Show `text` as the last line."""
        self._lines[-1] = text
        text = '\n'.join(self._lines[-self.MOST :])
        self._place.show(Shown(f'<pre style="{_LINES}">{html.escape(text)}</pre>', text))

    def end(self):
        """Let the last line stand: what is drawn next is a line below it."""
        self._lines.append('')


class Place:
    """A place in the notebook's output where one thing after another is shown."""

    def __init__(self):
        self._handle = None

    def show(self, thing):
        """Show `thing` in place of the last one."""
        from IPython.display import display

        if self._handle is None:
            self._handle = display(thing, display_id=True)
        else:
            self._handle.update(thing)
