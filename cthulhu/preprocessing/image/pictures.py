"""Pictures: read from files by Pillow, written to files, and as arrays."""

import functools
import io
import os

import numpy as np

from cthulhu import backend as K
from cthulhu.callers import warn
from cthulhu.storage.errors import DamagedFileError, UnsafeFileError
from cthulhu.utils.arguments import checked

COLOR_MODES = {'grayscale': 1, 'rgb': 3, 'rgba': 4}
INTERPOLATIONS = ('nearest', 'bilinear', 'bicubic', 'hamming', 'box', 'lanczos')
EXTENSIONS = ('png', 'jpg', 'jpeg', 'bmp', 'ppm', 'tif', 'tiff')

# Of what Pillow reads, the formats that it reads by itself: for others it starts a program (EPS), or reads what is named in the file.
_FORMATS = 'PNG JPEG BMP GIF PPM TIFF WEBP DIB ICO JPEG2000 TGA PCX SGI AVIF'.split()
# Bytes up to which a file is read in one step: Pillow reads in many small ones, each of which lets another thread in.
_SMALL = 2**19
# Bytes up to which a file is held in memory as a whole.
_MODERATE = 2**24
# The modes of the colours, and the axis of the channels of pictures of 8 bits.
_MODES = {'grayscale': 'L', 'rgb': 'RGB', 'rgba': 'RGBA'}
_BANDS = {'L': (), 'RGB': (3,), 'RGBA': (4,)}
# Gray, but with more than 8 bits.
_DEEP = ('I', 'F', 'I;16', 'I;16L', 'I;16B', 'I;16N')


def pillow():
    """Pillow's module `Image`.

    Raises:
        ImportError: with what to install, if there is none.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError('Pictures need Pillow, which is not installed: `pip install pillow`.') from error
    return Image


@functools.lru_cache(maxsize=None)
def formats():
    """The names, as Pillow has them, of the formats that are read."""
    image = pillow()
    image.init()
    return tuple(name for name in _FORMATS if name in image.OPEN)


def check_color_mode(color_mode):
    """Raises ValueError for a colour mode that there is not."""
    if color_mode not in tuple(COLOR_MODES):
        raise ValueError(f"`color_mode` must be 'rgb', 'rgba' or 'grayscale'; got {color_mode!r}.")


def check_interpolation(interpolation):
    """Raises ValueError for an interpolation that there is not."""
    if interpolation not in INTERPOLATIONS:
        raise ValueError(f'`interpolation` must be one of {", ".join(INTERPOLATIONS)}; got {interpolation!r}.')


def check_data_format(data_format):
    """The data format, or that of the settings for None.

    Raises:
        ValueError: for a data format that there is not.
    """
    if data_format is None:
        return K.image_data_format()
    if data_format not in ('channels_first', 'channels_last'):
        raise ValueError(f"`data_format` must be 'channels_last' or 'channels_first'; got {data_format!r}.")
    return data_format


@checked
def load_img(path, grayscale=False, color_mode='rgb', target_size=None, interpolation='nearest'):
    """Read a picture.

    Arguments:
        path: file name, or an open binary file.
        grayscale: the older way to say `color_mode='grayscale'`.
        color_mode: 'rgb', 'rgba', or 'grayscale', which keeps what is more than 8 bits deep: values up to 65535, or floats. In colours such
            pictures come with 8 bits, the higher ones of 16.
        target_size: (height, width), or None to keep that of the picture.
        interpolation: how it is resized: 'nearest', 'bilinear', 'bicubic', 'hamming', 'box' or 'lanczos'.

    Returns:
        A Pillow image.

    Raises:
        DamagedFileError: (an OSError) for a file that is no picture, or is cut short; it names the file.
        UnsafeFileError: for a picture of more pixels than Pillow's `Image.MAX_IMAGE_PIXELS`, before they are decoded.
    """
    if grayscale:
        warn("`grayscale=True` is now `color_mode='grayscale'`.")
        color_mode = 'grayscale'
    check_color_mode(color_mode)
    check_interpolation(interpolation)
    if isinstance(path, (bytes, bytearray)):
        raise TypeError('`path` must be the name of a file, or an open binary file; got bytes. Give io.BytesIO(data).')
    if not (isinstance(path, (str, os.PathLike)) or hasattr(path, 'read')):
        raise TypeError(f'`path` must be the name of a file, or an open binary file; got {path!r}.')
    size = None if target_size is None else tuple(target_size)[::-1]
    return read_picture(path, color_mode, size, interpolation)


def read_picture(path, color_mode, size, interpolation, data=None, pixels=False):
    """`load_img` for arguments that were checked.

    Arguments:
        path, color_mode, interpolation: as for `load_img`.
        size: (width, height) or None.
        data: what is in the file, where it was read already.
        pixels: whether pixels are all that is wanted.

    Returns:
        A Pillow image; with `pixels` perhaps an array of the same pixels.
    """
    try:
        # Not for 'nearest', which picks pixels.
        enough = None if size is None or interpolation == 'nearest' else (2 * size[0], 2 * size[1])
        image = _decoded(path, data, enough, pixels)
        if isinstance(image, np.ndarray):
            if size in (None, image.shape[1::-1]) and image.shape[2:] == _BANDS[_MODES[color_mode]]:
                return image
            image = pillow().fromarray(image)
        image = _in_colors(image, color_mode, path)
        if size is not None and image.size != size:
            image = _resized(image, size, interpolation)
        return image
    except (UnsafeFileError, DamagedFileError, FileNotFoundError, PermissionError, IsADirectoryError, ImportError):
        raise
    except MemoryError:
        raise UnsafeFileError(f'{path!r} needs more memory than there is.') from None
    except Exception as error:
        raise _explained(error, path) from error


def bytes_of(path, most):
    """What is in a file of up to so many bytes; None for a larger one, an empty one, and one that cannot be read."""
    try:
        file = os.open(path, os.O_RDONLY | getattr(os, 'O_BINARY', 0))
        try:
            data = os.read(file, most + 1)
        finally:
            os.close(file)
    except OSError:
        return None
    return data if 0 < len(data) <= most else None


def _decoded(path, data, enough, pixels):
    """The picture in a file; a JPEG with pixels to spare is decoded at 1/2, 1/4 or 1/8, with at least `enough` of them, (width, height)."""
    if hasattr(path, 'read'):
        return _loaded(path, path, enough, pixels)
    data = bytes_of(path, _SMALL) if data is None else data
    with open(path, 'rb') if data is None else io.BytesIO(data) as file:
        return _loaded(file, path, enough, pixels)


def _loaded(file, path, enough, pixels):
    module = pillow()
    image = module.open(file, formats=formats())
    most, count = module.MAX_IMAGE_PIXELS, image.size[0] * image.size[1]
    if most is not None and count > most:
        raise UnsafeFileError(
            f'{path!r} declares {image.size[0]} x {image.size[1]} pixels; up to {most} are decoded. If you trust it, set PIL.Image.MAX_IMAGE_PIXELS higher.'
        )
    array = _plain(image, file) if pixels and image.format == 'PNG' else None
    if array is not None:
        return array
    if enough is not None:
        image.draft(image.mode, enough)
    image.load()
    return image


@functools.lru_cache(maxsize=None)
def png_decoder():
    """The function of imagecodecs that makes an array of a PNG; None if that is not installed."""
    try:
        from imagecodecs import png_decode
    except ImportError:
        return None
    return png_decode


def _plain(image, file):
    """The pixels of an opened PNG of 8 bits, decoded by imagecodecs in half of Pillow's time; None for other kinds, and for what it does not read.

    Pillow says what is in the file, and what is wrong with it: what imagecodecs refuses, Pillow is asked about.
    """
    decode = png_decoder()
    if decode is None or image.mode not in _BANDS or 'transparency' in image.info or 'interlace' in image.info:
        return None
    # How the pixels are packed is as the mode says, not in 16 bits or 4; and there is one picture.
    if [(tile[0], tile[3]) for tile in image.tile] != [('zip', image.mode)] or getattr(image, 'is_animated', False):
        return None
    place = file.tell()
    file.seek(0)
    data = file.read(_MODERATE + 1)
    file.seek(place)
    if len(data) > _MODERATE:
        return None
    try:
        array = decode(data)
    except Exception:
        return None
    return array if array.dtype == np.uint8 and array.shape == image.size[::-1] + _BANDS[image.mode] else None


def _explained(error, path):
    """The error that names the file, for one from Pillow."""
    kind = type(error).__name__
    if kind in ('DecompressionBombError', 'DecompressionBombWarning'):
        return UnsafeFileError(
            f'{path!r} declares too many pixels: {error} If you trust it, set PIL.Image.MAX_IMAGE_PIXELS higher.'
        )
    if kind == 'UnidentifiedImageError':
        return DamagedFileError(f'{path!r} is no picture in a format that is read ({", ".join(formats())}).')
    return DamagedFileError(f'{path!r} cannot be read as a picture, it is cut short or damaged: {str(error) or kind}')


def _in_colors(image, color_mode, path):
    mode = image.mode
    if color_mode == 'grayscale':
        if mode == 'L' or mode in _DEEP:
            return image
        wanted = 'L'
    else:
        wanted = color_mode.upper()
        if mode == wanted:
            return image
        if mode in _DEEP:
            image = _with_8_bits(image, path)
    if mode == 'P' and 'transparency' in image.info:
        image = image.convert('RGBA')  # the way that Pillow wants these to go
    return image.convert(wanted)


def _with_8_bits(image, path):
    """A deep picture with 8 bits. Pillow alone would cut off at 255, so that all of it is white."""
    if image.mode.startswith('I;16') or image.format == 'PNG':
        return pillow().fromarray((np.asarray(image) >> 8).astype('uint8'))
    raise DamagedFileError(
        f"{path!r} is a picture of {'floats' if image.mode == 'F' else '32-bit integers'}, which has no known range, so it has no colours. Read it with color_mode='grayscale', and rescale it."
    )


def _resized(image, size, interpolation):
    if image.mode.startswith('I;16') and interpolation != 'nearest':
        image = image.convert('I')
    module = pillow()
    return image.resize(size, getattr(getattr(module, 'Resampling', module), interpolation.upper()))


def img_to_array(img, data_format=None, dtype=None):
    """A picture as an array.

    Arguments:
        img: Pillow image, or array (height, width) or with three axes in the data format.
        data_format: 'channels_last', 'channels_first', or None for that of the settings: the order of the axes of the array.
        dtype: of the array; `floatx()` if None.

    Returns:
        Array (height, width, channels) or (channels, height, width), a copy.

    Example:
        >>> img_to_array(np.zeros((4, 5)), 'channels_first').shape
        (1, 4, 5)
    """
    data_format = check_data_format(data_format)
    return np.array(with_channels(img, data_format), dtype=dtype or K.floatx())


def with_channels(image, data_format):
    """The array of a picture, with an axis of channels; a view where it can be."""
    if getattr(image, 'mode', None) in _BANDS:
        # What NumPy would ask the image for, in a third of the time, which for a small picture is a fifth of all.
        width, height = image.size
        x = np.frombuffer(image.tobytes(), 'uint8').reshape((height, width) + _BANDS[image.mode])
    else:
        x = np.asarray(image)
    if x.ndim == 2:
        return x[:, :, np.newaxis] if data_format == 'channels_last' else x[np.newaxis]
    if x.ndim != 3:
        raise ValueError(f'`img` must have two or three axes; got the shape {x.shape}.')
    return x.transpose(2, 0, 1) if data_format == 'channels_first' else x


@checked
def array_to_img(x, data_format=None, scale=True, dtype=None):
    """An array as a picture.

    Arguments:
        x: array (height, width, channels) or (channels, height, width), of 1, 3 or 4 channels.
        data_format: the order of its axes; None for that of the settings.
        scale: whether its values are stretched so that the smallest is 0 and the largest 255. If not, they must be from 0 to 255; with
            one channel, they may be larger and give a picture of 32-bit integers.
        dtype: in which it is computed; `floatx()` if None.

    Returns:
        A Pillow image.

    Raises:
        ValueError: for another shape, or for values that no picture has.
    """
    data_format = check_data_format(data_format)
    x = np.asarray(x, dtype=dtype or K.floatx())
    if x.ndim != 3:
        raise ValueError(f'`x` must have three axes, one of them the channels; got the shape {x.shape}.')
    if data_format == 'channels_first':
        x = x.transpose(1, 2, 0)
    if x.shape[2] not in (1, 3, 4) or not x.size:
        raise ValueError(
            f'`x` must have 1, 3 or 4 channels; got the shape {x.shape} (height, width, channels) with data_format={data_format!r}.'
        )
    low, high = x.min(), x.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError('`x` has values that are infinite or not a number, which no picture has.')
    if scale:
        x = x - low
        high = x.max()
        if high:
            x = x / high * 255
    elif low <= -1 or high >= 256 and x.shape[2] > 1:
        raise ValueError(
            f'With scale=False the values of `x` must be from 0 to 255; they are from {low} to {high}. scale=True stretches them.'
        )
    image = pillow()
    if x.shape[2] > 1:
        return image.fromarray(np.clip(x, 0, 255).astype('uint8'))
    x = np.clip(x[:, :, 0], 0, None)
    return image.fromarray(x.astype('int32' if x.max() > 255 else 'uint8'))


@checked
def save_img(path, x, data_format=None, file_format=None, scale=True, **kwargs):
    """Write an array to a file, as a picture.

    Arguments:
        path: file name, or an open binary file.
        x, data_format, scale: as for `array_to_img`.
        file_format: such as 'png' or 'jpg'; None goes by the name of the file.
        **kwargs: for Pillow's `Image.save`.
    """
    if not (isinstance(path, (str, os.PathLike)) or hasattr(path, 'write')):
        raise TypeError(f'`path` must be the name of a file, or an open binary file; got {path!r}.')
    if file_format is None and not hasattr(path, 'write'):
        file_format = os.path.splitext(os.fspath(path))[1][1:]
    if file_format is not None:
        check_file_format(file_format)
    image = array_to_img(x, data_format=data_format, scale=scale)
    jpeg = str(file_format).lower() in ('jpg', 'jpeg')
    if jpeg and image.mode == 'RGBA':
        warn('JPEG has no transparency: the picture is saved without it.')
        image = image.convert('RGB')
    image.save(path, format='jpeg' if jpeg else file_format, **kwargs)


def check_file_format(file_format, name='file_format'):
    """Raises ValueError for what is no format in which Pillow writes pictures."""
    pillow().init()
    known = pillow().registered_extensions()
    if not isinstance(file_format, str) or known.get(f'.{file_format.lower()}') not in pillow().SAVE:
        raise ValueError(
            f"`{name}` must be a format in which pictures are written, such as 'png' or 'jpg'; got {file_format!r}. It is the ending of the file's name, if not given."
        )


def list_pictures(directory, ext=EXTENSIONS):
    """The names of all picture files in a folder and the folders in it, in order.

    Arguments:
        directory: the folder.
        ext: tuple of the endings of their names, or one.
    """
    if not os.path.isdir(directory):
        raise FileNotFoundError(f'`directory` must be a folder that exists; there is no folder {directory!r}.')
    endings = tuple(f'.{ending.lower()}' for ending in ((ext,) if isinstance(ext, str) else ext))
    return sorted(
        os.path.join(folder, name)
        for folder, _, names in os.walk(directory)
        for name in names
        if name.lower().endswith(endings)
    )
