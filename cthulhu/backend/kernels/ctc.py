"""Connectionist temporal classification, in logarithms (Graves, Fernández, Gomez and Schmidhuber, 2006)."""

import numpy as np
import scipy.special

from cthulhu.backend import config

_IMPOSSIBLE = -np.inf


def _logs(y_pred):
    """(probabilities, their logarithms): raised a little, as in Keras, so that one of 0 costs much and not everything."""
    raised = y_pred.astype('float64') + config.epsilon()
    return raised, np.log(raised)


def costs(y_pred, y_true, input_length, label_length, gradient=False):
    """(cost, its gradient by the used steps of y_pred or None) of each sequence: iterator.

    Arguments:
        y_pred, y_true, input_length, label_length: arrays, as `ctc_batch_cost` takes them.
        gradient: bool, whether to give gradients.
    """
    raised, logs = _logs(y_pred)
    logs = logs - scipy.special.logsumexp(logs, axis=-1, keepdims=True)
    steps, many = np.ravel(input_length).astype(int), np.ravel(label_length).astype(int)
    for i in range(len(logs)):
        row, labels = logs[i, : steps[i]], y_true[i, : many[i]].astype(int)
        forward = _forward(row, labels)
        whole = np.logaddexp.reduce(forward[-1, -2:])
        if not gradient:
            yield -whole, None
            continue
        backward = _forward(row[::-1], labels[::-1])[::-1, ::-1]
        spelled = _spelled(labels, row.shape[-1])
        # Both contain the step's own probability.
        together = np.exp(forward + backward - row[:, spelled] - whole)
        share = np.zeros_like(row)
        np.add.at(share.T, spelled, together.T)
        # By the logits, whose softmax the probabilities are; then by what the logits are the logarithms of.
        yield -whole, (np.exp(row) * share.sum(-1, keepdims=True) - share) / raised[i, : steps[i]]


def _spelled(labels, classes):
    """The labels, with the blank, the last class, before, between and after them."""
    spelled = np.full(2 * len(labels) + 1, classes - 1)
    spelled[1::2] = labels
    return spelled


def _forward(row, labels):
    """(steps, places): log probability of having spelled the places up to each after each step (Graves et al., 2006)."""
    spelled = _spelled(labels, row.shape[-1])
    # A blank may be left out between two labels that differ.
    skips = np.zeros(len(spelled), bool)
    skips[3::2] = spelled[3::2] != spelled[1:-2:2]
    found = np.full((len(row), len(spelled)), -np.inf)
    found[0, :2] = row[0, spelled[:2]]
    for step in range(1, len(row)):
        last = found[step - 1]
        found[step] = last
        found[step, 1:] = np.logaddexp(last[1:], last[:-1])
        found[step, 2:] = np.where(skips[2:], np.logaddexp(found[step, 2:], last[:-2]), found[step, 2:])
        found[step] += row[step, spelled]
    return found


def decode(y_pred, input_length, greedy=True, beam_width=100, top_paths=1, merge_repeated=False):
    """(list of arrays of labels, filled with -1, scores): arguments and result as those of `ctc_decode`, on arrays."""
    _, logs = _logs(y_pred)
    steps = np.ravel(input_length).astype(int)
    if greedy:
        labels, sums = zip(*[_greedy(row[:length]) for row, length in zip(logs, steps)])
        return [_dense(labels)], np.array(sums).reshape(-1, 1).astype(y_pred.dtype)
    logs = logs - scipy.special.logsumexp(logs, axis=-1, keepdims=True)
    found = [_beam(row[:length], beam_width, top_paths, merge_repeated) for row, length in zip(logs, steps)]
    decoded = [_dense([paths[rank][0] for paths in found]) for rank in range(top_paths)]
    return decoded, np.array([[total for _, total in paths] for paths in found]).astype(y_pred.dtype)


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
    beam = {(): (0.0, _IMPOSSIBLE)}
    for row in log_probabilities:
        grown = {}

        def gain(prefix, ends_in_blank, more):
            pair = list(grown.get(prefix, (_IMPOSSIBLE, _IMPOSSIBLE)))
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
