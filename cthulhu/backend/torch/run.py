"""The hooks of `deferred`: values, plans, loops, gradients."""

import threading

import numpy as np
import scipy.sparse
import torch

from cthulhu.backend import config
from cthulhu.backend.deferred import Deferred, plan, recorded
from cthulhu.backend.inference import dtypes
from cthulhu.backend.torch import checks, cuda_graphs, in_place, together
from cthulhu.backend.torch.framework import DEVICE, DTYPES, ON_HOST, Tensor, tensor, to_array
from cthulhu.backend.torch.held import Held
from cthulhu.backend.torch.primitive import replaced


def stop_gradient(self, variables):
    return variables.detach() if isinstance(variables, Tensor) else variables


_stop_gradient = recorded(stop_gradient)
del stop_gradient


# The kind of device for which a program may ask for other types than its operations have.
_CAST_ON = DEVICE.type if torch.amp.is_autocast_available(DEVICE.type) else None


class _Plain:
    """Context of a run: whatever the caller's mode is, nothing is remembered for gradients that were not asked for."""

    def __enter__(self):
        self._modes = [torch.inference_mode(False), torch.no_grad()]
        if _CAST_ON and torch.is_autocast_enabled(_CAST_ON):
            # Types are those that the graph was made with.
            self._modes.append(torch.autocast(_CAST_ON, enabled=False))
        for mode in self._modes:
            mode.__enter__()

    def __exit__(self, *error):
        for mode in reversed(self._modes):
            mode.__exit__(*error)


class _Depth(threading.local):
    """Context, and how many of it this thread is in."""

    count = 0

    def __enter__(self):
        self.count += 1

    def __exit__(self, *error):
        self.count -= 1


_depth = _Depth()


class _Compiled:
    """A plan as it is, run without gradients.

    Attributes:
        unsure: list of int, which of the new values of variables may be what was fed, or a part of it.
    """

    def __init__(self, plan):
        self._plan = plan
        self.unsure = range(len(plan.updated))
        self.graphs = cuda_graphs.Graphs(plan) if cuda_graphs.recorder else None

    def __call__(self, variables, feeds, clock):
        if self.graphs:
            with _Plain():
                replayed = self.graphs.run(feeds, clock)
                if replayed:
                    return replayed
                variables = cuda_graphs.to_host(self._plan.variables)
        with _Plain(), checks.deferred():
            feeds = [tensor(one) if isinstance(one, np.ndarray) and one.ndim else one for one in feeds]
            outputs, new_values = self._plan(variables, feeds, clock)
            if self.unsure:
                # A feed's memory may be that of an array or a tensor of the user's, and a replay changes that of variables.
                fed = {one.untyped_storage().data_ptr() for one in feeds if _is_dense(one)}
                for place in self.unsure:
                    one = new_values[place]
                    address = one.untyped_storage().data_ptr() if _is_dense(one) else None
                    if address in fed or address in cuda_graphs.PLACES:
                        new_values[place] = one.clone()
            return outputs if ON_HOST else _fetched(outputs), new_values


def _fetched(outputs):
    """Outputs, those of them that are single numbers fetched from the device together: each by itself is waited for."""
    places = {}
    for place, one in enumerate(outputs):
        if _is_dense(one) and not one.dim():
            places.setdefault(one.dtype, []).append(place)
    for same in places.values():
        for place, value in zip(same, to_array(torch.stack([outputs[place] for place in same]))):
            outputs[place] = value
    return outputs


class _Function(plan.Function):
    def prepare(self):
        backend = self.backend
        # As `prepare` would make them: it then finds Symbols of the variables' types.
        updates = [(variable, backend.matching(value, variable), update) for variable, value, update in self.updates]
        found, taken = [], ()
        if ON_HOST and not cuda_graphs.recorder:
            pairs = [update[:2] for update in updates]
            outputs, after = [list(map(backend.symbol, some)) for some in (self.outputs, self.after_updates)]
            found, taken = in_place.passes(backend, pairs, self.inputs, outputs, after)
        updates = [update for update in updates if id(update[0]) not in taken]
        values = together.joined(backend, [value for _, value, _ in updates])
        self.updates = [(variable, value, update) for (variable, _, update), value in zip(updates, values)]
        self.updates += [(one, one.value, None) for one in found]
        super().prepare()
        self._compiled.unsure = [place for place, value in enumerate(values) if value.op not in together.FRESH]

    def run(self, values):
        if not self._compiled.graphs:
            return super().run(values)
        with cuda_graphs.LOCK:
            return super().run(values)

    def hold(self, arrays):
        return Held.of(arrays)


def _leaf(value, inside):
    """A tensor to differentiate by; `inside` of what is differentiated itself, one that still depends on what it was computed from."""
    if not value.dtype.is_floating_point:
        return value
    return value.view_as(value) if inside and value.requires_grad else value.detach().requires_grad_()


def _is_dense(value):
    return isinstance(value, Tensor) and value.layout is torch.strided


class TorchRun(Deferred):
    """Values on the device, and scalars that stay on the host until they meet one."""

    forward_once = True
    function_class = _Function

    # Values.

    def convert(self, value, dtype):
        if torch.is_inference_mode_enabled():
            # Tensors made in that mode could not be differentiated by when it is left.
            with torch.inference_mode(False):
                return self.convert(value, dtype)
        if isinstance(value, Tensor):
            value = (value.clone() if value.is_inference() else value.detach()).to(DEVICE)
            return tensor(value if value.layout in (torch.strided, torch.sparse_coo) else value.to_sparse_coo(), dtype)
        dtype = dtype or dtypes.of(value, config.floatx())
        if scipy.sparse.issparse(value):
            return tensor(value, dtypes.name(dtype))
        if dtype == 'bfloat16':  # which NumPy does not have
            return tensor(np.asarray(value, 'float32')).to(torch.bfloat16)
        value = np.asarray(value, dtype)
        return tensor(value) if value.ndim else value

    def to_numpy(self, value):
        if isinstance(value, Tensor):
            array = to_array(value)
            return array.copy() if ON_HOST and not scipy.sparse.issparse(array) else array
        return value.copy() if scipy.sparse.issparse(value) else np.array(value)

    def zeros_value(self, shape, dtype):
        return torch.zeros(shape, dtype=DTYPES[dtypes.name(dtype)], device=DEVICE)

    def is_sparse_value(self, value):
        return isinstance(value, Tensor) and value.layout is not torch.strided or scipy.sparse.issparse(value)

    def assign(self, variable, value):
        if isinstance(variable, in_place.Pass):
            variable.finish(value)
            return
        variable.value = value if isinstance(value, Tensor) else np.array(value)

    def set_value(self, x, value):
        value = self._array_for(x, self.to_numpy(value))
        x.value = self.convert(np.array(value, x.dtype), x.dtype)

    def variable(self, value, dtype=None, name=None, constraint=None):
        if dtype == 'bfloat16':
            raise ValueError(
                "variable: on PyTorch variables are of types that NumPy has, which 'bfloat16' is not. Compute in it with K.cast, or the dtype policy 'mixed_bfloat16'."
            )
        return super().variable(self._given(value), dtype, name, constraint)

    def constant(self, value, dtype=None, shape=None, name=None):
        if dtype == 'bfloat16':
            return self.cast(self.constant(value, 'float32', shape, name), dtype)
        return super().constant(self._given(value), dtype, shape, name)

    def eval(self, x):
        return super().eval(self._given(x))

    def _given(self, value):
        """What a user gave: a tensor of the framework's as an array."""
        return self.to_numpy(value) if isinstance(value, Tensor) else value

    def clear_session(self):
        super().clear_session()
        cuda_graphs.clear()

    def set_framework_seed(self, seed):
        torch.manual_seed(seed)

    # Runs.

    def compile(self, plan, name):
        return _Compiled(plan)

    def _value(self, x):
        with _Plain(), checks.deferred():
            return super()._value(x)

    def _evaluate(self, x):
        value = super()._evaluate(x)
        return value.toarray() if scipy.sparse.issparse(value) else value

    def loop(self, step, sequences, states, count):
        # One view for each step at once: what a loop of single slices is differentiated to writes whole sequences of zeros.
        rows, parts = [], [one.unbind(0) if isinstance(one, Tensor) else one for one in sequences]
        for time in range(count):
            outputs, states = step([part[time] for part in parts], states, np.array(time, 'int32'))
            rows.append(outputs)
        stack = type(self).stack.compute
        return [stack(self, list(row)) for row in zip(*rows)], list(states)

    # Gradients.

    def differentiates_twice(self):
        """Whether what is computed now is differentiated, and the derivatives too: some kernels of the framework cannot be."""
        return _depth.count > 1

    def differentiate_once(self, function, values):
        inside = torch.is_grad_enabled()
        with torch.enable_grad(), _depth:
            leaves = [_leaf(tensor(value), inside) for value in values]
            total, others = function(*leaves)
            wanted = [leaf for leaf in leaves if leaf.requires_grad]
            found = {}
            if wanted and isinstance(total, Tensor) and total.requires_grad:
                made = torch.autograd.grad(total, wanted, create_graph=inside, allow_unused=True)
                # Operations on lists of tensors are fast for those that lie in memory alike.
                made = [
                    one if one is None or inside or one.layout is not torch.strided else one.contiguous()
                    for one in made
                ]
                found = {id(leaf): one for leaf, one in zip(wanted, made) if one is not None}
            gradients = [found[id(leaf)] if id(leaf) in found else torch.zeros_like(leaf) for leaf in leaves]
        # What goes on without the graph must not hold it.
        return gradients, others if inside else replaced(others, torch.Tensor.detach)

    def stop_gradient(self, variables):
        if isinstance(variables, (list, tuple)):
            return [self.stop_gradient(one) for one in variables]
        return _stop_gradient(self, variables)

    def devices(self):
        cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
        return ['/cpu:0'] + [f'/gpu:{index}' for index in range(cards)]
