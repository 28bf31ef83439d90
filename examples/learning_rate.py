"""The learning rate is found, not guessed; then one cycle up and down with it.

    python examples/learning_rate.py [--quick] [--data public] [--epochs 10] [--picture rates.png]

`LearningRateFinder` trains for a hundred steps while the rate grows, and suggests one that the model bears all along; `OneCycle` goes up to three times
that and down again (Smith and Topin, "Super-Convergence", 2017). `--picture` saves the loss over the rate.
"""

from common import mnist, options, report

from cthulhu.callbacks import LearningRateFinder, LearningRateScheduler
from cthulhu.callbacks.schedules import OneCycle
from cthulhu.layers import Daoloth, Darkness, Flatten
from cthulhu.models import Pile


def build():
    """Two hidden layers with dropout."""
    model = Pile(
        [
            Flatten(input_shape=(28, 28, 1)),
            Daoloth(256, activation='relu'),
            Darkness(0.3),
            Daoloth(256, activation='relu'),
            Darkness(0.3),
            Daoloth(10, activation='softmax'),
        ]
    )
    model.conjure('adam', 'sparse_categorical_crossentropy', metrics=['accuracy'])
    return model


def main(arguments=None):
    """Find the rate, train. Returns the accuracy on images held out."""
    given = options(__doc__, arguments, epochs=10, quick=4, further=lambda parser: parser.add_argument('--picture'))
    (x, y), test = mnist(given)
    model = build()
    finder = LearningRateFinder()
    rate = finder.find(model, x, y, batch_size=64)
    print(f'{len(finder.rates)} steps suggest the rate {rate:.2g}; the model is as it was before.')
    if given.picture:
        finder.plot(given.picture)
    steps = given.epochs * -(-len(x) // 64)
    cycle = LearningRateScheduler(OneCycle(3 * rate, steps), each='batch')
    model.summon(x, y, batch_size=64, epochs=given.epochs, callbacks=[cycle], validation_data=test, verbose=2)
    accuracy = model.evaluate(*test, verbose=0)[1]
    return report('accuracy on images held out', accuracy, at_least=0.75 if given.quick else 0.93)


if __name__ == '__main__':
    main()
