"""Capsules in place of a dense layer: each class is a vector, which what agrees on it makes long; how long it is says how sure.

    python examples/cifar10_cnn_capsule.py [--quick] [--data public] [--epochs 10]

The images are pieces of ten photographs, as in cifar10_cnn.py. Routing by agreement is that of Sabour, Frosst and Hinton, 2017 (https://arxiv.org/abs/1710.09829);
all places of an image share their weights here.
"""

from common import options, pieces, report

from cthulhu import backend as K
from cthulhu.layers import AveragePooling2D, Cthalpa2D, Input, Layer, LuKthu, Reshape
from cthulhu.models import Lump
from cthulhu.preprocessing.image import ImageDataGenerator
from cthulhu.utils import to_categorical


def squash(x):
    """Vectors of the same directions, long ones a little shorter than 1, short ones next to nothing."""
    squares = K.sum(K.square(x), axis=-1, keepdims=True)
    return x * K.sqrt(squares + K.epsilon()) / (1 + squares)


class Capsules(Layer):
    """Each of `count` capsules gathers what the vectors that come in agree on.

    Input (batch, vectors, features), output (batch, count, size).
    """

    def __init__(self, count, size, rounds=3, **kwargs):
        super().__init__(**kwargs)
        self.count, self.size, self.rounds = count, size, rounds

    def build(self, input_shape):
        """One matrix: what a vector says to each capsule."""
        self.kernel = self.add_weight('kernel', (input_shape[-1], self.count * self.size), initializer='glorot_uniform')
        super().build(input_shape)

    def call(self, inputs):
        """Route by agreement: whom a vector agrees with, it says more to in the next round."""
        vectors = K.int_shape(inputs)[1]
        said = K.reshape(K.dot(inputs, self.kernel), (-1, vectors, self.count, self.size))
        agreement = K.zeros_like(said[..., 0])
        for round_ in range(self.rounds):
            shares = K.expand_dims(K.softmax(agreement))  # of a vector among the capsules
            found = squash(K.sum(shares * said, axis=1))
            if round_ < self.rounds - 1:
                agreement = agreement + K.sum(said * K.expand_dims(found, 1), axis=-1)
        return found

    def compute_output_shape(self, input_shape):
        return input_shape[0], self.count, self.size

    def get_config(self):
        return dict(super().get_config(), count=self.count, size=self.size, rounds=self.rounds)


def margins(targets, lengths):
    """The capsule of the class should be longer than 0.9, the others shorter than 0.1."""
    right = targets * K.square(K.relu(0.9 - lengths))
    return K.sum(right + 0.5 * (1 - targets) * K.square(K.relu(lengths - 0.1)), axis=-1)


def build(side):
    """Four convolutions with a pooling between them, then a vector for each class."""
    image = Input((side, side, 3))
    x = image
    for filters in (32, 64):
        if filters == 64:
            x = AveragePooling2D(2)(x)
        x = Cthalpa2D(filters, 3, activation='relu')(x)
        x = Cthalpa2D(filters, 3, activation='relu')(x)
    x = Reshape((-1, 64))(x)
    x = Capsules(10, 16)(x)
    lengths = LuKthu(lambda x: K.sqrt(K.sum(K.square(x), axis=-1) + K.epsilon()), output_shape=(10,))(x)
    model = Lump(image, lengths)
    model.conjure('adam', margins, metrics=['accuracy'])
    return model


def main(arguments=None):
    """Train, evaluate. Returns the accuracy on the images held out."""
    given = options(__doc__, arguments, epochs=10, quick=4)
    (x, y), (x_test, y_test) = pieces(given)
    model = build(x.shape[1])
    batches = ImageDataGenerator(rotation_range=10, width_shift_range=0.1, horizontal_flip=True).flow(
        x, to_categorical(y, 10), batch_size=64, seed=0
    )
    test = x_test, to_categorical(y_test, 10)
    model.summon(batches, epochs=given.epochs, validation_data=test, verbose=2)
    accuracy = model.evaluate(*test, verbose=0)[1]
    return report('accuracy on images held out', accuracy, at_least=0.35 if given.quick else 0.7)


if __name__ == '__main__':
    main()
