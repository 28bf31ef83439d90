"""Where is Mary? A memory network looks up in a story what a question asks, and answers with a word.

    python examples/babi_memnn.py [--quick] [--epochs 40] [--stories 10000]

After Sukhbaatar et al., "End-To-End Memory Networks", 2015: how well each word of the story matches each of the question says what of the story is
read by an LSTM. The stories are those of `babi_rnn.py`, made there by a small grammar.
"""

import numpy as np
from babi_rnn import WORDS, arrays, stories
from common import options, report

from cthulhu.layers import Add, Azatoth, Concatenate, Daoloth, Darkness, Dot, Input, Laldagorth, Permute, TheHydra
from cthulhu.models import Lump
from cthulhu.optimizers import Adam


def build(story_length, question_length=4, size=64):
    """Words are three things here: addresses in memory, what is found there, and what is asked."""
    kinds = len(WORDS) + 1
    story, question = Input((story_length,)), Input((question_length,))
    address = Darkness(0.3)(TheHydra(kinds, size)(story))
    content = Darkness(0.3)(TheHydra(kinds, question_length)(story))
    asked = Darkness(0.3)(TheHydra(kinds, size)(question))
    match = Azatoth('softmax')(Dot(axes=(2, 2))([address, asked]))  # (story, question)
    found = Permute((2, 1))(Add()([match, content]))  # (question, story)
    read = Laldagorth(32)(Concatenate()([found, asked]))
    model = Lump([story, question], Daoloth(kinds, activation='softmax')(Darkness(0.3)(read)))
    model.conjure(Adam(0.003), 'sparse_categorical_crossentropy', metrics=['accuracy'])
    return model


def main(arguments=None):
    """Train, answer. Returns the share of right answers to stories held out."""

    def further(parser):
        parser.add_argument('--stories', type=int, help='how many are read (default: 10000, with --quick 2000)')

    given = options(__doc__, arguments, epochs=40, quick=12, public=False, further=further)
    longest = 3 if given.quick else 6
    x, y = arrays(given.stories or (2000 if given.quick else 10000), seed=1, longest=longest)
    x_test, y_test = arrays(1000, seed=2, longest=longest)
    model = build(6 * longest)
    model.summon(x, y, batch_size=32, epochs=given.epochs, validation_data=(x_test, y_test), verbose=2)
    guesses = model.predict(x_test).argmax(-1)
    for text, question, answer, guess in zip(*stories(3, seed=2, longest=longest), guesses):
        print(text, question, WORDS[guess - 1], '' if WORDS[guess - 1] == answer else f'(it is the {answer})')
    return report(
        'right answers to stories held out', np.mean(guesses == y_test), at_least=0.3 if given.quick else 0.55
    )


if __name__ == '__main__':
    main()
