"""Another name of `cthulhu.models`."""

from cthulhu.models import *  # noqa: F401,F403
