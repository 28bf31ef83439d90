"""Another name of `cthulhu.models`."""

from .models import *  # noqa: F401,F403
