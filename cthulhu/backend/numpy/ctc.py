"""Connectionist temporal classification, in logarithms (Graves, Fernández, Gomez and Schmidhuber, 2006)."""

import numpy as np
import scipy.sparse
import scipy.special

from cthulhu.backend import config
from cthulhu.backend.numpy.primitive import array, integers, primitive

IMPOSSIBLE = -np.inf


def _logs(y_pred):
    # As in Keras, so that a probability of 0 costs much and not everything.
    return np.log(array(y_pred).astype('float64') + config.epsilon())


def _cost(log_probabilities, labels):
    """-log of the probability of all paths that spell `labels`, for one sequence (time, classes)."""
    blank = log_probabilities.shape[-1] - 1
    # Between, before and after the labels there may be blanks.
    spelled = np.full(2 * len(labels) + 1, blank)
    spelled[1::2] = labels
    # A blank may be left out between two labels that differ.
    skips = np.zeros(len(spelled), bool)
    skips[2:] = (spelled[2:] != blank) & (spelled[2:] != spelled[:-2])
    # forward[s]: the log probability of having spelled the first s + 1 of them after a step.
    forward = np.full(len(spelled), IMPOSSIBLE)
    forward[:2] = log_probabilities[0, spelled[:2]]
    for row in log_probabilities[1:]:
        advance, leap = np.r_[IMPOSSIBLE, forward[:-1]], np.r_[IMPOSSIBLE, IMPOSSIBLE, forward[:-2]][: len(forward)]
        leap = np.where(skips, leap, IMPOSSIBLE)
        forward = np.logaddexp(np.logaddexp(forward, advance), leap) + row[spelled]
    return -scipy.special.logsumexp(forward[-2:])


def _greedy(log_probabilities):
    """(labels, minus the sum of the logs) of the likeliest class at each step."""
    best = log_probabilities.argmax(-1)
    blank = log_probabilities.shape[-1] - 1
    changes = np.r_[True, best[1:] != best[:-1]] if len(best) else np.zeros(0, bool)
    return best[changes & (best != blank)], -log_probabilities.max(-1).sum()


def _beam(log_probabilities, width, paths, merge_repeated):
    """The likeliest `paths` [(labels, log probability)], by prefix beam search (Graves, 2012, chapter 7)."""
    blank = log_probabilities.shape[-1] - 1
    # prefix -> log probabilities of the paths that spell it, ending in a blank, and ending in its last label.
    beam = {(): (0.0, IMPOSSIBLE)}
    for row in log_probabilities:
        grown = {}

        def gain(prefix, ends_in_blank, more):
            pair = list(grown.get(prefix, (IMPOSSIBLE, IMPOSSIBLE)))
            pair[not ends_in_blank] = np.logaddexp(pair[not ends_in_blank], more)
            grown[prefix] = tuple(pair)

        for prefix, (in_blank, in_label) in beam.items():
            total = np.logaddexp(in_blank, in_label)
            gain(prefix, True, total + row[blank])
            if prefix:
                gain(prefix, False, in_label + row[prefix[-1]])
            for label in range(blank):
                repeats = prefix and prefix[-1] == label
                gain(prefix + (label,), False, (in_blank if repeats else total) + row[label])
        best = sorted(grown, key=lambda prefix: -np.logaddexp(*grown[prefix]))[:width]
        beam = {prefix: grown[prefix] for prefix in best}
    if len(beam) < paths:
        raise ValueError(f'ctc_decode: top_paths {paths} asked for, and the beam has {len(beam)}. Raise beam_width.')
    found = [(prefix, np.logaddexp(*ends)) for prefix, ends in beam.items()][:paths]
    if merge_repeated:
        found = [([one for i, one in enumerate(p) if not i or one != p[i - 1]], total) for p, total in found]
    return found


def _dense(labels):
    """Label sequences as rows, filled with -1."""
    rows = np.full((len(labels), max([len(row) for row in labels] or [0])), -1, 'int64')
    for row, found in zip(rows, labels):
        row[: len(found)] = found
    return rows


class NumPyCTC:
    @primitive
    def ctc_batch_cost(self, y_true, y_pred, input_length, label_length):
        logs = _logs(y_pred)
        logs -= scipy.special.logsumexp(logs, axis=-1, keepdims=True)
        labels = array(y_true).astype(int)
        lengths = zip(integers(np.ravel(input_length)), integers(np.ravel(label_length)))
        costs = [_cost(logs[i, :steps], labels[i, :many]) for i, (steps, many) in enumerate(lengths)]
        return np.array(costs).reshape(-1, 1).astype(array(y_pred).dtype)

    @primitive
    def ctc_decode(self, y_pred, input_length, greedy=True, beam_width=100, top_paths=1, merge_repeated=False):
        logs, dtype = _logs(y_pred), array(y_pred).dtype
        steps = integers(np.ravel(input_length))
        if greedy:
            labels, sums = zip(*[_greedy(row[:length]) for row, length in zip(logs, steps)])
            return [_dense(labels)], np.array(sums).reshape(-1, 1).astype(dtype)
        logs = logs - scipy.special.logsumexp(logs, axis=-1, keepdims=True)
        found = [_beam(row[:length], beam_width, top_paths, merge_repeated) for row, length in zip(logs, steps)]
        decoded = [_dense([paths[rank][0] for paths in found]) for rank in range(top_paths)]
        return decoded, np.array([[total for _, total in paths] for paths in found]).astype(dtype)

    @primitive
    def ctc_label_dense_to_sparse(self, labels, label_lengths):
        labels = array(labels)
        inside = np.arange(labels.shape[1]) < np.reshape(label_lengths, (-1, 1))
        rows, columns = np.nonzero(inside)
        # Label 0 stays as a stored element: the values are given with their places.
        return scipy.sparse.csr_matrix((labels[inside], (rows, columns)), labels.shape)
