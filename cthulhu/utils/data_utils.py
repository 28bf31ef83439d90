"""Keras's path for data: `Sequence`, the enqueuers that compute batches ahead, and files from the network."""

from cthulhu.engine.enqueuers import GeneratorEnqueuer, OrderedEnqueuer, SequenceEnqueuer
from cthulhu.utils.downloads import _hash_file, get_file, validate_file
from cthulhu.utils.sequence import Sequence

__all__ = [
    'GeneratorEnqueuer',
    'OrderedEnqueuer',
    'Sequence',
    'SequenceEnqueuer',
    '_hash_file',
    'get_file',
    'validate_file',
]
