"""Callbacks: what is told of the stages of training, testing and prediction."""

from cthulhu import names

from .base import Callback, CallbackList
from .history import BaseLogger, History
from .lukthu import LuKthuCallback
from .progress import ProgbarLogger

__all__ = ['BaseLogger', 'Callback', 'CallbackList', 'History', 'LuKthuCallback', 'ProgbarLogger']

names.add_aliases(globals())
