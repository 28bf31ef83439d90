"""Formulas of optimizers, as these write them: what backends look for in the updates of a function, to have a kernel of the framework compute it.

Each is a function of (backend, variable, gradient, *variables of the state, *numbers) and gives the new values of the variable and of its state.
"""


def _moments(K, g, m, v, b1, b2):
    return b1 * m + (1.0 - b1) * g, b2 * v + (1.0 - b2) * K.square(g)


def adam(K, p, g, m, v, rate, b1, b2, eps):
    m, v = _moments(K, g, m, v, b1, b2)
    return p - rate * m / (K.sqrt(v) + eps), m, v


def amsgrad(K, p, g, m, v, largest, rate, b1, b2, eps):
    m, v = _moments(K, g, m, v, b1, b2)
    largest = K.maximum(largest, v)
    return p - rate * m / (K.sqrt(largest) + eps), m, v, largest


def adamax(K, p, g, m, norm, rate, b1, b2, eps):
    m = b1 * m + (1.0 - b1) * g
    norm = K.maximum(b2 * norm, K.abs(g))
    return p - rate * m / (norm + eps), m, norm


def rmsprop(K, p, g, v, rate, rho, eps):
    v = rho * v + (1.0 - rho) * K.square(g)
    return p - rate * g / (K.sqrt(v) + eps), v


def adagrad(K, p, g, total, rate, eps):
    total = total + K.square(g)
    return p - rate * g / (K.sqrt(total) + eps), total


def adadelta(K, p, g, average, moves, rate, rho, rest, eps):
    average = rho * average + rest * K.square(g)
    change = g * K.sqrt(moves + eps) / K.sqrt(average + eps)
    return p - rate * change, average, rho * moves + rest * K.square(change)


def sgd(K, p, g, v, rate, momentum):
    v = momentum * v - rate * g
    return p + v, v


def nesterov(K, p, g, v, rate, momentum):
    v = momentum * v - rate * g
    return p + momentum * v - rate * g, v
