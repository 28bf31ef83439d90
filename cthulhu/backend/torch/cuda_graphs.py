"""Whole plans recorded as CUDA graphs: what Python does for a step, which for small networks is most of its time, is done once.

A plan that was run `PATIENCE` times with feeds of the same shapes is recorded, and from then on replayed. A recording reads and writes fixed memory:
feeds are copied in, draws are made into it before each replay by the generators that a plan run as it comes has, and variables lie there, also
when they are single numbers, which plans run as they come hold on the host. What a recording cannot have (whatever waits for the device, functions of the
user's program, sparse tensors) is found by a trial run, and is run as it comes. One lock is held by whatever runs.
"""

import collections
import os
import threading
import warnings
import weakref

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from cthulhu.backend import config, ranges
from cthulhu.backend.torch import checks, random
from cthulhu.backend.torch.framework import DEVICE, Tensor, from_array, tensor, to_array

#: Runs with feeds of the same shapes before they are recorded, and how many recordings a function keeps.
PATIENCE, KEPT = 5, 8

#: Where the memory lies that replays change: addresses, also some that are no longer.
PLACES = set()

#: Held by every run of a function where there may be recordings: a replay changes variables in place.
LOCK = threading.RLock()

_everything = weakref.WeakSet()
_recording = threading.local()

# What waits for the device, or gives a tensor whose shape depends on values.
_WAITING = frozenset(
    'aten::' + name
    for name in '_local_scalar_dense nonzero masked_select _unique2 unique_dim unique_consecutive bincount repeat_interleave _ctc_loss _cudnn_ctc_loss '
    'equal is_nonzero histc'.split()
)


class Refused(Exception):
    """Something that a recording cannot have."""


def refuse(what):
    """Say in a trial run that a plan is to be run as it comes: `what` is a str."""
    if getattr(_recording, 'is_on', False):
        raise Refused(what)


class _Watch(TorchDispatchMode):
    """Context of a trial run: refuses what waits for the device."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function._schema.name
        flat = [one for x in args for one in (x if isinstance(x, (list, tuple)) else [x]) if isinstance(one, Tensor)]
        by_mask = name.startswith('aten::index') and any(x.dtype in (torch.bool, torch.uint8) for x in flat[1:])
        if name in _WAITING or by_mask or any(x.layout is not torch.strided for x in flat):
            raise Refused(name)
        found = function(*args, **(kwargs or {}))
        if name in ('aten::_to_copy', 'aten::copy_') and any(x.device != found.device for x in flat):
            raise Refused(f'{name} between devices')
        return found


# -- the framework's recordings -------------------------------------------------------------------------


class _Recorder:
    """Makes CUDA graphs, all of them in one pool of memory: they are never run at once."""

    def __init__(self):
        self._stream, self._pool, self._alive = None, None, weakref.WeakSet()

    def is_ready(self):
        """Whether replays would be in order with what else was given to the device."""
        return torch.cuda.current_stream(DEVICE) == torch.cuda.default_stream(DEVICE)

    def beside(self):
        """Context of trial runs."""
        self._stream = self._stream or torch.cuda.Stream(DEVICE)
        torch.cuda.synchronize(DEVICE)
        # What another stream or the pool takes cannot be taken from the memory that is kept for other runs.
        torch.cuda.empty_cache()
        return torch.cuda.stream(self._stream)

    def record(self, run, changed):
        """(function that does what `run` does, list that `run` gave, whose tensors that function writes); `run` changes tensors `changed` in place."""
        with self.beside():
            if not list(self._alive):
                self._pool = torch.cuda.graph_pool_handle()
            graph = torch.cuda.CUDAGraph()
            graph.capture_begin(pool=self._pool, capture_error_mode='thread_local')
            try:
                results = run()
                graph.capture_end()
            except BaseException:
                self._abandon(graph)
                raise
        torch.cuda.synchronize(DEVICE)
        self._alive.add(graph)
        return graph.replay, results

    def _abandon(self, graph):
        """Leave everything as it was before a recording that failed."""
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # of recordings of nothing
            for end in graph.capture_end, lambda: torch._C._cuda_endAllocateToPool(DEVICE.index or 0, self._pool):
                try:
                    end()
                except (RuntimeError, AttributeError, TypeError):
                    pass  # ended by the error itself, or by the first of the two
            # Only the end of a recording that succeeds gives the program's generator back.
            empty = torch.cuda.CUDAGraph()
            empty.capture_begin(capture_error_mode='thread_local')
            empty.capture_end()


def _wanted():
    asked = os.environ.get('CTHULHU_CUDA_GRAPHS', '1')
    if asked not in ('0', '1'):
        raise ValueError(f'CTHULHU_CUDA_GRAPHS: expected 0 or 1, got {asked!r}.')
    return asked == '1' and DEVICE.type == 'cuda' and torch.version.cuda is not None


#: What makes recordings; None: nothing is recorded.
recorder = _Recorder() if _wanted() else None


# -- variables ------------------------------------------------------------------------------------------


def _fits(value, home):
    if not isinstance(value, Tensor):
        return isinstance(value, np.ndarray) and not value.shape and not home.dim()
    return value.layout is torch.strided and value.shape == home.shape and value.dtype is home.dtype


def _home(variable):
    """The memory in which a variable lies for every recording; it is moved there."""
    value, home = variable.value, getattr(variable, '_home', None)
    if home is None or not _fits(value, home):
        if (
            isinstance(value, Tensor)
            and value.layout is not torch.strided
            or not isinstance(value, (Tensor, np.ndarray))
        ):
            raise Refused('a sparse variable')
        home = variable._home = tensor(value).clone(memory_format=torch.contiguous_format)
        PLACES.add(_storage(home))
    _move([(variable, home)])
    return home


def _move(places):
    """Have Variables lie in their homes."""
    for variable, home in places:
        if not isinstance(variable.value, Tensor):
            home.fill_(variable.value.item())
    tensors = [(home, variable.value) for variable, home in places if isinstance(variable.value, Tensor)]
    _assign([home for home, _ in tensors], [value for _, value in tensors])
    for variable, home in places:
        variable.value = home


def to_host(variables):
    """The values of Variables for a plan that is run as it comes: single numbers on the host, where they stay."""
    places = {}
    for variable in variables:
        value = variable.value
        if isinstance(value, Tensor) and value is getattr(variable, '_home', None) and not value.dim():
            places.setdefault(value.dtype, []).append(variable)
    for same in places.values():
        for variable, value in zip(same, to_array(torch.stack([one.value for one in same]))):
            variable.value = np.array(value)
    return [variable.value for variable in variables]


def _storage(value):
    return value.untyped_storage().data_ptr()


# -- feeds ----------------------------------------------------------------------------------------------


def _key(feeds):
    """What a recording depends on besides the values of tensors; None where it cannot be made."""
    key = [config.floatx()]
    for one in feeds:
        if isinstance(one, Tensor):
            if one.layout is not torch.strided:
                return None
            key.append((one.dtype, one.shape))
        elif isinstance(one, np.ndarray):
            key.append((one.dtype, one.shape) if one.ndim else (one.dtype, one.item()))
        else:
            return None
    return tuple(key)


class _Slot:
    """The memory of one feed.

    Attributes:
        value: what the plan is given; a single number on the host itself.
    """

    def __init__(self, value):
        self._staged = self._sent = None
        is_array = isinstance(value, np.ndarray)
        self.is_fixed = is_array and not value.ndim
        self.value = value if self.is_fixed else tensor(value).clone(memory_format=torch.contiguous_format)
        if is_array and not self.is_fixed and DEVICE.type == 'cuda':
            self._staged = torch.empty(value.shape, dtype=self.value.dtype, pin_memory=True)
            self._sent = torch.cuda.Event()
            self._array = self._staged.numpy()

    def put(self, value):
        if self.is_fixed:
            return
        if self._staged is None:
            self.value.copy_(value if isinstance(value, Tensor) else from_array(value))
            return
        self._sent.synchronize()
        if value.flags.writeable and value.flags.c_contiguous:
            self._staged.copy_(torch.from_numpy(value))
        else:
            np.copyto(self._array, value)
        self.value.copy_(self._staged, non_blocking=True)
        self._sent.record(torch.cuda.current_stream(DEVICE))


# -- plans ----------------------------------------------------------------------------------------------


class _Recorded:
    """One recording of a plan.

    Raises:
        Refused: it cannot be made.
    """

    def __init__(self, plan, feeds, clock):
        self._plan = plan
        given = {id(variable) for variable in plan.variables}
        variables = plan.variables + [variable for variable in plan.updated if id(variable) not in given]
        homes = [_home(variable) for variable in variables]
        self._places = list(zip(variables, homes))
        self._slots = [_Slot(one) for one in feeds]
        self._updated = [variable._home for variable in plan.updated]
        with recorder.beside():
            self._draws = self._tried(clock)
            self._drawn = [random.drawn(draw) for draw in self._draws]
        self._clock = clock
        self._replay, self._results = recorder.record(self._run, self._updated)
        # Where indices are looked at first, variables change by a recording of its own.
        self._finish = recorder.record(self._assigned, self._updated)[0] if self._checks and self._updated else None
        if not self._checks:
            self._made = None

    def _values(self):
        return [home for _, home in self._places[: len(self._plan.variables)]], [slot.value for slot in self._slots]

    def _tried(self, clock):
        """What is drawn at that clock, and that it changes by it alone: list of `random.Draw`."""
        found = []
        for time in clock, clock + 1:
            draws = []
            with _on(), _Watch(), random.by(draws.append), checks.collected():
                self._plan(*self._values(), time)
            found.append(draws)
        if [one.moved(1) for one in found[0]] != found[1]:
            raise Refused('draws that change by more than the number of runs')
        return found[0]

    def _next(self):
        drawn = iter(list(zip(self._draws, self._drawn)))

        def draw(asked):
            known, value = next(drawn, (None, None))
            if known is None or known[:-1] != asked[:-1]:
                raise Refused('draws that are not those of the trial')
            return value

        return draw

    def _run(self):
        """What is recorded: list of the tensors that `_read` takes apart."""
        variables, feeds = self._values()
        with _on(), random.by(self._next()), checks.collected() as found:
            outputs, new_values = self._plan(variables, feeds, self._clock)
        own = {_storage(home) for _, home in self._places}
        # What is fetched, and what is another variable's new value, must be read before variables change.
        outputs = [one.clone() if isinstance(one, Tensor) and _storage(one) in own else one for one in outputs]
        outputs, stacks = _stacked(outputs)
        self._made = [self._new_value(home, one, own) for home, one in zip(self._updated, new_values)]
        bad = [torch.stack([one[0] for one in found]).any()] if found else []
        if not found:
            self._assigned()
        self._checks, self._outputs = found, outputs
        return bad + [one[1] for one in found] + stacks + [one for one in outputs if isinstance(one, Tensor)]

    def _assigned(self):
        _assign(self._updated, self._made)
        return []

    @staticmethod
    def _new_value(home, value, own):
        if not isinstance(value, Tensor) and np.ndim(value) == 0 and not home.dim():
            return torch.full((), np.asarray(value).item(), dtype=home.dtype, device=home.device)
        if not isinstance(value, Tensor) or not _fits(value, home):
            raise Refused('a variable that changes its shape or type')
        return value.clone() if value is not home and _storage(value) in own else value

    def enter(self):
        """Move variables that were given other values to their places; whether that can be done."""
        elsewhere = [(variable, home) for variable, home in self._places if variable.value is not home]
        if not all(variable._home is home and _fits(variable.value, home) for variable, home in elsewhere):
            return False
        if elsewhere:
            _move(elsewhere)
        return True

    def __call__(self, feeds, clock):
        for slot, value in zip(self._slots, feeds):
            slot.put(value)
        for draw, value in zip(self._draws, self._drawn):
            random.drawn(draw.moved(clock - self._clock), value)
        self._replay()
        results = self._results
        count = len(self._checks)
        if count and results[0]:
            for (_, _, size, what), indices in zip(self._checks, results[1:]):
                ranges.check(to_array(indices), size, what)
        if self._finish:
            self._finish()
        results = results[count + bool(count) :]
        return self._read(results), list(self._updated)

    def _read(self, results):
        """The outputs: single numbers are fetched together."""
        results = iter(results)
        stacks = [to_array(next(results)) for _ in range(self._count_of_stacks())]
        return [
            stacks[one[0]][one[1]] if isinstance(one, tuple) else next(results) if isinstance(one, Tensor) else one
            for one in self._outputs
        ]

    def _count_of_stacks(self):
        return len({one[0] for one in self._outputs if isinstance(one, tuple)})


class _on:
    """Context of what is recorded, and of its trials."""

    def __enter__(self):
        _recording.is_on = True

    def __exit__(self, *error):
        _recording.is_on = False


def _stacked(outputs):
    """(outputs, with (which stack, place) for each tensor that is a single number; the stacks)."""
    places, outputs = collections.OrderedDict(), list(outputs)
    for place, one in enumerate(outputs):
        if isinstance(one, Tensor) and not one.dim():
            places.setdefault(one.dtype, []).append(place)
    stacks = [torch.stack([outputs[place] for place in same]) for same in places.values()]
    for which, same in enumerate(places.values()):
        for index, place in enumerate(same):
            outputs[place] = which, index
    return outputs, stacks


def _assign(homes, values):
    kinds = {}
    for home, value in zip(homes, values):
        if value is not home:
            into, of = kinds.setdefault(home.dtype, ([], []))
            into.append(home)
            of.append(value)
    for into, of in kinds.values():
        torch._foreach_copy_(into, of)


class Graphs:
    """The recordings of a plan, by the shapes of its feeds.

    Attributes:
        reason: str, why the last one that was tried could not be made; or None.
    """

    def __init__(self, plan):
        self._plan, self._failures, self.reason = plan, 0, None
        self._found = (
            collections.OrderedDict()
        )  # key -> _Recorded, or how often it was run, or None: not to be recorded
        _everything.add(self)

    def run(self, feeds, clock):
        """(outputs, new values of variables), or None: the plan is to be run as it comes."""
        key = _key(feeds) if self._failures < 3 and recorder.is_ready() else None
        if key is None:
            return None
        found = self._found.get(key, 0)
        if isinstance(found, int):
            found = self._counted(key, found + 1) if found < PATIENCE else self._recorded(key, feeds, clock)
        if found is None:
            return None
        if not found.enter():
            self._found[key] = 0
            return None
        self._found.move_to_end(key)
        return found(feeds, clock)

    def _counted(self, key, count):
        if len(self._found) >= 64:  # of feeds whose shape is another one each time
            for other in [other for other, found in self._found.items() if not isinstance(found, _Recorded)]:
                del self._found[other]
        self._found[key] = count

    def _recorded(self, key, feeds, clock):
        try:
            found = _Recorded(self._plan, feeds, clock)
        except Exception as error:  # whatever it is: run as it comes, the plan raises what is the user's concern
            self._failures += 1
            self._found[key] = None
            self.reason = f'{type(error).__name__}: {error}'
            return None
        self._found[key] = found
        kept = [other for other, one in self._found.items() if isinstance(one, _Recorded)]
        for other in kept[: -KEPT or None]:
            if other != key:
                del self._found[other]
        return found

    def clear(self):
        self._found.clear()


def clear():
    """Drop all recordings, and their memory."""
    with LOCK:
        for one in list(_everything):
            one.clear()
