"""What goes by the count of steps: schedules, sums of gradients over several batches, averages of weights."""

from cthulhu import backend as K
from cthulhu.optimizers.fine_tuning import set_with_products
from cthulhu.optimizers.state import is_multiple
from cthulhu.utils.graph_utils import in_graph
from cthulhu.utils.kinds import is_schedule, is_symbolic


def where(moves, value, old):
    """A value in a batch that ends a step, and what was there in others; the same where nothing changes anyway."""
    return old if value is old else K.switch(moves, value, old)


class OverSteps:
    """The part of an optimizer that goes by the count of steps."""

    #: The schedule that the learning rate follows, or None.
    schedule = None

    def _scheduled(self, value):
        """What is kept as the learning rate: what was given, or, for a schedule, a tensor of the rate at the present step."""
        following = self.schedule
        if is_schedule(value):
            if self.__dict__.get('initial_decay'):
                raise ValueError(
                    f'{type(self).__name__}: `decay` makes a learning rate smaller that is a number; got {value!r}, which says itself how it changes. Leave one '
                    'of them out.'
                )
            with K.graph_scope(type(self).__name__):
                rate = value(self._in_steps(self.iterations))
                rate = rate if is_symbolic(rate) else K.constant(rate)
            self.__dict__['schedule'] = value
            return rate
        if following is not None:
            raise ValueError(
                f'{type(self).__name__}: the learning rate follows {following!r}, by the number of steps, and cannot be set to {value!r}. Make the optimizer with '
                'a number to set it, or to let a callback do so; or give it another schedule, before it is trained.'
            )
        return value

    @staticmethod
    def _in_steps(count):
        """A counter as what a schedule is called with: floats that hold every number of steps there will be."""
        return K.cast(K.identity(count), 'float64' if K.floatx() == 'float64' else 'float32')

    def _begun(self):
        """What all variables have in common in a step: how many were made, the rate of a schedule, whether this batch ends a step (None: each), updates."""
        # Every update reads this one value of the counter, whatever the order in which they are carried out.
        batches = K.identity(self.iterations)
        rate = None if self.schedule is None else self.schedule(self._in_steps(batches))
        done, moves, number = batches, None, getattr(self, 'gradient_accumulation_steps', None)
        if number:
            done = batches // number
            moves = is_multiple(batches + 1, number)
        counting = [K.update(self.iterations, batches + 1)]
        for variable, value in self.update_all(K.cast(done, K.floatx())):
            counting.append(K.update(variable, value if moves is None else where(moves, value, variable)))
        return done, rate, moves, counting

    def _averaged(self, done, average, new):
        """Have the average of a variable follow its new value; what the variable becomes."""
        momentum = getattr(self, 'ema_momentum', None)
        kept = K.cast(K.not_equal(done, 0), K.dtype(new)) * (0.99 if momentum is None else momentum)
        mean = kept * average + (1.0 - kept) * new
        self.updates.append(K.update(average, mean))
        every = getattr(self, 'ema_overwrite_frequency', None)
        return K.switch(is_multiple(done + 1, every), mean, new) if every else new

    @in_graph
    def finalize_variable_values(self, var_list=None):
        """Put the averages of `use_ema` in the place of the weights; without averages nothing is done. `summon` does it in the end.

        Arguments:
            var_list: the trained weights, for those who know Keras 3; they are known anyway.
        """
        if self._state is not None and self._state.averages:
            set_with_products(self._state.params, K.batch_get_value(self._state.averages))
