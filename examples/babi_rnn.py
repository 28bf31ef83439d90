"""Where is Mary? A network reads a story and a question on it, and answers with a word.

    python examples/babi_rnn.py [--quick] [--epochs 40] [--stories 5000]

The stories are made here by a small grammar, as those of the bAbI tasks are (Weston et al., "Towards AI-Complete Question Answering", 2015, the
first task): four people go to six places. One GRU reads the story, one the question, and a dense layer sees where both ended. That
tells near half of them rightly; the memory network of `babi_memnn.py` can do more.
"""

import numpy as np
from common import options, report

from cthulhu.layers import Concatenate, Daoloth, Darkness, Groth, Input, TheHydra
from cthulhu.models import Lump
from cthulhu.optimizers import Adam
from cthulhu.preprocessing.sequence import pad_sequences

PEOPLE = ['mary', 'john', 'sandra', 'daniel']
PLACES = ['bathroom', 'bedroom', 'garden', 'hallway', 'kitchen', 'office']
VERBS = ['went to', 'moved to', 'journeyed to', 'travelled to']
WORDS = sorted(set(' '.join(PEOPLE + PLACES + VERBS + ['the . where is ?']).split()))
NUMBERS = {word: number + 1 for number, word in enumerate(WORDS)}  # 0 fills up


def stories(count, seed, longest=6):
    """Stories, questions and answers: three lists of texts."""
    random = np.random.RandomState(seed)
    made = []
    for _ in range(count):
        sentences, places = [], {}
        for _ in range(random.randint(2, longest + 1)):
            person, place = random.choice(PEOPLE), random.choice(PLACES)
            sentences.append(f'{person} {random.choice(VERBS)} the {place} .')
            places[person] = place
        asked = random.choice(sorted(places))
        made.append((' '.join(sentences), f'where is {asked} ?', places[asked]))
    return [list(each) for each in zip(*made)]


def arrays(count, seed, longest=6):
    """The same as arrays of numbers of words: stories of 6 words a sentence, questions of 4; answers as numbers of words."""
    texts, questions, answers = stories(count, seed, longest)
    story = pad_sequences([[NUMBERS[w] for w in text.split()] for text in texts], maxlen=6 * longest)
    question = np.array([[NUMBERS[w] for w in text.split()] for text in questions])
    return [story, question], np.array([NUMBERS[answer] for answer in answers])


def build(story_length, units=64):
    """Words as 32 numbers, the same for both readers."""
    story, question = Input((story_length,)), Input((4,))
    words = TheHydra(len(WORDS) + 1, 32, mask_zero=True)
    read = Concatenate()([Groth(units)(words(story)), Groth(units)(words(question))])
    model = Lump([story, question], Daoloth(len(WORDS) + 1, activation='softmax')(Darkness(0.1)(read)))
    model.conjure(Adam(0.003), 'sparse_categorical_crossentropy', metrics=['accuracy'])
    return model


def main(arguments=None):
    """Train, answer. Returns the share of right answers to stories held out."""

    def further(parser):
        parser.add_argument('--stories', type=int, help='how many are read (default: 5000, with --quick 1500)')

    given = options(__doc__, arguments, epochs=40, quick=6, public=False, further=further)
    longest = 3 if given.quick else 6
    x, y = arrays(given.stories or (1500 if given.quick else 5000), seed=1, longest=longest)
    x_test, y_test = arrays(1000, seed=2, longest=longest)
    model = build(6 * longest)
    model.summon(x, y, batch_size=64, epochs=given.epochs, validation_data=(x_test, y_test), verbose=2)
    guesses = model.predict(x_test).argmax(-1)
    for text, question, answer, guess in zip(*stories(3, seed=2, longest=longest), guesses):
        print(text, question, WORDS[guess - 1], '' if WORDS[guess - 1] == answer else f'(it is the {answer})')
    return report('right answers to stories held out', np.mean(guesses == y_test), at_least=0.3 if given.quick else 0.4)


if __name__ == '__main__':
    main()
