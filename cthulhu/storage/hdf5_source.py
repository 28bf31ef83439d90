"""The bytes of an HDF5 file, numbers out of them, and where its root is: what `hdf5_format` reads structures from."""

from cthulhu.storage import budget
from cthulhu.storage.errors import DamagedFileError, UnsafeFileError

SIGNATURE = b'\x89HDF\r\n\x1a\n'

_NEWER = 'Rewrite it with h5py as it is by default (libver="earliest"); or, if you trust the file, open it with h5py.File and pass that.'


class Source:
    """The bytes of a file: `read(address, size)`, with addresses counted from the start of its HDF5 part."""

    def __init__(self, stream, where):
        self.stream = stream
        self.where = where
        self.size = stream.seek(0, 2)
        self.base = 0
        self.collections = {}
        self.objects = {}

    def read(self, address, size):
        """The bytes of a structure, drawn from the budget."""
        data = self.values(address, size)
        self.draw(size)
        return data

    def draw(self, size, visits=0):
        """Draw bytes that are read or copied, and structures that are visited, from the budget."""
        budget.draw('bytes', size, self.where)
        if visits:
            budget.draw('visits', visits, self.where)

    def once(self, make, address):
        """What `make`, a function of this and the address, reads at an address: once, however many names lead there."""
        budget.draw('visits', 1, self.where)
        if address not in self.objects:
            self.objects[address] = make(self, address)
        return self.objects[address]

    def values(self, address, size):
        """The bytes of values of a dataset, which whoever asks has accounted for."""
        start = self.base + address
        if address < 0 or size < 0 or start + size > self.size:
            raise self.damaged(f'something at {address} of {size} bytes lies outside of it')
        self.stream.seek(start)
        data = self.stream.read(size)
        if len(data) != size:
            raise self.damaged('it is cut short')
        return data

    def damaged(self, what):
        return DamagedFileError(f'{self.where} is damaged: {what}.')

    def newer(self, what):
        return UnsafeFileError(f'{self.where} has {what}, which is not read from files of unknown origin. {_NEWER}')


class Fields:
    """Takes numbers off bytes, one after the other."""

    def __init__(self, source, data):
        self.source, self.data, self.at = source, data, 0

    def take(self, size):
        if size < 0 or self.at + size > len(self.data):
            raise self.source.damaged('a structure is shorter than it says')
        piece = self.data[self.at : self.at + size]
        self.at += size
        return piece

    def number(self, size):
        return int.from_bytes(self.take(size), 'little')

    def address(self):
        """An address; None where it is not set."""
        value = self.number(8)
        return None if value == 2**64 - 1 else value

    def pad(self, size):
        """Go on at the next multiple of `size`."""
        self.at += -self.at % size

    @property
    def left(self):
        return len(self.data) - self.at


def root_address(source):
    """The address of the object header of the root group."""
    place = 0
    while True:
        if place + 96 > source.size and place + 48 > source.size:
            raise source.damaged('there is no HDF5 signature')
        source.stream.seek(place)
        if source.stream.read(8) == SIGNATURE:
            break
        place = place * 2 or 512
    source.base = place
    head = Fields(source, source.read(0, min(112, source.size - place)))
    head.take(8)
    version = head.number(1)
    end = None
    if version in (0, 1):
        head.take(4)
        sizes = head.number(1), head.number(1)
        head.take(9 if version == 0 else 13)
        base = head.address()
        head.take(8)
        end = head.address()
        head.take(16)
        root = head.address()
    elif version in (2, 3):
        sizes = head.number(1), head.number(1)
        head.take(1)
        base = head.address()
        head.take(8)
        end = head.address()
        root = head.address()
    else:
        raise source.newer(f'a superblock of version {version}')
    if sizes != (8, 8):
        raise source.newer('addresses of {} and lengths of {} bytes'.format(*sizes))
    if base != place or root is None:
        raise source.damaged('its parts are not where they should be')
    if end is None or end > source.size:  # counted from the start of the file, a block of the user's before it included
        raise source.damaged(f'it has {source.size} bytes, and should have {end}: it is cut short')
    return root
