"""How Keras 1 spelled calls that Keras 2.3.1 still takes: one table of old to new, and what brings a call from the one into the other.

Nothing imports this file before a call comes that does not fit: `arguments.checked` asks it then, the reader of configurations does, and `cthulhu.legacy`.

Source: what Keras 2.3.1 makes of such calls, recorded in tests/fixtures/keras-1-calls.json.
"""

import linecache
import numbers
import re

from cthulhu import callers, names

#: Whether `Conv2D(8, 3, 5)` is a window of 3 by 5, as in Keras 1 and 2. In tf.keras, which never took calls of Keras 1, 5 is `strides`.
sizes_by_place = True


class Dropped:
    """An argument that is left out, as Keras 2 has nothing like it.

    Arguments:
        reason: text for the user, what becomes of it.
        allowed: tuple of the values that may be left out; None for all of them.
    """

    def __init__(self, reason, allowed=None):
        self.reason, self.allowed = reason, allowed


_FORMAT = {'dim_ordering': 'data_format'}
_BIAS = {'b_regularizer': 'bias_regularizer', 'b_constraint': 'bias_constraint', 'bias': 'use_bias'}
_KERNEL = {'init': 'kernel_initializer', 'W_regularizer': 'kernel_regularizer', 'W_constraint': 'kernel_constraint'}
_CONV = dict(nb_filter='filters', border_mode='padding', **_BIAS)
_CONV1D = dict(_CONV, filter_length='kernel_size', subsample_length='strides', input_dim='input_shape', **_KERNEL)
_CONVND = dict(_CONV, subsample='strides', **_FORMAT)
_POOLING = dict(border_mode='padding', **_FORMAT)
_POOLING1D = {'pool_length': 'pool_size', 'stride': 'strides', 'border_mode': 'padding'}
_FORGETTING = Dropped('The biases of the forget gates begin at 1; for 0 give `unit_forget_bias=False`.')
_RECURRENT = {
    'init': 'kernel_initializer', 'inner_init': 'recurrent_initializer', 'inner_activation': 'recurrent_activation',
    'W_regularizer': 'kernel_regularizer', 'U_regularizer': 'recurrent_regularizer', 'b_regularizer': 'bias_regularizer',
    'dropout_W': 'dropout', 'dropout_U': 'recurrent_dropout', 'forget_bias_init': 'unit_forget_bias',
}  # fmt: skip
_RNN = dict(_RECURRENT, output_dim='units', consume_less='implementation')
_STREAMS = {
    'samples_per_epoch': 'steps_per_epoch', 'nb_epoch': 'epochs', 'nb_val_samples': 'validation_steps', 'val_samples': 'steps',
    'nb_worker': 'workers', 'pickle_safe': 'use_multiprocessing', 'max_q_size': 'max_queue_size',
}  # fmt: skip

#: Keras name of a class, or of a method -> {old argument: new argument, or several that get its value, or `Dropped`}.
TABLE = {
    'Dense': dict(output_dim='units', **_KERNEL, **_BIAS),
    'Dropout': {'p': 'rate'},
    'SpatialDropout1D': {'p': 'rate'},
    'SpatialDropout2D': dict(p='rate', **_FORMAT),
    'SpatialDropout3D': dict(p='rate', **_FORMAT),
    'GaussianDropout': {'p': 'rate'},
    'GaussianNoise': {'sigma': 'stddev'},
    'PReLU': {'init': 'alpha_initializer'},
    'Embedding': {
        'init': 'embeddings_initializer', 'W_regularizer': 'embeddings_regularizer', 'W_constraint': 'embeddings_constraint',
        'dropout': Dropped('A `SpatialDropout1D` after the layer drops what it dropped.'),
    },
    'BatchNormalization': {
        'beta_init': 'beta_initializer', 'gamma_init': 'gamma_initializer',
        'mode': Dropped('There is one mode, 0: statistics of each feature over the batch.', (0,)),
    },
    'Conv1D': _CONV1D,
    'LocallyConnected1D': _CONV1D,
    'Conv2D': dict(_CONVND, **_KERNEL),
    'LocallyConnected2D': dict(_CONVND, **_KERNEL),
    'SeparableConv2D': dict(_CONVND, init=('depthwise_initializer', 'pointwise_initializer')),
    'Conv2DTranspose': dict(
        _CONVND, output_shape=Dropped('The layer computes it, from `strides`, `padding` and `output_padding`.'), **_KERNEL
    ),
    'Conv3D': dict(_CONVND, **_KERNEL),
    'ConvLSTM2D': {key: new for key, new in dict(_CONVND, **_RECURRENT).items() if key != 'b_constraint'},
    'MaxPooling1D': _POOLING1D,
    'AveragePooling1D': _POOLING1D,
    'MaxPooling2D': _POOLING,
    'AveragePooling2D': _POOLING,
    'MaxPooling3D': _POOLING,
    'AveragePooling3D': _POOLING,
    'GlobalMaxPooling2D': _FORMAT,
    'GlobalAveragePooling2D': _FORMAT,
    'GlobalMaxPooling3D': _FORMAT,
    'GlobalAveragePooling3D': _FORMAT,
    'UpSampling1D': {'length': 'size'},
    'UpSampling2D': _FORMAT,
    'UpSampling3D': _FORMAT,
    'ZeroPadding2D': _FORMAT,
    'ZeroPadding3D': _FORMAT,
    'Cropping2D': _FORMAT,
    'Cropping3D': _FORMAT,
    'SimpleRNN': dict(_RNN, consume_less=Dropped('It changes nothing.', ('cpu', 'mem', 'gpu', 0, 1, 2))),
    'GRU': _RNN,
    'LSTM': _RNN,
    'Lambda': {},
    'InputLayer': {'input_dtype': 'dtype'},
    'Model': {'input': 'inputs', 'output': 'outputs'},
    'fit': {'nb_epoch': 'epochs'},
    'fit_generator': _STREAMS,
    'evaluate_generator': _STREAMS,
    'predict_generator': _STREAMS,
    'get_updates': {},
    'add_weight': {},
}  # fmt: skip

#: Old argument -> {old value: new value}. New values are right under the old name, too.
VALUES = {
    'dim_ordering': {'tf': 'channels_last', 'th': 'channels_first', 'default': None},
    'consume_less': {'cpu': 0, 'mem': 1, 'gpu': 2},
}

#: Keras name of a class -> the arguments that `kernel_size` was made of; they came one by one, by position too.
SIZES = dict.fromkeys(
    ('Conv2D', 'LocallyConnected2D', 'SeparableConv2D', 'Conv2DTranspose', 'ConvLSTM2D'), ('nb_row', 'nb_col')
)
SIZES['Conv3D'] = ('kernel_dim1', 'kernel_dim2', 'kernel_dim3')

_METHODS = {own: keras for keras, own in names.METHODS.items()}
_SIDES = (('top_pad', 'bottom_pad'), ('left_pad', 'right_pad'))
_COUNTS = 'It counts batches where Keras 1 counted samples: divide by the size of a batch.'
_COUNTED = ('samples_per_epoch', 'nb_val_samples', 'val_samples')


class Call:
    """A call that may be spelled as in Keras 1.

    Arguments:
        row: Keras name of the class or method, a key of `TABLE`.
        args, kwargs: the arguments, without `self`.
        known: list of the names of the arguments that the function has, those that can be given by position first; None for all that the table gives.

    Example:
        >>> Call('Conv2D', [8, 3, 5], {'border_mode': 'same'}).in_keras_2().text('Conv2D')
        "Conv2D(8, kernel_size=(3, 5), padding='same')"
    """

    def __init__(self, row, args, kwargs, known=None):
        self.row, self.args, self.kwargs, self.known = row, list(args), dict(kwargs), known
        self.is_old, self.remarks = False, []

    def in_keras_2(self):
        """Spell it as in Keras 2. What the function does not know in either spelling stays.

        Raises:
            TypeError: an argument is given in both spellings, or was one of Keras 1 that Keras 2 has nothing for.
            ValueError: so is a value.
        """
        if self.row == 'get_updates':
            self._sort_updates()
        elif self.row == 'add_weight':
            self._sort_weight()
        else:
            self._gather_sizes()
            self._pair_sides()
            for old, new in TABLE[self.row].items():
                if old in self.kwargs and not (self.known and old in self.known):
                    self._rename(old, new)
        return self

    def text(self, name):
        """The call as it is written, with long values cut short."""
        values = [_short(value) for value in self.args]
        values += [f'{argument}={_short(value)}' for argument, value in self.kwargs.items()]
        return f'{name}({", ".join(values)})'

    def _rename(self, old, new):
        if isinstance(new, Dropped):
            value = self.kwargs.pop(old)
            if new.allowed is not None and value not in new.allowed:
                raise TypeError(f'{self.row}: `{old}={value!r}` of Keras 1 cannot be had any more. {new.reason}')
            self._note(f'`{old}` is left out. {new.reason}')
            return
        new = (new,) if isinstance(new, str) else new
        if self.known is not None and not set(new) <= set(self.known):
            return
        value, remark = self.kwargs.pop(old), _COUNTS if old in _COUNTED else None
        if old in VALUES:
            value = self._translated(old, value)
        elif old == 'input_dim':
            value = (self.kwargs.pop('input_length', None), value)
        elif old == 'forget_bias_init':
            if value != 'one':
                self._note(
                    f'`{old}={value!r}` is left out. The biases of the forget gates begin at 1; for 0 give `unit_forget_bias=False`.'
                )
                return
            value = True
        elif old == 'samples_per_epoch':
            size = getattr(self.args[0] if self.args else self.kwargs.get('generator'), 'batch_size', None)
            if size:
                value, remark = value // size, None
        for each in new:
            self._set(each, value, old)
        self._note(remark)

    def _translated(self, old, value):
        for each, meaning in VALUES[old].items():
            if value == each or value == meaning:
                return meaning
        raise ValueError(f'{self.row}: `{old}` is one of {", ".join(map(repr, VALUES[old]))}; got {value!r}.')

    def _set(self, new, value, old):
        if new in self.kwargs or self.known is not None and new in self.known[: len(self.args)]:
            raise TypeError(
                f'{self.row}: `{old}` is how Keras 1 called `{new}`, and both are given. Leave out `{old}`.'
            )
        self.kwargs[new] = value

    def _note(self, remark=None):
        self.is_old = True
        if remark is not None and remark not in self.remarks:
            self.remarks.append(remark)

    def _gather_sizes(self):
        """`kernel_size` from sizes that came one by one."""
        parts = SIZES.get(self.row, ())
        if (
            self.row == 'Conv2DTranspose'
            and len(self.args) == 4
            and _are_whole(self.args[1:3])
            and _is_listed(self.args[3])
        ):
            self.kwargs['output_shape'] = self.args.pop()
        by_place = self.args[1:]
        by_name = parts[len(by_place) :]
        if (
            not parts
            or len(self.args) > 1 + len(parts)
            or not _are_whole(by_place)
            or not set(by_name) <= set(self.kwargs)
        ):
            return
        if not by_name:
            if not sizes_by_place:
                return
            newer = [name for name in ('padding', 'strides', 'data_format') if name in self.kwargs]
            if newer:
                sizes = ', '.join(map(str, by_place))
                raise ValueError(
                    f'{self.row}: in Keras 1 {sizes} by position are a window of that size, in Keras 2, which `{newer[0]}` is of, the last is no part of '
                    f'it. Write kernel_size=({sizes}) or kernel_size={by_place[0]}, strides={by_place[1]} by name.'
                )
        del self.args[1:]
        self._set('kernel_size', tuple(by_place + [self.kwargs.pop(name) for name in by_name]), '/'.join(parts))
        self._note()

    def _pair_sides(self):
        """`padding` of ZeroPadding2D from a dict."""
        value = self.args[0] if self.args else self.kwargs.get('padding')
        if (
            self.row != 'ZeroPadding2D'
            or not isinstance(value, dict)
            or not value
            or not set(value) <= {s for pair in _SIDES for s in pair}
        ):
            return
        self.args = self.args[1:]
        self.kwargs['padding'] = tuple(tuple(value.get(side, 0) for side in pair) for pair in _SIDES)
        self._note()

    def _sort_updates(self):
        """`(loss, params)` from `(params, constraints, loss)`."""
        if len(self.args) == 3 or len(self.args) == 2 and _is_listed(self.args[0]):
            params, *constraints, loss = self.args + ([self.kwargs.pop('loss')] if 'loss' in self.kwargs else [])
            self.args, self.kwargs = [loss, params], self.kwargs
            self._note('Constraints are those of the variables.' if constraints else None)

    def _sort_weight(self):
        """`name` and `shape` from a shape that came first."""
        if not self.args or not _is_listed(self.args[0]):
            return
        shape, *further = self.args
        self.args = []
        if further:
            missing = [name for name in ('name', 'initializer') if name not in self.kwargs]
            if len(further) > 1 or len(missing) != 1 and isinstance(further[0], str):
                raise TypeError(
                    f'add_weight: the shape comes first here, and it is not clear what {further} are. Give all arguments by name.'
                )
            self._set(missing[0] if isinstance(further[0], str) else 'initializer', further[0], 'the second argument')
        self._set('shape', tuple(shape), 'the first argument')
        self._note()


def _are_whole(values):
    return all(isinstance(value, numbers.Integral) and not isinstance(value, bool) for value in values)


def _is_listed(value):
    return isinstance(value, (list, tuple))


def _short(value):
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + '...'


def row_of(cls):
    """The Keras name under which the table has a class, or the nearest class that it derives from; None if it has none.

    >>> row_of(type('Own', (dict,), {})) is None
    True
    """
    for base in cls.__mro__:
        keras = names.keras_name(base)
        if keras in TABLE and base.__module__.split('.')[0] == 'cthulhu':
            return keras
    return None


def respelled(method, args, kwargs, known):
    """The arguments of a call as Keras 2 spells it, with a warning if that is another way than it came.

    Arguments:
        method: name of the method; None for a constructor.
        args, kwargs: of the call, with `self`.
        known: list of the names of the arguments that the function has.

    Returns:
        `(args, kwargs)`.
    """
    row = row_of(type(args[0])) if method is None else _METHODS.get(method, method)
    return respelled_as(row, args, kwargs, known) if row in TABLE else (args, kwargs)


def respelled_as(row, args, kwargs, known, name=None):
    """The same for a call of what the table has under the name `row`; `name` is that of what is called, where it is another."""
    call = Call(row, args[1:], kwargs, known).in_keras_2()
    if not call.is_old:
        return args, kwargs
    warn(name or row, Call(row, args[1:], kwargs), call)
    return (args[0], *call.args), call.kwargs


def warn(row, old, new):
    """Show the new spelling of a call, where the user wrote it.

    Arguments:
        row: Keras name of the class or method.
        old, new: the `Call` as it was, and in the spelling of Keras 2.
    """
    name = _typed(row, callers.first_outside())
    remarks = ''.join(f' {remark}' for remark in new.remarks)
    callers.warn(f'`{old.text(name)}` is spelled as in Keras 1. Write `{new.text(name)}`.{remarks}')


def _typed(row, frame):
    """The name by which a user called a class or method: ours or Keras's, the latter where it cannot be told."""
    spellings = (row, names.METHODS[row]) if row in names.METHODS else names.spellings(row)
    if frame is None:
        return row
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
    for found in (re.findall(r'\w+', line), frame.f_code.co_names):
        for spelling in spellings:
            if spelling in found:
                return spelling
    return row
