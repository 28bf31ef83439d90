"""Draws of random numbers in operations that XLA compiles well, for loops over steps: the bits are those of TensorFlow's kernels."""

import numpy as np
import tensorflow as tf


def _bits(shape, key, counter, algorithm=None):
    """What `StatelessRandomUniformFullIntV2` draws by Philox, in operations that XLA computes for many elements at once, as it does not its own."""
    place = tf.range(tf.reduce_prod(shape))
    block, word = tf.cast(tf.bitwise.right_shift(place, 2), tf.uint64), tf.bitwise.bitwise_and(place, 3)
    first = counter[0] + block
    a, b, c, d = _halves(first) + _halves(counter[1] + tf.cast(first < block, tf.uint64))
    one, other = _halves(key[0])
    for _ in range(10):
        (low, high), (left, right) = _product(a, 0xD2511F53), _product(c, 0xCD9E8D57)
        a, b, c, d = right ^ b ^ one, left, high ^ d ^ other, low
        one, other = one + np.uint32(0x9E3779B9), other + np.uint32(0xBB67AE85)
    words = tf.where(word < 2, tf.where(word < 1, a, b), tf.where(word < 3, c, d))
    return tf.reshape(words, shape)


def _halves(x):
    """The low and the high 32 bits."""
    return tf.cast(x, tf.uint32), tf.cast(tf.bitwise.right_shift(x, np.uint64(32)), tf.uint32)


def _product(x, factor):
    return _halves(tf.cast(x, tf.uint64) * np.uint64(factor))


def _uniform(shape, key, counter, algorithm):
    bits = _bits(shape, key, counter)
    # Numbers in [1, 2): the 23 low bits after the point.
    return tf.bitcast(tf.bitwise.bitwise_or(tf.bitwise.bitwise_and(bits, 0x7FFFFF), 0x3F800000), tf.float32) - 1.0


def _normal(shape, key, counter, algorithm):
    # Box and Muller: of two uniform numbers two normal ones.
    size = tf.reduce_prod(shape)
    drawn = tf.reshape(_uniform(tf.stack([(size + 1) // 2 * 2]), key, counter, algorithm), [-1, 2])
    length, angle = tf.sqrt(-2.0 * tf.math.log(tf.maximum(drawn[:, 0], 1e-7))), 2.0 * np.pi * drawn[:, 1]
    pairs = tf.stack([tf.sin(angle) * length, tf.cos(angle) * length], axis=1)
    return tf.reshape(tf.reshape(pairs, [-1])[:size], shape)


#: (Operation, dtype) -> what draws alike, a function of its inputs.
DRAWS = {
    ('StatelessRandomUniformV2', tf.float32): _uniform,
    ('StatelessRandomNormalV2', tf.float32): _normal,
    ('StatelessRandomUniformFullIntV2', tf.uint32): _bits,
}
