"""What frameworks write to the error stream when they start, of which nothing concerns somebody who did not ask for it."""

import contextlib
import os
import re
import sys
import tempfile

# backend -> (environment variable by which a user asks for more or less, its value that leaves out what only informs, lines that are left out);
# None where there is no such variable.
_CHATTER = {
    'tensorflow': (
        'TF_CPP_MIN_LOG_LEVEL',
        '1',
        re.compile(
            r'WARNING: All log messages before absl|[IW]\d{4} |\d{4}-\d\d-\d\d \S+ [IW] |To enable the following instructions'
            r'|.*(failed call to cuInit|Unable to register cu|Could not find cuda drivers|TF-TRT)'
        ),
    ),
    'cntk': (None, None, re.compile('Selected CPU as the process wide default device')),
}


@contextlib.contextmanager
def held_back(name):
    """Context in which a framework starts: what it writes to the error stream comes afterwards, without its chatter.

    Where the user has set the framework's own variable all comes as it is. What an error, or Python itself, writes is never left out.

    Arguments:
        name: the backend.
    """
    variable, value, pattern = _CHATTER.get(name, (None, None, None))
    if pattern is None or variable and variable in os.environ:
        yield
        return
    if variable:
        os.environ[variable] = value
    try:
        with filtered('stderr', pattern):
            yield
    finally:
        if variable:
            os.environ.pop(variable, None)


@contextlib.contextmanager
def filtered(name, pattern):
    """Context in which what is written to 'stdout' or 'stderr' is held; it comes afterwards, without the lines that match a pattern."""
    number, stream = {'stdout': 1, 'stderr': 2}[name], getattr(sys, name)
    try:
        stream.flush()
        own = os.dup(number)
    except (OSError, AttributeError, ValueError):  # there is no such stream
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), number)
        try:
            yield
        finally:
            with contextlib.suppress(OSError, AttributeError, ValueError):
                stream.flush()
            os.dup2(own, number)
            os.close(own)
            held.seek(0)
            kept = [line for line in held.read().splitlines(True) if not pattern.match(line.decode('utf-8', 'replace'))]
            if kept:
                os.write(number, b''.join(kept))
