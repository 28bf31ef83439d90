import sys

import numpy as np
import pytest

from cthulhu.callbacks import BaseLogger, CallbackList, History
from cthulhu.pictures.curves import curves_html


def test_base_logger_weights_by_size_but_for_stateful_metrics():
    logger = BaseLogger(stateful_metrics=['auc'])
    logger.set_params({'metrics': ['loss', 'auc', 'val_loss']})
    sizes, losses, auc = [32, 32, 7], [1.0, 2.0, 9.0], [0.5, 0.6, 0.7]
    for _ in range(2):  # the second epoch starts afresh
        logger.on_epoch_begin(0)
        for i in range(3):
            logger.on_batch_end(i, {'batch': i, 'size': sizes[i], 'loss': losses[i], 'auc': auc[i]})
        logs = {'val_loss': 5.0}
        logger.on_epoch_end(0, logs)
    np.testing.assert_allclose(logs.pop('loss'), np.average(losses, weights=sizes), rtol=1e-12)
    assert logs == {'auc': 0.7, 'val_loss': 5.0}


def test_base_logger_takes_several_batches_in_one_call():
    logger = BaseLogger()
    logger.set_params({'metrics': ['loss']})
    logger.on_epoch_begin(0)
    logger.on_batch_end(9, {'batch': 9, 'size': 320, 'num_steps': 10, 'loss': 1.0})
    logger.on_batch_end(10, {'batch': 10, 'size': 80, 'loss': 2.0})
    logs = {}
    logger.on_epoch_end(0, logs)
    assert logs == {'loss': 1.2}
    assert not CallbackList([logger]).wants_batches


def test_history_keeps_each_epoch_and_starts_afresh():
    history = History()
    for _ in range(2):
        history.on_train_begin()
        history.on_epoch_end(4, {'loss': 2.0})
        history.on_epoch_end(5, {'loss': 1.0, 'val_loss': 3.0})
    assert history.epoch == [4, 5]
    assert history.history == {'loss': [2.0, 1.0], 'val_loss': [3.0]}


def validated_now_and_then():
    history = History()
    history.on_train_begin()
    for epoch in range(3, 7):
        logs = {'loss': 1 / epoch, 'acc': epoch / 10}
        history.on_epoch_end(epoch, dict(logs, val_loss=2.0 * epoch) if epoch % 2 else logs)
    return history


def test_a_history_says_what_came_of_it():
    assert repr(History()) == '<History of 0 epoch(s)>'
    assert repr(validated_now_and_then()) == '<History of 4 epoch(s): loss 0.1667, acc 0.6, val_loss 10>'


def test_a_history_shows_itself_in_a_notebook(monkeypatch):
    monkeypatch.setitem(sys.modules, 'matplotlib', None)
    history = validated_now_and_then()
    assert history.history['val_loss'] == [6.0, 10.0]
    values = dict(history.history, val_loss=[6.0, None, 10.0, None])
    assert history._repr_html_() == curves_html([3, 4, 5, 6], values)
    assert History()._repr_html_() == '<pre>&lt;History of 0 epoch(s)&gt;</pre>'
    # one that was made by hand, or in an older backup, has no such list
    history.value_epochs = {}
    assert 'svg' in history._repr_html_()


def test_plot(tmp_path):
    pytest.importorskip('matplotlib')
    history = validated_now_and_then()
    figure = history.plot(filename=tmp_path / 'curves.png')
    assert (tmp_path / 'curves.png').read_bytes()[:4] == b'\x89PNG' == figure._repr_png_()[:4]
    loss, accuracy = figure.axes
    assert (loss.get_title(), accuracy.get_title(), loss.get_xlabel()) == ('loss', 'acc', 'epoch')
    training, validation = loss.get_lines()
    assert training.get_xydata().tolist() == [[4, 1 / 3], [5, 1 / 4], [6, 1 / 5], [7, 1 / 6]]
    assert validation.get_xydata().tolist() == [[4, 6.0], [6, 10.0]] and validation.get_linestyle() == '--'
    for names in (['acc'], 'acc'):
        assert [axes.get_title() for axes in history.plot(names).axes] == ['acc']
    with pytest.raises(ValueError, match="`metrics` has 'auc'; there are loss, acc"):
        history.plot(['auc'])
    with pytest.raises(ValueError, match='nothing to plot before an epoch has ended'):
        History().plot()


def test_plot_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, 'matplotlib.figure', None)
    with pytest.raises(ImportError, match='Drawing needs matplotlib'):
        validated_now_and_then().plot()
