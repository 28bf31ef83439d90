"""Keras's path for optimizers from tf.keras 2.0 to Keras 2.8; the modules below it are in `cthulhu.optimizers`."""

from cthulhu.optimizers import Optimizer

__all__ = ['OptimizerV2']

#: What derives from it and has its methods works as written: see cthulhu/optimizers/optimizer_v2.py.
OptimizerV2 = Optimizer
