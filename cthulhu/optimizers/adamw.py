"""Adam with a decay of weights that does not go through the moments."""

from cthulhu.optimizers.adam import Adam
from cthulhu.utils.arguments import checked


class AdamW(Adam):
    """Adam, in which weights decay apart from what the gradients make of them.

    Source: Loshchilov and Hutter, Decoupled Weight Decay Regularization, arXiv:1711.05101.

    Arguments:
        learning_rate, beta_1, beta_2, amsgrad, epsilon, decay: as in `Adam`.
        weight_decay: float >= 0; before each step a weight loses `learning_rate * weight_decay` of itself.
        clipnorm, clipvalue: as in `Optimizer`.
    """

    @checked
    def __init__(self, learning_rate=0.001, weight_decay=0.004, beta_1=0.9, beta_2=0.999, amsgrad=False, **kwargs):
        learning_rate = kwargs.pop('lr', learning_rate)
        super().__init__(learning_rate, beta_1, beta_2, amsgrad, weight_decay=weight_decay, **kwargs)

    def get_config(self):
        config = super().get_config()
        if not config['decay']:  # which no Keras that has this optimizer knows
            del config['decay']
        return config
