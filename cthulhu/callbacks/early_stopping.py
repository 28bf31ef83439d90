"""EarlyStopping: training ends when it no longer helps."""

from cthulhu.callbacks.monitor import MonitorCallback
from cthulhu.utils.arguments import checked


class EarlyStopping(MonitorCallback):
    """Ends training when a value has not become better for some epochs.

    Arguments:
        monitor: name of the value.
        min_delta: the least change that counts as better.
        patience: int, how many epochs may pass without a better value; with 0 the first of them ends training.
        verbose: 0, or 1 to print a line when training is ended.
        mode: 'min', 'max', or 'auto' to tell by the name of the value.
        baseline: number; only values that are better than it count as better.
        restore_best_weights: whether the model gets back its weights of the epoch with the best value, however training
            ends: at once when this callback ends it; at the end of training, if it was another that did, the last epoch, an
            error or Ctrl-C.

    Raises:
        ValueError: in training, where there is no such value, or `mode='auto'` cannot judge it.
    """

    state_names = ('best', 'wait', 'stopped_epoch', 'best_weights', '_best_kept')

    @checked
    def __init__(
        self,
        monitor='val_loss',
        min_delta=0,
        patience=0,
        verbose=0,
        mode='auto',
        baseline=None,
        restore_best_weights=False,
    ):
        super().__init__(monitor, mode, min_delta)
        self.baseline = baseline
        self.patience = patience
        self.verbose = verbose
        self.restore_best_weights = restore_best_weights
        self._training = False
        self._forget()

    def _forget(self):
        self.wait = 0
        self.stopped_epoch = 0
        self.best_weights = None
        self._stopped = False
        self._best_kept = None
        self._restored = False

    def on_train_begin(self, logs=None):
        self._training = True
        self._forget()
        self.begin()
        if self.baseline is not None:
            self.best = self.baseline

    def on_epoch_end(self, epoch, logs=None):
        self._restored = False
        current = self.get_monitor_value(logs)
        if current is None:
            return
        # Apart from `best`, so that the best weights are there even if no epoch came up to the baseline.
        if self.restore_best_weights:
            if self.best_weights is None or self.monitor_op(current, self._best_kept):
                self._best_kept = current
                self.best_weights = self.model.get_weights()
        if self.monitor_op(current, self.best):
            self.best = current
            self.wait = 0
            return
        self.wait += 1
        if self.wait >= self.patience:
            self.stopped_epoch = epoch
            self._stopped = True
            self.model.stop_training = True
            self._restore()

    def on_train_end(self, logs=None):
        if not self._training:  # another callback failed before this one had begun
            return
        self._training = False
        if self._stopped and self.verbose > 0:
            print(f'Epoch {self.stopped_epoch + 1:05d}: early stopping')
        if not self._restored:
            self._restore()

    def _restore(self):
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose > 0:
                print('Restoring model weights from the end of the best epoch')
            self.model.set_weights(self.best_weights)
            self._restored = True
