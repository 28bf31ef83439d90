"""Writes down what Keras 2.3.1's networks are, for `test_networks.py`.

    python tests/applications/record.py    with Keras 2.3.1 and TensorFlow 1.15; a quarter of an hour

Makes `tests/fixtures/applications/keras-2.3.1.json`: figures of each network and case, and the lists behind them of the smallest ones.
"""

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


def main():
    import keras
    import keras.applications.resnet  # noqa: F401

    assert keras.__version__ == '2.3.1'
    found = {'figures': {}, 'lists': {}}
    for network, case in described.cases():
        keras.backend.clear_session()
        try:
            model = described.function(keras.applications, network)(weights=None, **described.CASES[case])
        except ValueError as error:
            found['figures'][f'{network}, {case}'] = f'ValueError: {error}'
        else:
            found['figures'][f'{network}, {case}'] = described.figures(model, kind, keras.backend.int_shape)
            if case == 'top' and network in ('MobileNet', 'VGG16'):
                found['lists'][network] = described.lines(model, kind, keras.backend.int_shape)
        print(network, case, flush=True)
    with open(PATH, 'w') as file:
        text = json.dumps(found, indent=0, sort_keys=True).replace('\n]', ']').replace('[\n', '[')
        file.write(text + '\n')


if __name__ == '__main__':
    main()
