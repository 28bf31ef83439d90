"""Who called the library."""

import sys


def first_outside():
    """Where a warning belongs that is about how the library was called.

    Returns:
        `(frame, level)`: the first frame up the stack that is not of the library, and the `stacklevel` with which `warnings.warn` names it in the function
        that asks.
    """
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get('__name__', '').split('.')[0] == 'cthulhu':
        frame, level = frame.f_back, level + 1
    return frame, level
