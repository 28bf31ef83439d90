"""Whose numbers are in the metrics of a model: training, a test in the middle of it and a test in that one each have their own."""

import numpy as np

from cthulhu import backend as K
from cthulhu.metrics.base import Metric


class MetricStates:
    """Lends the variables of a model's metrics to one use after another, and keeps the values of the others meanwhile.

    Nothing is copied as long as one use goes on.

    Arguments:
        model: the model.
    """

    def __init__(self, model):
        self._model = model
        self._use = None
        self._kept = {}

    def begin(self, use):
        """Set the metrics to their start, for `use`: any hashable value."""
        self._keep(use)
        self._kept.pop(use, None)
        reset(self._model.metrics)

    def go_on(self, use):
        """Bring back what the metrics had come to in `use`, if something else has used them since."""
        if use == self._use:
            return
        self._keep(use)
        values = self._kept.pop(use, None)
        if values is None:
            reset(self._model.metrics)
        else:
            K.batch_set_value(values)

    def end(self, use):
        """`use` is over: its values stay in the metrics until another use begins or goes on, and are not kept beyond that."""
        self._kept.pop(use, None)
        if use == self._use:
            self._use = None

    def forget(self):
        """Set the metrics to their start, for every use."""
        self._kept.clear()
        reset(self._model.metrics)

    def _keep(self, use):
        if self._use is not None and self._use != use:
            states = [state for metric in self._model.metrics for state in metric.weights]
            self._kept[self._use] = list(zip(states, K.batch_get_value(states)))
        self._use = use


def reset(metrics):
    """Set metrics to their start: those that say so themselves as they say it, the states of all others together to 0."""
    states = []
    for metric in metrics:
        if type(metric).reset_states is not Metric.reset_states or not metric.weights:
            metric.reset_states()
        else:
            states.extend(metric.weights)
    if states:
        K.batch_set_value([(state, np.zeros(K.int_shape(state), dtype=K.dtype(state))) for state in states])
