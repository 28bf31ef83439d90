"""Hashes of 64 bits that others compute alike, in whatever process and on whatever machine: FarmHash's Fingerprint64, and SipHash-2-4."""

import struct

_ALL = 2**64 - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F


def _turned(x, count):
    """64 bits, turned to the right."""
    x &= _ALL
    return (x >> count | x << (64 - count)) & _ALL


def _mixed(x):
    x &= _ALL
    return x ^ x >> 47


def _joined(u, v, factor):
    a = _mixed(((u ^ v) & _ALL) * factor)
    b = _mixed(((v & _ALL) ^ a) * factor)
    return b * factor & _ALL


def _at(data, place, size=8):
    return int.from_bytes(data[place : place + size], 'little')


def fingerprint64(data):
    """FarmHash's Fingerprint64 of bytes: an int of 64 bits.

    >>> fingerprint64(b'') == 0x9ae16a3b2f90404f
    True
    """
    size = len(data)
    if size > 64:
        return _long(data)
    factor = _K2 + size * 2 & _ALL
    if size > 16:
        return _of_17_to_32(data, factor) if size <= 32 else _of_33_to_64(data, factor)
    if size >= 8:
        a, b = _at(data, 0) + _K2, _at(data, size - 8)
        return _joined(_turned(b, 37) * factor + a, (_turned(a, 25) + b) * factor, factor)
    if size >= 4:
        return _joined(size + (_at(data, 0, 4) << 3), _at(data, size - 4, 4), factor)
    if size:
        y, z = data[0] + (data[size >> 1] << 8), size + (data[-1] << 2)
        return _mixed(y * _K2 & _ALL ^ z * _K0 & _ALL) * _K2 & _ALL
    return _K2


def _ends(data, factor, first):
    """What texts of 17 to 64 bytes begin with: of the first and last 16 bytes."""
    a, b = _at(data, 0) * first, _at(data, 8)
    c, d = _at(data, len(data) - 8) * factor, _at(data, len(data) - 16) * _K2
    return a, _turned(a + b, 43) + _turned(c, 30) + d, a + _turned(b + _K2, 18) + c


def _of_17_to_32(data, factor):
    _, y, z = _ends(data, factor, _K1)
    return _joined(y, z, factor)


def _of_33_to_64(data, factor):
    a, y, z = _ends(data, factor, _K2)
    z, size = _joined(y, z, factor), len(data)
    e, f = _at(data, 16) * factor, _at(data, 24)
    g, h = (y + _at(data, size - 32)) * factor, (z + _at(data, size - 24)) * factor
    return _joined(_turned(e + f, 43) + _turned(g, 30) + h, e + _turned(f + a, 18) + g, factor)


def _of_32(data, place, a, b):
    w, x, y, z = (_at(data, place + 8 * i) for i in range(4))
    a += w
    b, c = _turned(b + a + z, 21), a
    a += x + y
    return (a + z) & _ALL, (b + _turned(a, 44) + c) & _ALL


def _long(data):
    size = len(data)
    x, y = 81, 81 * _K1 + 113 & _ALL
    z = _mixed(y * _K2 + 113) * _K2 & _ALL
    v, w = (0, 0), (0, 0)
    x = x * _K2 + _at(data, 0) & _ALL
    rest = (size - 1) & 63
    end = (size - 1) // 64 * 64
    for place, factor in [(place, _K1) for place in range(0, end, 64)] + [(end + rest - 63, None)]:
        is_last = factor is None
        if is_last:
            factor = _K1 + ((z & 0xFF) << 1) & _ALL
            w = w[0] + rest, w[1]
            v = v[0] + w[0] & _ALL, v[1]
            w = w[0] + v[0] & _ALL, w[1]
        times = 9 if is_last else 1
        x = _turned(x + y + v[0] + _at(data, place + 8), 37) * factor & _ALL
        y = _turned(y + v[1] + _at(data, place + 48), 42) * factor & _ALL
        x ^= w[1] * times & _ALL
        y = y + v[0] * times + _at(data, place + 40) & _ALL
        z = _turned(z + w[0], 33) * factor & _ALL
        v = _of_32(data, place, v[1] * factor & _ALL, x + w[0])
        w = _of_32(data, place + 32, z + w[1], y + _at(data, place + 16))
        z, x = x, z
    first = _joined(v[0], w[0], factor) + _mixed(y) * _K0 + z
    return _joined(first, _joined(v[1], w[1], factor) + x, factor)


def siphash(data, key, other_key):
    """SipHash-2-4 of bytes with a key of two ints of 64 bits: an int of 64 bits.

    >>> siphash(bytes(range(15)), 0x0706050403020100, 0x0f0e0d0c0b0a0908) == 0xa129ca6149be45e5
    True
    """
    a, b = key ^ 0x736F6D6570736575, other_key ^ 0x646F72616E646F6D
    c, d = key ^ 0x6C7967656E657261, other_key ^ 0x7465646279746573
    size = len(data)
    padded = data + b'\0' * (7 - size % 8) + bytes([size & 0xFF])
    for word in [*struct.unpack(f'<{len(padded) // 8}Q', padded), None]:
        d, c = (d ^ word, c) if word is not None else (d, c ^ 0xFF)
        for _ in range(2 if word is not None else 4):
            a, c = a + b & _ALL, c + d & _ALL
            b, d = _turned(b, 51) ^ a, _turned(d, 48) ^ c
            a = _turned(a, 32)
            a, c = a + d & _ALL, c + b & _ALL
            d, b = _turned(d, 43) ^ a, _turned(b, 47) ^ c
            c = _turned(c, 32)
        if word is not None:
            a ^= word
    return a ^ b ^ c ^ d
