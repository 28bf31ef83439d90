"""CNTK's MPI libraries, which Linux distributions ship under newer names: found without root, and without a word to the user.

The wheel asks the loader for `libmpi.so.12` and `libmpi_cxx.so.1`, of OpenMPI 1.10; Debian and Ubuntu have `libmpi.so.40` and
`libmpi_cxx.so.40`, which serve as well. A shared object of a few hundred bytes that has the old name, holds nothing and needs the
new one is loaded first: then the loader has what it is asked for.
"""

import ctypes
import os
import struct
import tempfile

_ALIASES = ('libmpi.so.12', 'libmpi.so.40'), ('libmpi_cxx.so.1', 'libmpi_cxx.so.40')

ADVICE = (
    'CNTK needs the libraries of OpenMPI, and they were not found. Install them with\n'
    '    sudo apt-get install libopenmpi3\n'
    'or, without root, unpack that package somewhere and put the folder with libmpi.so.40 on LD_LIBRARY_PATH before Python starts.'
)

# Of ELF: sizes of its header, of a segment's header, of a symbol; kinds of segments; tags of the dynamic section.
_HEADER, _SEGMENT, _SYMBOL = 64, 56, 24
_LOAD, _DYNAMIC = 1, 2
_NEEDED, _HASH, _STRTAB, _SYMTAB, _STRSZ, _SYMENT, _SONAME = 1, 4, 5, 6, 10, 11, 14


def make_loadable():
    """Have the loader know the names that CNTK's libraries ask for.

    Raises:
        ImportError: OpenMPI is not installed.
    """
    for old, new in _ALIASES:
        if _is_loadable(old):
            continue
        try:
            ctypes.CDLL(new, ctypes.RTLD_GLOBAL)
        except OSError as error:
            raise ImportError(f'{ADVICE}\n({error})') from error
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, old)
            with open(path, 'wb') as file:
                file.write(alias(old, new))
            ctypes.CDLL(path, ctypes.RTLD_GLOBAL)


def _is_loadable(name):
    try:
        ctypes.CDLL(name, ctypes.RTLD_GLOBAL)
    except OSError:
        return False
    return True


def alias(name, needed):
    """The bytes of a shared object (ELF, x86-64) called `name` that needs the library `needed` and holds nothing else."""
    strings = b'\0' + name.encode() + b'\0' + needed.encode() + b'\0'
    padded = strings + b'\0' * (-len(strings) % 8)
    at_strings = _HEADER + 2 * _SEGMENT
    at_symbols = at_strings + len(padded)
    at_hash = at_symbols + _SYMBOL
    hashes = struct.pack('<4I', 1, 1, 0, 0)  # one bucket and one symbol, the empty one
    at_dynamic = at_hash + len(hashes)
    entries = (
        (_SONAME, 1),
        (_NEEDED, 2 + len(name)),
        (_HASH, at_hash),
        (_STRTAB, at_strings),
        (_SYMTAB, at_symbols),
        (_STRSZ, len(strings)),
        (_SYMENT, _SYMBOL),
        (0, 0),
    )
    dynamic = b''.join(struct.pack('<QQ', *entry) for entry in entries)
    size = at_dynamic + len(dynamic)
    # 64 bits, little-endian, version 1; a shared object (3) for x86-64 (62) with two segments and no sections.
    header = b'\x7fELF\2\1\1'.ljust(16, b'\0')
    header += struct.pack('<HHIQQQIHHHHHH', 3, 62, 1, 0, _HEADER, 0, 0, _HEADER, _SEGMENT, 2, 64, 0, 0)
    # Both may be read and written (6): the loader writes addresses into the dynamic section.
    load = struct.pack('<IIQQQQQQ', _LOAD, 6, 0, 0, 0, size, size, 0x1000)
    at = at_dynamic, at_dynamic, at_dynamic, len(dynamic), len(dynamic)
    return (
        header + load + struct.pack('<IIQQQQQQ', _DYNAMIC, 6, *at + (8,)) + padded + b'\0' * _SYMBOL + hashes + dynamic
    )
