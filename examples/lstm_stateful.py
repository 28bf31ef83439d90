"""What a stateful LSTM remembers from batch to batch, and a stateless one cannot know.

    python examples/lstm_stateful.py [--quick] [--epochs 10]

The series of targets is the mean of the last two values of a series of chance; the networks see one value at a time. The stateful one still has the
value before in its state; the other can but guess it, and stays at the error of that guess.
"""

import numpy as np
from common import options, report

from cthulhu.layers import Daoloth, Laldagorth
from cthulhu.models import Pile


def build(stateful):
    """20 units, one value a step, one step a sample."""
    model = Pile([Laldagorth(20, batch_input_shape=(1, 1, 1), stateful=stateful), Daoloth(1)])
    model.conjure('adam', 'mse')
    return model


def main(arguments=None):
    """Train both, compare. Returns the error of the stateful one as a share of that of the other."""
    given = options(__doc__, arguments, epochs=10, quick=4, public=False)
    length = 200 if given.quick else 1000
    values = np.random.RandomState(3).uniform(-0.1, 0.1, length + 1).astype('float32')
    x, y = values[1:, None, None], (values[1:, None] + values[:-1, None]) / 2
    split = int(0.8 * length)
    errors = {}
    for stateful in (False, True):
        model = build(stateful)
        for _ in range(given.epochs):
            model.summon(x[:split], y[:split], batch_size=1, shuffle=False, verbose=0)
            model.reset_states()
        model.predict(x[:split], batch_size=1)  # so that its state is that of the last value before
        guesses = model.predict(x[split:], batch_size=1)
        errors[stateful] = np.mean((guesses - y[split:]) ** 2)
        print(f'{"stateful" if stateful else "stateless"}: mean square error {errors[stateful]:.2e}')
    return report(
        'error of the stateful one as a share', errors[True] / errors[False], at_most=0.9 if given.quick else 0.2
    )


if __name__ == '__main__':
    main()
