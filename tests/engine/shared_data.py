"""Data that ranks share: arrays, and Sequences of their batches."""

import time

import numpy as np
import scipy.sparse

from cthulhu.utils import Sequence


def data(samples=83):
    random = np.random.RandomState(4)
    x = random.normal(size=(samples, 6)).astype('float32')
    return x, (x[:, :1] * x[:, 1:2] > 0).astype('float32') + (x[:, 2:3] > 0.5)


class Batches(Sequence):
    """The batches of arrays, in numbers that do not divide."""

    def __init__(self, x, y, size):
        self.x, self.y, self.size = x, y, size

    def __len__(self):
        return -(-len(self.x) // self.size)

    def __getitem__(self, index):
        rows = slice(index * self.size, (index + 1) * self.size)
        return self.x[rows], self.y[rows]


class Slow(Batches):
    """Batches of numbers and of words, of lengths of their own, with weights, each of which takes a while; it notes which it computed."""

    def __init__(self, size):
        super().__init__(*data(50), size)
        self.computed = []

    def __getitem__(self, index):
        self.computed.append(index)
        time.sleep(0.1)
        x, y = super().__getitem__(index)
        words = (np.abs(x[:, : 2 + index % 3]) * 3).astype('int64') % 9
        return [x, words], y, np.linspace(0.5, 1, len(x))


class Sparse(Batches):
    """Batches of which the later ones are sparse."""

    def __getitem__(self, index):
        x, y = super().__getitem__(index)
        time.sleep(0.1)
        return scipy.sparse.csr_matrix(x) if index > 1 else x, y
