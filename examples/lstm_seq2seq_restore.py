"""A model that was trained elsewhere is loaded and taken apart: the reader and the writer of `lstm_seq2seq.py`.

    python examples/lstm_seq2seq_restore.py [--quick] [--epochs 20] [--model s2s.h5]

Where there is no such file, `lstm_seq2seq.py` is run first. What is loaded gives the same answers as what was saved.
"""

import os

import lstm_seq2seq
from common import options, report

from cthulhu.models import load_model


def main(arguments=None):
    """Load, write. Returns the share of right answers to texts held out."""

    def further(parser):
        parser.add_argument('--model', default='s2s.h5', help='the file of the model')

    given = options(__doc__, arguments, epochs=20, quick=20, public=False, further=further)
    if not os.path.exists(given.model):
        lstm_seq2seq.main(['--model', given.model, '--epochs', str(given.epochs)] + ['--quick'] * given.quick)
    model = load_model(given.model)
    texts, answers = lstm_seq2seq.data(given.quick)[1]
    right = lstm_seq2seq.share_right(texts, answers, lstm_seq2seq.write(model, texts))
    return report('numbers that are right', right, at_least=0.2 if given.quick else 0.9)


if __name__ == '__main__':
    main()
