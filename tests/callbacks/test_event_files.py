import glob
import struct
import zlib

import numpy as np
import pytest

from cthulhu.callbacks.event_files import EventFile, Histogram, image, masked_checksum, scalar

accumulator = pytest.importorskip(
    'tensorboard.backend.event_processing.event_accumulator', reason='TensorBoard itself reads the files in this test'
)


def read(folder):
    events = accumulator.EventAccumulator(
        str(folder), size_guidance=dict.fromkeys(accumulator.DEFAULT_SIZE_GUIDANCE, 0)
    )
    events.Reload()
    return events


def test_checksums():
    # RFC 3720, B.4: 32 bytes of zeros, and the numbers 0 to 31
    for data, checksum in ((bytes(32), 0x8A9136AA), (bytes(range(32)), 0x46DD794E)):
        turned = (checksum >> 15 | checksum << 17) & 0xFFFFFFFF
        assert masked_checksum(data) == (turned + 0xA282EAD8) & 0xFFFFFFFF


def test_scalars(tmp_path):
    file = EventFile(str(tmp_path))
    for step in (0, 1, 300, 2**40):
        file.add([scalar('loss', step / 4), None, scalar('größe', -1.5)], step)
    file.close()
    found = read(tmp_path).Scalars('loss')
    assert [(e.step, e.value) for e in found] == [(s, s / 4) for s in (0, 1, 300, 2**40)]
    assert [e.value for e in read(tmp_path).Scalars('größe')] == [-1.5] * 4
    assert all(abs(e.wall_time - found[0].wall_time) < 60 for e in found) and found[0].wall_time > 1.5e9


@pytest.mark.parametrize('value', [np.nan, np.inf, 1e300])
def test_scalars_that_float32_does_not_have(tmp_path, value):
    file = EventFile(str(tmp_path))
    file.add([scalar('x', value)], 0)
    file.close()
    np.testing.assert_equal(read(tmp_path).Scalars('x')[0].value, np.inf if value == 1e300 else value)


def test_histograms(tmp_path):
    values = np.random.RandomState(0).normal(size=1000)
    histogram = Histogram().add(values[:400]).add(values[400:].reshape(20, 30)).add([np.nan, np.inf])
    file = EventFile(str(tmp_path))
    file.add([histogram.value('w'), Histogram().add([0.0, 0.0, 2.0]).value('z'), Histogram().value('empty')], 3)
    file.close()
    events = read(tmp_path)
    found = events.Histograms('w')[0].histogram_value
    numbers = found.min, found.max, found.num, found.sum, found.sum_squares
    np.testing.assert_allclose(numbers, (values.min(), values.max(), 1000, values.sum(), (values**2).sum()))
    limits, counts = np.array(found.bucket_limit), np.array(found.bucket)
    assert len(limits) == len(counts) and (np.diff(limits) > 0).all() and counts.sum() == 1000
    for lower, upper, count in zip(limits[:-1], limits[1:], counts[1:]):
        assert count == ((values >= lower) & (values < upper)).sum()
    zeros = events.Histograms('z')[0].histogram_value
    assert zeros.num == 3 and max(zeros.bucket) == 2
    assert events.Tags()['histograms'] == ['w', 'z']


def test_images(tmp_path):
    pixels = np.arange(12, dtype='uint8').reshape(3, 4) * 20
    file = EventFile(str(tmp_path))
    file.add([image('p', pixels)], 1)
    file.close()
    found = read(tmp_path).Images('p')[0]
    assert (found.width, found.height) == (4, 3)
    png, chunks, at = found.encoded_image_string, {}, 8
    while at < len(png):
        length, name = struct.unpack('>I4s', png[at : at + 8])
        chunks[name] = png[at + 8 : at + 8 + length]
        assert zlib.crc32(name + chunks[name]) == struct.unpack('>I', png[at + 8 + length : at + 12 + length])[0]
        at += 12 + length
    rows = np.frombuffer(zlib.decompress(chunks[b'IDAT']), 'uint8').reshape(3, 5)
    np.testing.assert_array_equal(rows[:, 1:], pixels)


def test_each_file_has_a_name_of_its_own(tmp_path):
    for _ in range(3):
        EventFile(str(tmp_path / 'deep')).close()
    assert len(glob.glob(str(tmp_path / 'deep' / 'events.out.tfevents.*'))) == 3
