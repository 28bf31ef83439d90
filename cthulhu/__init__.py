"""Cthulhu: deep learning for humans, in names that humans were not meant to know."""

__version__ = '0.1.0'
