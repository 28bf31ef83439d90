"""LearningRateScheduler and ReduceLROnPlateau: the learning rate changes as training goes on."""

import inspect
import numbers

import numpy as np

from cthulhu import backend as K
from cthulhu.callbacks.base import Callback
from cthulhu.callbacks.monitor import MonitorCallback
from cthulhu.callers import warn
from cthulhu.utils.arguments import checked, named_arguments, unknown_argument


def learning_rate_of(model, who):
    """The variable of the model's learning rate.

    Raises:
        ValueError: if the optimizer has none, or follows a schedule.
    """
    schedule = getattr(model.optimizer, 'schedule', None)
    if schedule is not None:
        raise ValueError(
            f'{who} sets the learning rate, and that of this model follows {schedule!r} (the `learning_rate` of its {type(model.optimizer).__name__}). Leave the '
            f'callback out, or conjure the model with a number for `learning_rate`.'
        )
    variable = getattr(model.optimizer, 'lr', None)
    if variable is None:
        raise ValueError(
            f'{who}: the optimizer must have a learning rate in the attribute "lr"; {type(model.optimizer).__name__} has none.'
        )
    return variable


def rate_in(variable):
    """The learning rate in a variable, as the shortest decimal that stands for it: 0.001, where float32 has 0.0010000000475.

    So it may be compared with the number that it was set to.

    >>> rate_in(K.variable(0.001, dtype='float32'))
    0.001
    """
    value = np.asarray(K.get_value(variable)).reshape(())[()]
    return float(str(value))


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch, or before each batch, by a function.

    Arguments:
        schedule: function of (index, current learning rate), or of (index), that returns the learning rate as a float; for
            example one of `cthulhu.callbacks.schedules`. The index is the number of the epoch, from 0; with
            `each='batch'` that of the step since the optimizer was made.
        verbose: 0, or 1 to print the learning rate at each epoch.
        each: 'epoch' or 'batch'.

    Raises:
        ValueError: in training, if the schedule does not return a number, or the optimizer has no learning rate.

    Example:
        >>> halve = LearningRateScheduler(lambda epoch, lr: lr / 2 if epoch else lr)
        >>> warm_up = LearningRateScheduler(WarmUp(0.1, steps=500), each='batch')
    """

    @checked
    def __init__(self, schedule, verbose=0, each='epoch'):
        super().__init__()
        if each not in ('epoch', 'batch'):
            raise ValueError(f"LearningRateScheduler: `each` is 'epoch' or 'batch'; got {each!r}.")
        if not callable(schedule):
            raise TypeError(
                f'LearningRateScheduler: `schedule` must be a function of (index, learning rate); got {schedule!r}.'
            )
        self.schedule = schedule
        self.verbose = verbose
        self.each = each
        self.needs_each_batch = each == 'batch'
        self._step = 0
        self._takes_rate = _takes_two(schedule)

    def _apply(self, index):
        variable = learning_rate_of(self.model, 'LearningRateScheduler')
        if self._takes_rate:
            rate = self.schedule(index, rate_in(variable))
        else:
            rate = self.schedule(index)
        rate = rate.item() if isinstance(rate, (np.ndarray, np.generic)) and np.ndim(rate) == 0 else rate
        if not isinstance(rate, numbers.Real) or isinstance(rate, bool) or rate != rate:
            raise ValueError(
                f'LearningRateScheduler: the output of `schedule` should be a float; for {index} it is {rate!r}.'
            )
        K.set_value(variable, rate)
        return rate

    def on_epoch_begin(self, epoch, logs=None):
        if self.each == 'batch':
            counter = getattr(self.model.optimizer, 'iterations', None)
            if counter is not None:
                self._step = int(K.get_value(counter))
            return
        rate = self._apply(epoch)
        if self.verbose > 0:
            print(f'\nEpoch {epoch + 1:05d}: LearningRateScheduler setting learning rate to {rate}.')

    def on_batch_begin(self, batch, logs=None):
        if self.each == 'batch':
            self._apply(self._step)
            self._step += 1

    def on_epoch_end(self, epoch, logs=None):
        rate = K.get_value(learning_rate_of(self.model, 'LearningRateScheduler'))
        if logs is not None:
            logs['lr'] = rate
        if self.verbose > 0 and self.each == 'batch':
            print(f'\nEpoch {epoch + 1:05d}: LearningRateScheduler has set the learning rate to {rate}.')


def _takes_two(schedule):
    """Whether a schedule takes the current learning rate too."""
    try:
        signature = inspect.signature(schedule)
    except (TypeError, ValueError):
        return False
    try:
        signature.bind(0, 0.1)
    except TypeError:
        return False
    return True


class ReduceLROnPlateau(MonitorCallback):
    """Makes the learning rate smaller when a value has not become better for some epochs.

    Arguments:
        monitor: name of the value.
        factor: float below 1, by which the learning rate is multiplied.
        patience: int, how many epochs may pass without a better value.
        verbose: 0, or 1 to print a line when the learning rate changes.
        mode: 'min', 'max', or 'auto' to tell by the name of the value.
        min_delta: the least change that counts as better (older name: `epsilon`).
        cooldown: int, how many epochs after a change do not count.
        min_lr: the least learning rate.

    Raises:
        ValueError: for a `factor` of 1 or more; in training, where there is no such value, or `mode='auto'` cannot judge it.
    """

    state_names = ('best', 'wait', 'cooldown_counter')

    @checked
    def __init__(
        self,
        monitor='val_loss',
        factor=0.1,
        patience=10,
        verbose=0,
        mode='auto',
        min_delta=0.0001,
        cooldown=0,
        min_lr=0,
        **kwargs,
    ):
        if 'epsilon' in kwargs:
            warn('ReduceLROnPlateau: `epsilon` is the older name of `min_delta`; use that.')
            min_delta = kwargs.pop('epsilon')
        if kwargs:
            raise unknown_argument(type(self).__name__, kwargs, named_arguments(type(self)))
        super().__init__(monitor, mode, min_delta)
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self.cooldown_counter = 0
        self.wait = 0

    def on_train_begin(self, logs=None):
        if getattr(self.model, 'optimizer', None) is not None:
            learning_rate_of(self.model, 'ReduceLROnPlateau')
        self.begin()
        self.cooldown_counter = 0
        self.wait = 0

    def on_epoch_end(self, epoch, logs=None):
        variable = learning_rate_of(self.model, 'ReduceLROnPlateau')
        if logs is not None:
            logs['lr'] = K.get_value(variable)
        current = self.get_monitor_value(logs)
        if current is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self.monitor_op(current, self.best):
            self.best = current
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            old = rate_in(variable)
            new = max(old * self.factor, self.min_lr)
            if self.wait >= self.patience and new < old:
                K.set_value(variable, new)
                if self.verbose > 0:
                    print(f'\nEpoch {epoch + 1:05d}: ReduceLROnPlateau reducing learning rate to {new}.')
                self.cooldown_counter = self.cooldown
                self.wait = 0

    def in_cooldown(self):
        """Whether the learning rate was changed so lately that this epoch does not count."""
        return self.cooldown_counter > 0
