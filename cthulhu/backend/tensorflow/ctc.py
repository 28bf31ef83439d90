"""Connectionist temporal classification, by TensorFlow's kernels."""

import tensorflow as tf

from cthulhu.backend import config

v1 = tf.compat.v1


class CTC:
    """The three functions of `contract.nn` that concern it."""

    def ctc_label_dense_to_sparse(self, labels, label_lengths):
        labels = self._tensor(labels)
        lengths = tf.reshape(tf.cast(self._tensor(label_lengths), tf.int64), [-1])
        shape = tf.shape(labels, out_type=tf.int64)
        indices = tf.where(tf.sequence_mask(lengths, shape[1]))
        return tf.SparseTensor(indices, tf.gather_nd(labels, indices), shape)

    def ctc_batch_cost(self, y_true, y_pred, input_length, label_length):
        lengths = tf.cast(tf.squeeze(self._tensor(input_length), -1), tf.int32)
        labels = self.ctc_label_dense_to_sparse(y_true, tf.squeeze(self._tensor(label_length), -1))
        loss = v1.nn.ctc_loss(tf.cast(labels, tf.int32), self._logits(y_pred), lengths)
        return tf.expand_dims(loss, 1)

    def ctc_decode(self, y_pred, input_length, greedy=True, beam_width=100, top_paths=1, merge_repeated=False):
        lengths = tf.cast(self._tensor(input_length), tf.int32)
        logits = self._logits(y_pred)
        if greedy:
            paths, scores = tf.nn.ctc_greedy_decoder(logits, lengths)
        else:
            paths, scores = v1.nn.ctc_beam_search_decoder(logits, lengths, beam_width, top_paths, merge_repeated)
        return [tf.sparse.to_dense(path, default_value=-1) for path in paths], scores

    def _logits(self, y_pred):
        return tf.math.log(tf.transpose(self._tensor(y_pred), (1, 0, 2)) + config.epsilon())
