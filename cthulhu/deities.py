"""Another name of `cthulhu.layers`."""

from .layers import *  # noqa: F401,F403
