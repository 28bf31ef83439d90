"""LuKthuCallback: a callback made of functions."""

from cthulhu.callbacks.base import Callback

_HOOKS = tuple(name for name in vars(Callback) if name.startswith('on_'))


class LuKthuCallback(Callback):
    """A callback made of functions, for things that do not need a class.

    Arguments:
        on_epoch_begin, on_epoch_end: called with (epoch, logs).
        on_batch_begin, on_batch_end: called with (batch, logs), in training.
        on_train_begin, on_train_end: called with (logs).
        **kwargs: any other hook of `Callback` by its name, such as `on_test_batch_end`; further attributes to set.

    Raises:
        TypeError: for a name that begins with `on_` and is no hook.

    Example:
        >>> shout = LuKthuCallback(on_epoch_end=lambda epoch, logs: print('epoch', epoch, 'ends'))
        >>> shout.on_epoch_end(3, {})
        epoch 3 ends
    """

    def __init__(
        self,
        on_epoch_begin=None,
        on_epoch_end=None,
        on_batch_begin=None,
        on_batch_end=None,
        on_train_begin=None,
        on_train_end=None,
        **kwargs,
    ):
        super().__init__()
        for name in kwargs:
            if name.startswith('on_') and name not in _HOOKS:
                raise TypeError(f'LuKthuCallback: there is no hook {name!r}. The hooks are {", ".join(_HOOKS)}.')
        hooks = {
            'on_epoch_begin': on_epoch_begin,
            'on_epoch_end': on_epoch_end,
            'on_batch_begin': on_batch_begin,
            'on_batch_end': on_batch_end,
            'on_train_begin': on_train_begin,
            'on_train_end': on_train_end,
        }
        hooks.update(kwargs)
        # One that is not given stays the method that does nothing, which costs nothing.
        vars(self).update((name, value) for name, value in hooks.items() if value is not None)
