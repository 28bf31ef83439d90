"""ProgbarLogger: the progress bar of a run."""

from cthulhu.callbacks.base import Callback, samples_of, steps_of
from cthulhu.utils.notebook import Lines
from cthulhu.utils.progbar import Progbar, place


class ProgbarLogger(Callback):
    """Shows how far each epoch is, with its loss and metrics. A run with `verbose=1` or `verbose=2` has one.

    In `evaluate` and `predict` it shows how far these are; the validation within training has no bar of its own.

    Arguments:
        count_mode: 'samples' or 'steps', what is counted.
        stateful_metrics: names of metrics that are shown as they come; all others are averaged over the epoch.

    Raises:
        ValueError: for another `count_mode`.
    """

    # A bar that moves several batches at a time is as good.
    needs_each_batch = False

    def __init__(self, count_mode='samples', stateful_metrics=None):
        super().__init__()
        if count_mode not in ('samples', 'steps'):
            raise ValueError(f"ProgbarLogger: `count_mode` is 'samples' or 'steps'; got {count_mode!r}.")
        self.use_steps = count_mode == 'steps'
        self.stateful_metrics = set(stateful_metrics or [])
        self.verbose = 0
        self.epochs = None
        self.seen = 0
        self.progbar = None
        self._training = False
        self._lines = None  # in a notebook, of the whole training

    def _start(self):
        self.close()
        self.seen = 0
        self.verbose = self.params.get('verbose', 0)
        self._names = [name for name in self.params.get('metrics') or []]
        self.target = self.params.get('steps' if self.use_steps else 'samples')
        self.progbar = Progbar(
            target=self.target,
            verbose=self.verbose,
            stateful_metrics=self.stateful_metrics,
            unit_name='step' if self.use_steps else 'sample',
            lines=self._lines,
        )

    def _say(self, text):
        if self._lines is None:
            print(text)
        else:
            self._lines.draw(text)
            self._lines.end()

    def _advance(self, logs):
        logs = logs or {}
        self.seen += steps_of(logs) if self.use_steps else samples_of(logs)
        if self.verbose:
            values = [(name, logs[name]) for name in self._names if name in logs]
            self.progbar.update(self.seen, values, finalize=False)

    def _end(self, logs=None):
        if self.progbar is None:
            return
        # What is shown last is what the logs of the epoch say, not an average made here.
        values = [(name, logs[name]) for name in self._names if name in logs] if logs else []
        self.progbar.stateful_metrics.update(name for name, _ in values)
        self.progbar.update(self.seen, values, finalize=True)
        self.progbar = None

    def close(self):
        """End the line of an epoch that was broken off."""
        if self.progbar is not None:
            self.progbar.close()
            self.progbar = None

    def on_train_begin(self, logs=None):
        self._training = True
        self.verbose = self.params.get('verbose', 0)
        self.epochs = self.params.get('epochs')
        self._lines = Lines() if self.verbose == 1 and place() == 'notebook' else None

    def on_epoch_begin(self, epoch, logs=None):
        if self.params.get('verbose', 0):
            self._say(f'Epoch {epoch + 1}/{self.epochs}')
        self._start()

    def on_batch_end(self, batch, logs=None):
        self._advance(logs)

    def on_epoch_end(self, epoch, logs=None):
        self._end(logs)

    def on_train_end(self, logs=None):
        self.close()
        self._training = False
        self._lines = None

    def on_test_begin(self, logs=None):
        if not self._training:
            self._start()

    def on_test_batch_end(self, batch, logs=None):
        if not self._training:
            self._advance(logs)

    def on_test_end(self, logs=None):
        if not self._training:
            self._end(logs)

    def on_predict_begin(self, logs=None):
        self._start()

    def on_predict_batch_end(self, batch, logs=None):
        self._advance(logs)

    def on_predict_end(self, logs=None):
        self._end(logs)
