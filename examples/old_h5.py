"""An old `.h5` lives again: a file that Keras 2 saved years ago is loaded, looked at, predicts, and is trained further.

    python examples/old_h5.py [--quick] [--epochs 5] [--file model.h5]

Where no file is given, one is made in the layout of Keras 2: it holds a model's architecture, its weights, its optimizer's settings and state,
under Keras's names. `h5py` alone shows what is in it. The figure is how far what is loaded is from what was saved (or, of your file, from itself
saved anew), at the most.
"""

import json
import os
import tempfile

import h5py
import numpy as np
from common import options, report

from cthulhu import backend as K
from cthulhu.layers import Daoloth, Laldagorth
from cthulhu.models import Pile, load_model


def make(path, epochs):
    """A small model, trained to say how a wave goes on, as a file; what it predicts."""
    waves, after = data()
    model = Pile([Laldagorth(16, input_shape=waves.shape[1:]), Daoloth(1)])
    model.conjure('rmsprop', 'mse', metrics=['mae'])
    model.summon(waves, after, epochs=epochs, verbose=0)
    model.save(path)
    return model.predict(waves)


def data():
    """Waves of several frequencies, 20 steps of each and the one after."""
    starts, frequencies = np.random.RandomState(0).uniform([[0], [0.2]], [[6], [1]], (2, 256))
    values = np.sin(starts[:, None] + frequencies[:, None] * np.arange(21)).astype('float32')
    return values[:, :20, None], values[:, 20:]


def look(path):
    """Print what the file says of itself, without this library."""
    with h5py.File(path, 'r') as file:
        version = file.attrs.get('keras_version', b'?')
        print('Saved by Keras', version.decode() if isinstance(version, bytes) else version)
        config = json.loads(file.attrs['model_config'])
        layers = config['config']['layers'] if isinstance(config['config'], dict) else config['config']
        print(f'{config["class_name"]} of', ', '.join(layer['class_name'] for layer in layers))
        file['model_weights'].visititems(
            lambda name, thing: print('   ', name, thing.shape) if isinstance(thing, h5py.Dataset) else None
        )


def main(arguments=None):
    """Load, compare, train further. Returns how far predictions are from those before, at the most."""

    def further(parser):
        parser.add_argument('--file', help='a file that Keras saved')

    given = options(__doc__, arguments, epochs=5, quick=2, public=False, further=further)
    with tempfile.TemporaryDirectory() as folder:
        path = given.file or os.path.join(folder, 'old.h5')
        before = None if given.file else make(path, given.epochs)
        look(path)
        model = load_model(path)
        model.summary()
        if given.file:
            x = [np.random.rand(2, *(size or 10 for size in shape[1:])) for shape in map(K.int_shape, model.inputs)]
            before = model.predict(x)
            model.save(os.path.join(folder, 'new.h5'))
            model = load_model(os.path.join(folder, 'new.h5'))
            after = model.predict(x)
        else:
            waves, wanted = data()
            after = model.predict(waves)
            # It is conjured already, and its optimizer has the state that it had.
            losses = model.summon(waves, wanted, epochs=given.epochs, verbose=0).history['loss']
            print('Trained further, its loss goes on:', *(f'{loss:.4f}' for loss in losses))
    before, after = [each if isinstance(each, list) else [each] for each in (before, after)]
    apart = max(np.abs(a - b).max() for a, b in zip(before, after))
    return report('predictions apart from those before', apart, at_most=1e-6)


if __name__ == '__main__':
    main()
