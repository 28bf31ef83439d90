"""Keras 1's path for the losses."""

from cthulhu.losses import *  # noqa: F403
