import csv
import os

import numpy as np
import pytest

from cthulhu.callbacks import CSVLogger, LuKthuCallback
from tests.callbacks.running import X, Y, linear, needs_gradients, tell
from tests.saving.test_left_behind import files_of_at_most


def rows(path, separator=','):
    with open(str(path), newline='') as file:
        return list(csv.reader(file, delimiter=separator))


def logs(*values):
    return [{'loss': value, 'acc': 1 - value} for value in values]


@pytest.mark.parametrize('separator', [',', ';', '\t'])
def test_a_row_for_each_epoch(tmp_path, separator):
    path = tmp_path / 'log.csv'
    tell(CSVLogger(path, separator), logs(0.5, 0.25))
    assert rows(path, separator) == [['epoch', 'acc', 'loss'], ['0', '0.5', '0.5'], ['1', '0.75', '0.25']]
    # the bytes that Keras 2.3.1 writes
    assert path.read_bytes() == 'epoch,acc,loss\r\n0,0.5,0.5\r\n1,0.75,0.25\r\n'.replace(',', separator).encode()


def test_a_new_run_begins_a_new_file_and_append_goes_on(tmp_path):
    path = tmp_path / 'log.csv'
    callback = CSVLogger(path)
    tell(callback, logs(0.5, 0.25))
    tell(callback, [{'other': 1}])
    assert rows(path) == [['epoch', 'other'], ['0', '1']]
    tell(CSVLogger(path, append=True), [{'other': 2}], initial_epoch=1)
    assert rows(path) == [['epoch', 'other'], ['0', '1'], ['1', '2']]
    fresh = tmp_path / 'fresh.csv'
    tell(CSVLogger(fresh, append=True), [{'other': 2}])
    assert rows(fresh) == [['epoch', 'other'], ['0', '2']]


def test_columns_of_the_run_and_of_the_file_are_kept(tmp_path):
    path = tmp_path / 'log.csv'
    tell(CSVLogger(path), [{'loss': 1}, {'loss': 2, 'val_loss': 3}], metrics=['loss', 'val_loss'])
    assert rows(path) == [['epoch', 'loss', 'val_loss'], ['0', '1', 'NA'], ['1', '2', '3']]
    tell(CSVLogger(path, append=True), [{'val_loss': 5, 'loss': 4}], initial_epoch=2)
    assert rows(path)[-1] == ['2', '4', '5']


def test_arrays(tmp_path):
    tell(CSVLogger(tmp_path / 'log.csv'), [{'a': np.array([1, 2]), 'b': np.array(3), 'c': 'text', 'd': [4, 5]}])
    assert rows(tmp_path / 'log.csv')[1] == ['0', '"[1, 2]"', '3', 'text', '"[4, 5]"']


def test_a_run_without_epochs_empties_the_file(tmp_path):
    path = tmp_path / 'log.csv'
    path.write_text('old')
    tell(CSVLogger(path), [])
    assert path.read_text() == ''


def test_a_path_that_cannot_be_written_fails_before_training(tmp_path):
    with pytest.raises(OSError):
        tell(CSVLogger(tmp_path / 'no' / 'folder.csv'), [])


@needs_gradients
@pytest.mark.parametrize('error', [RuntimeError, KeyboardInterrupt])
def test_an_error_closes_the_file_with_all_rows(tmp_path, error):
    def fail(batch, logs):
        if batch == 1 and len(rows(tmp_path / 'log.csv')) == 3:
            raise error

    callback = CSVLogger(tmp_path / 'log.csv')
    with pytest.raises(error):
        linear().summon(
            X, Y, batch_size=8, epochs=9, verbose=0, callbacks=[callback, LuKthuCallback(on_batch_end=fail)]
        )
    assert callback.csv_file.closed and len(rows(tmp_path / 'log.csv')) == 3


@pytest.mark.skipif(os.name == 'nt', reason='limits of files are those of POSIX')
@pytest.mark.parametrize('room', [3, 14, 26, 27, 36])
def test_a_full_disk_leaves_whole_rows(tmp_path, room):
    path = tmp_path / 'log.csv'
    names, row = b'epoch,acc,loss\r\n', b'0,0.75,0.25\r\n'  # 16 and 13 bytes
    callback = CSVLogger(path)
    with files_of_at_most(room), pytest.raises(OSError, match='large'):
        tell(callback, logs(0.25, 0.25))
    callback.on_train_end()  # which is an error of its own no more
    assert path.read_bytes() == (names + row)[: 0 if room < 16 else 16 if room < 29 else 29]
    tell(CSVLogger(path, append=True), logs(0.25), initial_epoch=0)
    assert path.read_bytes() == names + row * (2 if room >= 29 else 1)


@pytest.mark.skipif(not os.path.exists('/dev/full'), reason='a device of Linux')
@pytest.mark.parametrize('append', [False, True])
def test_devices(append):
    tell(CSVLogger(os.devnull, append=append), logs(0.5))
    with pytest.raises(OSError, match='space'):
        tell(CSVLogger('/dev/full', append=append), logs(0.5))
