"""Writes `keras-2.3.1.npz`: what Keras 2.3.1 (keras-preprocessing 1.1.2) gives for each of `cases.py`.

On Python 3.7, from the root of the repository:

    pip install keras==2.3.1 tensorflow==1.15.5 'protobuf<3.21' 'h5py<3' keras-preprocessing==1.1.2 pillow pandas scipy
    python tests/preprocessing/record.py
"""

import json
import os
import sys
import tempfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(os.path.dirname(HERE)))

import keras  # noqa: E402
import keras_preprocessing  # noqa: E402
from keras import preprocessing  # noqa: E402

from tests.preprocessing.cases import CASES, make_files  # noqa: E402


def main():
    assert (keras.__version__, keras_preprocessing.__version__) == ('2.3.1', '1.1.2')
    arrays, values = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        make_files(folder)
        for name, run in CASES.items():
            value = run(preprocessing, folder)
            if isinstance(value, np.ndarray):
                arrays[name] = value
            else:
                values[name] = value
    text = json.dumps(values)
    np.savez_compressed(os.path.join(HERE, 'keras-2.3.1.npz'), values=np.frombuffer(text.encode(), 'uint8'), **arrays)
    print(f'{len(CASES)} cases: {len(arrays)} arrays, {len(text)} characters of other values')


if __name__ == '__main__':
    main()
