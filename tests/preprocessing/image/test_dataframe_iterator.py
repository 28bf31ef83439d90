"""Batches of the pictures that a table names."""

import importlib.util
import os

import numpy as np
import pytest

from cthulhu.preprocessing.image import DataFrameIterator, ImageDataGenerator
from tests.preprocessing.image.helpers import classes, noise

pytest.importorskip('PIL')
pandas = pytest.importorskip('pandas')

PLAIN = ImageDataGenerator()


def table(**more):
    columns = {
        'filename': ['a/0.png', 'b/1.png', 'a/2.png', 'b/3.png'],
        'class': ['x', 'y', 'x', 'z'],
        'number': [1.5, 2.5, 3.5, 4.5],
        'count': [1, 2, 3, 4],
    }
    columns.update(more)
    return pandas.DataFrame(columns)


@pytest.fixture
def folder(tmp_path):
    return classes(tmp_path)


def flow(frame, folder, **how):
    return PLAIN.flow_from_dataframe(frame, folder, **dict({'target_size': (8, 6), 'shuffle': False}, **how))


def test_what_users_read(folder, capsys):
    iterator = flow(table(), folder)
    assert capsys.readouterr().out == 'Found 4 validated image filenames belonging to 3 classes.\n'
    assert iterator.filenames == table()['filename'].tolist() and iterator.n == iterator.samples == 4
    assert iterator.classes == iterator.labels == [0, 1, 0, 2] and iterator.class_indices == {'x': 0, 'y': 1, 'z': 2}
    assert iterator.filepaths[1] == os.path.join(folder, 'b/1.png')
    x, y = iterator[0]
    np.testing.assert_array_equal(x[1], noise(seed=101))
    np.testing.assert_array_equal(y, np.eye(3)[[0, 1, 0, 2]])


def test_missing_files_are_left_out_with_their_targets(folder):
    frame = table(filename=['a/0.png', 'gone.png', 'a/2.png', 'b/notes.txt'], weight=[1.0, 2.0, 3.0, 4.0])
    with pytest.warns(UserWarning, match="2 of the 4 names in the column 'filename'.*'gone.png', 'b/notes.txt'"):
        iterator = flow(frame, folder, y_col='number', class_mode='raw', weight_col='weight')
    x, y, weights = iterator[0]
    assert iterator.filenames == ['a/0.png', 'a/2.png'] and y.tolist() == [1.5, 3.5] and weights.tolist() == [1, 3]
    iterator = flow(frame, folder, y_col='number', class_mode='raw', validate_filenames=False)
    assert iterator.n == 4
    with pytest.raises(FileNotFoundError, match='gone.png'):
        iterator[0]


def test_no_file_is_there(folder):
    with pytest.warns(UserWarning), pytest.raises(ValueError, match='None of the 4 rows.*`directory`.*endings'):
        flow(table(filename=['0', '1', '2', '3']), folder)


def test_whole_paths_need_no_folder(folder):
    frame = table()
    frame['filename'] = [os.path.join(folder, name) for name in frame['filename']]
    assert flow(frame, None)[0][0].shape == (4, 8, 6, 3)


@pytest.mark.parametrize(
    'class_mode, y_col, wanted',
    [
        ('raw', 'number', [1.5, 2.5, 3.5, 4.5]),
        ('raw', ['number', 'count'], [[1.5, 1], [2.5, 2], [3.5, 3], [4.5, 4]]),
        ('sparse', 'class', [0, 1, 0, 2]),
    ],
)
def test_targets(folder, class_mode, y_col, wanted):
    np.testing.assert_array_equal(flow(table(), folder, class_mode=class_mode, y_col=y_col)[0][1], wanted)


def test_several_outputs(folder):
    iterator = flow(table(), folder, class_mode='multi_output', y_col=['number', 'count'], shuffle=True, seed=1)
    y = iterator[0][1]
    assert isinstance(y, list) and len(y) == 2
    np.testing.assert_array_equal(y[0] - 0.5, y[1])
    np.testing.assert_array_equal(y[1], np.array([1, 2, 3, 4])[iterator.index_array])
    with pytest.raises(TypeError, match="'multi_output'.*list of columns; got 'number'"):
        flow(table(), folder, class_mode='multi_output', y_col='number')


def test_raw_vectors_become_an_array(folder):
    frame = table(vector=[[1, 2], [3, 4], [5, 6], [7, 8]])
    y = flow(frame, folder, class_mode='raw', y_col='vector')[0][1]
    np.testing.assert_array_equal(y, [[1, 2], [3, 4], [5, 6], [7, 8]])
    y = flow(frame, folder, class_mode='multi_output', y_col=['vector', 'count'])[0][1]
    assert y[0].shape == (4, 2) and y[1].shape == (4,)


def test_pictures_as_targets_and_alone(folder):
    x, y = flow(table(), folder, class_mode='input')[0]
    np.testing.assert_array_equal(x, y)
    assert flow(table(), folder, class_mode=None)[0].shape == (4, 8, 6, 3)


@pytest.mark.parametrize(
    'how, error, message',
    [
        ({'x_col': 'name'}, KeyError, "no column 'name'.*'filename'"),
        ({'y_col': 'label'}, KeyError, "no column 'label'"),
        ({'x_col': 'count'}, TypeError, 'names of files; row 0 has'),
        ({'y_col': 'count'}, TypeError, r"hold texts.*row 0 has.*astype\(str\).*'raw'"),
        ({'y_col': 'holes'}, TypeError, 'row 1 has nan.*without a class'),
        ({'y_col': ['class', 'count']}, TypeError, 'one column'),
        ({'weight_col': 'class'}, TypeError, '`weight_col`.*numbers'),
        ({'class_mode': 'binary'}, ValueError, 'two classes; there are 3'),
        ({'class_mode': 'other'}, ValueError, '`class_mode`'),
        ({'classes': 'x'}, TypeError, '`classes` must be a list'),
        ({'classes': [1]}, TypeError, '`classes` must be a list of texts'),
        ({'has_ext': True}, TypeError, "no argument 'has_ext'"),
    ],
)
def test_wrong_arguments(folder, how, error, message):
    with pytest.raises(error, match=message):
        flow(table(holes=['x', np.nan, 'x', 'y']), folder, **how)


def test_classes_that_are_not_there(folder):
    with pytest.warns(UserWarning, match="No row has the class 'q'"):
        iterator = flow(table(), folder, classes=['x', 'q'])
    assert iterator.n == 2 and iterator[0][1].shape == (2, 2)


def test_other_tables(folder):
    columns = {name: list(values) for name, values in table().items()}
    wanted = flow(table(), folder)[0]
    found = flow(columns, folder)[0]
    np.testing.assert_array_equal(found[0], wanted[0])
    np.testing.assert_array_equal(found[1], wanted[1])


@pytest.mark.skipif(importlib.util.find_spec('polars') is None, reason='not everywhere is polars')
def test_polars(folder):
    import polars

    frame = polars.DataFrame({name: list(values) for name, values in table().items()})
    np.testing.assert_array_equal(flow(frame, folder)[0][1], flow(table(), folder)[0][1])
    np.testing.assert_array_equal(flow(frame, folder, y_col='number', class_mode='raw')[0][1], [1.5, 2.5, 3.5, 4.5])


def test_made_by_its_class(folder):
    iterator = DataFrameIterator(table(), folder, target_size=(8, 6), shuffle=False)
    assert iterator[0][0].shape == (4, 8, 6, 3)


def test_too_few_for_the_subset(folder):
    generator = ImageDataGenerator(validation_split=0.1)
    with pytest.raises(ValueError, match="too few rows.*'validation'"):
        generator.flow_from_dataframe(table(), folder, subset='validation')


def test_a_picture_of_no_class_has_zeros(folder):
    # As keras-preprocessing 1.1.2 has it: the row stays. With `classes`, rows that have none of them are left out.
    frame = table(label=[['a'], [], ['a', 'b'], ['b']])
    np.testing.assert_array_equal(flow(frame, folder, y_col='label')[0][1], [[1, 0], [0, 0], [1, 1], [0, 1]])
    assert flow(frame, folder, y_col='label', classes=['a']).filenames == ['a/0.png', 'a/2.png']
