"""Batches of the pictures in a folder: what is found, what is left out, and what is wrong with it."""

import os
from pathlib import Path

import numpy as np
import pytest

from cthulhu.preprocessing.image import DirectoryIterator, ImageDataGenerator
from cthulhu.storage.errors import DamagedFileError
from tests.preprocessing.image.helpers import classes, noise, write

pytest.importorskip('PIL')

PLAIN = ImageDataGenerator()


def flow(folder, **how):
    return PLAIN.flow_from_directory(str(folder), **dict({'target_size': (8, 6), 'shuffle': False}, **how))


def slashed(iterator):
    return [name.replace(os.sep, '/') for name in iterator.filenames]


def test_what_users_read(tmp_path, capsys):
    iterator = flow(classes(tmp_path), batch_size=4)
    assert capsys.readouterr().out == 'Found 9 images belonging to 2 classes.\n'
    assert iterator.class_indices == {'a': 0, 'b': 1} and iterator.num_classes == 2
    assert iterator.classes.tolist() == iterator.labels.tolist() == [0] * 5 + [1] * 4
    assert iterator.samples == iterator.n == 9 and len(iterator) == 3
    assert iterator.image_shape == (8, 6, 3) and iterator.directory == str(tmp_path)
    assert slashed(iterator) == [f'a/{i}.png' for i in range(5)] + [f'b/{i}.png' for i in range(4)]
    assert iterator.filepaths[0] == os.path.join(str(tmp_path), 'a', '0.png')
    x, y = iterator[2]
    np.testing.assert_array_equal(x[0], noise(seed=103))
    np.testing.assert_array_equal(y, [[0, 1]])


@pytest.mark.parametrize('generator', [None, ImageDataGenerator(data_format='channels_first')])
def test_made_by_its_class(tmp_path, generator):
    first = generator is not None
    iterator = DirectoryIterator(
        classes(tmp_path),
        generator,
        target_size=(8, 6),
        color_mode='rgba',
        data_format='channels_first' if first else 'channels_last',
        shuffle=False,
    )
    x, _ = iterator[0]
    assert x.shape == ((9, 4, 8, 6) if first else (9, 8, 6, 4))
    np.testing.assert_array_equal((x[0].transpose(1, 2, 0) if first else x[0])[..., :3], noise())
    if first:
        with pytest.raises(ValueError, match="'channels_last'.*'channels_first'"):
            DirectoryIterator(str(tmp_path), generator, data_format='channels_last')


def test_nested_folders_and_names_in_unicode(tmp_path):
    for name in ('Ünï/ß 猫.png', 'Ünï/tief/tiefer/🐙.PNG', 'Ünï/tief/a.jpeg', '日本/x.Tif'):
        write(tmp_path / name, noise())
    iterator = flow(tmp_path)
    assert slashed(iterator) == ['Ünï/ß 猫.png', 'Ünï/tief/a.jpeg', 'Ünï/tief/tiefer/🐙.PNG', '日本/x.Tif']
    assert iterator.class_indices == {'Ünï': 0, '日本': 1}
    assert iterator[0][0].shape == (4, 8, 6, 3)


def test_hidden_folders_are_no_classes(tmp_path):
    classes(tmp_path)
    write(tmp_path / '.ipynb_checkpoints' / 'x.png', noise())
    assert flow(tmp_path).class_indices == {'a': 0, 'b': 1}


def test_no_pictures_at_all(tmp_path):
    with pytest.raises(ValueError, match='no pictures.*no folders: each class has its own'):
        flow(tmp_path)
    (tmp_path / 'a').mkdir()
    (tmp_path / 'a' / 'notes.txt').write_text('')
    with pytest.raises(ValueError, match="no pictures.*folders 'a'"):
        flow(tmp_path)
    write(tmp_path / 'x.png', noise())
    with pytest.raises(ValueError, match=r"has 1 in itself.*classes=\['.'\]"):
        flow(tmp_path, class_mode=None)
    assert flow(tmp_path, classes=['.'], class_mode=None)[0].shape == (1, 8, 6, 3)
    with pytest.raises(FileNotFoundError, match='nowhere'):
        flow(tmp_path / 'nowhere')
    write(tmp_path / 'a' / 'x.png', noise())
    with pytest.raises(ValueError, match="too few.*'validation'"):
        ImageDataGenerator(validation_split=0.1).flow_from_directory(str(tmp_path), subset='validation')


def test_a_class_without_a_folder(tmp_path):
    with pytest.warns(UserWarning, match="'c' has no pictures"):
        iterator = flow(classes(tmp_path), classes=['b', 'c'])
    assert iterator.class_indices == {'b': 0, 'c': 1} and iterator.n == 4 and iterator[0][1].shape == (4, 2)


def test_links_lead_out_only_where_asked(tmp_path):
    folder = Path(classes(tmp_path / 'in'))
    secret = write(tmp_path / 'out' / 'secret.png', noise(seed=1))
    (folder / 'a' / 'link.png').symlink_to(secret)
    (folder / 'a' / 'inside.png').symlink_to(folder / 'b' / '0.png')
    (folder / 'a' / 'folder').symlink_to(tmp_path / 'out')
    (folder / 'c').symlink_to(tmp_path / 'out')
    (folder / 'b' / 'dangling.png').symlink_to(tmp_path / 'missing.png')
    with pytest.warns(UserWarning, match='3 links.*follow_links=True'):
        iterator = flow(folder)
    assert iterator.class_indices == {'a': 0, 'b': 1} and iterator.n == 10
    assert 'a/inside.png' in slashed(iterator) and 'a/link.png' not in slashed(iterator)
    iterator = flow(folder, follow_links=True)
    assert iterator.class_indices == {'a': 0, 'b': 1, 'c': 2} and iterator.n == 13
    assert {'a/link.png', 'a/folder/secret.png', 'c/secret.png'} <= set(slashed(iterator))


def test_links_in_a_circle_end(tmp_path):
    folder = Path(classes(tmp_path))
    (folder / 'a' / 'again').symlink_to(folder / 'a')
    (folder / 'a' / 'above').symlink_to(folder / 'b')
    iterator = flow(folder, follow_links=True)
    assert iterator.n == 13 and len(set(iterator.filenames)) == 13


def test_only_files_are_read(tmp_path):
    folder = Path(classes(tmp_path))
    (folder / 'a' / 'folder.png').mkdir()
    if hasattr(os, 'mkfifo'):
        os.mkfifo(str(folder / 'a' / 'pipe.png'))
    assert flow(folder).n == 9


def test_bad_files_are_named(tmp_path):
    folder = Path(classes(tmp_path))
    whole = (folder / 'a' / '1.png').read_bytes()
    (folder / 'a' / '1.png').write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DamagedFileError, match=r'1\.png'):
        flow(folder)[0]
    (folder / 'a' / '1.png').write_bytes(b'')
    with pytest.raises(DamagedFileError, match=r'1\.png'):
        flow(folder)[0]
    iterator = flow(folder)
    (folder / 'a' / '1.png').unlink()
    with pytest.raises(FileNotFoundError, match=r'1\.png'):
        iterator[0]


@pytest.mark.skipif(not hasattr(os, 'geteuid') or os.geteuid() == 0, reason='whoever may read everything')
def test_unreadable_files_are_named(tmp_path):
    folder = Path(classes(tmp_path))
    (folder / 'a' / '1.png').chmod(0)
    with pytest.raises(PermissionError, match=r'1\.png'):
        flow(folder)[0]


def test_an_error_of_the_system_keeps_its_name(tmp_path, monkeypatch):
    import builtins

    folder = classes(tmp_path)
    iterator = flow(folder)

    def refusing(opened):
        def opening(path, *args, **kwargs):
            if str(path).endswith('1.png'):
                raise PermissionError(13, 'Permission denied', path)
            return opened(path, *args, **kwargs)

        return opening

    for module in (builtins, os):
        monkeypatch.setattr(module, 'open', refusing(module.open))
    with pytest.raises(PermissionError, match=r'1\.png'):
        iterator[0]


def test_more_than_two_classes_are_not_binary(tmp_path):
    with pytest.raises(ValueError, match="'binary' is for two.*has 3: 'a', 'b', 'c'.*'sparse'"):
        flow(classes(tmp_path, (('a', 1), ('b', 1), ('c', 1))), class_mode='binary')


@pytest.mark.parametrize(
    'argument, value, message',
    [
        ('class_mode', 'multi', "`class_mode` must be one of 'categorical'"),
        ('color_mode', 'bgr', '`color_mode`'),
        ('interpolation', 'cubic', '`interpolation`'),
        ('target_size', 8, '`target_size`'),
        ('target_size', (0, 8), '`target_size`'),
        ('subset', 'test', '`subset`'),
    ],
)
def test_wrong_arguments(tmp_path, argument, value, message):
    with pytest.raises(ValueError, match=message):
        flow(classes(tmp_path), **{argument: value})


@pytest.mark.parametrize('class_mode', ['categorical', 'binary', 'sparse', 'input', None])
def test_targets(tmp_path, class_mode):
    batch = flow(classes(tmp_path), class_mode=class_mode, batch_size=9)[0]
    if class_mode is None:
        assert batch.shape == (9, 8, 6, 3)
        return
    x, y = batch
    labels = np.array([0] * 5 + [1] * 4)
    wanted = {'categorical': np.eye(2)[labels], 'input': x}.get(class_mode, labels)
    np.testing.assert_array_equal(y, wanted)
    assert y is not x and y.dtype == 'float32'


def test_resizing(tmp_path):
    folder = classes(tmp_path, height=40, width=30)
    wide = flow(folder, target_size=(3, 7), interpolation='lanczos')
    assert wide[0][0].shape == (9, 3, 7, 3) and wide.image_shape == (3, 7, 3)
