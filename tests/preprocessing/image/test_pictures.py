"""Pictures in files and in arrays: modes, sizes, damaged files and those of strangers."""

import io
import os
import struct
import time
import tracemalloc
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.preprocessing.image import array_to_img, img_to_array, list_pictures, load_img, pictures, save_img
from cthulhu.storage.errors import DamagedFileError, UnsafeFileError
from tests.preprocessing.image.helpers import noise, write

Image = pytest.importorskip('PIL.Image')


def png_file(width, height, color=2, packed=b'', depth=8):
    """The bytes of a PNG that declares a size, whatever it has."""

    def part(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))

    header = struct.pack('>IIBBBBB', width, height, depth, color, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + part(b'IHDR', header) + part(b'IDAT', packed) + part(b'IEND', b'')


@pytest.mark.parametrize('data_format', ['channels_last', 'channels_first'])
@pytest.mark.parametrize('channels', [1, 3, 4])
def test_what_is_saved_is_loaded(tmp_path, channels, data_format):
    x = noise(channels=channels)
    given = x.transpose(2, 0, 1) if data_format == 'channels_first' else x
    mode = {1: 'grayscale', 3: 'rgb', 4: 'rgba'}[channels]
    save_img(str(tmp_path / 'x.png'), given, data_format=data_format, scale=False)
    found = img_to_array(load_img(str(tmp_path / 'x.png'), color_mode=mode), data_format=data_format)
    assert found.dtype == K.floatx()
    np.testing.assert_array_equal(found, given)


def test_a_path_or_an_open_file(tmp_path):
    path = write(tmp_path / 'x.png', noise())
    for source in (path, tmp_path / 'x.png', io.BytesIO(Path(path).read_bytes())):
        np.testing.assert_array_equal(img_to_array(load_img(source)), noise())


def test_grayscale_is_the_older_word(tmp_path):
    path = write(tmp_path / 'x.png', noise())
    with pytest.warns(UserWarning, match='color_mode'):
        assert load_img(path, grayscale=True).mode == 'L'


def test_16_bits_keep_their_range(tmp_path):
    deep = (np.arange(48, dtype='uint16') * 1365).reshape(8, 6)
    Image.fromarray(deep).save(str(tmp_path / 'deep.png'))
    Image.fromarray(deep).save(str(tmp_path / 'deep.tif'))
    for name in ('deep.png', 'deep.tif'):
        path = str(tmp_path / name)
        gray = img_to_array(load_img(path, color_mode='grayscale'))
        np.testing.assert_array_equal(gray[:, :, 0], deep)
        assert load_img(path, color_mode='grayscale', target_size=(4, 3), interpolation='bilinear').size == (3, 4)
    # Keras cuts off at 255, so that nearly all of it is white.
    colors = img_to_array(load_img(str(tmp_path / 'deep.png')), dtype='int32')
    np.testing.assert_array_equal(colors, np.repeat((deep >> 8)[:, :, np.newaxis], 3, axis=2))


def test_floats_are_gray_and_have_no_colours(tmp_path):
    x = np.linspace(-1, 1, 12, dtype='float32').reshape(3, 4)
    Image.fromarray(x).save(str(tmp_path / 'x.tif'))
    np.testing.assert_array_equal(img_to_array(load_img(str(tmp_path / 'x.tif'), color_mode='grayscale'))[:, :, 0], x)
    with pytest.raises(DamagedFileError, match="x.tif' is a picture of floats, .*no known range.*'grayscale'"):
        load_img(str(tmp_path / 'x.tif'))


def test_palette_with_transparency(tmp_path):
    image = Image.fromarray(noise()).quantize(8)
    image.save(str(tmp_path / 'x.png'), transparency=bytes([0, 255, 100, 255, 255, 255, 255, 255]))
    plain = np.asarray(image.convert('RGB'))
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        np.testing.assert_array_equal(np.asarray(load_img(str(tmp_path / 'x.png'))), plain)
        rgba = np.asarray(load_img(str(tmp_path / 'x.png'), color_mode='rgba'))
        assert load_img(str(tmp_path / 'x.png'), color_mode='grayscale').mode == 'L'
    np.testing.assert_array_equal(rgba[:, :, :3], plain)
    assert set(np.unique(rgba[:, :, 3])) <= {0, 100, 255} and len(np.unique(rgba[:, :, 3])) > 1


def test_a_large_jpeg_is_decoded_smaller_and_looks_the_same(tmp_path):
    smooth = np.asarray(Image.fromarray(noise(20, 20)).resize((800, 800), 3))
    path = write(tmp_path / 'x.jpg', smooth, quality=95)
    found = np.asarray(load_img(path, target_size=(50, 50), interpolation='bilinear')).astype(int)
    with Image.open(path) as image:
        whole, picked = np.asarray(image.resize((50, 50), 2)).astype(int), np.asarray(image.resize((50, 50), 0))
    assert np.abs(found - whole).mean() < 1
    nearest = np.asarray(load_img(path, target_size=(50, 50)))
    np.testing.assert_array_equal(nearest, picked)


@pytest.mark.filterwarnings('ignore:Corrupt EXIF')
@pytest.mark.parametrize('name', ['x.png', 'x.jpg', 'x.bmp', 'x.gif', 'x.tif', 'x.webp'])
def test_a_file_that_is_cut_short_is_named(tmp_path, name):
    path = write(tmp_path / name, noise(40, 40))
    whole = Path(path).read_bytes()
    for kept in (0, 1, 20, len(whole) // 2):
        with open(path, 'wb') as file:
            file.write(whole[:kept])
        with pytest.raises(DamagedFileError, match=name) as error:
            load_img(path)
        assert isinstance(error.value, OSError)


def test_what_is_no_picture_is_named(tmp_path):
    (tmp_path / 'x.png').write_bytes(b'no picture at all' * 100)
    with pytest.raises(DamagedFileError, match='x.png.*no picture'):
        load_img(str(tmp_path / 'x.png'))
    with pytest.raises(FileNotFoundError, match='missing.png'):
        load_img(str(tmp_path / 'missing.png'))
    with pytest.raises(OSError, match=str(tmp_path)):
        load_img(str(tmp_path))


def test_a_picture_that_starts_a_program_is_not_read(tmp_path, monkeypatch):
    import subprocess

    monkeypatch.setattr(subprocess, 'Popen', lambda *args, **kwargs: pytest.fail('a program was started'))
    (tmp_path / 'x.png').write_bytes(
        b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n'
    )
    with pytest.raises(DamagedFileError, match='x.png'):
        load_img(str(tmp_path / 'x.png'))


# 1-pixel tests of headers: what the file declares, and not what it has, is what would be allocated.
@pytest.mark.parametrize('size', [(10000, 10000), (20000, 20000), (2**31 - 1, 2**31 - 1), (1, 2**31 - 1)])
@pytest.mark.parametrize('padding', [0, 2**17])
def test_a_picture_that_declares_too_many_pixels(tmp_path, size, padding):
    path = tmp_path / 'bomb.png'
    path.write_bytes(png_file(*size, packed=zlib.compress(b'\0' * 1000) + b'\0' * padding))
    tracemalloc.start()
    start = time.process_time()
    with warnings.catch_warnings(), pytest.raises(UnsafeFileError, match='bomb.png.*MAX_IMAGE_PIXELS'):
        warnings.simplefilter('ignore')  # Pillow's own, for those below twice its limit
        load_img(str(path))
    assert time.process_time() - start < 2 and tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_the_limit_is_that_of_pillow(tmp_path, monkeypatch):
    small, large = write(tmp_path / 'x.png', noise()), write(tmp_path / 'x.bmp', noise())
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 47)
    for path in (small, large):
        with warnings.catch_warnings(), pytest.raises(UnsafeFileError, match='x.*8'):
            warnings.simplefilter('ignore')
            load_img(path)
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', None)
    assert load_img(small).size == load_img(large).size == (6, 8)


def test_an_empty_declaration(tmp_path):
    (tmp_path / 'x.png').write_bytes(png_file(0, 5))
    with pytest.raises(DamagedFileError, match='x.png'):
        load_img(str(tmp_path / 'x.png'))


def test_errors_name_the_argument(tmp_path):
    path = write(tmp_path / 'x.png', noise())
    with pytest.raises(ValueError, match="`color_mode` must be 'rgb'.*'RGB'"):
        load_img(path, color_mode='RGB')
    with pytest.raises(ValueError, match='`interpolation`.*cubic'):
        load_img(path, interpolation='cubic')
    with pytest.raises(ValueError, match='`data_format`.*first'):
        img_to_array(noise(), data_format='first')
    with pytest.raises(ValueError, match='two or three axes'):
        img_to_array(np.zeros((2, 2, 2, 2)))
    with pytest.raises(ValueError, match='three axes'):
        array_to_img(np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r'1, 3 or 4 channels.*\(3, 8, 6\)'):
        array_to_img(np.zeros((3, 8, 6)), data_format='channels_last')
    with pytest.raises(ValueError, match='not a number'):
        array_to_img(np.full((2, 2, 3), np.nan))
    with pytest.raises(ValueError, match='from 0 to 255.*scale=True'):
        array_to_img(np.full((2, 2, 3), 300.0), scale=False)
    with pytest.raises(ValueError, match='from 0 to 255.*scale=True'):
        array_to_img(np.full((2, 2, 1), -1.0), scale=False)


def test_pillow_is_asked_for_by_name(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, 'PIL', None)
    with pytest.raises(ImportError, match='pip install'):
        pictures.pillow()


def test_an_array_of_a_picture_is_a_copy():
    image = Image.fromarray(noise())
    x = img_to_array(image, dtype='uint8')
    x[:] = 0
    assert np.asarray(image).max() > 0


def test_jpeg_has_no_transparency(tmp_path):
    with pytest.warns(UserWarning, match='transparency'):
        save_img(str(tmp_path / 'x.jpg'), noise(channels=4), data_format='channels_last')
    with Image.open(str(tmp_path / 'x.jpg')) as image:
        assert image.mode == 'RGB'
    file = io.BytesIO()
    save_img(file, noise(), data_format='channels_last', file_format='jpg')
    assert Image.open(io.BytesIO(file.getvalue())).format == 'JPEG'


def test_list_pictures(tmp_path):
    for name in ('b.PNG', 'a.jpg', 'deep/c.tiff', 'notes.txt', 'd.gif'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b'')
    found = [os.path.relpath(path, str(tmp_path)).replace(os.sep, '/') for path in list_pictures(str(tmp_path))]
    assert found == ['a.jpg', 'b.PNG', 'deep/c.tiff']
    assert len(list_pictures(str(tmp_path), ext='gif')) == 1


def test_what_is_no_file_and_what_is_no_size(tmp_path):
    Image.new('RGB', (4, 5)).save(str(tmp_path / 'x.png'))
    data = (tmp_path / 'x.png').read_bytes()
    assert load_img(io.BytesIO(data), target_size=(2.0, 3)).size == (3, 2)
    with pytest.raises(TypeError, match='`path` must be .* got bytes. Give io.BytesIO'):
        load_img(data)
    for path in (None, 0, Image.new('RGB', (4, 5))):
        with pytest.raises(TypeError, match='`path` must be the name of a file, or an open binary file; got '):
            load_img(path)
    for size in (8, (8,), (8, 8, 3), (0, 8), 'ab'):
        with pytest.raises(
            ValueError, match='`target_size` is a pair of sizes, each a whole number, 1 or more, or None; got '
        ):
            load_img(str(tmp_path / 'x.png'), target_size=size)
