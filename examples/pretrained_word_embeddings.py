"""What a text is about, by words whose meaning was learnt elsewhere: the layer of words is given its weights, and keeps them.

    python examples/pretrained_word_embeddings.py [--quick] [--data public] [--epochs 10] [--vectors glove.6B.100d.txt]

A file of vectors has a word a line and its numbers behind it, as those of GloVe and fastText. Where none is given, vectors are made of the texts:
which words stand near which, less what chance would have, brought to 50 numbers by a singular value decomposition.
"""

import numpy as np
from common import docstrings, options, report
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import svds

from cthulhu.initializers import Constant
from cthulhu.layers import Cthalpa1D, Daoloth, Darkness, GlobalMaxPooling1D, TheHydra
from cthulhu.models import Pile
from cthulhu.preprocessing.sequence import pad_sequences

WORDS, LENGTH = 5000, 150


def from_file(path):
    """A file of vectors as a dict of words."""
    with open(path, encoding='utf-8') as lines:
        rows = (line.split(' ') for line in lines)
        return {row[0]: np.array(row[1:], 'float32') for row in rows if len(row) > 2}


def from_texts(texts, size=50, window=4):
    """Vectors of the numbers of words, (WORDS, size): words that stand near the same ones have similar vectors."""
    near = coo_matrix((WORDS, WORDS))
    for apart in range(1, window + 1):
        pairs = np.concatenate([np.stack([text[:-apart], text[apart:]]) for text in map(np.array, texts)], axis=1)
        counts = coo_matrix((np.full(pairs.shape[1], 1 / apart), pairs), shape=(WORDS, WORDS))
        near = near + counts + counts.T
    near = near.tocoo()
    often = np.asarray(near.sum(axis=1)).ravel()
    surprise = np.log(near.data * often.sum() / (often[near.row] * often[near.col]))
    positive = coo_matrix((np.maximum(surprise, 0), (near.row, near.col)), shape=near.shape).tocsr()
    vectors, strengths, _ = svds(positive, k=size, random_state=0)
    return (vectors * np.sqrt(strengths)).astype('float32')


def main(arguments=None):
    """Find vectors, train the rest. Returns the accuracy on texts held out."""

    def further(parser):
        parser.add_argument('--vectors', help='a file of vectors, as of GloVe')

    given = options(__doc__, arguments, epochs=10, quick=4, further=further)
    (x, y), (x_test, y_test), index = docstrings(given, WORDS)
    if given.vectors:
        known = from_file(given.vectors)
        vectors = np.zeros((WORDS, len(next(iter(known.values())))), 'float32')
        found = [(number, known[word]) for word, number in index.items() if number < WORDS and word in known]
        for number, vector in found:
            vectors[number] = vector
        print(f'Of {WORDS} words {len(found)} have a vector there.')
    else:
        vectors = from_texts(x)
    words = {number: word for word, number in index.items()}
    for word in ('matrix', 'error') if given.data == 'package' else ('oil', 'bank'):
        cosines = vectors @ vectors[index[word]] / (np.linalg.norm(vectors, axis=1) + 1e-8)
        print(f'Near {word!r}:', *(words.get(n, '-') for n in np.argsort(-cosines)[1:7]))
    x, x_test = pad_sequences(x, maxlen=LENGTH), pad_sequences(x_test, maxlen=LENGTH)
    model = Pile(
        [
            TheHydra(*vectors.shape, embeddings_initializer=Constant(vectors), input_length=LENGTH, trainable=False),
            Cthalpa1D(64 if given.quick else 128, 5, activation='relu'),
            GlobalMaxPooling1D(),
            Darkness(0.3),
            Daoloth(max(y) + 1, activation='softmax'),
        ]
    )
    model.conjure('adam', 'sparse_categorical_crossentropy', metrics=['accuracy'])
    model.summon(x, y, batch_size=32, epochs=given.epochs, validation_data=(x_test, y_test), verbose=2)
    accuracy = model.evaluate(x_test, y_test, verbose=0)[1]
    return report('accuracy on texts held out', accuracy, at_least=0.5 if given.quick else 0.8)


if __name__ == '__main__':
    main()
