"""Callback, what is told of the course of training, and CallbackList, which tells."""

import time
import typing
from collections import deque

from cthulhu.callers import warn
from cthulhu.utils import hints
from cthulhu.utils.arguments import checked, require_call
from cthulhu.utils.reprs import settings_repr

# The hooks around one batch have two names in training: the one with `train` calls the older one.
_OLDER_NAME = {'on_train_batch_begin': 'on_batch_begin', 'on_train_batch_end': 'on_batch_end'}


class BatchLogs(dict):
    """The logs of one batch, or of several. What is counted stands beside them too, because a metric may be called 'size'.

    Arguments:
        batch: number of the (last) batch.
        samples: number of samples.
        values: pairs of a name and a value: the loss and the metrics.
        steps: number of batches.

    Attributes:
        samples, steps: number of samples, and of batches, that the values stand for.
    """

    def __init__(self, batch, samples, values=(), steps=1):
        super().__init__(batch=batch, size=samples)
        self.samples = samples
        self.steps = steps
        if steps > 1:
            self['num_steps'] = steps
        self.update(values)


class RunParams(dict):
    """The settings of a run, with the keys that callbacks of Keras know.

    Attributes:
        initial_epoch: number of the epoch that training starts with. A callback that resumes an interrupted run sets it.
    """

    initial_epoch = 0


def samples_of(logs):
    """How many samples the logs of a batch stand for; also of a plain dict, by its 'size'."""
    return logs.samples if isinstance(logs, BatchLogs) else logs.get('size', 0)


def steps_of(logs):
    """How many batches the logs of one stand for; also of a plain dict, by its 'num_steps'."""
    return logs.steps if isinstance(logs, BatchLogs) else logs.get('num_steps', 1)


class Callback:
    """The base of what is called at the stages of training, testing and prediction. Override the hooks that matter.

    A hook gets `logs`, a dict: around a batch 'batch' (its number), 'size' (its samples) and at its end the loss and
    the metrics, by name; at the end of an epoch their averages, those of validation as 'val_...'; at the end of a batch
    of prediction 'outputs'.

    Attributes:
        params: dict with 'verbose', 'epochs', 'steps', 'samples', 'batch_size', 'metrics' (names), ... of this run.
        model: the model that is run. `model.stop_training = True` ends training after the batch.
        needs_each_batch: whether the batch hooks must see every batch by itself. Where this is False, one call may
            stand for several batches: 'size' is then the samples of all of them, 'num_steps' how many they are, the loss
            is the mean over them, and metrics are as after the last.
        needs_equal_bits: whether a run with it has to end with the same bits when it is repeated. How many steps are taken in one call is
            then not chosen by measuring, as the last bits may depend on it.
        writes: whether it writes or shows for the whole run: where several machines train together, only that of rank 0 is called.
        state_names: names of the attributes that `BackupAndRestore` keeps, for a run that is resumed: numbers, strings,
            arrays, and lists and dicts of these. A callback with other state overrides `get_state` and `set_state`.

    Example:
        >>> class Losses(Callback):
        ...     def on_train_begin(self, logs=None):
        ...         self.losses = []
        ...     def on_batch_end(self, batch, logs=None):
        ...         self.losses.append(logs['loss'])
    """

    __repr__ = settings_repr

    needs_each_batch = True
    needs_equal_bits = False
    writes = False
    state_names = ()

    def __init__(self) -> None:
        self.params: typing.Any = None
        self.model: typing.Any = None
        self.validation_data: typing.Any = None

    def set_params(self, params: typing.Dict[str, typing.Any]) -> None:
        """Take the settings of the run that is about to begin (dict)."""
        self.params = params

    def set_model(self, model: typing.Any) -> None:
        """Take the model that is about to be run."""
        self.model = model

    def get_state(self) -> typing.Dict[str, typing.Any]:
        """What a resumed run needs of this callback, as a dict."""
        return {name: getattr(self, name) for name in self.state_names}

    def set_state(self, state: typing.Dict[str, typing.Any]) -> None:
        """Go on from what `get_state` gave at the end of an epoch of the interrupted run. Called after `on_train_begin`."""
        for name in self.state_names:
            if name in state:
                setattr(self, name, state[name])

    def after_train_begin(self, callbacks):
        """Called with the CallbackList once `on_train_begin` of every callback was called."""

    def after_epoch_end(self, callbacks, epoch, logs=None):
        """Called with the CallbackList once `on_epoch_end` of every callback was called."""

    def on_epoch_begin(self, epoch: int, logs: hints.Logs = None) -> None:
        """Called before epoch number `epoch` of training, from 0."""

    def on_epoch_end(self, epoch: int, logs: hints.Logs = None) -> None:
        """Called after epoch number `epoch` of training and its validation; `logs` has the averages."""

    def on_batch_begin(self, batch: int, logs: hints.Logs = None) -> None:
        """The older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: hints.Logs = None) -> None:
        """The older name of `on_train_batch_end`."""

    def on_train_batch_begin(self, batch: int, logs: hints.Logs = None) -> None:
        """Called before batch number `batch` of an epoch of training."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: hints.Logs = None) -> None:
        """Called after batch number `batch` of an epoch of training."""
        self.on_batch_end(batch, logs=logs)

    def on_test_batch_begin(self, batch: int, logs: hints.Logs = None) -> None:
        """Called before a batch of `evaluate`, or of the validation in `summon`."""

    def on_test_batch_end(self, batch: int, logs: hints.Logs = None) -> None:
        """Called after a batch of `evaluate`, or of the validation in `summon`."""

    def on_predict_batch_begin(self, batch: int, logs: hints.Logs = None) -> None:
        """Called before a batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: hints.Logs = None) -> None:
        """Called after a batch of `predict`; `logs['outputs']` has what it gave."""

    def on_train_begin(self, logs: hints.Logs = None) -> None:
        """Called once when training begins."""

    def on_train_end(self, logs: hints.Logs = None) -> None:
        """Called once when training ends."""

    def on_test_begin(self, logs: hints.Logs = None) -> None:
        """Called when `evaluate`, or a validation, begins."""

    def on_test_end(self, logs: hints.Logs = None) -> None:
        """Called when `evaluate`, or a validation, ends."""

    def on_predict_begin(self, logs: hints.Logs = None) -> None:
        """Called when `predict` begins."""

    def on_predict_end(self, logs: hints.Logs = None) -> None:
        """Called when `predict` ends."""


def _own_hook(callback, name):
    """The hook if the callback does something in it, else None."""
    hook = getattr(callback, name, None)
    if hook is None or getattr(hook, '__func__', hook) is getattr(Callback, name):
        return None
    return hook


def _own_batch_hook(callback, name):
    hook = _own_hook(callback, name)
    if hook is None and name in _OLDER_NAME:
        hook = _own_hook(callback, _OLDER_NAME[name])
    return hook


def _check_hook(callback, name):
    """Raise TypeError for a hook of a user's own that does not take what it is told."""
    hook, ours = getattr(callback, name), vars(Callback).get(name)
    if callable(hook) and ours is not None and not str(getattr(hook, '__module__', '')).startswith('cthulhu.'):
        told = ours.__code__.co_varnames[1 : ours.__code__.co_argcount]
        require_call(hook, list(told), f'{type(callback).__name__}: the hook `{name}`')


class CallbackList:
    """Several callbacks as one: each hook is called on each callback that overrides it, in order.

    Arguments:
        callbacks: list of callbacks, or None.
        queue_length: over how many batches the time in the batch hooks is watched, to warn of slow ones.

    Attributes:
        adapter: in training, where the batches come from; its `position`, if it has one, says with what an epoch begins.
    """

    @checked
    def __init__(self, callbacks=None, queue_length=10):
        if isinstance(callbacks, str):
            raise TypeError(f'`callbacks` must be a list of Callback objects; got {callbacks!r}.')
        self.callbacks = list(callbacks or [])
        for callback in self.callbacks:
            hooks = [name for name in dir(callback) if name.startswith('on_')]
            if isinstance(callback, type) or not hooks:
                advice = ''
                if isinstance(callback, type):
                    advice = f' Make one: {callback.__name__}(...).'
                elif callable(callback):
                    advice = ' Of a function make one: LuKthuCallback(on_epoch_end=...).'
                raise TypeError(f'`callbacks` must be a list of Callback objects; it has {callback!r}.{advice}')
            for name in hooks:
                _check_hook(callback, name)
        self.queue_length = queue_length
        self.params = {}
        self.model = None
        self.adapter = None
        self._batch_hooks = {}
        self._began = None
        self._durations = {}

    def __iter__(self):
        return iter(self.callbacks)

    def append(self, callback):
        """Add a callback at the end."""
        self.callbacks.append(callback)
        self._batch_hooks = {}

    def set_params(self, params):
        """Hand the settings of the run (dict) to every callback."""
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model):
        """Hand the model to every callback."""
        self.model = model
        for callback in self.callbacks:
            if not hasattr(callback, 'set_model'):
                raise TypeError(
                    f'`callbacks` must be a list of Callback objects; it has {callback!r}. Derive {type(callback).__name__} from Callback.'
                )
            callback.set_model(model)

    # -- batches -----------------------------------------------------------------------------------------

    def _hooks(self, name):
        hooks = self._batch_hooks.get(name)
        if hooks is None:
            found = [_own_batch_hook(callback, name) for callback in self.callbacks]
            hooks = self._batch_hooks[name] = [hook for hook in found if hook is not None]
        return hooks

    def _wants(self, mode):
        names = [f'on_{mode}_batch_begin', f'on_{mode}_batch_end']
        return any(
            _own_batch_hook(callback, name) is not None
            for callback in self.callbacks
            if getattr(callback, 'needs_each_batch', True)
            for name in names
        )

    @property
    def wants_batches(self):
        """Whether a callback has to see each batch of training by itself."""
        return self._wants('train')

    @property
    def wants_test_batches(self):
        """Whether a callback has to see each batch of `evaluate` or of a validation by itself."""
        return self._wants('test')

    @property
    def wants_predict_batches(self):
        """Whether a callback has to see each batch of `predict` by itself."""
        return self._wants('predict')

    @property
    def needs_equal_bits(self):
        """Whether the run has to end with the same bits when it is repeated."""
        return any(getattr(callback, 'needs_equal_bits', False) for callback in self.callbacks)

    def _batch_begin(self, name, batch, logs):
        hooks = self._batch_hooks.get(name)
        if hooks is None:
            hooks = self._hooks(name)
        if hooks:
            self._call_timed(name, hooks, batch, logs)
        self._began = time.time()

    def _batch_end(self, name, batch, logs):
        hooks = self._batch_hooks.get(name)
        if hooks is None:
            hooks = self._hooks(name)
        if hooks:
            self._call_timed(name, hooks, batch, logs)

    def _call_timed(self, name, hooks, batch, logs):
        logs = {} if logs is None else logs
        start = time.time()
        for hook in hooks:
            hook(batch, logs)
        spent = time.time() - start
        durations = self._durations.get(name)
        if durations is None:
            durations = self._durations[name] = deque(maxlen=self.queue_length)
        durations.append(spent)
        # Only a hook that just took a while is worth a median.
        if spent > 0.1 and self._began is not None and name.endswith('end'):
            median = sorted(durations)[len(durations) // 2]
            if median > 0.1 and median > 0.95 * (start - self._began):
                warn(
                    f'The callbacks take {median:.3f} s in `{name}`, and the batch itself {start - self._began:.3f} s. Do less in it, or do it less often.'
                )

    def on_train_batch_begin(self, batch, logs=None):
        """Tell of the begin of a batch of training."""
        self._batch_begin('on_train_batch_begin', batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        """Tell of the end of a batch of training."""
        self._batch_end('on_train_batch_end', batch, logs)

    def on_test_batch_begin(self, batch, logs=None):
        """Tell of the begin of a batch of testing."""
        self._batch_begin('on_test_batch_begin', batch, logs)

    def on_test_batch_end(self, batch, logs=None):
        """Tell of the end of a batch of testing."""
        self._batch_end('on_test_batch_end', batch, logs)

    def on_predict_batch_begin(self, batch, logs=None):
        """Tell of the begin of a batch of prediction."""
        self._batch_begin('on_predict_batch_begin', batch, logs)

    def on_predict_batch_end(self, batch, logs=None):
        """Tell of the end of a batch of prediction."""
        self._batch_end('on_predict_batch_end', batch, logs)

    def on_batch_begin(self, batch, logs=None):
        """The older name of `on_train_batch_begin`."""
        self.on_train_batch_begin(batch, logs)

    def on_batch_end(self, batch, logs=None):
        """The older name of `on_train_batch_end`."""
        self.on_train_batch_end(batch, logs)

    # -- epochs and runs ---------------------------------------------------------------------------------

    def _tell(self, name, *arguments):
        # Callbacks may have been added or changed since: look again at the next batch.
        self._batch_hooks = {}
        self._durations = {}
        self._began = None
        for callback in self.callbacks:
            hook = _own_hook(callback, name)
            if hook is not None:
                hook(*arguments)

    def on_epoch_begin(self, epoch, logs=None):
        """Tell of the begin of an epoch."""
        self._tell('on_epoch_begin', epoch, {} if logs is None else logs)

    def on_epoch_end(self, epoch, logs=None):
        """Tell of the end of an epoch; callbacks may add to `logs`, which the next ones then see."""
        logs = {} if logs is None else logs
        self._tell('on_epoch_end', epoch, logs)
        self._tell('after_epoch_end', self, epoch, logs)

    def on_train_begin(self, logs=None):
        """Tell of the begin of training."""
        self._tell('on_train_begin', {} if logs is None else logs)
        self._tell('after_train_begin', self)

    def on_train_end(self, logs=None):
        """Tell of the end of training; every callback is told, and then the first error in one of them is raised."""
        self._batch_hooks = {}
        first_error = None
        for callback in self.callbacks:
            hook = _own_hook(callback, 'on_train_end')
            try:
                if hook is not None:
                    hook({} if logs is None else logs)
            except BaseException as error:
                first_error = first_error or error
        if first_error is not None:
            raise first_error

    def on_test_begin(self, logs=None):
        """Tell of the begin of testing."""
        self._tell('on_test_begin', {} if logs is None else logs)

    def on_test_end(self, logs=None):
        """Tell of the end of testing."""
        self._tell('on_test_end', {} if logs is None else logs)

    def on_predict_begin(self, logs=None):
        """Tell of the begin of prediction."""
        self._tell('on_predict_begin', {} if logs is None else logs)

    def on_predict_end(self, logs=None):
        """Tell of the end of prediction."""
        self._tell('on_predict_end', {} if logs is None else logs)
