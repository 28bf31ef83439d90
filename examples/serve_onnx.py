"""What was learnt here is used elsewhere: a model becomes an ONNX file, and a program without this library reads digits with it.

    python examples/serve_onnx.py [--quick] [--data public] [--epochs 5] [--file digits.onnx]

The other program is a process that imports onnxruntime and NumPy only. It needs `pip install onnx onnxruntime`. Its answers are compared with those
of `predict`.
"""

import os
import subprocess
import sys
import tempfile

import numpy as np
from common import mnist, options, report

from cthulhu.export import export
from cthulhu.layers import Cthalpa2D, Daoloth, Darkness, Flatten, MaxPooling2D
from cthulhu.models import Pile

#: The other program, whole: of an ONNX file and a file of images, the probabilities as a file.
SERVER = """
import sys
import numpy, onnxruntime

path, images, answers = sys.argv[1:]
session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
taken = session.get_inputs()[0].name
numpy.save(answers, session.run(None, {taken: numpy.load(images)})[0])
print('Served without cthulhu' if 'cthulhu' not in sys.modules else 'Cthulhu was there', flush=True)
"""


def build():
    """A convolution, a pooling, two dense layers."""
    model = Pile(
        [
            Cthalpa2D(16, 3, activation='relu', input_shape=(28, 28, 1)),
            MaxPooling2D(2),
            Flatten(),
            Daoloth(64, activation='relu'),
            Darkness(0.3),
            Daoloth(10, activation='softmax'),
        ]
    )
    model.conjure('adam', 'sparse_categorical_crossentropy', metrics=['accuracy'])
    return model


def main(arguments=None):
    """Train, export, serve. Returns how far the served probabilities are from those of `predict`, at the most."""

    def further(parser):
        parser.add_argument('--file', help='where to keep the ONNX file')

    given = options(__doc__, arguments, epochs=5, quick=2, further=further)
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise SystemExit(f'{error.name} is not installed: pip install onnx onnxruntime')
    (x, y), (x_test, y_test) = mnist(given)
    model = build()
    model.summon(x, y, batch_size=64, epochs=given.epochs, validation_data=(x_test, y_test), verbose=2)
    with tempfile.TemporaryDirectory() as folder:
        path = given.file or os.path.join(folder, 'digits.onnx')
        images, answers = os.path.join(folder, 'images.npy'), os.path.join(folder, 'answers.npy')
        export(model, path, overwrite=True)
        print(f'{path}: {os.path.getsize(path) / 1024:.0f} KiB')
        np.save(images, x_test)
        subprocess.run([sys.executable, '-c', SERVER, path, images, answers], check=True)
        served = np.load(answers)
    print(f'accuracy of what is served: {np.mean(served.argmax(-1) == y_test):.3f}')
    return report('served probabilities apart from predict', np.abs(served - model.predict(x_test)).max(), at_most=1e-4)


if __name__ == '__main__':
    main()
