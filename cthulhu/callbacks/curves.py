"""TrainingCurves: the loss and the metrics over the epochs, drawn as training goes on."""

import os

from cthulhu.callbacks import figures
from cthulhu.callbacks.base import Callback
from cthulhu.pictures.curves import curves_html
from cthulhu.utils.arguments import checked
from cthulhu.utils.notebook import Place, Shown, cell, in_notebook


class TrainingCurves(Callback):
    """Draws the loss and the metrics over the epochs, those of the validation dashed in the same panel.

    Arguments:
        filename: path of a picture (.png, .svg, .pdf, ...), drawn anew as training goes on, for which matplotlib is needed; or None.
        metrics: list of names to draw, without 'val_'; all if left out.
        period: int, every how many epochs to draw; the last epoch is always drawn.
        notebook: whether to show the curves in the notebook, for which nothing is needed. By default, if the program runs in one.

    Attributes:
        epochs: list of the numbers of the epochs.
        values: dict, name -> list with one number an epoch, None where an epoch has no such value.

    Raises:
        ValueError: at the begin of training, where there is neither a file nor a notebook to draw to.
    """

    writes = True
    state_names = ('epochs', 'values')

    @checked
    def __init__(self, filename=None, metrics=None, period=1, notebook=None):
        super().__init__()
        self.filename = None if filename is None else os.fspath(filename)
        self.metrics = metrics
        self.period = period
        self.notebook = notebook
        self.epochs = []
        self.values = {}
        self._drawn = 0
        self._place = None

    def on_train_begin(self, logs=None):
        notebook = in_notebook() if self.notebook is None else self.notebook
        if self.filename is None and not notebook:
            raise ValueError('TrainingCurves: this is no notebook to draw in; give `filename`.')
        if self.filename is not None:
            figures.figure(1, 1)  # tells now if there is no matplotlib
        self._place = Place() if notebook else None
        self.epochs, self.values, self._drawn = [], {}, 0
        if self._place is not None:
            caption = self._caption(1)
            self._place.show(Shown(f'<div>{caption}: the curves begin when it is over.</div>', caption))
            history = getattr(self.model, 'history', None)
            if history is not None and self.metrics is None:
                history.drawn_in = cell()

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
        if self.filename is not None:
            figures.save(self.draw(), self.filename)
        if self._place is not None:
            caption = self._caption(self.epochs[-1] + 1)
            self._place.show(Shown(curves_html(self.epochs, self.values, self.metrics, caption), caption))

    def _caption(self, epoch):
        told = (self.params or {}).get('epochs')
        return f'Epoch {epoch}' + (f' of {told}' if told else '')

    def draw(self):
        """The curves so far, as a matplotlib Figure."""
        return figures.curves(self.epochs, self.values, self.metrics)
