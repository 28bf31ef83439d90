"""TrainingCurves: the loss and the metrics over the epochs, drawn as training goes on."""

import math
import os

from cthulhu.callbacks import figures
from cthulhu.callbacks.base import Callback


class TrainingCurves(Callback):
    """Draws the loss and the metrics over the epochs, those of the validation in the same panel. Needs matplotlib.

    Arguments:
        filename: path of the picture (.png, .svg, .pdf, ...), drawn anew as training goes on; or None.
        metrics: list of names to draw, without 'val_'; all if left out.
        period: int, every how many epochs to draw; the last epoch is always drawn.
        notebook: whether to show the picture in the notebook. By default, if the program runs in one.

    Attributes:
        epochs: list of the numbers of the epochs.
        values: dict, name -> list with one number an epoch, None where an epoch has no such value.

    Raises:
        ValueError: at the begin of training, where there is neither a file nor a notebook to draw to.
    """

    state_names = ('epochs', 'values')

    def __init__(self, filename=None, metrics=None, period=1, notebook=None):
        super().__init__()
        self.filename = None if filename is None else os.fspath(filename)
        self.metrics = metrics
        self.period = period
        self.notebook = notebook
        self.epochs = []
        self.values = {}
        self._drawn = 0
        self._display = None

    def on_train_begin(self, logs=None):
        notebook = figures.in_notebook() if self.notebook is None else self.notebook
        if self.filename is None and not notebook:
            raise ValueError('TrainingCurves: this is no notebook to draw in; give `filename`.')
        figures.figure(1, 1)  # tells now if there is no matplotlib
        self._display = figures.Display() if notebook else None
        self.epochs, self.values, self._drawn = [], {}, 0

    def on_epoch_end(self, epoch, logs=None):
        for name, value in (logs or {}).items():
            self.values.setdefault(name, [None] * len(self.epochs)).append(float(value))
        self.epochs.append(epoch)
        for values in self.values.values():
            values.extend([None] * (len(self.epochs) - len(values)))
        if len(self.epochs) - self._drawn >= self.period:
            self._show()

    def on_train_end(self, logs=None):
        if self._drawn < len(self.epochs):
            self._show()

    def _show(self):
        self._drawn = len(self.epochs)
        made = self.draw()
        if self.filename is not None:
            figures.save(made, self.filename)
        if self._display is not None:
            self._display.show(made)

    def draw(self):
        """The curves so far, as a matplotlib Figure."""
        present = [name for name in self.values if not (name.startswith('val_') and name[4:] in self.values)]
        if self.metrics is not None:
            missing = [name for name in self.metrics if name not in self.values]
            if missing:
                raise ValueError(
                    f'TrainingCurves: `metrics` has {", ".join(map(repr, missing))}; there are {", ".join(present)}.'
                )
            present = list(self.metrics)
        columns = min(len(present), 3) or 1
        rows = max(math.ceil(len(present) / columns), 1)
        made = figures.figure(4.5 * columns, 3.2 * rows)
        for place, name in enumerate(present):
            axes = made.add_subplot(rows, columns, place + 1)
            for label, key in (('training', name), ('validation', 'val_' + name)):
                points = [(e + 1, v) for e, v in zip(self.epochs, self.values.get(key, ())) if v is not None]
                if points:
                    axes.plot(*zip(*points), marker='.', label=label)
            axes.set_title(name)
            axes.set_xlabel('epoch')
            axes.grid(alpha=0.3)
            if 'val_' + name in self.values:
                axes.legend()
        return made
