"""Writes down what Keras 2.3.1's networks are, for `test_networks.py`.

    python tests/applications/record.py [NETWORK ...]    with Keras 2.3.1 and TensorFlow 1.15

Makes `tests/fixtures/applications/keras-2.3.1.json`: figures of each network and case, and the lists behind them of the smallest ones. What is in it already stays:
remove the file to begin anew.
"""

import fcntl
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import described  # noqa: E402

PATH = os.path.join(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'fixtures', 'applications', 'keras-2.3.1.json'
)


def kind(layer):
    return type(layer).__name__


def save(key, figures, lists=None):
    """Add what was found to the file; several of these programs may do so at once."""
    with open(PATH, 'r+') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        found = json.load(file)
        found['figures'][key] = figures
        if lists is not None:
            found['lists'][key.partition(',')[0]] = lists
        file.seek(0)
        file.truncate()
        file.write(json.dumps(found, indent=0, sort_keys=True) + '\n')


def recorded():
    with open(PATH) as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        return json.load(file)['figures']


def main(networks):
    import keras
    import keras.applications.resnet  # noqa: F401

    assert keras.__version__ == '2.3.1'
    if not os.path.exists(PATH):
        with open(PATH, 'w') as file:
            file.write('{"figures": {}, "lists": {}}')
    for network, case in described.cases():
        key = f'{network}, {case}'
        if networks and network not in networks or key in recorded():
            continue
        keras.backend.clear_session()
        try:
            model = described.function(keras.applications, network)(weights=None, **described.CASES[case])
        except ValueError as error:
            save(key, f'ValueError: {error}')
            continue
        whole = case == 'top' and network in ('MobileNet', 'VGG16')
        lists = described.lines(model, kind, keras.backend.int_shape) if whole else None
        save(key, described.figures(model, kind, keras.backend.int_shape), lists)
        print(key, flush=True)


if __name__ == '__main__':
    main(sys.argv[1:])
