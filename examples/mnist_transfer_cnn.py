"""What was learnt of the digits 0 to 4 serves for 5 to 9: the convolutions are kept as they are, only the dense layers are trained anew.

    python examples/mnist_transfer_cnn.py [--quick] [--data public] [--epochs 8]

Of 500 images of the second five digits that were held out, 97 % are read rightly.
"""

from common import mnist, options, report

from cthulhu.layers import Cthalpa2D, Daoloth, Darkness, Flatten, MaxPooling2D
from cthulhu.models import Pile


def main(arguments=None):
    """Train on five digits, freeze, train on the others. Returns the accuracy on those."""
    given = options(__doc__, arguments, epochs=8, quick=3)
    train, test = mnist(given)
    features = [
        Cthalpa2D(32, 3, activation='relu', input_shape=(28, 28, 1)),
        Cthalpa2D(32, 3, activation='relu'),
        MaxPooling2D(2),
        Darkness(0.25),
        Flatten(),
    ]
    classes = [Daoloth(128, activation='relu'), Darkness(0.5), Daoloth(5, activation='softmax')]
    model = Pile(features + classes)

    def learn(first):
        """Train on the five digits from `first` on."""
        (x, y), held_out = [
            (x[(y >= first) & (y < first + 5)], y[(y >= first) & (y < first + 5)] - first) for x, y in (train, test)
        ]
        model.conjure('adam', 'sparse_categorical_crossentropy', metrics=['accuracy'])
        model.summon(x, y, batch_size=64, epochs=given.epochs, validation_data=held_out, verbose=2)
        return model.evaluate(*held_out, verbose=0)[1]

    print(f'The digits 0 to 4: {learn(0):.3f}')
    for layer in features:
        layer.trainable = False
    print(
        f'{sum(w.size for w in model.get_weights())} weights, of which the dense layers have the most; they go on from where they are.'
    )
    return report('accuracy on 5 to 9', learn(5), at_least=0.75 if given.quick else 0.94)


if __name__ == '__main__':
    main()
