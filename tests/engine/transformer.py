"""A small transformer that learns the next letter of real text, and what it learns in Keras 3: `python tests/engine/transformer.py` records that, with Keras 3."""

import codecs
import contextlib
import io
import json
import os

import numpy as np

PATH = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'fixtures', 'transformer.json')
LENGTH, WIDTH, HEADS, BLOCKS = 24, 16, 2, 2


def text():
    """The Zen of Python, which every Python has."""
    with contextlib.redirect_stdout(io.StringIO()):  # it prints itself when it is first imported
        import this
    return codecs.decode(this.s, 'rot13').lower()


def data():
    """([letters, places], next letters, how many letters there are): whole numbers, shape (samples, LENGTH)."""
    letters = text()
    alphabet = sorted(set(letters))
    numbers = np.array([alphabet.index(letter) for letter in letters])
    begins = np.arange(0, len(numbers) - LENGTH - 1, 6)
    cut = numbers[begins[:, None] + np.arange(LENGTH + 1)]
    places = np.broadcast_to(np.arange(LENGTH), (len(cut), LENGTH)).copy()
    return [cut[:, :-1], places], cut[:, 1:, None], len(alphabet)


def make(keras, letters):
    """The model, conjured, with weights of NumPy's."""
    layers = keras.layers
    words, places = layers.Input((LENGTH,)), layers.Input((LENGTH,))
    x = layers.Add()([layers.Embedding(letters, WIDTH)(words), layers.Embedding(LENGTH, WIDTH)(places)])
    for _ in range(BLOCKS):
        y = layers.LayerNormalization(epsilon=1e-5)(x)
        x = layers.Add()([x, layers.MultiHeadAttention(HEADS, WIDTH // HEADS)(y, y, use_causal_mask=True)])
        y = layers.Dense(4 * WIDTH, activation='gelu')(layers.LayerNormalization(epsilon=1e-5)(x))
        x = layers.Add()([x, layers.Dense(WIDTH)(y)])
    x = layers.Dense(letters, activation='softmax')(layers.LayerNormalization(epsilon=1e-5)(x))
    model = keras.models.Model([words, places], x)
    random = np.random.RandomState(5)
    values = [random.normal(0, 0.3, w.shape) if len(w.shape) > 1 else w for w in model.get_weights()]
    model.set_weights(values)
    model.compile(keras.optimizers.Adam(0.01), 'sparse_categorical_crossentropy', metrics=['accuracy'])
    return model


def train(keras, epochs=4):
    """The history of some epochs: a dict of lists of floats."""
    x, y, letters = data()
    history = make(keras, letters).fit(x, y, batch_size=16, epochs=epochs, shuffle=False, verbose=0).history
    return {name: [float(value) for value in values] for name, values in history.items()}


if __name__ == '__main__':
    import keras

    with open(PATH, 'w') as file:
        json.dump({'keras': keras.__version__, 'history': train(keras)}, file, indent=1)
