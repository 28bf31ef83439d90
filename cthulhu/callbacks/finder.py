"""LearningRateFinder: which learning rate a model bears, tried out in one short run."""

import math
import os

import numpy as np

from cthulhu import backend as K
from cthulhu.callbacks import figures
from cthulhu.callbacks.base import Callback
from cthulhu.callbacks.learning_rate import learning_rate_of
from cthulhu.utils.arguments import checked


def _smoothed(values, width):
    """The means of values over their neighbours, weighted by a bell of a width in places, which shifts nothing."""
    places = np.arange(len(values))
    weights = np.exp(-0.5 * ((places[:, None] - places) / width) ** 2)
    return weights @ values / weights.sum(axis=1)


class LearningRateFinder(Callback):
    """Trains with a learning rate that grows from batch to batch, and notes the loss; then all is as it was before.

    The run ends after `steps` batches, or when the loss has grown to `stop_factor` times its least value. The weights, the
    optimizer's state and the learning rate are those of before when it has ended.

    Arguments:
        start, end: the first and the last learning rate.
        steps: int, the number of batches from one to the other.
        smoothing: from 0 to below 1, how much of the average of the losses so far stays at each step.
        stop_factor: number above 1.

    Attributes:
        rates: list of the learning rates.
        losses: list of the losses, smoothed.
        raw_losses: list of the losses as they were.
        suggestion: the learning rate to begin with.

    Source: Smith, "Cyclical learning rates for training neural networks", 2015.

    Example:
        >>> finder = LearningRateFinder()
        >>> finder.find(model, x, y, batch_size=32)
        >>> finder.plot('rates.png')
        >>> model.optimizer.lr = finder.suggestion
    """

    @checked
    def __init__(self, start=1e-7, end=10.0, steps=100, smoothing=0.9, stop_factor=4.0):
        super().__init__()
        if start >= end:
            raise ValueError(f'LearningRateFinder: `start` must be below `end`; got {start!r} and {end!r}.')
        self.start = start
        self.end = end
        self.steps = steps
        self.smoothing = smoothing
        self.stop_factor = stop_factor
        self.rates = []
        self.losses = []
        self.raw_losses = []
        self._average = 0.0
        self._before = None

    def find(self, model, *args, **kwargs):
        """Make the run.

        Arguments:
            model: a conjured model.
            *args, **kwargs: as for `summon`; `epochs` and `verbose` may be left out.

        Returns:
            The suggested learning rate, or None where the loss never fell.
        """
        callbacks = list(kwargs.pop('callbacks', None) or [])
        kwargs.setdefault('epochs', self.steps)
        kwargs.setdefault('verbose', 0)
        model.summon(*args, callbacks=callbacks + [self], **kwargs)
        return self.suggestion

    def rate(self, step):
        """The learning rate of batch number `step`, from 0."""
        return self.start * (self.end / self.start) ** (step / (self.steps - 1))

    def on_train_begin(self, logs=None):
        self.rates, self.losses, self.raw_losses, self._average = [], [], [], 0.0
        optimizer = self.model.optimizer
        rate = learning_rate_of(self.model, 'LearningRateFinder')
        state = list(optimizer.weights)
        self._before = self.model.get_weights(), state, K.batch_get_value(state), rate, K.get_value(rate)

    def on_batch_begin(self, batch, logs=None):
        K.set_value(self._before[3], self.rate(len(self.rates)))

    def on_batch_end(self, batch, logs=None):
        loss = float(logs['loss'])
        step = len(self.rates) + 1
        self._average = self.smoothing * self._average + (1 - self.smoothing) * loss
        smooth = self._average / (1 - self.smoothing**step)  # as if the average had begun with the first loss
        if not math.isfinite(smooth):
            self.model.stop_training = True
            return
        self.rates.append(self.rate(step - 1))
        self.losses.append(smooth)
        self.raw_losses.append(loss)
        if step >= self.steps or smooth > self.stop_factor * abs(min(self.losses)) + 1e-12:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        if self._before is None:
            return
        weights, state, values, rate, value = self._before
        self._before = None
        self.model.set_weights(weights)
        K.batch_set_value(list(zip(state, values)))
        K.set_value(rate, value)

    @property
    def suggestion(self):
        """The learning rate to begin with, or None where the loss never fell by more than it wavers.

        The loss over the rates, freed of its noise, lies in a valley. Its middle, on the scale of logarithms, between the rate where half of the fall is done and the one
        where a third of it is lost again (a rate that is too large costs more than one that is too small), is what the model bears for a while: plain gradient descent,
        whose steps shrink with the gradient, begins there, the other optimizers with a tenth of it.

        Source of the tenth: Howard and others, fastai, "Learner.lr_find".
        """
        if len(self.rates) < 3:
            return None
        losses = np.array(self.raw_losses)
        begin = losses[: max(len(losses) // 3, 3)]  # rates that are too small to change anything
        level = np.median(begin)
        noise = 1.4826 * np.median(np.abs(begin - level))
        width = max(self.steps / 25, 0.5)
        smooth = _smoothed(np.minimum(losses, level + abs(level) + 4 * noise), width)
        wavers = noise / math.sqrt(2 * math.sqrt(math.pi) * width)
        fallen = np.nonzero(smooth[len(begin) :] < level - 3 * wavers)[0]
        if not len(fallen):
            return None
        first = len(begin) + fallen[0]
        rises = np.nonzero(smooth[first:] > level + 3 * wavers + 0.02 * abs(level))[0]
        least = first + int(np.argmin(smooth[first:][: rises[0] if len(rises) else None]))
        fall = level - smooth[least]
        left = max(np.nonzero(smooth[:least] > level - fall / 2)[0], default=-1) + 1
        right = least + min(np.nonzero(smooth[least:] > smooth[least] + fall / 3)[0], default=len(smooth) - 1 - least)
        middle = math.sqrt(self.rates[left] * self.rates[right])
        adapts = getattr(getattr(self.model, 'optimizer', None), 'adapts_steps', True)
        return middle / 10 if adapts else middle

    def plot(self, filename=None):
        """Draw the loss over the learning rate, with the suggestion marked. Needs matplotlib.

        Arguments:
            filename: path of a picture to write, or None.

        Returns:
            A matplotlib Figure, which a notebook shows.

        Raises:
            ValueError: before the run was made.
        """
        if not self.rates:
            raise ValueError(
                'LearningRateFinder: there is nothing to plot before a run: call `find`, or give it to `summon`.'
            )
        made = figures.figure(6, 4)
        axes = made.add_subplot(1, 1, 1)
        axes.plot(self.rates, self.losses)
        if self.suggestion is not None:
            axes.axvline(self.suggestion, color='grey', linestyle='--', label=f'suggestion: {self.suggestion:.2g}')
            axes.legend()
        axes.set_xscale('log')
        axes.set_xlabel('learning rate')
        axes.set_ylabel('loss')
        if filename is not None:
            figures.save(made, os.fspath(filename))
        return made
