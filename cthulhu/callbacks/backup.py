"""BackupAndRestore: an interrupted run goes on where its last whole epoch ended."""

import io
import json
import operator
import os
import random
import tempfile
import zipfile

import numpy as np

from cthulhu import backend as K
from cthulhu import names
from cthulhu.callbacks.base import Callback
from cthulhu.storage import atomic, budget, texts
from cthulhu.storage.archive import Archive
from cthulhu.storage.arrays import read_npy
from cthulhu.storage.errors import DamagedFileError, ModelFileError, explained
from cthulhu.utils.arguments import checked

_NAME = 'training.backup'
_VERSION = 1
_ENTRIES = {'version', 'epoch', 'stopped', 'model', 'optimizer', 'callbacks', 'position', 'random'}


class BackupAndRestore(Callback):
    """Keeps what an interrupted run needs to go on; the same program, run again, goes on after its last whole epoch.

    Kept at the end of epochs: the weights, the optimizer's state and numbers (the learning rate among them), the states of
    stateful layers, the state of each callback (the best values of EarlyStopping, the History, ...: what its `get_state`
    gives), the number of the epoch, the state of NumPy's and Python's random generators, which give the order of the data,
    and the backend's random step. So a run that was interrupted and resumed ends with the weights of one that was not, bit
    for bit, if its data depend on nothing else. The generator or Sequence that gives the data is not kept.

    The file is replaced as a whole, so that an interruption while it is written does no harm. It is removed when training
    has come to its end.

    Arguments:
        backup_dir: path of a folder, for this run alone. It is made if there is none.
        period: int, every how many epochs to write the backup.
        delete_checkpoint: whether the backup is removed at the end of training. If not, the same call again trains no
            further epoch and gives the same result.

    Raises:
        ValueError: at the begin of training, if the backup is of another model.

    Example:
        >>> model.summon(x, y, epochs=100, callbacks=[BackupAndRestore('backup')])
    """

    needs_equal_bits = True

    @checked
    def __init__(self, backup_dir, period=1, delete_checkpoint=True):
        super().__init__()
        self.backup_dir = os.fspath(backup_dir)
        self.period = period
        self.delete_checkpoint = delete_checkpoint
        self._finished = False

    @property
    def path(self):
        """The path of the file."""
        return os.path.join(self.backup_dir, _NAME)

    def on_train_begin(self, logs=None):
        self._finished = False
        if not self._rank():
            os.makedirs(self.backup_dir, exist_ok=True)

    @staticmethod
    def _rank():
        return 0 if K.rank_group() is None else K.rank_group().rank

    def _kept(self):
        """What the file has; None where there is none. That of rank 0 counts for all."""
        data = None
        if not self._rank() and os.path.exists(self.path):
            with open(self.path, 'rb') as file:
                data = file.read()
        data = data if K.rank_group() is None else K.bytes_of_first_rank(data)
        if data is None:
            return None
        if not self._rank():
            return load(self.path)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, _NAME)
            atomic.write(path, data)
            return load(path)

    def after_train_begin(self, callbacks):
        state = self._kept()
        if state is None:
            return
        try:
            _set_model_state(self.model, state['model'])
            _set_optimizer_state(self.model.optimizer, state['optimizer'])
            _set_callback_states(callbacks, self, state['callbacks'])
            if state['position'] is not None and hasattr(callbacks.adapter, 'position'):
                callbacks.adapter.position = state['position']
            first = callbacks.params['epochs'] if state['stopped'] else operator.index(state['epoch']) + 1
            _set_random_state(self.model, state['random'])  # nothing after this draws before the epoch
        except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
            raise ValueError(
                f'BackupAndRestore: the backup {self.path!r} is of another model or optimizer ({error}). Give each run a folder '
                'of its own, or remove the file.'
            ) from error
        callbacks.params.initial_epoch = first
        self._finished = first >= callbacks.params['epochs']
        if callbacks.params.get('verbose'):
            print(f'Going on after epoch {state["epoch"] + 1}, from {self.path}')

    def after_epoch_end(self, callbacks, epoch, logs=None):
        self._finished = self.model.stop_training or epoch + 1 >= callbacks.params['epochs']
        if self._rank() or self._finished and self.delete_checkpoint:
            return
        if (epoch + 1) % self.period and not self._finished:
            return
        state = {
            'version': _VERSION,
            'epoch': epoch,
            'stopped': bool(self.model.stop_training),
            'model': _model_state(self.model),
            'optimizer': _optimizer_state(self.model.optimizer),
            'callbacks': _callback_states(callbacks, self),
            'position': getattr(callbacks.adapter, 'position', None),
            'random': _random_state(self.model),
        }
        save(self.path, state)

    def on_train_end(self, logs=None):
        if not self._rank() and self._finished and self.delete_checkpoint and os.path.exists(self.path):
            os.remove(self.path)


# -- what is kept ----------------------------------------------------------------------------------------------


def _states_of_layers(model):
    found = []
    for layer in model.all_layers():
        states = getattr(layer, 'states', None) if getattr(layer, 'stateful', False) else None
        found.extend(state for state in states or () if state is not None and K.is_variable(state))
    return found


def _model_state(model):
    return {'weights': model.get_weights(), 'states': K.batch_get_value(_states_of_layers(model))}


def _set_model_state(model, state):
    variables = _states_of_layers(model)
    if len(variables) != len(state['states']):
        raise ValueError(f'it has {len(state["states"])} states of stateful layers, the model {len(variables)}')
    model.set_weights(state['weights'])
    K.batch_set_value(list(zip(variables, state['states'])))


def _numbers(optimizer):
    return {name: value for name, value in sorted(vars(optimizer).items()) if K.is_variable(value)}


def _optimizer_state(optimizer):
    numbers = _numbers(optimizer)
    return {
        'class': type(optimizer).__name__,
        'numbers': dict(zip(numbers, K.batch_get_value(list(numbers.values())))),
        'weights': K.batch_get_value(list(optimizer.weights)),
    }


def _set_optimizer_state(optimizer, state):
    if state['class'] != type(optimizer).__name__:
        raise ValueError(f'its optimizer is {state["class"]}, that of the model is {type(optimizer).__name__}')
    optimizer.set_weights(state['weights'])
    numbers = _numbers(optimizer)
    K.batch_set_value([(numbers[name], value) for name, value in state['numbers'].items()])


def _callback_states(callbacks, itself):
    found = []
    for callback in callbacks:
        if callback is not itself and hasattr(callback, 'get_state'):
            found.append({'class': names.cthulhu_name(type(callback)), 'state': callback.get_state()})
    return found


def _set_callback_states(callbacks, itself, states):
    """Each state to the next callback of its class, so that adding or removing another callback does no harm."""
    left = [callback for callback in callbacks if callback is not itself and hasattr(callback, 'set_state')]
    for item in states:
        for callback in left:
            if names.cthulhu_name(type(callback)) == item['class']:
                left.remove(callback)
                if item['state']:
                    callback.set_state(item['state'])
                break


def _random_state(model):
    name, keys, position, has_gauss, gauss = np.random.get_state()
    return {
        'numpy': {
            'name': name,
            'keys': keys,
            'position': int(position),
            'has_gauss': int(has_gauss),
            'gauss': float(gauss),
        },
        'python': list(random.getstate()),
        'step': K.random_step() - model.random_origin,
    }


def _set_random_state(model, state):
    numpy = state['numpy']
    np.random.set_state((numpy['name'], numpy['keys'], numpy['position'], numpy['has_gauss'], numpy['gauss']))
    version, numbers, gauss = state['python']
    random.setstate((version, tuple(numbers), gauss))
    K.set_random_step(model.random_origin + state['step'])


# -- the file: a zip archive of arrays, and of JSON that says where they belong ----------------------------------------


def save(path, state):
    """Write nested dicts, lists, numbers, strings and arrays to a file."""
    arrays = []

    def encode(value, where):
        if isinstance(value, (np.ndarray, np.generic)):
            array = np.asarray(value)
            if array.dtype.hasobject:
                raise TypeError(f'{where}: an array of Python objects cannot be kept.')
            arrays.append(array)
            return {'array': len(arrays) - 1, 'scalar': isinstance(value, np.generic)}
        if isinstance(value, dict):
            return {'dict': [[encode(k, where), encode(v, f'{where}.{k}')] for k, v in value.items()]}
        if isinstance(value, (list, tuple)):
            return [encode(item, f'{where}[{i}]') for i, item in enumerate(value)]
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        raise TypeError(
            f'{where}: a {type(value).__name__} cannot be kept. `get_state` must give numbers, strings, arrays, and lists and '
            f'dicts of these.'
        )

    text = json.dumps(encode(state, 'backup'))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, 'w') as archive:
        archive.writestr('state.json', text)
        for index, array in enumerate(arrays):
            member = io.BytesIO()
            np.lib.format.write_array(member, array, allow_pickle=False)
            archive.writestr(f'{index}.npy', member.getvalue())
    atomic.write(path, stream.getvalue())


def load(path):
    """Read what `save` wrote.

    Raises:
        DamagedFileError: if it is not such a file.
    """
    what = f'The backup {path!r}'
    with explained(what), budget.opened(file=os.stat(path).st_size), Archive(path, what) as archive:

        def decode(value):
            if isinstance(value, list):
                return [decode(item) for item in value]
            if not isinstance(value, dict):
                return value
            if 'dict' in value:
                return {decode(k): decode(v) for k, v in value['dict']}
            name = f'{value["array"]}.npy'
            budget.draw('bytes', archive.size(name), what)  # one array may be named many times
            array = read_npy(io.BytesIO(archive.read(name)), archive.size(name), f'{what}, {name},')
            return array[()] if value['scalar'] else array

        text = archive.read('state.json')
        length = archive.explains('state.json')
        budget.explain(text=length)
        state = decode(texts.parse_json(text, what, length))
        if not isinstance(state, dict) or not _ENTRIES <= set(state):
            raise DamagedFileError(f'{what} has not the entries of one: {", ".join(sorted(_ENTRIES))}.')
        if state['version'] != _VERSION:
            raise ModelFileError(f'{what} has version {state["version"]!r}; this program reads version {_VERSION}.')
    return state
