"""Writes tests/fixtures/keras-1-calls.json: what Keras 2.3.1 on TensorFlow 1.15 makes of the calls of `calls.py`.

python tests/legacy/record.py    with that Keras
"""

import json
import os
import sys

import keras

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import calls  # noqa: E402

PATH = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'fixtures', 'keras-1-calls.json')


def of_layer(text, shape):
    keras.backend.clear_session()
    layer = calls.quietly(calls.made_of, keras.layers, text)
    return {'config': calls.plain(layer.get_config()), 'output': calls.quietly(calls.used, keras, layer, shape)}


def refusal(text):
    try:
        calls.quietly(calls.made_of, keras.layers, text)
    except Exception as error:
        return type(error).__name__
    raise AssertionError(f'Keras takes {text}.')


def main():
    layers = {text: of_layer(text, shape) for shape, texts in calls.LAYERS.items() for text in texts}
    found = {'layers': layers, 'refused': {text: refusal(text) for text in calls.REFUSED}, 'uses': {}}
    for use in calls.USES:
        keras.backend.clear_session()
        found['uses'][use.__name__] = calls.quietly(use, keras)
    with open(PATH, 'w') as file:
        file.write(
            '{'
            + ',\n'.join(
                f'"{part}": {{\n'
                + ',\n'.join(f' {json.dumps(k)}: {json.dumps(v, sort_keys=True)}' for k, v in items.items())
                + '}'
                for part, items in found.items()
            )
            + '}\n'
        )


if __name__ == '__main__':
    main()
