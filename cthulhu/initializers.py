"""Initializers: how a weight gets its first value.

An initializer is called with a shape and a dtype and gives a tensor or an array. One with a `seed` draws the same
values in every process; each further call of the same object uses the next seed, so that layers which share an
initializer do not start equal.
"""

import copy

import numpy as np

from cthulhu import backend as K
from cthulhu import registry
from cthulhu.storage import budget
from cthulhu.utils.arguments import checked
from cthulhu.utils.reprs import settings_repr

# The standard deviation of a unit normal that is cut off at two standard deviations.
_TRUNCATED_STDDEV = 0.87962566103423978


class Initializer:
    """Base class. A subclass defines `__call__(shape, dtype=None)` and, if it has arguments, `get_config`."""

    __repr__ = settings_repr

    def __call__(self, shape, dtype=None):
        raise NotImplementedError(f'{type(self).__name__} must define `__call__(self, shape, dtype=None)`.')

    def get_config(self):
        """The arguments of the constructor, as a dict."""
        return {}

    @classmethod
    def from_config(cls, config):
        """Make an initializer of what `get_config` gave; a `dtype`, which tf.keras writes, is left out."""
        return cls(**{key: value for key, value in config.items() if key != 'dtype'})


class _Random(Initializer):
    seed = None

    def _next_seed(self):
        seed = self.seed
        if seed is not None:
            self.seed += 1
        return seed

    def later(self, shape, dtype=None):
        """A function without arguments that gives what a call would give now; what a call takes of random numbers is taken now."""
        same, seed = copy.copy(self), self._next_seed()
        same.seed = int(np.random.randint(10e6)) if seed is None else seed
        return lambda: same(shape, dtype)


class Zeros(Initializer):
    """All zeros."""

    def __call__(self, shape, dtype=None):
        return K.constant(0, shape=shape, dtype=dtype)


class Ones(Initializer):
    """All ones."""

    def __call__(self, shape, dtype=None):
        return K.constant(1, shape=shape, dtype=dtype)


class Constant(Initializer):
    """One value everywhere.

    Arguments:
        value: float, or an array of the weight's shape.
    """

    @checked
    def __init__(self, value=0):
        self.value = value

    def __call__(self, shape, dtype=None):
        return K.constant(self.value, shape=shape, dtype=dtype)

    def get_config(self):
        return {'value': self.value}


class RandomNormal(_Random):
    """Normally distributed values.

    Arguments:
        mean: float.
        stddev: float, standard deviation.
        seed: int, or None for other values in each process.
    """

    @checked
    def __init__(self, mean=0.0, stddev=0.05, seed=None):
        self.mean = mean
        self.stddev = stddev
        self.seed = seed

    def __call__(self, shape, dtype=None):
        return K.random_normal(shape, self.mean, self.stddev, dtype=dtype, seed=self._next_seed())

    def get_config(self):
        return {'mean': self.mean, 'stddev': self.stddev, 'seed': self.seed}


class RandomUniform(_Random):
    """Uniformly distributed values in `[minval, maxval)`.

    Arguments:
        minval: float.
        maxval: float.
        seed: int, or None for other values in each process.
    """

    @checked
    def __init__(self, minval=-0.05, maxval=0.05, seed=None):
        self.minval = minval
        self.maxval = maxval
        self.seed = seed

    def __call__(self, shape, dtype=None):
        return K.random_uniform(shape, self.minval, self.maxval, dtype=dtype, seed=self._next_seed())

    def get_config(self):
        return {'minval': self.minval, 'maxval': self.maxval, 'seed': self.seed}


class TruncatedNormal(_Random):
    """Normally distributed values, drawn anew where they lie more than two standard deviations from the mean.

    Arguments:
        mean: float.
        stddev: float, standard deviation before truncation.
        seed: int, or None for other values in each process.
    """

    @checked
    def __init__(self, mean=0.0, stddev=0.05, seed=None):
        self.mean = mean
        self.stddev = stddev
        self.seed = seed

    def __call__(self, shape, dtype=None):
        return K.truncated_normal(shape, self.mean, self.stddev, dtype=dtype, seed=self._next_seed())

    def get_config(self):
        return {'mean': self.mean, 'stddev': self.stddev, 'seed': self.seed}


class VarianceScaling(_Random):
    """Values of mean zero and variance `scale / n`, with `n` the number of a unit's connections.

    Arguments:
        scale: float > 0.
        mode: what `n` is: 'fan_in' (inputs), 'fan_out' (outputs) or 'fan_avg' (their mean).
        distribution: 'normal' (truncated at two standard deviations) or 'uniform'.
        seed: int, or None for other values in each process.

    Raises:
        ValueError: an argument that is none of these.
    """

    @checked
    def __init__(self, scale=1.0, mode='fan_in', distribution='normal', seed=None):
        self.scale = scale
        self.mode = _choice('mode', mode, ('fan_in', 'fan_out', 'fan_avg'))
        self.distribution = _choice('distribution', distribution, ('normal', 'uniform'))
        self.seed = seed

    def __call__(self, shape, dtype=None):
        fan_in, fan_out = _compute_fans(shape)
        n = {'fan_in': fan_in, 'fan_out': fan_out, 'fan_avg': (fan_in + fan_out) / 2.0}[self.mode]
        scale = self.scale / max(1.0, n)
        if self.distribution == 'normal':
            stddev = np.sqrt(scale) / _TRUNCATED_STDDEV
            return K.truncated_normal(shape, 0.0, stddev, dtype=dtype, seed=self._next_seed())
        limit = np.sqrt(3.0 * scale)
        return K.random_uniform(shape, -limit, limit, dtype=dtype, seed=self._next_seed())

    def get_config(self):
        return {'scale': self.scale, 'mode': self.mode, 'distribution': self.distribution, 'seed': self.seed}


_AS_A_CALL = 5e6  # multiplications of a decomposition that take as long as the call of a layer
_MUCH = 20  # calls, from which on not even the numbers to decompose are drawn for a value that a file replaces
# Matrices with no side above this are decomposed as in Keras 2; larger ones in a way that takes a third of the time.
_SMALL = 1024


class Orthogonal(_Random):
    """A random matrix with orthonormal rows or columns; the leading axes of a larger weight are flattened into one.

    Source: Saxe et al., Exact solutions to the nonlinear dynamics of learning in deep linear networks, arXiv:1312.6120.

    Arguments:
        gain: float, factor.
        seed: int, or None for other values in each process.

    Raises:
        ValueError: when called for a shape of fewer than two axes.
    """

    @checked
    def __init__(self, gain=1.0, seed=None):
        self.gain = gain
        self.seed = seed

    def __call__(self, shape, dtype=None):
        flat, cost = self._work(shape)
        budget.draw('calls', cost, f'An orthogonal matrix of the shape {flat}')
        return self._made_of(self._drawn(flat), shape, dtype)

    def later(self, shape, dtype=None):
        flat, cost = self._work(shape)
        if cost > _MUCH:
            return super().later(shape, dtype)
        drawn = self._drawn(flat)

        def made():
            budget.draw('calls', cost, f'An orthogonal matrix of the shape {flat}')
            return self._made_of(drawn, shape, dtype)

        return made

    def _work(self, shape):
        """(shape of the matrix, what its decomposition costs in calls of layers)."""
        if len(shape) < 2:
            raise ValueError(f'`Orthogonal` initializes weights of two or more axes; got the shape {tuple(shape)}.')
        flat = (int(np.prod(shape[:-1])), shape[-1])
        return flat, flat[0] * flat[1] * min(flat) / (_AS_A_CALL * (1 if min(flat) <= _SMALL else 3))

    def _drawn(self, flat):
        seed = self._next_seed()
        random = np.random if seed is None else np.random.RandomState(seed)
        return random.normal(0.0, 1.0, flat)

    def _made_of(self, drawn, shape, dtype):
        flat = drawn.shape
        if min(flat) <= _SMALL:
            left, _, right = np.linalg.svd(drawn, full_matrices=False)
            matrix = left if left.shape == flat else right
        else:
            is_wide = flat[0] < flat[1]
            matrix, triangle = np.linalg.qr(drawn.T if is_wide else drawn)
            matrix *= np.sign(np.diag(triangle))  # else not all directions would be drawn alike
            matrix = matrix.T if is_wide else matrix
        return K.constant(self.gain * matrix.reshape(shape), dtype=dtype)

    def get_config(self):
        return {'gain': self.gain, 'seed': self.seed}


class Identity(Initializer):
    """The identity matrix, with further rows or columns of zeros where the weight is not square.

    Arguments:
        gain: float, factor.

    Raises:
        ValueError: when called for a shape that does not have two axes.
    """

    @checked
    def __init__(self, gain=1.0):
        self.gain = gain

    def __call__(self, shape, dtype=None):
        if len(shape) != 2:
            raise ValueError(f'`Identity` initializes weights of two axes; got the shape {tuple(shape)}.')
        return K.constant(self.gain * np.eye(*shape), dtype=dtype)

    def get_config(self):
        return {'gain': self.gain}


@checked
def lecun_uniform(seed=None):
    """Uniform within `sqrt(3 / fan_in)` of zero. Source: LeCun et al., Efficient BackProp, 1998."""
    return VarianceScaling(scale=1.0, mode='fan_in', distribution='uniform', seed=seed)


@checked
def lecun_normal(seed=None):
    """Truncated normal of variance `1 / fan_in`. Source: LeCun et al., Efficient BackProp, 1998."""
    return VarianceScaling(scale=1.0, mode='fan_in', distribution='normal', seed=seed)


@checked
def glorot_normal(seed=None):
    """Truncated normal of variance `2 / (fan_in + fan_out)`. Source: Glorot and Bengio, AISTATS 2010."""
    return VarianceScaling(scale=1.0, mode='fan_avg', distribution='normal', seed=seed)


@checked
def glorot_uniform(seed=None):
    """Uniform within `sqrt(6 / (fan_in + fan_out))` of zero. Source: Glorot and Bengio, AISTATS 2010."""
    return VarianceScaling(scale=1.0, mode='fan_avg', distribution='uniform', seed=seed)


@checked
def he_normal(seed=None):
    """Truncated normal of variance `2 / fan_in`. Source: He et al., arXiv:1502.01852."""
    return VarianceScaling(scale=2.0, mode='fan_in', distribution='normal', seed=seed)


@checked
def he_uniform(seed=None):
    """Uniform within `sqrt(6 / fan_in)` of zero. Source: He et al., arXiv:1502.01852."""
    return VarianceScaling(scale=2.0, mode='fan_in', distribution='uniform', seed=seed)


zero = zeros = Zeros
one = ones = Ones
constant = Constant
uniform = random_uniform = RandomUniform
normal = random_normal = RandomNormal
truncated_normal = TruncatedNormal
identity = Identity
orthogonal = Orthogonal

registry.initializers.register(
    {
        name: thing
        for name, thing in globals().items()
        if (isinstance(thing, type) and issubclass(thing, Initializer) and not name.startswith('_'))
        or getattr(thing, '__name__', None) == name
        and name.startswith(('lecun_', 'glorot_', 'he_'))
    }
)


def _choice(argument, value, allowed):
    lowered = value.lower() if isinstance(value, str) else value
    if lowered not in allowed:
        raise ValueError(f'`{argument}` must be one of {", ".join(map(repr, allowed))}; got {value!r}.')
    return lowered


def _compute_fans(shape):
    # Matrices are (inputs, outputs), convolution kernels (..., inputs, outputs); of others nothing is known.
    if 2 <= len(shape) <= 5:
        field = np.prod(shape[:-2])
        return shape[-2] * field, shape[-1] * field
    return (np.sqrt(np.prod(shape)),) * 2


def serialize(initializer):
    """Describe an initializer by its class name and configuration."""
    return registry.initializers.serialize(initializer)


def deserialize(config, custom_objects=None):
    """Make the initializer that a configuration (or a name) describes.

    Arguments:
        config: `{'class_name': ..., 'config': {...}}`.
        custom_objects: dict of the caller's own, name -> class or function.

    Raises:
        ValueError: the name is unknown.
    """
    return registry.initializers.deserialize(config, custom_objects)


def get(identifier):
    """Make an initializer of a name, a configuration, a class or a callable `f(shape, dtype=None)`.

    Raises:
        ValueError: the name is unknown, or the identifier is none of these.

    >>> get('he_normal').get_config()
    {'scale': 2.0, 'mode': 'fan_in', 'distribution': 'normal', 'seed': None}
    """
    return registry.initializers.make(identifier)
