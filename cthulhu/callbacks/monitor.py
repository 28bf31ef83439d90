"""MonitorCallback: what callbacks share that watch one value over the epochs and know when it is better."""

import re

import numpy as np

from cthulhu.callbacks.base import Callback
from cthulhu.callers import warn
from cthulhu.utils.arguments import checked

# The last word of a name that is in one of these says which way is better.
_MORE = frozenset(
    'acc accuracy auc precision recall f1 f2 fmeasure fbeta fscore iou dice jaccard sensitivity specificity similarity r2 bleu true'.split()
)
_LESS = frozenset(
    'loss error err mse mae mape msle rmse kld logcosh crossentropy ce hinge poisson divergence perplexity cost false wer cer'.split()
)
_ACCURACY = '(?<![^_])acc(?![^_])'  # the word 'acc' between underscores

_ENDINGS = [(ending, 'max') for ending in ('accuracy', 'precision', 'recall')]
_ENDINGS += [(ending, 'min') for ending in ('loss', 'error', 'crossentropy', 'hinge')]


def direction(name):
    """'max' or 'min', which values of a metric are better, by its name; None if the name does not tell.

    >>> direction('val_categorical_accuracy'), direction('accuracy_loss'), direction('happiness')
    ('max', 'min', None)
    """
    spaced = re.sub('([a-z0-9])([A-Z])', r'\1_\2', name).lower()
    if re.search('mean_io_?u', spaced):
        return 'max'
    for word in reversed(re.split('[^a-z0-9]+', spaced)):
        if word in _MORE:
            return 'max'
        if word in _LESS:
            return 'min'
        for ending, found in _ENDINGS:
            if word.endswith(ending):
                return found
    return None


def spelled(name, names):
    """How one of `names` spells the value `name`: 'acc' and 'accuracy' are one word; None if none of them is that value.

    >>> spelled('val_acc', ['loss', 'val_accuracy']), spelled('accuracy_1', {'acc_1': 0.5}), spelled('auc', ['loss'])
    ('val_accuracy', 'acc_1', None)
    """
    if name in names:
        return name
    wanted = re.sub(_ACCURACY, 'accuracy', name)
    return next((other for other in names if re.sub(_ACCURACY, 'accuracy', other) == wanted), None)


def is_better(value, best, more, min_delta=0):
    """Whether a value is better than the best before it: NaN never is, and any number is better than NaN or none (None).

    Arguments:
        value, best: numbers; `best` may be None.
        more: whether more is better, and not less.
        min_delta: the least change that counts.

    >>> is_better(2, float('nan'), more=False), is_better(float('nan'), 1, more=True), is_better(2, 1, more=True, min_delta=1)
    (True, False, False)
    """
    if best is None or np.isnan(best):
        return not np.isnan(value)
    return bool(np.greater(value - min_delta, best) if more else np.less(value + min_delta, best))


class MonitorCallback(Callback):
    """A callback that watches one value at the end of each epoch.

    Arguments:
        monitor: name of the value in the logs: the loss, a metric, with 'val_' that of the validation. 'acc' and 'accuracy'
            are one name.
        mode: 'min', 'max', or 'auto' to tell by the name.
        min_delta: the least change that counts as better.

    Attributes:
        best: the best value so far.
        monitor_op: function of (value, best), whether the value is better by more than `min_delta`; None while 'auto' has
            not been decided.
    """

    @checked
    def __init__(self, monitor, mode, min_delta=0):
        super().__init__()
        if mode not in ('auto', 'min', 'max'):
            warn(
                f"{type(self).__name__}: `mode` is 'auto', 'min' or 'max'; got {mode!r}, and takes 'auto'.",
                RuntimeWarning,
            )
            mode = 'auto'
        self.monitor = monitor
        self.mode = mode
        self.min_delta = min_delta
        self.monitor_op = None
        self.best = None
        self._was_there = False
        self._set_direction(direction(monitor) if mode == 'auto' else mode)
        self.best = self.worst()

    def _set_direction(self, found):
        if found == 'max':
            self.monitor_op = self._is_greater
        elif found == 'min':
            self.monitor_op = self._is_less

    def _is_greater(self, value, best):
        return is_better(value, best, True, self.min_delta)

    def _is_less(self, value, best):
        return is_better(value, best, False, self.min_delta)

    def worst(self):
        """What every value is better than: -inf or inf; None while the direction is not known."""
        return None if self.monitor_op is None else -np.inf if self.monitor_op == self._is_greater else np.inf

    def begin(self):
        """At the begin of training: forget the last run, and ask for the mode where 'auto' cannot tell it."""
        self._was_there = False
        self.best = self.worst()
        if self.monitor_op is None and spelled(self.monitor, (self.params or {}).get('metrics') or ()):
            self._ask_for_mode()

    def _ask_for_mode(self):
        raise ValueError(
            f"{type(self).__name__}: `mode='auto'` cannot tell whether more or less of {self.monitor!r} is better. Give mode='max' or mode='min'."
        )

    def get_monitor_value(self, logs):
        """The monitored value.

        Arguments:
            logs: dict, the logs at the end of an epoch.

        Returns:
            Number; None in an epoch without validation, if it is a value of the validation.

        Raises:
            ValueError: if there is no such value, with the names of those that there are; or if `mode` has to be given.
        """
        logs = logs or {}
        value = logs.get(spelled(self.monitor, logs))
        if np.ndim(value):
            raise ValueError(
                f'{type(self).__name__}: {self.monitor!r} has {np.size(value)} values, one for each unit or class, and one is monitored. Have the metric give their mean, as '
                "F1Score(average='macro') does."
            )
        if value is None:
            expected = (self.params or {}).get('metrics') or ()
            if self._was_there or spelled(self.monitor, expected):
                return None
            names = sorted(set(logs) | set(expected))
            advice = ''
            if self.monitor.startswith('val_') and not any(name.startswith('val_') for name in names):
                advice = ' Values of the validation need `validation_data` or `validation_split`.'
            elif self.monitor in ('acc', 'accuracy', 'val_acc', 'val_accuracy'):
                advice = " Have it measured: conjure(..., metrics=['accuracy'])."
            raise ValueError(
                f'{type(self).__name__}: there is no {self.monitor!r} to monitor; there are {", ".join(names)}.{advice}'
            )
        self._was_there = True
        if self.monitor_op is None:
            self._ask_for_mode()
        return value
