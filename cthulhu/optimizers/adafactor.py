"""Adafactor: Adam's second moment from the means of rows and columns."""

from cthulhu import backend as K
from cthulhu.optimizers.base import Optimizer
from cthulhu.utils.arguments import checked


def _mean_square_root(x):
    return K.sqrt(K.mean(K.square(x)))


class Adafactor(Optimizer):
    """Steps by the second moment of gradients, of which only the means over rows and columns are kept: memory for a weight grows as its sides, not as its area.

    Source: Shazeer and Stern, Adafactor: Adaptive Learning Rates with Sublinear Memory Cost, arXiv:1804.04235.

    Arguments:
        learning_rate: float >= 0, what the relative length of a step is at most (older name: `lr`); at step t it is 1 / sqrt(t) at most.
        beta_2_decay: float < 0; at step t the share of the moment that is kept is `1 - t ** beta_2_decay`.
        epsilon_1: float >= 0, is added to squared gradients.
        epsilon_2: float >= 0, what a weight counts as at least where a step is made relative to it.
        clip_threshold: float > 0, the root mean square of a step beyond which it is shortened.
        relative_step: bool, taken for files: in Keras 3, as here, the bound of 1 / sqrt(t) is kept whatever it is.
        clipnorm, clipvalue, weight_decay, use_ema, gradient_accumulation_steps ...: as in `Optimizer`.
    """

    further_arguments = ('lr',)

    @checked
    def __init__(
        self, learning_rate=0.001, beta_2_decay=-0.8, epsilon_1=1e-30, epsilon_2=1e-3, clip_threshold=1.0, relative_step=True, **kwargs
    ):  # fmt: skip
        learning_rate = kwargs.pop('lr', learning_rate)
        super().__init__(**kwargs)
        self.hyperparameters(learning_rate=learning_rate)
        self.beta_2_decay = beta_2_decay
        self.epsilon_1 = epsilon_1
        self.epsilon_2 = epsilon_2
        self.clip_threshold = clip_threshold
        self.relative_step = relative_step

    slots = ('r', 'c', 'v')

    def slot_shape(self, slot, param):
        # Of a matrix the moment is that of its rows and columns, of a vector its own; the others are of one element.
        shape = super().slot_shape(slot, param)
        if len(shape) < 2:
            return shape if slot == 'v' else (1,)
        return {'r': shape[:-1], 'c': shape[:-2] + shape[-1:], 'v': (1,)}[slot]

    def begin(self, done):
        t = done + 1.0
        return K.minimum(self.decayed(done), 1.0 / K.sqrt(t)), 1.0 - K.pow(t, self.beta_2_decay)

    def step(self, p, g, common, r, c, v):
        rate, kept = common
        squares = K.square(g) + self.epsilon_1
        if K.ndim(p) < 2:
            v = moment = kept * v + (1.0 - kept) * squares
        else:
            r = kept * r + (1.0 - kept) * K.mean(squares, axis=-1)
            c = kept * c + (1.0 - kept) * K.mean(squares, axis=-2)
            moment = K.expand_dims(r / K.mean(r, axis=-1, keepdims=True), -1) * K.expand_dims(c, -2)
        move = g / K.sqrt(moment)
        move = move / K.maximum(_mean_square_root(move) / self.clip_threshold, 1.0)
        return p - rate * K.maximum(_mean_square_root(p), self.epsilon_2) * move, r, c, v

    def get_config(self):
        names = 'beta_2_decay', 'epsilon_1', 'epsilon_2', 'clip_threshold', 'relative_step'
        return dict(
            super().get_config(), **self.values('learning_rate'), **{name: getattr(self, name) for name in names}
        )
