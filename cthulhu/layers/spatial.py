"""What layers over a grid share: one to three spatial axes, in either data format. Private to this package."""

import inspect
import types

from cthulhu import backend as K
from cthulhu.backend import shapes
from cthulhu.engine.base_layer import InputSpec
from cthulhu.engine.settings import ConfiguredLayer
from cthulhu.utils.arguments import checked


def with_defaults(function, **defaults):
    """A copy of `function` with other default values, so that a rank states its own without writing the rest again.

    >>> def f(a, b=1, c=2):
    ...     return a, b, c
    >>> with_defaults(f, c=5)(0)
    (0, 1, 5)
    """
    function = inspect.unwrap(function)
    optional = [p for p in inspect.signature(function).parameters.values() if p.default is not p.empty]
    values = tuple(defaults.pop(p.name, p.default) for p in optional)
    if defaults:
        raise TypeError(f'{function.__qualname__} has no optional arguments {sorted(defaults)}.')
    copy = types.FunctionType(function.__code__, function.__globals__, function.__name__, values, function.__closure__)
    copy.__qualname__, copy.__module__ = function.__qualname__, function.__module__
    return checked(copy) if copy.__name__ == '__init__' else copy


class SpatialLayer(ConfiguredLayer):
    """A layer over `rank` spatial axes.

    A family says what becomes of a length in `output_length`, of the number of channels in `_output_channels`, and
    computes in `_compute`.
    """

    rank = None

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = K.normalize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def output_length(self, length, axis):
        """The length of the output along a spatial axis, for a length that is known."""
        raise NotImplementedError

    def _output_channels(self, channels):
        return channels

    def _compute(self, inputs):
        raise NotImplementedError

    def call(self, inputs):
        self.compute_output_shape(K.int_shape(inputs))  # a better error than the framework's, where nothing is left
        return self._compute(inputs)

    def compute_output_shape(self, input_shape):
        shape = shapes.to_channels_last(input_shape, self.data_format)
        lengths = []
        for axis, length in enumerate(shape[1:-1]):
            lengths.append(None if length is None else self.output_length(length, axis))
            if length and lengths[-1] <= 0:
                raise ValueError(
                    f'{type(self).__name__} "{self.name}" leaves nothing of inputs of shape {tuple(input_shape)}: axis '
                    f'{axis} of the spatial ones has the length {length}, and would get {lengths[-1]}. Use larger '
                    f'inputs, or other settings (now {self._geometry()}).'
                )
        return shapes.from_channels_last(
            shape[:1] + tuple(lengths) + (self._output_channels(shape[-1]),), self.data_format
        )

    def _geometry(self):
        names = ('kernel_size', 'pool_size', 'strides', 'padding', 'dilation_rate', 'cropping')
        return ', '.join(f'{name}={getattr(self, name)!r}' for name in names if name in self.settings)


class KernelLayer(SpatialLayer):
    """A spatial layer with kernels, a bias and an activation."""

    paddings = ('valid', 'same', 'full')
    dilation_rate = None

    def _keep_geometry(self, kernel_size, strides, padding, dilation_rate=1):
        self.kernel_size = shapes.normalize_tuple(kernel_size, self.rank, 'kernel_size')
        self.strides = shapes.normalize_tuple(strides, self.rank, 'strides')
        self.padding = shapes.normalize_padding(padding, self.paddings)
        self.dilation_rate = shapes.normalize_tuple(dilation_rate, self.rank, 'dilation_rate')
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f'strides and dilation_rate cannot both be above 1, got {self.strides} and {self.dilation_rate}.'
            )

    def output_length(self, length, axis):
        return shapes.conv_output_length(
            length, self.kernel_size[axis], self.padding, self.strides[axis], self.dilation_rate[axis]
        )

    def _input_channels(self, input_shape):
        """The channels of the inputs, which must be known; from now on all inputs must have as many."""
        axis = 1 if self.data_format == 'channels_first' else -1
        channels = input_shape[axis]
        if channels is None:
            raise ValueError(
                f'{type(self).__name__} "{self.name}" needs to know how many channels its inputs have: axis {axis} of '
                f"their shape {tuple(input_shape)} is None (data_format='{self.data_format}')."
            )
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={axis: channels})
        return channels

    def _add_part(self, part, name, shape):
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=getattr(self, part + '_initializer'),
            regularizer=getattr(self, part + '_regularizer'),
            constraint=getattr(self, part + '_constraint'),
        )

    def _add_bias(self, shape):
        self.bias = self._add_part('bias', 'bias', shape) if self.use_bias else None

    def _activated(self, outputs):
        return outputs if self.activation is None else self.activation(outputs)
