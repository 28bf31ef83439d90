"""Showing things in a notebook."""


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
        html: string.
        text: string.
    """

    def __init__(self, html, text):
        self.html = html
        self.text = text

    def _repr_html_(self):
        return self.html

    def __repr__(self):
        return self.text


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
