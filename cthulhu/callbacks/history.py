"""BaseLogger and History: the averages of each epoch, and the list of them."""

from cthulhu.callbacks.base import Callback


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
        size = logs.get('size', 0)
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
    """

    state_names = ('epoch', 'history')

    def __init__(self):
        super().__init__()
        self.epoch = []
        self.history = {}

    def on_train_begin(self, logs=None):
        self.epoch = []
        self.history = {}

    def on_epoch_end(self, epoch, logs=None):
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
