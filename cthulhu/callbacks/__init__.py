"""Callbacks: what is told of the stages of training, testing and prediction."""

import typing

from cthulhu import names
from cthulhu.callbacks import schedules
from cthulhu.callbacks.backup import BackupAndRestore
from cthulhu.callbacks.base import Callback, CallbackList
from cthulhu.callbacks.checkpoint import LumpCheckpoint
from cthulhu.callbacks.csv_logger import CSVLogger
from cthulhu.callbacks.curves import TrainingCurves
from cthulhu.callbacks.early_stopping import EarlyStopping
from cthulhu.callbacks.finder import LearningRateFinder
from cthulhu.callbacks.history import BaseLogger, History
from cthulhu.callbacks.learning_rate import LearningRateScheduler, ReduceLROnPlateau
from cthulhu.callbacks.lukthu import LuKthuCallback
from cthulhu.callbacks.progress import ProgbarLogger
from cthulhu.callbacks.remote_monitor import RemoteMonitor
from cthulhu.callbacks.schedules import (
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    OneCycle,
    PiecewiseConstantDecay,
    PolynomialDecay,
    Schedule,
    StepDecay,
    WarmUp,
)
from cthulhu.callbacks.tensorboard import TensorBoard
from cthulhu.callbacks.terminate_on_nan import TerminateOnNaN

__all__ = [
    'BackupAndRestore',
    'BaseLogger',
    'CSVLogger',
    'Callback',
    'CallbackList',
    'CosineDecay',
    'CosineDecayRestarts',
    'EarlyStopping',
    'ExponentialDecay',
    'History',
    'LearningRateFinder',
    'LearningRateScheduler',
    'LuKthuCallback',
    'LumpCheckpoint',
    'OneCycle',
    'PiecewiseConstantDecay',
    'PolynomialDecay',
    'ProgbarLogger',
    'ReduceLROnPlateau',
    'RemoteMonitor',
    'Schedule',
    'StepDecay',
    'TensorBoard',
    'TerminateOnNaN',
    'TrainingCurves',
    'WarmUp',
    'schedules',
]

names.add_aliases(globals())
if typing.TYPE_CHECKING:  # what `add_aliases` makes
    LambdaCallback, ModelCheckpoint = LuKthuCallback, LumpCheckpoint
