"""DirectoryIterator: batches of the pictures in a folder that has a folder for each class."""

import os

import numpy as np

from cthulhu.callers import warn
from cthulhu.preprocessing.image.file_iterator import FileIterator, part_of
from cthulhu.utils.arguments import checked


class DirectoryIterator(FileIterator):
    """Batches of the pictures in the folders of a folder, each of which is a class; see `ImageDataGenerator.flow_from_directory`.

    Attributes:
        class_indices: dict, name of a class -> its number.
        classes, labels: array of the numbers of the classes of all pictures.
        num_classes: how many classes there are.
        filenames: list of the names, from the folder on.
    """

    allowed_class_modes = ('categorical', 'binary', 'sparse', 'input', None)

    @checked
    def __init__(
        self,
        directory,
        image_data_generator,
        target_size=(256, 256),
        color_mode='rgb',
        classes=None,
        class_mode='categorical',
        batch_size=32,
        shuffle=True,
        seed=None,
        data_format=None,
        save_to_dir=None,
        save_prefix='',
        save_format='png',
        follow_links=False,
        subset=None,
        interpolation='nearest',
        dtype=None,
    ):
        super().__init__(
            image_data_generator, target_size, color_mode, data_format, subset, interpolation, dtype, class_mode
        )
        if not isinstance(directory, (str, os.PathLike)):
            raise TypeError(f'`directory` must be the path of a folder; got {directory!r}.')
        self.directory = os.fspath(directory)
        _check_classes(classes)
        folder = PictureFolder(self.directory, self.white_list_formats, follow_links)
        names = folder.classes() if classes is None else list(classes)
        self.class_indices = {name: number for number, name in enumerate(names)}
        self.num_classes = len(names)
        if class_mode == 'binary' and self.num_classes > 2:
            raise ValueError(
                f"class_mode='binary' is for two classes; {self.directory!r} has {self.num_classes}: {_listed(names)}. Use 'sparse' or 'categorical'."
            )
        filenames, labels = [], []
        for number, name in enumerate(names):
            found = part_of(folder.pictures(name), self.split)
            filenames += found
            labels += [number] * len(found)
        folder.warn_of_links()
        if not filenames:
            raise ValueError(folder.why_empty(names, subset))
        self.classes = np.array(labels, dtype='int32')
        print(f'Found {len(filenames)} images belonging to {self.num_classes} classes.')
        paths = [os.path.join(self.directory, name) for name in filenames]
        self._begin(filenames, paths, batch_size, shuffle, seed, save_to_dir, save_prefix, save_format)

    @property
    def labels(self):
        return self.classes


def _check_classes(classes):
    """Raises TypeError for what is no list of names, ValueError for a list that gives one folder two numbers."""
    if classes is None:
        return
    if isinstance(classes, (str, bytes, dict)) or not np.iterable(classes):
        raise TypeError(f'`classes` must be a list of the names of folders, or None for all; got {classes!r}.')
    for name in classes:
        if not isinstance(name, str):
            raise TypeError(f'`classes` must be a list of the names of folders; it has {name!r} in it.')
    twice = sorted({name for name in classes if list(classes).count(name) > 1})
    if twice:
        raise ValueError(f'`classes` must name each folder once; got {_listed(twice)} more than once.')
    if not len(classes):
        raise ValueError('`classes` is empty: give the names of folders, or None for all.')


class PictureFolder:
    """What there is to read in a folder of folders.

    Arguments:
        directory: its path.
        endings: tuple, the endings of the names of pictures.
        follow_links: whether links that lead out of the folder are followed, and links to folders.
    """

    def __init__(self, directory, endings, follow_links):
        if not os.path.isdir(directory):
            raise FileNotFoundError(f'`directory` must be a folder that exists; there is no folder {directory!r}.')
        self.directory = directory
        self.endings = tuple(f'.{ending}' for ending in endings)
        self.follow_links = follow_links
        self._root = os.path.realpath(directory)
        self._left_out = []

    def classes(self):
        """The names of the folders in it, in order, without those that are hidden."""
        with os.scandir(self.directory) as entries:
            found = [entry for entry in entries if entry.is_dir() and not entry.name.startswith('.')]
        return sorted(entry.name for entry in found if self._may_read(entry))

    def pictures(self, name):
        """The pictures in one folder and the folders in it, as names from `directory` on: in the order of folders, then of names."""
        top = os.path.join(self.directory, name)
        if not os.path.isdir(top):
            warn(f'There is no folder {top!r}: the class {name!r} has no pictures.')
            return []
        found, waiting, seen = [], [(name, top)], set()
        while waiting:
            folder, path = waiting.pop()
            real = os.path.realpath(path)
            if real in seen:  # a link to a folder above
                continue
            seen.add(real)
            with os.scandir(path) as entries:
                entries = sorted(entries, key=lambda entry: entry.name)
            for entry in entries:
                if entry.is_dir():
                    if not entry.is_symlink() or self.follow_links:
                        waiting.append((f'{folder}{os.sep}{entry.name}', entry.path))
                    else:
                        self._left_out.append(entry.path)
                elif entry.name.lower().endswith(self.endings) and entry.is_file() and self._may_read(entry):
                    found.append((folder, entry.name))
        return [os.path.join(*place) for place in sorted(found)]

    def _may_read(self, entry):
        if self.follow_links or not entry.is_symlink():
            return True
        real = os.path.realpath(entry.path)
        if real.startswith(os.path.join(self._root, '')):
            return True
        self._left_out.append(entry.path)
        return False

    def warn_of_links(self):
        """Say which links were left out, if any were."""
        if self._left_out:
            warn(
                f'{len(self._left_out)} links in {self.directory!r} were left out, as they lead out of it or to a folder: {_listed(self._left_out)}. follow_links=True follows them.'
            )

    def why_empty(self, names, subset):
        """The error for a folder in which nothing was found."""
        kinds = ', '.join(ending[1:] for ending in self.endings)
        text = f'There are no pictures ({kinds}) in '
        if names:
            text += f'the folders {_listed(names)} of {self.directory!r}'
        else:
            text += f'folders of {self.directory!r}, which has no folders: each class has its own'
        if subset:
            text += f', or too few to have some in the subset {subset!r}'
        own = [name for name in os.listdir(self.directory) if name.lower().endswith(self.endings)]
        if own:
            text += (
                f". It has {len(own)} in itself: to read these, without classes, give classes=['.'], class_mode=None"
            )
        return f'{text}.'


def _listed(names, most=5):
    text = ', '.join(map(repr, names[:most]))
    return f'{text}, ...' if len(names) > most else text
