"""LumpCheckpoint: the model, saved as it learns."""

import os

from cthulhu.callbacks.monitor import MonitorCallback, spelled
from cthulhu.utils.arguments import checked


class LumpCheckpoint(MonitorCallback):
    """Saves the model at the end of epochs.

    Arguments:
        filepath: path of the file. Fields in braces are filled in: `{epoch}` (from 1) and the values in the logs, as in
            'weights.{epoch:02d}-{val_loss:.2f}.hdf5'; `{acc}` and `{accuracy}` are one. Missing folders are made.
        monitor: name of the value that says which model is the best.
        verbose: 0, or 1 to print a line for each epoch.
        save_best_only: whether to save only models with a better value than all before. Training that begins at epoch 0
            starts afresh; when the same model is trained further, with `initial_epoch`, the best value still counts.
        save_weights_only: whether to save with `model.save_weights`, and not the whole model with `model.save`.
        mode: 'min', 'max', or 'auto' to tell by the name of the value; matters with `save_best_only`.
        period: int, the number of epochs from one saving to the next.

    Raises:
        ValueError: in training, for a field in `filepath` that is not in the logs; with `save_best_only` where there is no
            such value to monitor, or `mode='auto'` cannot judge it.
    """

    writes = True
    state_names = ('best', 'epochs_since_last_save')

    @checked
    def __init__(
        self,
        filepath,
        monitor='val_loss',
        verbose=0,
        save_best_only=False,
        save_weights_only=False,
        mode='auto',
        period=1,
    ):
        super().__init__(monitor, mode)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.period = period
        self.epochs_since_last_save = 0
        self._trained = None

    def on_train_begin(self, logs=None):
        goes_on = self._trained is self.model and getattr(self.params, 'initial_epoch', 0) > 0
        self._trained = self.model
        if goes_on:
            return
        self.epochs_since_last_save = 0
        if self.save_best_only:
            self.begin()

    def on_epoch_end(self, epoch, logs=None):
        logs = logs or {}
        current = self.get_monitor_value(logs) if self.save_best_only else None
        self.epochs_since_last_save += 1
        if self.epochs_since_last_save < self.period:
            return
        self.epochs_since_last_save = 0
        path = self._path(epoch, logs)
        if not self.save_best_only:
            self._say(epoch, f'saving model to {path}')
            self._save(path)
        elif current is None:
            self._say(epoch, f'no {self.monitor} in this epoch, the model is not saved')
        elif self.monitor_op(current, self.best):
            before = self.worst() if self.best is None else self.best
            self._say(epoch, f'{self.monitor} improved from {before:0.5f} to {current:0.5f}, saving model to {path}')
            self._save(path)
            self.best = current
        else:
            self._say(epoch, f'{self.monitor} did not improve from {self.best:0.5f}')

    def _say(self, epoch, text):
        if self.verbose > 0:
            print(f'\nEpoch {epoch + 1:05d}: {text}')

    def _path(self, epoch, logs):
        values = {name: value for name, value in logs.items() if name != 'epoch'}
        try:
            return self.filepath.format_map(_Values(values, epoch=epoch + 1))
        except (KeyError, IndexError) as error:
            raise ValueError(
                f'{type(self).__name__}: `filepath` {self.filepath!r} has the field {error}, which is not in the logs; '
                f'there are {", ".join(sorted(values) + ["epoch"])}.'
            ) from None

    def _save(self, path):
        folder = os.path.dirname(path)
        if folder:
            os.makedirs(folder, exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path, overwrite=True)
        else:
            self.model.save(path, overwrite=True)


class _Values(dict):
    """The values for the fields of a path, under any spelling of their names."""

    def __missing__(self, name):
        known = spelled(name, self)
        if known is None:
            raise KeyError(name)
        return self[known]
