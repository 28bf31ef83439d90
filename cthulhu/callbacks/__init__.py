"""Callbacks: what is told of the stages of training, testing and prediction."""

from cthulhu import names

from . import schedules
from .backup import BackupAndRestore
from .base import Callback, CallbackList
from .checkpoint import LumpCheckpoint
from .csv_logger import CSVLogger
from .curves import TrainingCurves
from .early_stopping import EarlyStopping
from .finder import LearningRateFinder
from .history import BaseLogger, History
from .learning_rate import LearningRateScheduler, ReduceLROnPlateau
from .lukthu import LuKthuCallback
from .progress import ProgbarLogger
from .remote_monitor import RemoteMonitor
from .schedules import (
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
from .tensorboard import TensorBoard
from .terminate_on_nan import TerminateOnNaN

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
