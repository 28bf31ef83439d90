import numpy as np

from cthulhu.callbacks import BaseLogger, CallbackList, History


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
