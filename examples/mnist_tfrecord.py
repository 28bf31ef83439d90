"""Images from TFRecord files, by TensorFlow's own pipeline: read, parsed, shuffled and batched beside the training.

    python examples/mnist_tfrecord.py [--quick] [--data public] [--epochs 12]

This is for the TensorFlow backend, or for another backend with TensorFlow beside it, which is only asked to read. The files are written first; a
`tf.data.Dataset` over them is then given to `summon` and `evaluate` as arrays are.
"""

import os
import tempfile

import mnist_cnn
from common import mnist, options, report


def tensorflow():
    """TensorFlow, or the end of the program."""
    try:
        import tensorflow as tf
    except ImportError:
        raise SystemExit(
            "This example reads with TensorFlow, which is not installed: pip install 'cthulhu[tensorflow]'"
        )
    return tf


def write(path, images, digits):
    """Write images, as bytes, and digits to a TFRecord file."""
    tf = tensorflow()
    with tf.io.TFRecordWriter(path) as file:
        for image, digit in zip((images * 255).round().astype('uint8'), digits):
            features = {
                'image': tf.train.Feature(bytes_list=tf.train.BytesList(value=[image.tobytes()])),
                'digit': tf.train.Feature(int64_list=tf.train.Int64List(value=[int(digit)])),
            }
            file.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())


def read(path, batch_size, shuffle):
    """A dataset of batches of a TFRecord file."""
    tf = tensorflow()
    kinds = {'image': tf.io.FixedLenFeature([], tf.string), 'digit': tf.io.FixedLenFeature([], tf.int64)}

    def parse(records):
        found = tf.io.parse_example(records, kinds)
        images = tf.reshape(tf.io.decode_raw(found['image'], tf.uint8), (-1, 28, 28, 1))
        return tf.cast(images, tf.float32) / 255, found['digit']

    records = tf.data.TFRecordDataset([path])
    if shuffle:
        records = records.shuffle(5000)
    return records.batch(batch_size).map(parse).prefetch(2)


def main(arguments=None):
    """Write, train, evaluate. Returns the accuracy on the images held out."""
    given = options(__doc__, arguments, epochs=12, quick=2)
    train, test = mnist(given)
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name + '.tfrecord') for name in ('train', 'test')]
        for path, part in zip(paths, (train, test)):
            write(path, *part)
            print(f'{os.path.basename(path)}: {len(part[0])} images, {os.path.getsize(path) / 1e6:.1f} MB')
        model = mnist_cnn.build()
        model.summon(
            read(paths[0], 64, True), epochs=given.epochs, validation_data=read(paths[1], 100, False), verbose=2
        )
        accuracy = model.evaluate(read(paths[1], 100, False), verbose=0)[1]
    return report('accuracy on images held out', accuracy, at_least=0.6 if given.quick else 0.95)


if __name__ == '__main__':
    main()
