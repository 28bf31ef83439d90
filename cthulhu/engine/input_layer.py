"""Input: where tensors enter the graph of layers."""

import typing

from cthulhu import backend as K
from cthulhu.backend import meta
from cthulhu.engine.base_layer import Layer
from cthulhu.engine.call_context import Record
from cthulhu.engine.node import Node
from cthulhu.utils import hints
from cthulhu.utils.arguments import checked


class InputLayer(Layer):
    """The layer behind an input tensor. `Input(...)` is the usual way to make one.

    Arguments:
        input_shape: tuple without the batch axis.
        batch_size: size of the batch axis, or None.
        batch_input_shape: tuple with the batch axis, instead of the two above.
        dtype: dtype of the input; `floatx()` if left out.
        input_tensor: a tensor of the backend to use instead of a new placeholder.
        sparse: whether the placeholder is sparse.
        name: string.
    """

    @checked
    def __init__(
        self,
        input_shape=None,
        batch_size=None,
        batch_input_shape=None,
        dtype=None,
        input_tensor=None,
        sparse=False,
        name=None,
    ):
        if input_shape is not None and batch_input_shape is not None:
            raise ValueError(
                f'InputLayer takes `input_shape` or `batch_input_shape`, not both: got {input_shape!r} and {batch_input_shape!r}.'
            )
        if input_tensor is not None:
            maker = (meta.get_history(input_tensor) or (None,))[0]
            if maker is not None and getattr(maker, 'is_placeholder', True):
                raise ValueError(
                    f'InputLayer needs a tensor of the backend as `input_tensor`, but was given the output of layer "{maker.name}". To build on '
                    'that tensor, call the next layer on it.'
                )
            if maker is not None or K.is_variable(input_tensor):
                input_tensor = K.identity(
                    input_tensor
                )  # each input is a tensor of its own, and a variable has no history
            dtype = K.dtype(input_tensor) if dtype is None else dtype
            if batch_input_shape is None and input_shape is None:
                batch_input_shape = K.int_shape(input_tensor)
        if batch_input_shape is None:
            if input_shape is None:
                raise ValueError(
                    'InputLayer needs a shape: give `input_shape` (without the batch axis) or `batch_input_shape`.'
                )
            batch_input_shape = (batch_size,) + input_shape
        if not name:
            name = 'input_{}'.format(K.get_uid('input'))
        super().__init__(name=name, dtype=K.floatx() if dtype is None else dtype, batch_input_shape=batch_input_shape)
        self.trainable = False
        self.trainable_changed = False
        self.built = True
        self.sparse = sparse
        self.supports_masking = True
        self.is_placeholder = input_tensor is None
        if input_tensor is None:
            input_tensor = K.placeholder(shape=self.batch_input_shape, dtype=self.dtype, sparse=sparse, name=self.name)
        else:
            shape = K.int_shape(input_tensor)
            meta.set_shape(input_tensor, self.batch_input_shape if shape is None else shape)
        Node(
            self,
            input_tensors=[input_tensor],
            output_tensors=[input_tensor],
            input_masks=[None],
            output_masks=[None],
            input_shapes=[self.batch_input_shape],
            output_shapes=[self.batch_input_shape],
            arguments={},
            record=Record(),
        )

    @property
    def input(self):
        """The input tensor itself."""
        return self._inbound_nodes[0].output_tensors[0]

    @property
    def input_shape(self):
        """The shape of the input, with the batch axis."""
        return self.batch_input_shape

    def get_input_at(self, node_index):
        """The input tensor itself: it enters the graph here."""
        return self.get_output_at(node_index)

    def get_input_shape_at(self, node_index):
        """The shape of the input, with the batch axis."""
        return self.get_output_shape_at(node_index)

    def get_config(self):
        return {
            'batch_input_shape': self.batch_input_shape,
            'dtype': self.dtype,
            'sparse': self.sparse,
            'name': self.name,
        }


@checked
def Input(
    shape: typing.Optional[hints.Shape] = None,
    batch_shape: typing.Optional[hints.Shape] = None,
    name: typing.Optional[str] = None,
    dtype: typing.Optional[str] = None,
    sparse: bool = False,
    tensor: typing.Optional[hints.Tensor] = None,
) -> hints.Tensor:
    """Make an input tensor of a model.

    Arguments:
        shape: tuple of integers without the batch axis, None where any size will do: `(32,)` says that the model takes batches of vectors of length 32.
        batch_shape: tuple with the batch axis, instead of `shape`.
        name: string, by which data can be given in a dict.
        dtype: dtype of the data, `floatx()` if left out.
        sparse: whether the data are sparse matrices.
        tensor: a tensor of the backend, to be used instead of data from outside.

    Returns:
        A tensor, to call layers on.

    Raises:
        ValueError: if neither `shape`, `batch_shape` nor `tensor` says what the shape is.

    Example:
        >>> x = Input(shape=(32,))
        >>> y = Daoloth(16, activation='softmax')(x)
        >>> model = Lump(x, y)
    """
    if batch_shape is None and tensor is None and shape is None:
        raise ValueError(
            'Input needs a `shape` without the batch axis, such as Input(shape=(784,)), or a `batch_shape`.'
        )
    if shape is not None and batch_shape is None and tensor is None:
        batch_shape = (None,) + shape
    if tensor is not None and batch_shape is None and shape is not None:
        batch_shape = (None,) + shape
    layer = InputLayer(batch_input_shape=batch_shape, name=name, dtype=dtype, sparse=sparse, input_tensor=tensor)
    return layer.get_output_at(0)
