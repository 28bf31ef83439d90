"""Connectionist temporal classification, by `kernels.ctc`."""

import numpy as np
import scipy.sparse

from cthulhu.backend.kernels import ctc
from cthulhu.backend.numpy.primitive import array, primitive


class NumPyCTC:
    @primitive
    def ctc_batch_cost(self, y_true, y_pred, input_length, label_length):
        y_pred = array(y_pred)
        costs = [cost for cost, _ in ctc.costs(y_pred, array(y_true), input_length, label_length)]
        return np.array(costs).reshape(-1, 1).astype(y_pred.dtype)

    @primitive
    def ctc_decode(self, y_pred, input_length, greedy=True, beam_width=100, top_paths=1, merge_repeated=False):
        return ctc.decode(array(y_pred), input_length, greedy, beam_width, top_paths, merge_repeated)

    @primitive
    def ctc_label_dense_to_sparse(self, labels, label_lengths):
        labels = array(labels)
        inside = np.arange(labels.shape[1]) < np.reshape(label_lengths, (-1, 1))
        rows, columns = np.nonzero(inside)
        # Label 0 stays as a stored element: the values are given with their places.
        return scipy.sparse.csr_matrix((labels[inside], (rows, columns)), labels.shape)
