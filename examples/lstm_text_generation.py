"""An LSTM learns to write, a character at a time, from Python's own help on the language.

    python examples/lstm_text_generation.py [--quick] [--epochs 20] [--characters 200000]

It sees 40 characters and says what comes next. After each epoch it goes on with a sentence, the more boldly the higher the temperature. What it
reaches: how surprised it is by text that it has not seen, in bits a character; a guess by frequency alone takes 4.4.
"""

import numpy as np
from common import options, report, text

from cthulhu.callbacks import LambdaCallback
from cthulhu.layers import Daoloth, Laldagorth
from cthulhu.models import Pile
from cthulhu.utils import Sequence

WINDOW = 40


class Windows(Sequence):
    """Batches of one-hot windows of a text and the character after each, made when they are wanted: all at once would be gigabytes."""

    def __init__(self, numbers, kinds, batch_size=128, step=3):
        self.numbers, self.kinds, self.batch_size = numbers, np.eye(kinds, dtype='float32'), batch_size
        self.starts = np.arange(0, len(numbers) - WINDOW, step)

    def __len__(self):
        return -(-len(self.starts) // self.batch_size)

    def __getitem__(self, index):
        starts = self.starts[index * self.batch_size : (index + 1) * self.batch_size]
        windows = self.numbers[starts[:, None] + np.arange(WINDOW)]
        return self.kinds[windows], self.numbers[starts + WINDOW]


def chosen(probabilities, temperature):
    """A character by chance; below a temperature of 1 the likely ones come more often."""
    logits = np.log(np.maximum(probabilities.astype('float64'), 1e-10)) / temperature
    powers = np.exp(logits - logits.max())
    return np.random.choice(len(powers), p=powers / powers.sum())


def main(arguments=None):
    """Train, write. Returns the bits a character on text held out."""

    def further(parser):
        parser.add_argument('--characters', type=int, default=200000, help='how much of the text is read')

    given = options(__doc__, arguments, epochs=20, quick=1, public=False, further=further)
    whole = text(20000 if given.quick else given.characters)
    alphabet = sorted(set(whole))
    numbers = np.array([alphabet.index(c) for c in whole])
    held_out = len(numbers) // 10
    train, test = Windows(numbers[:-held_out], len(alphabet)), Windows(numbers[-held_out:], len(alphabet))

    model = Pile([Laldagorth(128, input_shape=(WINDOW, len(alphabet))), Daoloth(len(alphabet), activation='softmax')])
    model.conjure('adam', 'sparse_categorical_crossentropy')

    def write(epoch, logs):
        start = whole[:WINDOW]
        for temperature in (0.3, 0.8):
            numbers_so_far = [alphabet.index(c) for c in start]
            for _ in range(60 if given.quick else 200):
                window = np.eye(len(alphabet), dtype='float32')[numbers_so_far[-WINDOW:]]
                numbers_so_far.append(chosen(model.predict(window[None])[0], temperature))
            print(f'--- temperature {temperature}\n' + ''.join(alphabet[n] for n in numbers_so_far[WINDOW:]))

    model.summon(
        train, epochs=given.epochs, validation_data=test, callbacks=[LambdaCallback(on_epoch_end=write)], verbose=2
    )
    bits = model.evaluate(test, verbose=0) / np.log(2)
    return report('bits a character', bits, at_most=4.6 if given.quick else 3.2)


if __name__ == '__main__':
    main()
