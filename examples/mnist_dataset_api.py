"""A `tf.data.Dataset` is data as arrays are: made of arrays, changed image by image, repeated without end.

    python examples/mnist_dataset_api.py [--quick] [--data public] [--epochs 8]

This is for the TensorFlow backend, or for another backend with TensorFlow beside it. The pipeline shifts each image a little at random, anew in each
epoch, beside the training. It has no end, so `steps_per_epoch` says how much is an epoch.
"""

import mnist_cnn
from common import mnist, options, report
from mnist_tfrecord import tensorflow


def main(arguments=None):
    """Train, evaluate. Returns the accuracy on the images held out."""
    given = options(__doc__, arguments, epochs=8, quick=2)
    (x, y), test = mnist(given)
    tf = tensorflow()

    def shifted(image, digit):
        return tf.image.random_crop(tf.pad(image, [[2, 2], [2, 2], [0, 0]]), (28, 28, 1)), digit

    train = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x)).map(shifted).repeat().batch(64).prefetch(2)
    model = mnist_cnn.build()
    model.summon(train, steps_per_epoch=len(x) // 64, epochs=given.epochs, validation_data=test, verbose=2)
    accuracy = model.evaluate(tf.data.Dataset.from_tensor_slices(test).batch(100), verbose=0)[1]
    return report('accuracy on images held out', accuracy, at_least=0.5 if given.quick else 0.95)


if __name__ == '__main__':
    main()
