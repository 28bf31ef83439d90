"""Writes down what Keras 2.3.1's data sets give for the files of `made.py`.

    python tests/datasets/record.py    with Keras 2.3.1 and TensorFlow 1.15

Makes `tests/fixtures/datasets/keras-2.3.1.json`: for each data set and arguments the MD5 hash of what `load_data` gave, as JSON.
"""

import hashlib
import importlib
import json
import os
import sys
import tempfile
import warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import made  # noqa: E402

PATH = os.path.join(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'fixtures', 'datasets', 'keras-2.3.1.json'
)


def write(folder):
    files = {name + '.npz': made.make(name) for name in ('mnist', 'boston_housing', 'imdb', 'reuters')}
    files.update(made.fashion_mnist(), **made.cifar100())
    for name, content in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as file:
            file.write(content)


def main():
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        write(folder)
        for name, cases in made.CASES.items():
            module = importlib.import_module('keras.datasets.' + name)
            module.get_file = lambda fname, **_: os.path.join(folder, fname)
            for arguments in cases:
                with warnings.catch_warnings():
                    warnings.simplefilter('ignore')
                    result = made.plain(module.load_data(**arguments))
                text = json.dumps(result).encode()
                found[f'{name} {json.dumps(arguments, sort_keys=True)}'] = hashlib.md5(text).hexdigest()
    os.makedirs(os.path.dirname(PATH), exist_ok=True)
    with open(PATH, 'w') as file:
        json.dump(found, file, indent=1, sort_keys=True)
        file.write('\n')


if __name__ == '__main__':
    main()
