"""Pictures of a batch: the same pixels whoever decodes them, in their order, whichever thread or process reads them."""

import io
import random
import struct
import sys
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest

from cthulhu.engine.prefetching import ProcessWorker
from cthulhu.preprocessing.image import ImageDataGenerator, img_to_array, load_img, pictures, reading
from cthulhu.storage.errors import DamagedFileError, UnsafeFileError
from tests.preprocessing.image.helpers import classes, noise, write

Image = pytest.importorskip('PIL.Image')

SIZES = [None, (5, 7), (30, 20)]


def png(x, **options):
    file = io.BytesIO()
    Image.fromarray(x[:, :, 0] if x.shape[2:] == (1,) else x).save(file, 'png', **options)
    return file.getvalue()


def packed(depth, color, interlace, rows):
    """A PNG that Pillow does not write, of 4 x 1 pixels."""

    def part(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))

    header = struct.pack('>IIBBBBB', 4, 1, depth, color, 0, 0, interlace)
    return b'\x89PNG\r\n\x1a\n' + part(b'IHDR', header) + part(b'IDAT', zlib.compress(rows)) + part(b'IEND', b'')


def kinds():
    """(name, file, whether it is a plain PNG)."""
    smooth = np.asarray(Image.fromarray(noise(8, 6)).resize((90, 120), 3))
    for mode, channels in (('L', 1), ('RGB', 3), ('RGBA', 4)):
        for name, x in (('small', noise(channels=channels)), ('larger', noise(90, 120, channels))):
            yield f'{mode} {name}', png(x), True
    yield 'RGB smooth', png(smooth), True
    gray, colours = Image.fromarray(noise(channels=1)[:, :, 0]), Image.fromarray(noise())
    for name, image, how in (
        ('palette', colours.quantize(8), {}),
        ('palette with transparency', colours.quantize(8), {'transparency': bytes([0, 99, 255])}),
        ('gray with transparency', gray, {'transparency': 3}),
        ('RGB with transparency', colours, {'transparency': (1, 2, 3)}),
        ('gray and alpha', gray.convert('LA'), {}),
        ('black and white', gray.convert('1'), {}),
        ('16 bits', Image.fromarray(noise(channels=1)[:, :, 0].astype('uint16') * 257), {}),
        ('several', colours, {'save_all': True, 'append_images': [colours.rotate(180)]}),
    ):
        file = io.BytesIO()
        image.save(file, 'png', **how)
        yield name, file.getvalue(), False
    yield '4 bits', packed(4, 0, 0, b'\0\x1f\x73'), False
    yield 'interlaced', packed(8, 0, 1, b'\0\x01\0\x03\0\x02\x04'), False
    for name in ('jpeg', 'bmp', 'gif', 'tiff'):
        file = io.BytesIO()
        Image.fromarray(smooth).save(file, name)
        yield name, file.getvalue(), False


KINDS = {name: (data, plain) for name, data, plain in kinds()}


def by_pillow(path, mode, size, data_format='channels_last'):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        image = load_img(path, color_mode=mode, target_size=size and size[::-1], interpolation='bilinear')
    return img_to_array(image, data_format, dtype=np.asarray(image).dtype)


@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('mode', ['grayscale', 'rgb', 'rgba'])
@pytest.mark.parametrize('kind', sorted(KINDS))
def test_the_same_pixels_as_those_of_pillow(tmp_path, kind, mode):
    path = tmp_path / 'x'
    path.write_bytes(KINDS[kind][0])
    for size in SIZES:
        for data_format in ('channels_last', 'channels_first'):
            (found,) = reading.read_pictures([str(path)], mode, size, 'bilinear', data_format)
            wanted = by_pillow(str(path), mode, size, data_format)
            assert found.dtype == wanted.dtype
            np.testing.assert_array_equal(found, wanted)


@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('kind', sorted(KINDS))
def test_plain_png_alone_are_decoded_by_another(tmp_path, kind, monkeypatch):
    """Whatever that one does, what it refuses, or gives as something else, is read by Pillow."""
    data, plain = KINDS[kind]
    (tmp_path / 'x').write_bytes(data)
    path, given = str(tmp_path / 'x'), []

    def decode(data):
        given.append(data)
        return made(data)

    monkeypatch.setattr(pictures, 'png_decoder', lambda: decode)
    for made in (
        lambda data: 1 / 0,
        lambda data: np.zeros((2, 2), 'uint8'),
        lambda data: np.zeros((8, 6, 3), 'uint16'),
    ):
        (found,) = reading.read_pictures([path], 'rgb', None, 'bilinear', 'channels_last')
        np.testing.assert_array_equal(found, by_pillow(path, 'rgb', None))
    assert given == [data] * 3 * plain
    monkeypatch.setattr(pictures, '_MODERATE', len(data) - 1)
    reading.read_pictures([path], 'rgb', None, 'bilinear', 'channels_last')
    monkeypatch.setattr(pictures, '_MODERATE', 2**24)
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 3)
    with pytest.raises(UnsafeFileError, match='MAX_IMAGE_PIXELS'):
        reading.read_pictures([path], 'rgb', None, 'bilinear', 'channels_last')
    assert len(given) == 3 * plain


@pytest.mark.skipif(sys.version_info < (3, 11), reason='there is no imagecodecs for this Python')
def test_what_imagecodecs_reads_pillow_reads_alike():
    """Files that are cut short, and those of which a bit is another, with the sums that belong to it and without."""
    pytest.importorskip('imagecodecs')
    random.seed(0)

    def summed(data):
        found, place = data[:8], 8
        while place + 12 <= len(data):
            (size,) = struct.unpack('>I', data[place : place + 4])
            part = data[place + 4 : place + 8 + size]
            found += data[place : place + 4] + part + struct.pack('>I', zlib.crc32(part))
            place += 12 + size
        return found if place == len(data) else data

    def outcome(data, decoder):
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            try:
                image = Image.open(io.BytesIO(data), formats=['PNG'])
                if decoder:
                    return pictures._plain(image, io.BytesIO(data))
                return np.asarray(image)
            except Exception:
                return None

    read = 0
    for x in (noise(5, 4, 1), noise(4, 3), noise(3, 4, 4), np.zeros((9, 9, 1), 'uint8')):
        whole = png(x)
        flipped = []
        for place in range(8, len(whole)):
            other = bytearray(whole)
            other[place] ^= 1 << random.randrange(8)
            flipped += [bytes(other), summed(bytes(other))]
        for data in flipped + [whole[:kept] for kept in range(len(whole))] + [whole]:
            found = outcome(data, True)
            if found is not None:
                np.testing.assert_array_equal(found, outcome(data, False))
                read += 1
    assert read > 20


def test_tiny_and_larger_files_keep_their_order(tmp_path):
    sizes = [3, 60, 4, 70, 80, 5]
    paths = [write(tmp_path / f'{i}.png', noise(size, size, seed=i)) for i, size in enumerate(sizes)]
    assert {Path(path).stat().st_size > reading.TINY for path in paths} == {False, True}
    found = reading.read_pictures(paths * 5, 'rgb', None, 'nearest', 'channels_last')
    for i, picture in enumerate(found):
        np.testing.assert_array_equal(picture, noise(sizes[i % 6], sizes[i % 6], seed=i % 6))


@pytest.mark.parametrize('size', [4, 70])
def test_what_cannot_be_read_is_named(tmp_path, size):
    paths = [write(tmp_path / f'{i}.png', noise(size, size)) for i in range(6)]
    Path(paths[3]).write_bytes(Path(paths[3]).read_bytes()[:50])
    with pytest.raises(DamagedFileError, match=r'3\.png'):
        reading.read_pictures(paths, 'rgb', None, 'nearest', 'channels_last')
    Path(paths[3]).unlink()
    with pytest.raises(FileNotFoundError, match=r'3\.png'):
        reading.read_pictures(paths, 'rgb', None, 'nearest', 'channels_last')
    assert len(reading.read_pictures(paths[:3], 'rgb', None, 'nearest', 'channels_last')) == 3


@pytest.mark.parametrize('size', [8, 70])
def test_a_process_is_started_while_pictures_are_read(tmp_path, size):
    """The copy has neither the threads of the pool, nor whoever has the turn."""
    folder = classes(tmp_path, height=size, width=size)
    iterator = ImageDataGenerator().flow_from_directory(folder, (size, size), batch_size=4, shuffle=False)
    wanted = iterator[1]
    worker = ProcessWorker(iterator.__getitem__)
    with reading._of_this_process().turn:
        answer = []
        asking = threading.Thread(target=lambda: answer.append(worker.request(1)), daemon=True)
        asking.start()
        asking.join(30)
    worker.stop()
    (found,) = answer
    for one, other in zip(found, wanted):
        np.testing.assert_array_equal(one, other)


def test_batches_of_many_threads_at_once(tmp_path):
    folder = classes(tmp_path, [('a', 40), ('b', 40)], height=30, width=50)
    iterator = ImageDataGenerator().flow_from_directory(folder, (9, 9), batch_size=4, shuffle=False)
    found = {}

    def read(first):
        for number in range(first, len(iterator), 5):
            found[number] = iterator[number][0]

    threads = [threading.Thread(target=read, args=(first,)) for first in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(20))
    for number, batch in found.items():
        np.testing.assert_array_equal(batch, iterator[number][0])
