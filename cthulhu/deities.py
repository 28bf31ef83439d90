"""Another name of `cthulhu.layers`."""

from cthulhu.layers import *  # noqa: F401,F403
