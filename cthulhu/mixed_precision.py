"""Mixed precision, under the names of Keras 3: weights in float32, computing in a shorter type."""

from cthulhu.optimizers.loss_scale import LossScaleOptimizer
from cthulhu.policies import DTypePolicy, Policy, dtype_policy, global_policy, set_dtype_policy, set_global_policy

__all__ = [
    'DTypePolicy', 'LossScaleOptimizer', 'Policy', 'dtype_policy', 'global_policy', 'set_dtype_policy', 'set_global_policy',
]  # fmt: skip
