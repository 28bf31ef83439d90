"""Optimizers of the tensor framework itself."""

from cthulhu import backend as K
from cthulhu.optimizers.base import Optimizer
from cthulhu.utils.graph_utils import in_graph


def is_framework_optimizer(thing):
    """Whether `thing` is an optimizer with the interface of TensorFlow's `tf.compat.v1.train.Optimizer`."""
    return all(callable(getattr(thing, name, None)) for name in ('compute_gradients', 'apply_gradients'))


class TFOptimizer(Optimizer):
    """An optimizer of the framework as one of ours.

    It cannot be saved: nothing but the framework knows its arguments.

    Arguments:
        optimizer: object with `compute_gradients(loss, var_list)` and `apply_gradients(pairs)`, such as those of
            `tf.compat.v1.train`.

    Raises:
        TypeError: the object lacks these methods.
    """

    def __init__(self, optimizer):
        if not is_framework_optimizer(optimizer):
            raise TypeError(
                '`optimizer` must have the methods `compute_gradients` and `apply_gradients`, as the optimizers of '
                f'tf.compat.v1.train have; got {optimizer!r}.'
            )
        super().__init__()
        self.optimizer = optimizer
        self.hyperparameters()

    #: The framework's optimizer keeps one state for a variable, however often it is asked.
    makes_state_with_updates = False

    @in_graph
    def get_updates(self, loss, params):
        pairs = self.optimizer.compute_gradients(loss, var_list=params)
        self.updates = [K.update_add(self.iterations, 1), self.optimizer.apply_gradients(pairs)]
        made = getattr(self.optimizer, 'variables', list)
        self.weights = [self.iterations] + list(made() if callable(made) else made)
        return self.updates

    def get_config(self):
        raise NotImplementedError(
            f'The configuration of {type(self.optimizer).__name__}, an optimizer of the framework, is not known. '
            'Use an optimizer of cthulhu.optimizers in a model that is to be saved with its optimizer.'
        )

    @classmethod
    def from_config(cls, config):
        raise NotImplementedError(
            'An optimizer of the framework cannot be made of a configuration. Make it yourself and pass it to TFOptimizer.'
        )
