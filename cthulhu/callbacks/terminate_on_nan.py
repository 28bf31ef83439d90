"""TerminateOnNaN: training ends when the loss is no number."""

import numpy as np

from cthulhu.callbacks.base import Callback


class TerminateOnNaN(Callback):
    """Ends training after the first batch whose loss is NaN or infinite."""

    def on_batch_end(self, batch, logs=None):
        loss = (logs or {}).get('loss')
        if loss is not None and not np.all(np.isfinite(loss)):
            print(f'Batch {batch}: Invalid loss, terminating training')
            self.model.stop_training = True
