"""One LSTM reads words, another writes the answer: a network learns to write numbers in figures.

    python examples/lstm_seq2seq.py [--quick] [--epochs 20] [--model s2s.h5]

'forty-two thousand and seven' becomes '42007'. The writer is trained with the right beginning of each answer; later it reads what it wrote itself,
by two models made of the same layers. The model is saved in a file, for `lstm_seq2seq_restore.py`.
"""

import numpy as np
from common import options, report

from cthulhu.layers import Daoloth, Input, Laldagorth
from cthulhu.models import Lump
from cthulhu.optimizers import Adam

ONES = (
    ' one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'
).split(' ')
TENS = '  twenty thirty forty fifty sixty seventy eighty ninety'.split(' ')
WORDS = [''] + sorted(set(ONES + TENS) - {''}) + ['hundred', 'thousand', 'and']  # '' fills up
CHARACTERS = '0123456789<> '  # '<' begins an answer, '>' ends it
LONGEST, ANSWER = 11, 7  # words; six figures and '>'


def spelled(number):
    """A number from 1 to 999,999 in words.

    >>> spelled(42007)
    'forty-two thousand and seven'
    """
    if number < 20:
        return ONES[number]
    if number < 100:
        return TENS[number // 10] + ('-' if number % 10 else '') + ONES[number % 10]
    size, word = (100, 'hundred') if number < 1000 else (1000, 'thousand')
    more, rest = divmod(number, size)
    return f'{spelled(more)} {word}' + (' and ' if 0 < rest < 100 else ' ') * (rest > 0) + spelled(rest) * (rest > 0)


def numbers(count, below, seed):
    """Different numbers in words, and in figures with '>' behind: two lists of texts."""
    chosen = np.random.RandomState(seed).permutation(below - 1)[:count] + 1
    return [spelled(int(n)) for n in chosen], [f'{n}>' for n in chosen]


def words_of(texts):
    """Texts as an array (texts, LONGEST, words), what is to be read last at the end."""
    split = [text.replace('-', ' ').split() for text in texts]
    return np.eye(len(WORDS), dtype='float32')[
        [[0] * (LONGEST - len(t)) + [WORDS.index(word) for word in t] for t in split]
    ]


def characters_of(texts, length):
    """Texts as an array (texts, length, characters)."""
    places = [[CHARACTERS.index(c) for c in text.ljust(length)] for text in texts]
    return np.eye(len(CHARACTERS), dtype='float32')[places]


def build(units):
    """The model that is trained: of a text and the answer up to each character, the next one."""
    text, beginning = Input((None, len(WORDS))), Input((None, len(CHARACTERS)))
    _, *states = Laldagorth(units, return_state=True, name='reader')(text)
    written, _, _ = Laldagorth(units, return_sequences=True, return_state=True, name='writer')(
        beginning, initial_state=states
    )
    model = Lump([text, beginning], Daoloth(len(CHARACTERS), activation='softmax', name='character')(written))
    model.conjure(Adam(0.003), 'categorical_crossentropy', metrics=['accuracy'])
    return model


def halves(model):
    """(reader, writer) of the layers of `model`: a text to states; a character and states to the next character and states."""
    text = model.inputs[0]
    _, *states = model.get_layer('reader').output
    units = model.get_layer('reader').units
    character, before = Input((1, len(CHARACTERS))), [Input((units,)), Input((units,))]
    written, *after = model.get_layer('writer')(character, initial_state=before)
    return Lump(text, states), Lump([character] + before, [model.get_layer('character')(written)] + after)


def write(model, texts):
    """The answers to texts, a character at a time, each time the likeliest."""
    reader, writer = halves(model)
    states = reader.predict(words_of(texts))
    answers, last = [''] * len(texts), characters_of(['<'] * len(texts), 1)
    while len(answers[0]) < ANSWER:
        probabilities, *states = writer.predict([last] + states)
        following = [CHARACTERS[i] for i in probabilities[:, 0].argmax(-1)]
        answers = [answer + c for answer, c in zip(answers, following)]
        last = characters_of(following, 1)
    return [answer[: answer.find('>') + 1] or answer for answer in answers]


def share_right(texts, answers, guesses):
    """Print some guesses; the share of numbers that are right."""
    for text, answer, guess in list(zip(texts, answers, guesses))[:8]:
        print(f'{text} = {guess.strip(">")}', '' if guess == answer else f'(it is {answer.strip(">")})')
    return np.mean([guess == answer for answer, guess in zip(answers, guesses)])


def data(quick):
    """(texts, answers) to train on, and 500 others."""
    texts, answers = numbers(999 if quick else 10500, 1000 if quick else 1000000, seed=1)
    return (texts[500:], answers[500:]), (texts[:500], answers[:500])


def main(arguments=None):
    """Train, write, save. Returns the share of right answers to texts held out."""

    def further(parser):
        parser.add_argument('--model', default='s2s.h5', help='where to save the model')

    given = options(__doc__, arguments, epochs=20, quick=20, public=False, further=further)
    (texts, answers), held_out = data(given.quick)
    x, y = words_of(texts), characters_of(answers, ANSWER)
    beginning = characters_of(['<' + answer for answer in answers], ANSWER + 1)[:, :-1]
    model = build(units=128)
    model.summon([x, beginning], y, batch_size=32, epochs=given.epochs, verbose=2)
    model.save(given.model)
    right = share_right(*held_out, write(model, held_out[0]))
    return report('numbers that are right', right, at_least=0.2 if given.quick else 0.9)


if __name__ == '__main__':
    main()
