"""The files that TensorBoard reads, written without TensorFlow: records of serialised `Event` messages.

The numbers of the fields are those of `event.proto` and `summary.proto` in tensorboard/compat/proto; a record is the
length, its checksum, the message, its checksum, as in "TFRecord and tf.train.Example" of TensorFlow's guide.
"""

import os
import socket
import struct
import sys
import time
import zlib

import numpy as np

_VARINT, _DOUBLE, _BYTES, _FLOAT = 0, 1, 2, 5


def _varint(number):
    number &= 2**64 - 1
    made = bytearray()
    while number > 127:
        made.append(number & 127 | 128)
        number >>= 7
    made.append(number)
    return bytes(made)


def _field(number, kind, value):
    key = _varint(number << 3 | kind)
    if kind == _VARINT:
        return key + _varint(int(value))
    if kind == _DOUBLE:
        return key + struct.pack('<d', value)
    if kind == _FLOAT:
        return key + struct.pack('<f', value)
    value = value.encode('utf-8') if isinstance(value, str) else bytes(value)
    return key + _varint(len(value)) + value


def scalar(tag, value):
    """A `Summary.Value` of one number."""
    with np.errstate(over='ignore'):  # beyond float32 it is infinite
        value = float(np.float32(value))
    return _field(1, _BYTES, tag) + _field(2, _FLOAT, value)


def image(tag, pixels):
    """A `Summary.Value` of a picture: uint8 array of shape (height, width)."""
    height, width = pixels.shape
    message = _field(1, _VARINT, height) + _field(2, _VARINT, width) + _field(3, _VARINT, 1)
    return _field(1, _BYTES, tag) + _field(4, _BYTES, message + _field(4, _BYTES, _png(pixels)))


def _png(pixels):
    height, width = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), 'uint8'), pixels], axis=1).tobytes()

    def chunk(name, data):
        return struct.pack('>I', len(data)) + name + data + struct.pack('>I', zlib.crc32(name + data) & 0xFFFFFFFF)

    header = struct.pack('>IIBBBBB', width, height, 8, 0, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b'')


def _bucket_limits():
    limits = 1e-12 * 1.1 ** np.arange(800)
    limits = np.append(limits[limits < 1e20], sys.float_info.max)
    return np.concatenate([-limits[::-1], [0.0], limits])


_LIMITS = _bucket_limits()


class Histogram:
    """How often values of each size occur, in TensorFlow's buckets; values may be added bit by bit."""

    def __init__(self):
        self.counts = np.zeros(len(_LIMITS))
        self.least, self.most = np.inf, -np.inf
        self.number = self.sum = self.sum_of_squares = 0.0

    def add(self, values):
        """Count the elements of an array; what is not finite is left out."""
        values = np.asarray(values, 'float64').ravel()
        values = values[np.isfinite(values)]
        if values.size:
            places = np.minimum(np.searchsorted(_LIMITS, values, side='right'), len(_LIMITS) - 1)
            self.counts += np.bincount(places, minlength=len(_LIMITS))
            self.least, self.most = min(self.least, values.min()), max(self.most, values.max())
            self.number += values.size
            self.sum += values.sum()
            self.sum_of_squares += np.square(values).sum()
        return self

    def value(self, tag):
        """A `Summary.Value`, or None where there was nothing to count."""
        if not self.number:
            return None
        used = np.flatnonzero(self.counts)
        # With the empty bucket before the first: where that ends, the first begins.
        part = slice(max(used[0] - 1, 0), used[-1] + 1)
        numbers = self.least, self.most, self.number, self.sum, self.sum_of_squares
        message = b''.join(_field(i + 1, _DOUBLE, number) for i, number in enumerate(numbers))
        message += _field(6, _BYTES, _LIMITS[part].astype('<f8').tobytes())
        message += _field(7, _BYTES, self.counts[part].astype('<f8').tobytes())
        return _field(1, _BYTES, tag) + _field(5, _BYTES, message)


def _checksum_table():
    table = []
    for number in range(256):
        for _ in range(8):
            number = number >> 1 ^ (0x82F63B78 if number & 1 else 0)
        table.append(number)
    return table


_TABLE = _checksum_table()


def masked_checksum(data):
    """The CRC-32C of bytes, turned and shifted as in records."""
    checksum, table = 0xFFFFFFFF, _TABLE
    for byte in data:
        checksum = table[(checksum ^ byte) & 255] ^ checksum >> 8
    checksum ^= 0xFFFFFFFF
    return ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF


class EventFile:
    """A new file of events in a folder, which is made if there is none."""

    _made = 0

    def __init__(self, folder):
        os.makedirs(folder, exist_ok=True)
        EventFile._made += 1
        name = f'events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{EventFile._made}'
        self.path = os.path.join(folder, name)
        self._file = open(self.path, 'wb')
        self._write(_field(3, _BYTES, 'brain.Event:2'))
        self.flush()

    def add(self, values, step):
        """Write `Summary.Value`s at a step; None among them is left out."""
        summary = b''.join(_field(1, _BYTES, value) for value in values if value is not None)
        if summary:
            self._write(_field(2, _VARINT, step) + _field(5, _BYTES, summary))

    def add_graph(self, definition):
        """Write a graph: the bytes of a `GraphDef`."""
        self._write(_field(4, _BYTES, definition))

    def _write(self, fields):
        event = _field(1, _DOUBLE, time.time()) + fields
        length = struct.pack('<Q', len(event))
        checksums = struct.pack('<I', masked_checksum(length)), struct.pack('<I', masked_checksum(event))
        self._file.write(length + checksums[0] + event + checksums[1])

    def flush(self):
        """Let readers see what was written."""
        self._file.flush()

    def close(self):
        """Close the file."""
        self._file.close()
