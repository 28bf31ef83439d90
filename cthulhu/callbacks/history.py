"""BaseLogger and History: the averages of each epoch, and the list of them."""

import html
import os
import typing

import numpy as np

from cthulhu.callbacks import figures
from cthulhu.callbacks.base import Callback, samples_of
from cthulhu.pictures.curves import curves_html
from cthulhu.utils.notebook import cell


class BaseLogger(Callback):
    """Averages the loss and the metrics over the samples of each epoch, and puts the averages into the epoch's logs.

    Training always has one.

    Arguments:
        stateful_metrics: names of metrics that are already averages over the epoch: of those the last value counts.
    """

    # The sum over a call for several batches is that over the batches.
    needs_each_batch = False

    def __init__(self, stateful_metrics=None):
        super().__init__()
        self.stateful_metrics = set(stateful_metrics or [])
        self.seen = 0
        self.totals = {}

    def on_epoch_begin(self, epoch, logs=None):
        self.seen = 0
        self.totals = {}

    def on_batch_end(self, batch, logs=None):
        logs = logs or {}
        size = samples_of(logs)
        self.seen += size
        totals, stateful = self.totals, self.stateful_metrics
        for name, value in logs.items():
            if name in stateful:
                totals[name] = value
            else:
                totals[name] = totals.get(name, 0) + value * size

    def on_epoch_end(self, epoch, logs=None):
        if logs is None:
            return
        for name in self.params['metrics']:
            if name in self.stateful_metrics and name in self.totals:
                logs[name] = self.totals[name]
            elif name in self.totals and self.seen:
                logs[name] = self.totals[name] / self.seen


class History(Callback):
    """Keeps the logs of every epoch. `summon` returns one.

    Attributes:
        epoch: list of the numbers of the epochs.
        history: dict, name -> list with one value an epoch: the loss, the metrics and, as 'val_...', those of validation.
        value_epochs: dict, name -> list of the numbers of the epochs that have such a value: with `validation_freq` not all have.

    The value of a cell in a notebook, it shows its curves, unless TrainingCurves drew them in the same cell; `plot` draws them elsewhere.
    """

    state_names = ('epoch', 'history', 'value_epochs')

    def __init__(self):
        super().__init__()
        self.epoch = []
        self.history: typing.Dict[str, typing.List[float]] = {}
        self.value_epochs = {}
        self.drawn_in = None  # the number of the cell of a notebook in which they are drawn already

    def on_train_begin(self, logs=None):
        self.epoch = []
        self.history = {}
        self.value_epochs = {}

    def on_epoch_end(self, epoch, logs=None):
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            plain = value.item() if np.size(value) == 1 and hasattr(value, 'item') else value  # for json
            self.history.setdefault(name, []).append(plain)
            self.value_epochs.setdefault(name, []).append(epoch)

    def __getitem__(self, name):
        raise TypeError(f'A History is no dict; its values are in `history`: `.history[{name!r}]`.')

    __iter__ = None  # nor a sequence

    def plot(self, metrics=None, filename=None):
        """Draw the loss and the metrics over the epochs, those of the validation dashed in the same panel. Needs matplotlib.

        Arguments:
            metrics: name, or list of names, to draw, without 'val_'; all if left out.
            filename: path of a picture to write, or None.

        Returns:
            A matplotlib Figure, which a notebook shows; its `axes` are the panels. The epochs are counted from 1, the values have the units of
            the loss and of the metrics.

        Raises:
            ValueError: before an epoch has ended, or for a name that is not there.
            ImportError: without matplotlib. A notebook shows curves without it, where the History itself is the value of a cell.
        """
        if not self.epoch:
            raise ValueError('History.plot: there is nothing to plot before an epoch has ended.')
        made = figures.curves(*self._by_epoch(), metrics=[metrics] if isinstance(metrics, str) else metrics)
        if filename is not None:
            figures.save(made, os.fspath(filename))
        return made

    def _by_epoch(self):
        """The epochs, and the values with None for the epochs that have none."""
        places = {epoch: index for index, epoch in enumerate(self.epoch)}
        values = {name: [None] * len(self.epoch) for name in self.history}
        for name, column in values.items():
            for epoch, value in zip(self.value_epochs.get(name, self.epoch), self.history[name]):
                column[places[epoch]] = value
        return self.epoch, values

    def _repr_html_(self):
        """The curves that a notebook shows."""
        if not self.epoch or (self.drawn_in is not None and self.drawn_in == cell()):
            return f'<pre>{html.escape(repr(self))}</pre>'
        return curves_html(*self._by_epoch())

    def __repr__(self):
        last = ', '.join(f'{name} {values[-1]:.4g}' for name, values in self.history.items())
        return f'<History of {len(self.epoch)} epoch(s){": " + last if last else ""}>'
