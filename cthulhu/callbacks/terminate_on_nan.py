"""TerminateOnNaN: training ends when the loss, or a weight, is no number."""

import time

import numpy as np

from cthulhu import backend as K
from cthulhu.callbacks.base import Callback

# What looking at the weights may cost of the time between two looks.
_SHARE = 0.01


class TerminateOnNaN(Callback):
    """Ends training after the first batch whose loss is NaN or infinite, or as soon as a weight is seen to be.

    A loss may look well while the weights are lost, where a layer gives a number for NaN. The weights are looked at at the end of each epoch, and between as
    often as takes a hundredth of the time.
    """

    def on_train_begin(self, logs=None):
        self._due = 0.0

    def on_batch_end(self, batch, logs=None):
        loss = (logs or {}).get('loss')
        if loss is not None and not np.all(np.isfinite(loss)):
            print(f'Batch {batch}: Invalid loss, terminating training')
            self.model.stop_training = True
        elif time.time() >= self._due:
            start = time.time()
            self._look_at_weights(f'Batch {batch}')
            self._due = time.time() + (time.time() - start) / _SHARE

    def on_epoch_end(self, epoch, logs=None):
        if not self.model.stop_training:
            self._look_at_weights(f'Epoch {epoch + 1}')

    def _look_at_weights(self, when):
        weights = self.model.weights
        for weight, value in zip(weights, K.batch_get_value(weights)):
            if not np.all(np.isfinite(value)):
                print(f'{when}: Invalid weight {getattr(weight, "name", "")}, terminating training')
                self.model.stop_training = True
                return
