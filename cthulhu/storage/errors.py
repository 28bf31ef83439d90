"""The errors of reading files. All are ValueErrors, as in Keras."""

import contextlib

_LONGEST = 4000  # characters of a message, which may have names from the file in it


class ModelFileError(ValueError):
    """A file, or a description of a model, that cannot be used; the message says why."""

    def __str__(self):
        text = super().__str__()
        return text if len(text) <= _LONGEST else f'{text[: _LONGEST // 2]} ... {text[-_LONGEST // 2 :]}'


class UnsafeFileError(ModelFileError):
    """A file that would run code, reach outside of itself, or need more memory than it is worth."""


class DamagedFileError(ModelFileError, OSError):
    """A file that is cut short, altered, or of another format than expected."""


@contextlib.contextmanager
def explained(what, context=''):
    """Turn whatever goes wrong inside into a ModelFileError that names the file.

    Arguments:
        what: text, the file or description that is read.
        context: function without arguments that gives a further sentence (what is known of the file), or a text.
    """
    try:
        yield
    except (ModelFileError, FileNotFoundError, PermissionError, IsADirectoryError, ImportError, Warning) as error:
        _add(error, context)
        raise
    except RecursionError:
        raise DamagedFileError(f'{what} is nested too deeply to be read.') from None
    except MemoryError:
        raise UnsafeFileError(f'{what} needs more memory than there is.') from None
    except Exception as error:
        text = str(error) or type(error).__name__
        if isinstance(error, KeyError):
            text = f'there is no entry {text}'
        elif not isinstance(error, ValueError):
            text = f'{type(error).__name__}: {text}'
        made = ModelFileError(f'{what} cannot be loaded: {text}')
        _add(made, context)
        raise made from error


def _add(error, context):
    text = context() if callable(context) else context
    if text and isinstance(error, ModelFileError) and error.args and text not in str(error):
        error.args = (f'{error.args[0]} {text}',) + error.args[1:]
