"""Batch normalisation by the framework's kernels."""

import torch

from cthulhu.backend.deferred import recorded
from cthulhu.backend.inference import dtypes, rules
from cthulhu.backend.torch.framework import tensor


class _Moments(torch.autograd.Function):
    """Mean and variance that a kernel computed beside what it is differentiated for, with their own derivatives."""

    @staticmethod
    def forward(ctx, x, mean, var):
        ctx.save_for_backward(x, mean)
        return mean.view_as(mean), var.view_as(var)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, by_mean, by_var):
        x, mean = ctx.saved_tensors
        count, shape = x.numel() // mean.numel(), (1, -1) + (1,) * (x.dim() - 2)
        found = by_mean.view(shape) + 2 * by_var.view(shape) * (x - mean.view(shape))
        return found / count, None, None


def _plain(x, gamma, beta, epsilon):
    axes, shape = [axis for axis in range(x.dim()) if axis != 1], (1, -1) + (1,) * (x.dim() - 2)
    mean, var = x.mean(axes), x.var(axes, correction=0)
    normed = (x - mean.view(shape)) * torch.rsqrt(var + epsilon).view(shape)
    normed = normed if gamma is None else normed * gamma.view(shape)
    return normed if beta is None else normed + beta.view(shape), mean, var


class TorchNormalization:
    def normalize_batch_in_training(self, x, gamma, beta, reduction_axes, epsilon=1e-3):
        shape, dtype = self.int_shape(x), self.dtype(x)
        if shape and len(shape) > 1 and dtype in ('float32', 'float64'):
            kept = set(range(len(shape))) - {axis % len(shape) for axis in reduction_axes}
            is_plain = all(p is None or self.dtype(p) == dtype for p in (gamma, beta))
            if is_plain and kept in ({1}, {len(shape) - 1}):
                gamma, beta = (p if p is None else self.flatten(p) for p in (gamma, beta))
                return self._batch_normalized(x, gamma, beta, kept.pop(), float(epsilon))
        return super().normalize_batch_in_training(x, gamma, beta, reduction_axes, epsilon)

    @recorded
    def _batch_normalized(self, x, gamma, beta, axis, epsilon):
        x = tensor(x).movedim(axis, 1)
        gamma, beta = (p if p is None else tensor(p) for p in (gamma, beta))
        channels = x.shape[1]
        count = x.numel() // channels if channels else 0
        if count < 2 or self.differentiates_twice():
            normed, mean, var = _plain(x, gamma, beta, epsilon)
            return normed.movedim(1, axis), mean, var
        # With a momentum of 1 the running statistics become those of the batch, the variance that of a sample.
        mean, var = (torch.zeros(channels, dtype=x.dtype, device=x.device) for _ in range(2))
        cudnn = torch.backends.cudnn.enabled
        normed = torch.batch_norm(x, gamma, beta, mean, var, True, 1.0, epsilon, cudnn)
        mean, var = _Moments.apply(x, mean, var * ((count - 1) / count))
        return normed.movedim(1, axis), mean, var


@rules.rule('_batch_normalized', dtype='each')
def _batch_normalized(x, gamma, beta, axis, epsilon):
    shape, dtype = rules.shape_of(x), dtypes.name(rules.dtype_of(x))
    statistics = rules.Spec((shape[axis],), dtype)
    return rules.Spec(shape, dtype), statistics, statistics
