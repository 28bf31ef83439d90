"""Primitives of `contract.random`: draws that are counted.

Philox (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011) turns a key and a counter into numbers. Key and
counter are made of the operation's seed, of how many calls of `K.function` and `K.eval` that draw numbers came since the
operation was made, and, in a loop, of the time. So a run repeats, step by step or many steps at once. In its first step an
operation draws what TensorFlow 1's stateful one with the same seed drew first, so first weights are those of Keras 2.3.

The time is known in the loops of `scan` (`rnn`, `foldl`, `map_fn`); in a loop that a user makes with TensorFlow itself every
turn draws the same.
"""

import numpy as np
import tensorflow as tf

from cthulhu.backend.composed.counted import CountedDraws
from cthulhu.backend.inference import dtypes
from cthulhu.backend.tensorflow.shape import shape_argument

_raw = tf.raw_ops
_KEY = 87654321  # TensorFlow 1's own, for an operation seed without a graph seed.
_PHILOX = 1


def _bits_for(level):
    """The fewest bits, 8 or 16, of which a number is below a level with that probability, and above it with the other one, to 1e-4 of each; or None."""
    for bits in (8, 16):
        if abs(round(level * 2**bits) / 2**bits - level) <= 1e-4 * min(level, 1 - level):
            return bits
    return None


class Random(CountedDraws):
    """Uniform, normal and truncated normal draws."""

    def draw_uniform(self, shape, minval, maxval, dtype, seed, keys):
        if dtype in dtypes.INTEGERS and dtype not in ('int32', 'int64'):  # of which TensorFlow draws none
            wide = 'int64' if dtype in ('uint32', 'uint64') else 'int32'
            return self.cast(self.draw_uniform(shape, minval, maxval, wide, seed, keys), dtype)
        low, high = self.cast(minval, dtype), self.cast(maxval, dtype)
        if low.dtype.is_integer:
            return _raw.StatelessRandomUniformIntV2(minval=low, maxval=high, **self._source(shape, seed, keys))
        return _raw.StatelessRandomUniformV2(dtype=dtype, **self._source(shape, seed, keys)) * (high - low) + low

    def draw_normal(self, shape, mean, stddev, dtype, seed, keys):
        drawn = _raw.StatelessRandomNormalV2(dtype=dtype, **self._source(shape, seed, keys))
        return self._bell(drawn, mean, stddev, dtype, dtype)

    def draw_truncated(self, shape, mean, stddev, dtype, seed, keys):
        drawn = _raw.StatelessTruncatedNormalV2(dtype=dtype, **self._source(shape, seed, keys))
        return self._bell(drawn, mean, stddev, dtype, dtype)

    def _draw_mask(self, shape, level, dtype, seed):
        # Of the 32 bits that are drawn at once, 8 or 16 for an element are enough for most levels, and drawing takes longer than all else of dropout.
        bits = None if self.is_tensor(level) else _bits_for(level)
        if bits is None:
            return super()._draw_mask(shape, level, dtype, seed)
        _, seed, keys = self._drawing(dtype, seed)
        shape, each = shape_argument(shape), 32 // bits
        count = tf.reduce_prod(shape)
        # Shifted, not divided: of a quotient XLA of TensorFlow 2.6 does not see that it is constant.
        size = tf.bitwise.right_shift(count + each - 1, each // 2)
        words = _raw.StatelessRandomUniformFullIntV2(dtype=tf.uint32, **self._source([size], seed, keys))
        least = np.uint32(round(level * 2**bits))
        parts = [tf.bitwise.right_shift(words, np.uint32(bits * i)) for i in range(each)]
        parts = [tf.bitwise.bitwise_and(part, np.uint32(2**bits - 1)) for part in parts[:-1]] + parts[-1:]
        return tf.reshape(tf.concat([part >= least for part in parts], axis=0)[:count], shape)

    def random_uniform_variable(self, shape, low, high, dtype=None, name=None, seed=None):
        return self.variable(self.random_uniform(shape, low, high, dtype, seed), dtype, name)

    def random_normal_variable(self, shape, mean, scale, dtype=None, name=None, seed=None):
        return self.variable(self.random_normal(shape, mean, scale, dtype, seed), dtype, name)

    def random_step(self):
        return self._runs_seen.now

    def set_random_step(self, step):
        self._runs_seen.now = int(step)

    def set_framework_seed(self, seed):
        tf.random.set_seed(seed)
        with self._graph.as_default():
            tf.compat.v1.set_random_seed(seed)

    def _source(self, shape, seed, times):
        """The arguments that say what a stateless operation draws."""
        key = tf.constant([_KEY], tf.uint64)
        if times:
            time = tf.constant(0, tf.int64)
            for outer in times:
                time = time * 65536 + tf.cast(outer, tf.int64)
            key = tf.cast(tf.reshape(time * 2**32 + _KEY, [1]), tf.uint64)
        counter = tf.stack([self._counter_of_step(), tf.constant(seed % 2**64, tf.uint64)])
        return {'shape': shape_argument(shape), 'key': key, 'counter': counter, 'alg': _PHILOX}

    def _counter_of_step(self):
        """The number of drawing calls since now, where the block of 2^32 numbers of each call begins: scalar uint64."""
        now = self._runs_seen.now
        if now not in self._steps_since:
            step = self._step_placeholder()
            with self._graph.as_default(), self._graph.control_dependencies(None), tf.compat.v1.name_scope(None):
                # Nobody counts where a session of the user runs it. Another thread than that which made it may be behind.
                since = step - now
                since = tf.where(step < 0, tf.zeros_like(since), tf.where(since < 0, since + 2**31, since))
                self._steps_since[now] = tf.cast(since * 2**32, tf.uint64)
        return self._steps_since[now]
