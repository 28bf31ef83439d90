"""Learning rates as functions of the step, for `LearningRateScheduler`; an optimizer takes them as its learning rate, too."""

from cthulhu.optimizers.schedules import (
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    InverseTimeDecay,
    OneCycle,
    PiecewiseConstantDecay,
    PolynomialDecay,
    Schedule,
    StepDecay,
    WarmUp,
)

__all__ = [
    'CosineDecay', 'CosineDecayRestarts', 'ExponentialDecay', 'InverseTimeDecay', 'OneCycle', 'PiecewiseConstantDecay', 'PolynomialDecay',
    'Schedule', 'StepDecay', 'WarmUp',
]  # fmt: skip
