"""The one loop: an adapter's batches through a step, with the callbacks told of each. Training, evaluation and prediction share it."""

import numbers
import time

import numpy as np

from cthulhu import callbacks as callbacks_module
from cthulhu.callbacks.base import BatchLogs, RunParams
from cthulhu.engine import shared
from cthulhu.engine.adapters import Batch
from cthulhu.engine.processes import uninterrupted
from cthulhu.utils.generic_utils import unpack_singleton
from cthulhu.utils.notebook import in_notebook


def run_epoch(adapter, step, begin, end, stop=None, pace=None, ahead=False):
    """Run a step over the batches of an adapter. Batches without samples are passed over.

    Arguments:
        adapter: where the batches come from.
        step: a Step.
        begin: function of (index, batch), called before each step.
        end: function of (index, batch, values), called after each step.
        stop: function that is true where the rest of the batches should be left out.
        pace: a Pace; then several steps may be taken together, `begin` and `end` are called once for them, `end` with the index of the last
            one, and with values that have a first axis for the steps. None for every step by itself.
        ahead: whether `end` may be called for a step when the next one has begun, where the framework computes by itself meanwhile.
    """
    adapter.begun += 1
    if pace is not None:
        whole = adapter.steps if adapter.samples is None else adapter.samples // pace.size
        pace.begin(whole, whole * (adapter.rounds - adapter.begun + 1))
    batches = shared.with_others(adapter) if adapter.is_share and adapter.shard != (0, 1) else adapter.batches()
    # A generator may write its next batch where the last one was, which the framework may still be reading.
    single = _take_ahead if ahead and step.goes_ahead and adapter.arrays is not None else _take
    under_way = []
    try:
        for group in _groups(batches, pace):
            if len(group) > 1:
                _wait_for(under_way, end)
            done = _take_together(adapter, begin, end, pace, group) if len(group) > 1 else 0
            for index, batch in group[done:]:
                begin(index, batch)
                single(step, index, batch, end, pace, under_way)
                if stop is not None and stop():
                    return _wait_for(under_way, end)
            if done and stop is not None and stop():
                return None
        return _wait_for(under_way, end)
    finally:
        batches.close()


def _take(step, index, batch, end, pace, under_way):
    """Take a step."""
    start = time.perf_counter()
    values = step.on(batch)
    if pace is not None and batch.size == pace.size:
        pace.took(time.perf_counter() - start)
    end(index, batch, values)


def _take_ahead(step, index, batch, end, pace, under_way):
    """Begin a step, then end the one before, which is in the list `under_way`."""
    start = time.perf_counter()
    begun = index, batch, step.begin(batch)
    before = [(index, batch, finish()) for index, batch, finish in under_way]
    if pace is not None and batch.size == pace.size:
        pace.took(time.perf_counter() - start)
    under_way[:] = [begun]
    for each in before:
        end(*each)


def _wait_for(under_way, end):
    for index, batch, finish in under_way:
        end(index, batch, finish())
    under_way[:] = []


def _groups(batches, pace):
    """Lists of (index, batch): the batches that are taken together."""
    group = []
    for numbered in enumerate(batch for batch in batches if batch.size):
        several = pace is not None and pace.length > 1 and numbered[1].size == pace.size
        if group and not several:
            yield group
            group = []
        group.append(numbered)
        if not several or len(group) >= pace.length:
            yield group
            group = []
    if group:
        yield group


def _take_together(adapter, begin, end, pace, group):
    """Take the steps of a group in one call; how many were taken."""
    batches = [batch for _, batch in group]
    first, size = group[0][0], batches[0].size
    call = pace.call
    if call is None:  # another thread found that it cannot be
        return 0
    begin(first, Batch(size * len(group), batches[0].start))
    start = time.perf_counter()
    try:
        done, values = call(adapter, batches)
    except NotImplementedError as reason:
        pace.failed(reason)
        return 0
    pace.took_together(len(group), time.perf_counter() - start)
    if done:
        values = values if done > 1 else [value[0] for value in values]
        end(first + done - 1, Batch(size * done, batches[0].start, steps=done), values)
    return done


def callback_list(model, callbacks, verbose, params, training=False):
    """A CallbackList of the user's callbacks and of those that every run has.

    Arguments:
        model: the model that is run.
        callbacks: list of callbacks, one callback, a CallbackList, or None.
        verbose: 1 or 2; anything else for silence, 'auto' for 1; in training also 'curves'.
        params: dict of the settings of the run, for the callbacks.
        training: whether a history is kept.
    """
    verbose = verbose if shared.is_first() else 0
    curves = verbose == 'curves'
    if verbose == 'auto':
        verbose = 1
    if curves:
        verbose = 0 if in_notebook() else 1  # elsewhere a bar
    verbose = verbose if verbose in (1, 2) else 0  # what is none of them is silent in Keras
    if isinstance(callbacks, callbacks_module.CallbackList):
        callbacks = callbacks.callbacks
    if isinstance(callbacks, callbacks_module.Callback):
        callbacks = [callbacks]
    callbacks = shared.writers_on_first(list(callbacks or ()))
    everyone = []
    if training:
        everyone.append(callbacks_module.BaseLogger(stateful_metrics=params['metrics'][1:]))
    if verbose:
        count_mode = 'samples' if params.get('samples') is not None else 'steps'
        everyone.append(callbacks_module.ProgbarLogger(count_mode, stateful_metrics=params.get('metrics', ())[1:]))
    everyone.extend(callbacks)
    if curves and not verbose:
        everyone.append(callbacks_module.TrainingCurves())
    if training:
        model.history = callbacks_module.History()
        everyone.append(model.history)
    made = callbacks_module.CallbackList(everyone)
    made.set_model(getattr(model, 'callback_model', None) or model)
    params['verbose'] = verbose
    made.set_params(params)
    return made


def run_params(adapter, **further):
    """The settings of a run, for callbacks. How many samples there are is only told of arrays, as in Keras."""
    params = RunParams(steps=adapter.steps, **further)
    if not adapter.is_stream:
        params.update(batch_size=adapter.batch_size, samples=adapter.samples)
    return params


def train(model, step, adapter, names, epochs, initial_epoch, verbose, callbacks, validation):
    """Train for some epochs.

    Arguments:
        model: the model, for its metrics and `stop_training`.
        step: the Step of training; its values are in the order of `names`.
        adapter: the training data.
        names: the labels of the values.
        epochs, initial_epoch: numbers of the epoch to stop before and to start with.
        verbose: 0, 1 or 2.
        callbacks: the user's.
        validation: a Validation, or None.

    Returns:
        The History.
    """
    use = object()
    params = run_params(
        adapter,
        epochs=epochs,
        do_validation=validation is not None,
        metrics=names + (['val_' + name for name in names] if validation is not None else []),
    )
    params.initial_epoch = initial_epoch
    told = callback_list(model, callbacks, verbose, params, training=True)
    told.adapter = adapter
    for callback in told:
        arrays = getattr(validation and validation.adapter, 'arrays', None)
        callback.validation_data = arrays and validation.step.with_ones(arrays)
    counts = (adapter.samples, validation and validation.adapter.samples)
    if told.params['verbose'] and validation is not None and None not in counts:
        print('Train on {} samples, validate on {} samples'.format(*counts))
    model.stop_training = False
    agreed = shared.begin_run(model, told, adapter, validation) if shared.is_shared() else None
    steps = 0

    def stop():
        return told.model.stop_training if agreed is None else agreed()

    def begin(index, batch):
        told.on_train_batch_begin(index, {'batch': index, 'size': batch.size})
        model.metric_states.go_on(use)

    def end(index, batch, values):
        nonlocal steps
        steps += 1
        told.on_train_batch_end(index, _batch_logs(index, batch, names, values))

    try:
        told.on_train_begin()
        if shared.is_shared():
            shared.begin_training(model, told, adapter)
        coming = range(told.params.initial_epoch, epochs)
        adapter.rounds = len(coming)
        if adapter.rounds > 1:
            step.hold(adapter)
        if validation is not None:
            validation.adapter.rounds = sum(map(validation.due, coming))
        for epoch in coming:
            model.metric_states.begin(use)
            adapter.look_again()
            told.params['steps'] = adapter.steps
            told.on_epoch_begin(epoch)
            steps = 0
            pace = None if told.wants_batches else step.pace(adapter, told.needs_equal_bits)
            run_epoch(adapter, step, begin, end, stop, pace=pace, ahead=not told.wants_batches)
            if not steps:
                if adapter.ended:  # just where the epoch before did
                    break
                raise ValueError('There is nothing to train on: the data have no samples.')
            logs = {}
            if validation is not None and validation.due(epoch):
                results = evaluate(model, validation.step, validation.adapter, names, told)
                logs.update(('val_' + name, value) for name, value in zip(names, results))
            told.on_epoch_end(epoch, logs)
            if shared.is_shared():
                shared.end_epoch(told.model)
            if told.model.stop_training or adapter.ended:
                break
        if len(coming) and getattr(model.optimizer, 'use_ema', False):
            model.conjuring.optimizer_state()  # that of this model
            model.optimizer.finalize_variable_values()
    finally:  # also where an exception or Ctrl-C ends it
        try:
            with uninterrupted():
                adapter.close()
                if validation is not None:
                    validation.adapter.close()
        finally:
            model.metric_states.end(use)
            told.on_train_end()  # callbacks close files and restore weights here
    return model.history


def _batch_logs(index, batch, names, values):
    """The logs of a batch; of several that were taken together the mean loss, and the metrics as they are after the last one."""
    if batch.steps == 1:
        return BatchLogs(index, batch.size, zip(names, map(np.float64, values)))
    found = [np.mean(values[0], dtype='float64')] + [np.float64(value[-1]) for value in values[1:]]
    return BatchLogs(index, batch.size, zip(names, found), batch.steps)


def finish(told, adapter):
    """End an evaluation or a prediction, however it went: what computes ahead, and the line of the progress bar."""
    adapter.close()
    for callback in told:
        if isinstance(callback, callbacks_module.ProgbarLogger):
            callback.close()


def evaluate(model, step, adapter, names, told):
    """Measure over all batches of an adapter.

    Returns:
        List of floats in the order of `names`: the loss averaged over the samples, and the metrics.
    """
    total, seen, last, use = 0.0, 0, [], object()

    def begin(index, batch):
        told.on_test_batch_begin(index, {'batch': index, 'size': batch.size})
        model.metric_states.go_on(use)

    def end(index, batch, values):
        nonlocal total, seen, last
        logs = _batch_logs(index, batch, names, values)
        last = [logs[name] for name in names]
        total += last[0] * batch.size
        seen += batch.size
        told.on_test_batch_end(index, logs)

    model.metric_states.begin(use)
    told.on_test_begin()
    pace = None if told.wants_test_batches else step.pace(adapter, told.needs_equal_bits)
    try:
        run_epoch(adapter, step, begin, end, pace=pace, ahead=not told.wants_test_batches)
    finally:
        model.metric_states.end(use)
    if not seen:
        raise ValueError('There is nothing to evaluate: the data have no samples.')
    results = [total / seen] + [value if np.ndim(value) else float(value) for value in last[1:]]
    told.on_test_end(dict(zip(names, results)))
    return results


def predict(step, adapter, told):
    """Predict for all batches of an adapter.

    Returns:
        NumPy array, or list of them, with one row a sample.
    """
    outputs, parts = [], []

    def begin(index, batch):
        told.on_predict_batch_begin(index, {'batch': index, 'size': batch.size})

    def end(index, batch, values):
        if adapter.shard != (0, 1):
            parts.append((batch, values))
            told.on_predict_batch_end(index, {'batch': index, 'size': batch.size, 'outputs': values})
            return
        if batch.steps > 1:
            size = batch.size // batch.steps
            if not all(value.shape[1:2] == (size,) for value in values):
                for i, one in enumerate(zip(*values), start=1 - batch.steps):
                    end(index + i, Batch(size, batch.start + (i + batch.steps - 1) * size), one)
                return
            values = [value.reshape((-1,) + value.shape[2:]) for value in values]
        # What an output gives for the whole batch is that of each of its samples.
        values = [value if np.ndim(value) else np.full(batch.size, value) for value in values]
        if adapter.samples is None or parts or any(len(value) != batch.size for value in values):
            if outputs:  # what came before had as many rows as samples by chance
                parts.append([whole[: batch.start] for whole in outputs])
                del outputs[:]
            parts.append(values)
        else:
            if not outputs:
                outputs.extend(np.empty((adapter.samples,) + value.shape[1:], dtype=value.dtype) for value in values)
            for whole, value in zip(outputs, values):
                whole[batch.start : batch.start + batch.size] = value
        told.on_predict_batch_end(index, {'batch': index, 'size': batch.size, 'outputs': values})

    told.on_predict_begin()
    pace = None if told.wants_predict_batches else step.pace(adapter, told.needs_equal_bits)
    run_epoch(adapter, step, begin, end, pace=pace, ahead=not told.wants_predict_batches)
    told.on_predict_end()
    if parts and adapter.shard != (0, 1):
        outputs = shared.together(parts)
    elif parts:
        outputs = [np.concatenate(pieces) for pieces in zip(*parts)]
    if not outputs:
        raise ValueError('There is nothing to predict: the data have no samples.')
    return unpack_singleton(outputs)


class Validation:
    """What is measured at the end of epochs, and of which ones.

    Arguments:
        step: the Step that measures.
        adapter: the data.
        frequency: integer, every how many epochs; or a list, tuple or set of epochs, counted from 1.
    """

    def __init__(self, step, adapter, frequency):
        self.step = step
        self.adapter = adapter
        self.frequency = frequency

    def due(self, epoch):
        """Whether to measure after epoch number `epoch` (from 0)."""
        if isinstance(self.frequency, numbers.Integral):
            return (epoch + 1) % self.frequency == 0
        return epoch + 1 in self.frequency
