"""The networks of cases.py as somebody would write them in TensorFlow alone: a `tf.function` for a step, and a loop over shuffled batches."""

import time

import numpy as np
import tensorflow as tf


def _dense(rows, columns):
    limit = (6 / (rows + columns)) ** 0.5
    return tf.Variable(tf.random.uniform((rows, columns), -limit, limit)), tf.Variable(tf.zeros(columns))


def _kernel(*shape):
    limit = (6 / (shape[0] * shape[1] * (shape[2] + shape[3]))) ** 0.5
    return tf.Variable(tf.random.uniform(shape, -limit, limit)), tf.Variable(tf.zeros(shape[3]))


class Adam:
    def __init__(self, weights):
        self.step, self.weights = tf.Variable(0.0), weights
        self.first, self.second = ([tf.Variable(tf.zeros_like(w)) for w in weights] for _ in range(2))

    def apply(self, gradients):
        self.step.assign_add(1.0)
        rate = 1e-3 * tf.sqrt(1 - 0.999**self.step) / (1 - 0.9**self.step)
        for w, m, v, g in zip(self.weights, self.first, self.second, gradients):
            g = tf.convert_to_tensor(g)
            m.assign(0.9 * m + 0.1 * g)
            v.assign(0.999 * v + 0.001 * g * g)
            w.assign_sub(rate * m / (tf.sqrt(v) + 1e-7))


class RMSprop:
    def __init__(self, weights):
        self.weights, self.squares = weights, [tf.Variable(tf.zeros_like(w)) for w in weights]

    def apply(self, gradients):
        for w, s, g in zip(self.weights, self.squares, gradients):
            s.assign(0.9 * s + 0.1 * g * g)
            w.assign_sub(1e-3 * g / (tf.sqrt(s) + 1e-7))


class Adadelta:
    def __init__(self, weights):
        self.weights = weights
        self.squares, self.moves = ([tf.Variable(tf.zeros_like(w)) for w in weights] for _ in range(2))

    def apply(self, gradients):
        for w, s, d, g in zip(self.weights, self.squares, self.moves, gradients):
            s.assign(0.95 * s + 0.05 * g * g)
            move = g * tf.sqrt(d + 1e-7) / tf.sqrt(s + 1e-7)
            w.assign_sub(move)
            d.assign(0.95 * d + 0.05 * move * move)


def small():
    (a, b), (c, d) = _dense(64, 32), _dense(32, 10)

    def logits(x):
        return tf.nn.relu(x @ a + b) @ c + d

    return [a, b, c, d], logits, _of_classes, Adam


def mlp():
    (a, b), (c, d), (e, f) = _dense(784, 512), _dense(512, 512), _dense(512, 10)

    def logits(x):
        x = tf.nn.dropout(tf.nn.relu(x @ a + b), 0.2)
        return tf.nn.dropout(tf.nn.relu(x @ c + d), 0.2) @ e + f

    return [a, b, c, d, e, f], logits, _of_rows, RMSprop


def cnn():
    (a, b), (c, d), (e, f), (g, h) = _kernel(3, 3, 1, 32), _kernel(3, 3, 32, 64), _dense(9216, 128), _dense(128, 10)

    def logits(x):
        x = tf.nn.relu(tf.nn.conv2d(x, a, 1, 'VALID') + b)
        x = tf.nn.max_pool2d(tf.nn.relu(tf.nn.conv2d(x, c, 1, 'VALID') + d), 2, 2, 'VALID')
        x = tf.reshape(tf.nn.dropout(x, 0.25), (-1, 9216))
        return tf.nn.dropout(tf.nn.relu(x @ e + f), 0.5) @ g + h

    return [a, b, c, d, e, f, g, h], logits, _of_rows, Adadelta


def lstm():
    words = tf.Variable(tf.random.uniform((20000, 128), -0.05, 0.05))
    (kernel, bias), (state, _), (out, shift) = _dense(128, 512), _dense(128, 512), _dense(128, 1)

    def logits(x):
        x = tf.transpose(tf.gather(words, x), (1, 0, 2))
        size = tf.shape(x)[1]
        drop = tf.nn.dropout(tf.ones((size, 128)), 0.2)
        projected = tf.reshape(tf.reshape(x * drop, (-1, 128)) @ kernel + bias, (80, size, 512))
        kept = tf.nn.dropout(tf.ones((size, 128)), 0.2)
        h = c = tf.zeros((size, 128))
        for i in tf.range(80):
            z = projected[i] + (h * kept) @ state
            enter, forget, new, leave = tf.split(z, 4, axis=1)
            c = tf.sigmoid(forget) * c + tf.sigmoid(enter) * tf.tanh(new)
            h = tf.sigmoid(leave) * tf.tanh(c)
        return h @ out + shift

    return [words, kernel, bias, state, out, shift], logits, _of_two, Adam


def _of_classes(y, logits):
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))


def _of_rows(y, logits):
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=logits))


def _of_two(y, logits):
    y = tf.cast(y, tf.float32)[:, None]
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits))


NETWORKS = {'small': small, 'mlp': mlp, 'cnn': cnn, 'lstm': lstm}


def made(case):
    """(a step of training, a function (inputs, targets) -> loss; the function of inputs to logits) of a network."""
    weights, logits, loss_of, optimizer = NETWORKS[case]()
    optimizer = optimizer(weights)

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = loss_of(y, logits(x))
        optimizer.apply(tape.gradient(loss, weights))
        return loss

    return step, logits


def train(case, x, y, batch, epochs, warm_up):
    """As `cases.train`: the best of the epochs, in milliseconds a step, and the seconds until the first step was done."""
    begun = time.perf_counter()
    step, _ = made(case)

    def epoch():
        begun, order = time.perf_counter(), np.random.permutation(len(x))
        losses = [step(x[rows], y[rows]) for rows in np.split(order, range(batch, len(x), batch))]
        float(tf.add_n(losses))
        return time.perf_counter() - begun

    float(step(x[:batch], y[:batch]))
    first, until = time.perf_counter() - begun, time.perf_counter() + warm_up
    epoch()
    while time.perf_counter() < until:
        epoch()
    return {'ms': 1000 * min(epoch() for _ in range(epochs)) / -(-len(x) // batch), 'first': first}


def call(case, x, y):
    """A function that predicts one sample, as an array; or that trains on it."""
    step, logits = made('small')

    @tf.function
    def predict(x):
        return tf.nn.softmax(logits(x))

    return (lambda: float(step(x, y))) if case == 'train_on_batch' else lambda: predict(x).numpy()
