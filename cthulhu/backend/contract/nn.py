"""Primitives: convolution, pooling, softmax, connectionist temporal classification.

'same' means TensorFlow's on every backend: the output has ceil(length / stride) elements, the input gets as many zeros
as that needs, half before and the odd one after (`shapes.same_padding`). Arguments arrive checked: tuples of the right
length, lower-case padding, a data format. Tensors are (batch, *spatial, channels) in 'channels_last' and (batch,
channels, *spatial) in 'channels_first', and a backend handles both.
"""

from abc import ABC, abstractmethod


class NN(ABC):
    """Convolutions of one to three spatial axes, pooling, softmax, CTC."""

    @abstractmethod
    def conv(self, x, kernel, strides, padding, data_format, dilation_rate):
        """Convolution (cross-correlation, as is the custom) over 1, 2 or 3 spatial axes.

        Arguments:
            x: tensor, 3-D to 5-D.
            kernel: tensor (*kernel_size, in_channels, out_channels), in either data format.
            strides, dilation_rate: tuples of int; not both above 1 (composed functions refuse that).
            padding: 'valid' or 'same'.
            data_format: 'channels_last' or 'channels_first'.

        Returns:
            Tensor, of the shape that `shapes.conv_shape` gives.
        """

    @abstractmethod
    def conv_transpose(self, x, kernel, output_shape, strides, padding, data_format, dilation_rate):
        """The transpose of `conv`: its gradient with respect to `x`.

        Arguments:
            x: tensor, 4-D or 5-D (2 or 3 spatial axes): what `conv` would have given.
            kernel: tensor (*kernel_size, out_channels, in_channels): in_channels are those of `x`.
            output_shape: tuple of dimensions, the whole shape of the result in `data_format`, batch and channels
                included.
            strides, padding, data_format, dilation_rate: as for `conv`.

        Returns:
            Tensor of shape `output_shape`.
        """

    @abstractmethod
    def with_room(self, x, spans, what):
        """`x`, whose axes are long enough: what does not fit is an error when it, or what is made of it, is computed.

        Arguments:
            x: tensor.
            spans: tuple of int, the least length of each of the first axes after the batch.
            what: str, what needs so much room, for the message: `shapes.no_room(what, lengths)`.

        Returns:
            Tensor like `x`.

        Raises:
            ValueError: when it is computed, and an axis is too short.
        """

    @abstractmethod
    def ctc_batch_cost(self, y_true, y_pred, input_length, label_length):
        """Connectionist temporal classification's loss (Graves et al., 2006), each sequence of a batch.

        Arguments:
            y_true: tensor (batch, max_label_length), labels.
            y_pred: tensor (batch, time, classes), probabilities (a softmax's output); the last class is the blank.
            input_length: tensor (batch, 1), steps of each sequence of `y_pred`.
            label_length: tensor (batch, 1), length of each label sequence.

        Returns:
            Tensor (batch, 1), negative log likelihoods.

        Raises:
            NotImplementedError: the backend does not `supports('ctc')`. So for the two functions below.
        """

    @abstractmethod
    def ctc_decode(self, y_pred, input_length, greedy=True, beam_width=100, top_paths=1, merge_repeated=False):
        """The likeliest labels, by greedy search or beam search.

        Arguments:
            y_pred: tensor (batch, time, classes), probabilities; the last class is the blank.
            input_length: tensor (batch,), steps of each sequence.
            greedy: bool; False searches with a beam.
            beam_width: int, the width of the beam.
            top_paths: int, how many paths a beam search returns.
            merge_repeated: bool, whether a beam search merges equal labels that follow one another in a path.

        Returns:
            (list of `top_paths` tensors (batch, max_decoded_length) of labels, filled with -1;
            tensor (batch, top_paths): each path's log probability (a greedy search: (batch, 1), its negative logit
            sum)).
        """

    @abstractmethod
    def ctc_label_dense_to_sparse(self, labels, label_lengths):
        """Labels as a sparse tensor.

        Arguments:
            labels: int tensor (batch, max_label_length).
            label_lengths: int tensor (batch,).

        Returns:
            Sparse tensor of the shape of `labels`, with the first `label_lengths[i]` elements of each row i.
        """
