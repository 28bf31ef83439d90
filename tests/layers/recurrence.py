"""Recurrent layers as plain NumPy loops over samples and steps, from the papers: the layers are checked against them."""

import numpy as np


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def hard_sigmoid(x):
    return np.clip(0.2 * x + 0.5, 0.0, 1.0)


def simple(weights, activation=np.tanh):
    """The step of a simple recurrent cell: a function of an input vector and the list of states."""
    kernel, recurrent, bias = weights

    def step(x, states):
        h = activation(x @ kernel + states[0] @ recurrent + bias)
        return h, [h]

    return step


def gru(weights, reset_after=False, gate=sigmoid):
    kernel, recurrent, bias = weights
    n = recurrent.shape[0]
    z_, r_, h_ = (slice(i * n, (i + 1) * n) for i in range(3))
    b, rb = bias if reset_after else (bias, np.zeros_like(bias))

    def step(x, states):
        (h,) = states
        z = gate(x @ kernel[:, z_] + b[z_] + h @ recurrent[:, z_] + rb[z_])
        r = gate(x @ kernel[:, r_] + b[r_] + h @ recurrent[:, r_] + rb[r_])
        inner = r * (h @ recurrent[:, h_] + rb[h_]) if reset_after else (r * h) @ recurrent[:, h_]
        h = z * h + (1 - z) * np.tanh(x @ kernel[:, h_] + b[h_] + inner)
        return h, [h]

    return step


def lstm(weights, gate=sigmoid):
    kernel, recurrent, bias = weights
    n = recurrent.shape[0]

    def step(x, states):
        h, c = states
        i, f, new, o = (
            x @ kernel[:, k * n : (k + 1) * n] + h @ recurrent[:, k * n : (k + 1) * n] + bias[k * n : (k + 1) * n]
            for k in range(4)
        )
        c = gate(f) * c + gate(i) * np.tanh(new)
        h = gate(o) * np.tanh(c)
        return h, [h, c]

    return step


def stack(*steps):
    """The step of cells on each other, each with one state."""

    def step(x, states):
        made = []
        for one, state in zip(steps, states):
            x, (state,) = one(x, [state])
            made.append(state)
        return x, made

    return step


def run(step, x, states, mask=None, backwards=False):
    """(outputs (batch, time, ...), last states) for x (batch, time, ...) and a list of states (batch, ...).

    Where the mask is False the state stays, and the output is the one before, or 0.
    """
    outputs, finals = [], []
    for b in range(len(x)):
        now, row, last = [s[b] for s in states], [], None
        for t in reversed(range(x.shape[1])) if backwards else range(x.shape[1]):
            if mask is None or mask[b, t]:
                last, now = step(x[b, t], now)
            row.append(last)
        outputs.append([np.zeros_like(states[0][b]) if y is None else y for y in row])
        finals.append(now)
    return np.array(outputs), [np.array([final[i] for final in finals]) for i in range(len(states))]


def zeros(x, *sizes):
    """States of zeros for the samples of x."""
    return [np.zeros((len(x), size)) for size in sizes]
