"""Progbar: how far a long job is, in a terminal, a notebook, or a file."""

import shutil
import sys
import time

import numpy as np

from cthulhu.utils.arguments import checked
from cthulhu.utils.notebook import Lines

# What one redraw may cost of the time that passes between two redraws.
_SHARE = 0.01
_NOTEBOOK_INTERVAL = 0.5
_LEAST_WIDTH = 5


def place():
    """Where the text that is printed is seen: 'terminal', 'notebook' or 'file'."""
    stream = sys.stdout
    if type(stream).__module__.split('.')[0] == 'ipykernel':
        return 'notebook'
    try:
        return 'terminal' if stream.isatty() else 'file'
    except (AttributeError, ValueError):
        return 'file'


class Progbar:
    """A bar, the time and the averages of some values, redrawn as a job goes on.

    In a terminal or a notebook the line is redrawn in place. In a file or a pipe there is one line, written when the
    job is done. Drawing is put off so that it takes no more than a hundredth of the time.

    Arguments:
        target: int, the number of steps of the whole job, or None if it is not known.
        width: int, the width of the bar in characters.
        verbose: 0 is silent, 1 the bar, 2 one line at the end without a bar.
        interval: float, the least time between two redraws in seconds.
        stateful_metrics: names of values that are shown as they come; all others are averaged over the steps.
        unit_name: what a step is called where the time for one is shown.
        lines: `utils.notebook.Lines` to draw in; in a notebook a place of its own if left out.

    Example:
        >>> bar = Progbar(target=2, verbose=2)
        >>> bar.update(1, [('loss', 3.)])
        >>> bar.update(2, [('loss', 1.)])
         - 0s - loss: 2.0000
    """

    @checked
    def __init__(self, target, width=30, verbose=1, interval=0.05, stateful_metrics=None, unit_name='step', lines=None):
        if verbose not in (0, 1, 2):
            raise ValueError(f'Progbar: `verbose` is 0 (silent), 1 (bar) or 2 (one line); got {verbose!r}.')
        self.target = target
        self.width = width
        self.verbose = int(verbose)
        self.interval = interval
        self.stateful_metrics = set(stateful_metrics or [])
        self.unit_name = unit_name
        self._values = {}
        self._seen = 0
        self._start = time.time()
        self._due = 0.0
        self._drawn_length = 0
        self._open = False
        self._done = False
        # Only these are drawn while the job runs.
        self._place = place()
        self._live = self.verbose == 1 and self._place != 'file'
        self._lines = (lines or Lines()) if self._live and self._place == 'notebook' else None

    def update(self, current, values=None, finalize=None):
        """Say how far the job is.

        Arguments:
            current: int, the number of steps done so far.
            values: list of (name, value), the averages over the steps since the last update (scalars or arrays).
            finalize: whether the job is done; by default when `current` reaches the target.
        """
        if values:
            steps = current - self._seen
            kept, stateful = self._values, self.stateful_metrics
            for name, value in values:
                if name in stateful:
                    kept[name] = [value, 1]
                    continue
                if value.__class__ is not float:
                    # NumPy's scalars compute slowly
                    value = float(np.mean(value)) if isinstance(value, np.ndarray) else float(value)
                entry = kept.get(name)
                if entry is not None:
                    entry[0] += value * steps
                    entry[1] += steps
                else:
                    kept[name] = [value * steps, steps]
        self._seen = current
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        if finalize:
            self._finish()
        elif self._live:
            now = time.time()
            if now >= self._due:
                self._draw(now)

    def add(self, n, values=None):
        """Say that `n` more steps are done; `values` as for `update`."""
        self.update(self._seen + n, values)

    def close(self):
        """End the line of a job that was broken off, so that what is printed next begins on a line of its own."""
        if self._open:
            self._open = False
            self._done = True
            self._end_line()

    # -- drawing -----------------------------------------------------------------------------------------

    def _finish(self):
        if self.verbose and not self._done:
            now = time.time()
            text = self._text(now, done=True)
            if self._live and self._place == 'terminal':
                columns = shutil.get_terminal_size().columns
                if len(text) >= columns:
                    text = self._text(now, done=True, width=max(self.width - (len(text) - columns + 1), _LEAST_WIDTH))
                self._redraw(_wrapped(text, columns))
            elif self._live:
                self._redraw(text)
            else:
                self._write(text)
            self._end_line()
        self._open = False
        self._done = True

    def _draw(self, now):
        text = self._text(now, done=False)
        if self._place == 'terminal':
            columns = shutil.get_terminal_size().columns
            # A line that wraps cannot be redrawn in place: give up some of the bar, then the end of the text.
            excess = len(text) - columns + 1
            if excess > 0:
                text = self._text(now, done=False, width=max(self.width - excess, _LEAST_WIDTH))[: max(columns - 1, 1)]
        self._redraw(text)
        self._open = True
        after = time.time()
        least = max(self.interval, _NOTEBOOK_INTERVAL) if self._place == 'notebook' else self.interval
        self._due = after + max(least, (after - now) / _SHARE)

    def _end_line(self):
        if self._lines is not None:
            self._lines.end()
        else:
            self._write('\n')

    def _redraw(self, text):
        if self._lines is not None:
            self._lines.draw(text)
            return
        first, *further = text.split('\n')
        padding = ' ' * (self._drawn_length - len(first))
        self._write('\n'.join(['\r' + first + padding] + further))
        self._drawn_length = len(text)

    @staticmethod
    def _write(text):
        if sys.stdout is not None:
            sys.stdout.write(text)
            sys.stdout.flush()

    def _text(self, now, done, width=None):
        elapsed = now - self._start
        values = ''.join(f' - {name}: {_average(*entry)}' for name, entry in self._values.items())
        if self.verbose == 2:
            return f' - {elapsed:.0f}s{values}'
        each = elapsed / self._seen if self._seen else 0.0
        if done:
            times = f'{elapsed:.0f}s {_duration(each)}/{self.unit_name}'
        elif self.target is None:
            times = f'{elapsed:.0f}s'
        else:
            times = f'ETA: {_clock(each * (self.target - self._seen))}'
        return f'{self._bar(self.width if width is None else width)} - {times}{values}'

    def _bar(self, width):
        if self.target is None:
            return f'{self._seen:7d}/Unknown'
        digits = len(str(self.target))
        filled = int(width * min(self._seen / self.target, 1.0)) if self.target else width
        if filled >= width:
            bar = '=' * width
        else:
            bar = ('=' * (filled - 1) + '>' if filled else '') + '.' * (width - filled)
        return f'{self._seen:{digits}d}/{self.target} [{bar}]'


def _wrapped(text, columns):
    """The text in lines that fit the width, broken between the values and indented; a value that is longer stays whole."""
    lines = []
    for part in text.split(' - '):
        if lines and len(lines[-1]) + 3 + len(part) < columns:
            lines[-1] += f' - {part}'
        else:
            lines.append(f'    - {part}' if lines else part)
    return '\n'.join(lines)


def _average(total, count):
    if isinstance(total, str):
        return total
    value = np.mean(total) / max(count, 1)
    return f'{value:.4f}' if abs(value) > 1e-3 or value == 0 else f'{value:.4e}'


def _duration(seconds):
    if seconds >= 1 or seconds == 0:
        return f'{seconds:.0f}s'
    return f'{seconds * 1e3:.0f}ms' if seconds >= 1e-3 else f'{seconds * 1e6:.0f}us'


def _clock(seconds):
    seconds = int(seconds)
    if seconds >= 3600:
        return f'{seconds // 3600}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}'
    return f'{seconds // 60}:{seconds % 60:02d}' if seconds >= 60 else f'{seconds}s'
