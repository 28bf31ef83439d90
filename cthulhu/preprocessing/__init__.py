"""From raw data to arrays: pictures, sequences and texts."""

from cthulhu.preprocessing import image, sequence, text

__all__ = ['image', 'sequence', 'text']
