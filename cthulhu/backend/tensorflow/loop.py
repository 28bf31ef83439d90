"""`scan`: a loop of the graph that gradients can be taken through."""

import tensorflow as tf

from cthulhu.backend import shapes
from cthulhu.backend.tensorflow.graph import v1_control_flow

v1 = tf.compat.v1


class Loop:
    """The loop over time of the backend."""

    def scan(self, step, sequences, states, length=None):
        sequences = [self._tensor(x) for x in sequences]
        states = [tf.convert_to_tensor(self._tensor(x)) for x in states]
        known = self._scan_length(sequences, length)
        count = known
        if known is None:
            count = tf.shape(sequences[0])[0] if length is None else tf.cast(length, 'int32')
        with v1_control_flow, v1.name_scope('scan'):
            return self._loop(step, sequences, states, known, count)

    def _loop(self, step, sequences, states, known, count):
        # The step is made once outside of the loop, and never run, to learn how many outputs it has, and their shapes.
        outputs, new_states = _call(step, [x[0] for x in sequences], states, tf.constant(0))
        self._check_states(states, new_states)
        slices = [_array(x.dtype, count, x.shape[1:]).unstack(x) for x in sequences]
        results = [_array(x.dtype, count, x.shape) for x in outputs]
        invariants = [_common_shape(a.shape, b.shape) for a, b in zip(states, new_states)]

        def body(time, results, states):
            with self.inside_loop(time):
                made, after = _call(step, [a.read(time) for a in slices], list(states), time)
            for x, shape in zip(after, invariants):
                x.set_shape(shape)
            return time + 1, [a.write(time, x) for a, x in zip(results, made)], after

        _, results, states = v1.while_loop(
            lambda time, *_: time < count,
            body,
            (tf.constant(0), results, states),
            shape_invariants=(tf.TensorShape([]), [tf.TensorShape(None) for _ in results], invariants),
            maximum_iterations=known,
        )
        stacked = [a.stack() for a in results]
        for x, like in zip(stacked, outputs):
            x.set_shape(tf.TensorShape([known]).concatenate(like.shape))
        return stacked, list(states)


def _call(step, slices, states, time):
    outputs, states = step(slices, states, time)
    return [tf.convert_to_tensor(x) for x in outputs], [tf.convert_to_tensor(x) for x in states]


def _array(dtype, size, shape):
    # Gradients read an element twice where a step uses it twice.
    return tf.TensorArray(dtype, size=size, element_shape=shape, clear_after_read=False, infer_shape=False)


def _common_shape(a, b):
    if a.rank is None or a.rank != b.rank:
        return tf.TensorShape(None)
    return tf.TensorShape(shapes.common(a.as_list(), b.as_list()))
