"""Composed: losses and normalisation."""

from cthulhu.backend import config, shapes
from cthulhu.backend.composed.convolution import Convolution


class NN(Convolution):
    """Crossentropies, biases, batch normalisation; and the convolutions."""

    def _logits_of(self, output, activation):
        """The tensor of which `output` is the softmax or sigmoid, or None where the framework does not show it.

        A loss taken from it is exact where probabilities round to 0 or 1, and its gradient does not vanish there.

        Arguments:
            output: tensor.
            activation: 'softmax' (over the last axis) or 'sigmoid'.
        """
        return None

    def softmax(self, x, axis=-1):
        """exp(x) over its sum along `axis`, without overflow."""
        powers = self.exp(x - self.stop_gradient(self.max(x, axis=axis, keepdims=True)))
        return powers / self.sum(powers, axis=axis, keepdims=True)

    def log_softmax(self, x, axis=-1):
        """The logarithm of `softmax(x, axis)`, without overflow or log(0)."""
        x = x - self.stop_gradient(self.max(x, axis=axis, keepdims=True))
        return x - self.log(self.sum(self.exp(x), axis=axis, keepdims=True))

    def only_where(self, condition, x):
        """`x` where a condition is true; elsewhere zeros, through which no gradient passes, whatever stood there.

        What a softmax or sigmoid gave stays that, so that a loss can still be taken from what it was computed of; the zeros
        are before it then.

        Arguments:
            condition: bool tensor that broadcasts to `x`.
            x: tensor.

        Returns:
            Tensor of the shape and dtype of `x`.
        """
        for activation, function in ('softmax', self.softmax), ('sigmoid', self.sigmoid):
            logits = self._logits_of(x, activation)
            if logits is not None:
                return function(self._kept(condition, logits))
        return self._kept(condition, x)

    def widened(self, x, dtype='float32'):
        """`x` in a wider float type, as losses and metrics take what a layer computed in a shorter one.

        What a softmax or sigmoid gave is computed anew, of what went into it, so that small probabilities are not rounded, and a loss can still be taken
        from what it was computed of.

        Arguments:
            x: tensor of floats.
            dtype: str, a float type.

        Returns:
            Tensor of the shape of `x`; itself where it has that type.
        """
        if self.dtype(x) == dtype:
            return x
        for activation, function in ('softmax', self.softmax), ('sigmoid', self.sigmoid):
            logits = self._logits_of(x, activation)
            if logits is not None:
                return function(self.cast(logits, dtype))
        return self.cast(x, dtype)

    _kept_by_product = False

    def _kept(self, condition, x):
        if self._kept_by_product and self.dtype(x).startswith('float'):
            return self.multiply_no_nan(x, self.cast(condition, self.dtype(x)))
        return self.where(condition, x, 0)

    def multiply_no_nan(self, x, y):
        """`x * y`, which is 0 where `y` is 0, whatever stands in `x`: infinity or no number.

        Arguments:
            x, y: tensors of one dtype whose shapes broadcast.

        Returns:
            Tensor of the broadcast shape.
        """
        return self.where(self.not_equal(y, 0), x, 0.0) * y

    def categorical_crossentropy(self, target, output, from_logits=False, axis=-1):
        """Crossentropy of distributions over classes: -sum(target * log(output)).

        Arguments:
            target: tensor, probabilities of the classes, of the shape of `output`.
            output: tensor, probabilities (divided by their sum along `axis`, and clipped by `epsilon()`); or logits.
            from_logits: bool, whether `output` is logits: a softmax's input.
            axis: int, the axis of the classes.

        Returns:
            Tensor of the shape of `output` without `axis`.

        Raises:
            ValueError: there is no such axis.
        """
        axis = self._class_axis(output, axis)
        target = self.cast(target, self.dtype(output))
        logits = output if from_logits else self._softmax_input(output, axis)
        if logits is not None:
            return self._softmax_crossentropy(target, logits, axis)
        output = output / self.sum(output, axis=axis, keepdims=True)
        return -self.sum(target * self.log(self._clip_probability(output)), axis=axis)

    def sparse_categorical_crossentropy(self, target, output, from_logits=False, axis=-1):
        """Crossentropy of classes given as numbers: -log(output[target]).

        Arguments:
            target: tensor, class numbers, of the shape of `output` without `axis`; or with as many elements in another
                shape, such as a last axis of length 1.
            output: tensor, probabilities (clipped by `epsilon()`, then divided by their sum); or logits.
            from_logits: bool, whether `output` is logits: a softmax's input.
            axis: int, the axis of the classes.

        Returns:
            Tensor of the shape of `output` without `axis`.

        Raises:
            ValueError: there is no such axis.
        """
        axis = self._class_axis(output, axis)
        logits = output if from_logits else self._softmax_input(output, axis)
        if logits is None:
            logits = self.log(self._clip_probability(output))
        rank = self._rank(output)
        if axis != rank - 1:
            logits = self.permute_dimensions(logits, [a for a in range(rank) if a != axis] + [axis])
        target = self.cast(target, 'int64')
        if self.ndim(target) != rank - 1:
            target = self.reshape(target, self._dims(logits)[:-1])
        return self._sparse_softmax_crossentropy(self._in_range(target, self._dims(logits)[-1], 'class'), logits)

    def binary_crossentropy(self, target, output, from_logits=False):
        """Crossentropy of each element by itself: -target * log(output) - (1 - target) * log(1 - output).

        Arguments:
            target: tensor of probabilities, of the shape of `output`.
            output: tensor, probabilities (clipped by `epsilon()`, which is also added before the logarithm); or logits.
            from_logits: bool, whether `output` is logits: a sigmoid's input.

        Returns:
            Tensor of the shape of `output`.
        """
        target = self.cast(target, self.dtype(output))
        logits = output if from_logits else self._logits_of(output, 'sigmoid')
        if logits is not None:
            return self._sigmoid_crossentropy(target, logits)
        epsilon = config.epsilon()
        output = self._clip_probability(output)
        return -target * self.log(output + epsilon) - (1.0 - target) * self.log(1.0 - output + epsilon)

    def _in_range(self, indices, size, what):
        """Integers, once it was seen that they are indices into `size` things; here it is left to the kernel that takes them."""
        return indices

    # The three below are apart so that a backend with fused kernels overrides no more than them.

    def _softmax_crossentropy(self, target, logits, axis):
        return -self.sum(target * self.log_softmax(logits, axis=axis), axis=axis)

    def _sparse_softmax_crossentropy(self, target, logits):
        chosen = self.cast(self.one_hot(target, self._dims(logits)[-1]), self.dtype(logits))
        return -self.sum(chosen * self.log_softmax(logits, axis=-1), axis=-1)

    def _sigmoid_crossentropy(self, target, logits):
        # Not by |logits|, whose derivative is not right where they are 0: behind a row of dead units.
        return target * self.softplus(-logits) + (1.0 - target) * self.softplus(logits)

    def _softmax_input(self, output, axis):
        return self._logits_of(output, 'softmax') if axis == self._rank(output) - 1 else None

    def _clip_probability(self, x):
        return self.clip(x, config.epsilon(), 1.0 - config.epsilon())

    def _class_axis(self, output, axis):
        rank = self._rank(output)
        if not -rank <= axis < rank:
            raise ValueError(f'axis: output of shape {self.int_shape(output)} has no axis {axis}.')
        return axis % rank

    def bias_add(self, x, bias, data_format=None):
        """`x` plus a bias for each channel, or for each element of a sample.

        Arguments:
            x: tensor (batch, ...).
            bias: tensor (channels,); or with one dimension less than `x`: the spatial axes, then channels, in either
                data format.
            data_format: 'channels_last' or 'channels_first', by default `image_data_format()`.

        Returns:
            Tensor of the shape of `x`.

        Raises:
            ValueError: another data format, or a bias of another rank.
        """
        data_format = config.normalize_data_format(data_format)
        rank, dims = self._rank(x), self._dims(bias)
        if len(dims) not in (1, rank - 1):
            raise ValueError(
                f'bias: expected 1 dimension, or {rank - 1} for x of shape {self.int_shape(x)}, '
                f'got shape {self.int_shape(bias)}.'
            )
        if data_format == 'channels_last' or rank < 3:
            return x + bias
        if len(dims) == 1:
            return x + self.reshape(bias, [1] + dims + [1] * (rank - 2))
        return x + self.permute_dimensions(bias, [rank - 2] + list(range(rank - 2)))

    def normalize_batch_in_training(self, x, gamma, beta, reduction_axes, epsilon=1e-3):
        """Normalises by the mean and variance of the batch, then scales and shifts.

        Arguments:
            x: tensor.
            gamma, beta: tensors of the shape of the mean, scale and shift; or None.
            reduction_axes: list of int, the axes over which mean and variance are taken.
            epsilon: number added to the variance.

        Returns:
            (normalised, mean, variance): of the shape of `x`, and twice of its shape without `reduction_axes`; the
            variance is the population's (divided by N).

        Source: Ioffe and Szegedy, "Batch normalization: accelerating deep network training", 2015.
        """
        dims = self._dims(x)
        axes = [axis % len(dims) for axis in reduction_axes]
        mean = self.mean(x, axis=axes)
        var = self.var(x, axis=axes)
        parameters = [mean, var, beta, gamma]
        if sorted(axes) != list(range(len(dims) - 1)):
            shape = [1 if axis in axes else n for axis, n in enumerate(dims)]
            parameters = [p if p is None else self.reshape(p, shape) for p in parameters]
        return self._normalize(x, *parameters, epsilon=epsilon), mean, var

    def batch_normalization(self, x, mean, var, beta, gamma, axis=-1, epsilon=1e-3):
        """Normalises by given statistics: (x - mean) / sqrt(var + epsilon) * gamma + beta.

        Arguments:
            x: tensor.
            mean, var: tensors (channels,), or of a shape that broadcasts to that of `x`.
            beta, gamma: tensors like them, shift and scale; or None.
            axis: int, the axis of the channels, for those that have 1 dimension.
            epsilon: number added to the variance.

        Returns:
            Tensor of the shape of `x`.
        """
        rank = self._rank(x)
        axis %= rank

        def fit(p):
            if p is None or axis == rank - 1 or self._rank(p) != 1:
                return p
            return self.reshape(p, [1] * axis + self._dims(p) + [1] * (rank - 1 - axis))

        return self._normalize(x, fit(mean), fit(var), fit(beta), fit(gamma), epsilon)

    def layer_normalization(self, x, gamma=None, beta=None, axis=-1, epsilon=1e-3):
        """Normalises each sample by its own mean and variance along some axes: (x - mean) / sqrt(var + epsilon) * gamma + beta.

        Arguments:
            x: tensor of floats; those of half the width are computed in float32.
            gamma, beta: tensors of the lengths of these axes, in their order in `x`: scale and shift; or None.
            axis: int, or a list or tuple of int.
            epsilon: number added to the variance.

        Returns:
            Tensor of the shape and dtype of `x`.

        Raises:
            ValueError: there is no such axis.

        Source: Ba et al., "Layer normalization", 2016.
        """
        dims, dtype = self._dims(x), self.dtype(x)
        axes = sorted(set(shapes.normalize_axis(axis if isinstance(axis, (list, tuple)) else [axis], len(dims))))
        wide = 'float32' if dtype in ('float16', 'bfloat16') else dtype
        x, gamma, beta = (p if p is None else self.cast(p, wide) for p in (x, gamma, beta))
        return self.cast(self._layer_normalized(x, gamma, beta, axes, epsilon), dtype)

    def _layer_normalized(self, x, gamma, beta, axes, epsilon):
        dims = self._dims(x)
        if axes != list(range(len(dims) - len(axes), len(dims))):
            shape = [n if axis in axes else 1 for axis, n in enumerate(dims)]
            gamma, beta = (p if p is None else self.reshape(p, shape) for p in (gamma, beta))
        centred = x - self.mean(x, axis=axes, keepdims=True)
        scale = 1.0 / self.sqrt(self.mean(self.square(centred), axis=axes, keepdims=True) + epsilon)
        found = centred * (scale if gamma is None else scale * gamma)
        return found if beta is None else found + beta

    def normalized_by_phase(self, x, gamma, beta, mean, var, training, axis, epsilon):
        """Batch normalisation by one operation of the framework, as its layer has it.

        Arguments:
            x, gamma, beta, axis, epsilon: as for `batch_normalization`.
            mean, var: tensors (channels,), the statistics to use outside of training.
            training: scalar tensor of bool, whether those of the batch are used.

        Returns:
            (normalised, mean, variance), the latter those that moving averages are to learn: of the batch, its variance times n / (n - 1 - epsilon), or
            `mean` and `var`; None where the backend has no such operation.
        """
        return None

    def _normalize(self, x, mean, var, beta, gamma, epsilon):
        # One scale and one shift a channel, then two operations on the whole of x.
        scale = 1.0 / self.sqrt(var + epsilon)
        if gamma is not None:
            scale = scale * gamma
        shift = -mean * scale
        if beta is not None:
            shift = shift + beta
        return x * scale + shift
