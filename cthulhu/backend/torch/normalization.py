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
    axes = [axis for axis in range(x.dim()) if axis != 1]
    mean, var = x.mean(axes), x.var(axes, correction=0)
    return _normed(x, mean, var, gamma, beta, epsilon), mean, var


def _normed(x, mean, var, gamma, beta, epsilon):
    shape = (1, -1) + (1,) * (x.dim() - 2)
    normed = (x - mean.view(shape)) * torch.rsqrt(var + epsilon).view(shape)
    normed = normed if gamma is None else normed * gamma.view(shape)
    return normed if beta is None else normed + beta.view(shape)


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

    def normalized_by_phase(self, x, gamma, beta, mean, var, training, axis, epsilon):
        dtype, rank = self.dtype(x), self.ndim(x)
        is_known = dtype in ('float32', 'float64') and axis in (1, rank - 1)
        if not is_known or any(p is not None and self.dtype(p) != dtype for p in (gamma, beta, mean, var)):
            return None
        return self._normalized_by_phase(x, gamma, beta, mean, var, training, axis, float(epsilon))

    @recorded
    def _normalized_by_phase(self, x, gamma, beta, mean, var, training, axis, epsilon):
        x, mean, var = tensor(x), tensor(mean), tensor(var)
        if training:
            found, mean, var = type(self)._batch_normalized.compute(self, x, gamma, beta, axis, epsilon)
            count = x.numel() // max(mean.numel(), 1)
            # The estimate of the variance of all data is a little greater than that of the batch.
            return found, mean, var * (count / (count - (1.0 + epsilon)))
        gamma, beta = (p if p is None else tensor(p) for p in (gamma, beta))
        x = x.movedim(axis, 1)
        if self.differentiates_twice():
            found = _normed(x, mean, var, gamma, beta, epsilon)
        else:
            found = torch.batch_norm(x, gamma, beta, mean, var, False, 0.0, epsilon, torch.backends.cudnn.enabled)
        return found.movedim(1, axis), mean, var

    def _layer_normalized(self, x, gamma, beta, axes, epsilon):
        shape = self.int_shape(x)
        if axes != list(range(len(shape) - len(axes), len(shape))):
            return super()._layer_normalized(x, gamma, beta, axes, epsilon)
        return self._by_layer_norm(x, gamma, beta, len(axes), float(epsilon))

    @recorded
    def _by_layer_norm(self, x, gamma, beta, count, epsilon):
        x = tensor(x)
        gamma, beta = (p if p is None else tensor(p) for p in (gamma, beta))
        return torch.nn.functional.layer_norm(x, x.shape[x.dim() - count :], gamma, beta, epsilon)

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


@rules.rule('_by_layer_norm')
def _by_layer_norm(x, gamma, beta, count, epsilon):
    return rules.shape_of(x)


@rules.rule('_batch_normalized', dtype='each')
def _batch_normalized(x, gamma, beta, axis, epsilon):
    shape, dtype = rules.shape_of(x), dtypes.name(rules.dtype_of(x))
    statistics = rules.Spec((shape[axis],), dtype)
    return rules.Spec(shape, dtype), statistics, statistics


@rules.rule('_normalized_by_phase', dtype='each')
def _normalized_by_phase(x, gamma, beta, mean, var, training, axis, epsilon):
    return _batch_normalized(x, gamma, beta, axis, epsilon)
