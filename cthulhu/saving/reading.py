"""What holds while models are made of what a file or a configuration says: what they may cost, and that nothing stays of one that is refused."""

import contextlib

from cthulhu import backend as K
from cthulhu.storage import texts, trust


@contextlib.contextmanager
def file(safe_mode, room=None, custom_objects=None):
    """Context in which the description in a file, or a text, is turned into a model; arguments as for `trust.reading`."""
    with K.provisional(), trust.reading(safe_mode, room, custom_objects):
        yield


@contextlib.contextmanager
def configuration(config):
    """Context in which a configuration that came as an object is turned into layers.

    Raises:
        UnsafeFileError: if it is nested too deeply, in itself perhaps.
    """
    with K.provisional(), trust.building(lambda: texts.check_size(config, 'The configuration')):
        yield
