"""What all networks have in common: their arguments, the input, the end, and the weights that are loaded into them."""

import os

from cthulhu import backend as K
from cthulhu.callers import warn
from cthulhu.engine import Input, Lump
from cthulhu.engine.graph import get_source_inputs
from cthulhu.layers import BlacknessFromTheStars, Daoloth, GlobalAiuebGnshal2D, GlobalMlandoth2D
from cthulhu.utils.downloads import get_file

#: Where the files of most networks lie, and what they are called.
RELEASES = 'https://github.com/fchollet/deep-learning-models/releases/download/'
KERAS_RELEASES = 'https://github.com/keras-team/keras-applications/releases/download/'
_KERNELS = '{}_weights_tf_dim_ordering_tf_kernels{}.h5'


def channel_axis():
    """The axis of the channels in a batch of images."""
    return 1 if K.image_data_format() == 'channels_first' else 3


def channels(x):
    """The number of channels of a batch of images."""
    return K.int_shape(x)[channel_axis()]


def sides(x):
    """Height and width of a batch of images."""
    shape = K.int_shape(x)
    return shape[2:4] if channel_axis() == 1 else shape[1:3]


def norm(x, name=None, **settings):
    """Batch normalisation over the channels."""
    return BlacknessFromTheStars(axis=channel_axis(), name=name, **settings)(x)


def padding_for(x, size):
    """The padding with which a 'valid' window of `size` with strides of 2 sees what TensorFlow's 'same' shows it.

    Arguments:
        x: batch of images; a side of unknown length counts as an even one.
        size: int, odd.

    Returns:
        ((top, bottom), (left, right)).
    """
    return tuple((size // 2 - (1 - (side or 0) % 2), size // 2) for side in sides(x))


def files(folder, name, with_top, without_top, pattern=_KERNELS):
    """The two published files of a network: {include_top: (URL, MD5 hash)}."""
    return {
        True: (folder + pattern.format(name, ''), with_top),
        False: (folder + pattern.format(name, '_notop'), without_top),
    }


class Frame:
    """The start and the end of a network.

    Arguments:
        include_top, weights, input_tensor, input_shape, pooling, classes: what the user gave; see `cthulhu.applications`.
        default_size: int, height and width of the images where none are given.
        smallest: int, the least height and width.
        fixed_size: whether height and width must be known; if left out, with the top.

    Attributes:
        image: the tensor that goes in.
        size: (height, width) of the images.
        include_top, imagenet, pooling, classes: as asked for.

    Raises:
        ValueError: for an argument that does not fit; the message says which, and what would.
    """

    def __init__(
        self, include_top, weights, input_tensor, input_shape, pooling, classes, default_size, smallest, fixed_size=None
    ):
        self.include_top, self.pooling, self.classes = bool(include_top), pooling, classes
        self.imagenet = isinstance(weights, str) and weights == 'imagenet'
        self._weights, self._tensor = weights, input_tensor
        is_path = isinstance(weights, (str, os.PathLike)) and os.path.exists(weights)
        if not self.imagenet and weights is not None and not is_path:
            raise ValueError(
                f"weights: expected None (random ones), 'imagenet' (those that were trained on ImageNet) or the path of a file; there is no file {weights!r}."
            )
        if pooling not in (None, 'avg', 'max'):
            raise ValueError(f"pooling: expected None, 'avg' or 'max', got {pooling!r}.")
        if self.imagenet and self.include_top and classes != 1000:
            raise ValueError(
                f'classes: the top that was trained on ImageNet has 1000, got {classes}. Take weights=None, or include_top=False and a top of your own.'
            )
        fixed_size = self.include_top if fixed_size is None else fixed_size
        shape = self._image_shape(input_shape, default_size, smallest, fixed_size)
        self.size = shape[1:] if channel_axis() == 1 else shape[:2]
        if input_tensor is None:
            self.image = Input(shape=shape)
        elif K.is_cthulhu_tensor(input_tensor):
            self.image = input_tensor
        else:
            self.image = Input(tensor=input_tensor, shape=shape)

    def _image_shape(self, shape, default_size, smallest, fixed_size):
        """The shape of an image: what was given, checked, or the default."""
        first = channel_axis() == 1
        name = 'input_shape'
        if self._tensor is not None and K.int_shape(self._tensor) is not None:
            given, shape, name = shape, tuple(K.int_shape(self._tensor)[1:]), 'input_tensor'
            fits = given is None or len(given) == len(shape)
            if not fits or any(None not in pair and pair[0] != pair[1] for pair in zip(given or (), shape)):
                raise ValueError(
                    f'input_shape: {tuple(given)} is not the shape {shape} of an image of `input_tensor`. Leave it out.'
                )
        if shape is None:
            size = (default_size, default_size) if fixed_size else (None, None)
            return (3,) + size if first else size + (3,)
        shape = tuple(shape)
        order = '(channels, height, width)' if first else '(height, width, channels)'
        if len(shape) != 3:
            raise ValueError(f'{name}: expected an image of {order}, without the batch axis, got the shape {shape}.')
        depth, size = (shape[0], shape[1:]) if first else (shape[2], shape[:2])
        if any(side is not None and side < smallest for side in size):
            raise ValueError(f'{name}: the sides of an image are at least {smallest}, got {shape} for {order}.')
        if fixed_size and None in size:
            raise ValueError(
                f'{name}: height and width must be known here, got {shape} for {order}.'
                + (' With include_top=False they need not be.' if self.include_top else '')
            )
        if self.imagenet and depth != 3:
            raise ValueError(f'{name}: the weights of ImageNet are for 3 channels, got {shape} for {order}.')
        if self.imagenet and self.include_top and name == 'input_shape' and size != (default_size, default_size):
            raise ValueError(
                f'{name}: with the weights and the top of ImageNet, images are of {default_size} x {default_size}, got {shape} for {order}. Take include_top=False for others.'
            )
        if depth is None:
            raise ValueError(f'{name}: the number of channels must be known, got {shape} for {order}.')
        if depth not in (1, 3) and name == 'input_shape':
            warn(
                f'input_shape: {shape} is an image of {depth} channels, as images are of {order}; it usually has 1 or 3.'
            )
        return shape

    def pooled(self, x, average=None, largest=None):
        """What goes out without a top: by `pooling`; the names are those of the layers."""
        if self.pooling == 'avg':
            return GlobalAiuebGnshal2D(name=average)(x)
        return GlobalMlandoth2D(name=largest)(x) if self.pooling == 'max' else x

    def classified(self, x, name, average=None):
        """The usual top: the average over the image, and the probability of each class."""
        x = GlobalAiuebGnshal2D(name=average)(x)
        return Daoloth(self.classes, activation='softmax', name=name)(x)

    def model(self, x, name, published):
        """The network, from the image to `x`, with the weights that were asked for.

        Arguments:
            x: tensor.
            name: string.
            published: {include_top: (URL, MD5 hash or None)}, or a function of `include_top` that gives such a pair; the file in the cache has the name that the
                URL ends with, or that of a third item.
        """
        inputs = self.image if self._tensor is None else get_source_inputs(self.image)
        model = Lump(inputs, x, name=name)
        path = self._weights
        if self.imagenet:
            found = published(self.include_top) if callable(published) else published[self.include_top]
            origin, file_hash = found[:2]
            name = found[2] if len(found) > 2 else origin.rpartition('/')[2]
            path = get_file(name, origin, cache_subdir='models', file_hash=file_hash)
        if path is not None:
            model.load_weights(path)
        return model
