"""How many steps are taken in one call of the framework: found by measuring."""

import collections
import logging
import statistics

import numpy as np

from cthulhu.callers import warn_once

_log = logging.getLogger('cthulhu')

#: Seconds that a call should take: the progress bar moves, and Ctrl-C is heard, between calls.
_CALL = 0.1
#: Bytes of what goes into a call and comes out of it.
_BYTES = 2**26
#: Steps by themselves before anything is tried.
_FIRST = 16
#: The share of a step's work that many in one call save, in what is expected of them.
_SHARE = 0.25


class Pace:
    """How many steps on batches of one shape go into one call.

    Steps are taken one by one, and timed. Where as many are still to come that it should pay, many steps are compiled to one call (see
    `many_steps` of the backend's functions), and timed too; what is faster stays. A function that has run for long is expected to run as
    long again. What is chosen, and why, is told to the log 'cthulhu' at the level DEBUG.

    Arguments:
        step: the Step.
        arrays: list of the arrays that it is fed, with a first axis of samples; None stands for weights of one.
        size: int, samples a batch.
        wanted: int, how many steps a call shall take, whatever it costs; or None.

    Attributes:
        size: int, samples a batch.
        length: int, how many steps the next call may take.
        call: what `many_steps` gave, where `length` is more than one.
    """

    def __init__(self, step, arrays, size, wanted=None):
        self._step = step
        self.size = size
        self._wanted = wanted
        self._shapes = step.shapes(arrays, size)
        self._bytes = 4 * sum(int(np.prod(shape)) for shape in self._shapes) + step.bytes_of_outputs(size)
        self._alone = collections.deque(maxlen=4 * _FIRST + 1)
        self._together = []
        self._spent = 0.0
        self._settled = False
        self.length = 1
        self.call = None

    def begin(self, an_epoch, to_come):
        """An epoch begins, of `an_epoch` steps on whole batches; `to_come`, these among them, are to come in this run."""
        if self._settled or an_epoch < 2:
            return
        if self._wanted is not None:
            self._settled = True
            self._compile(min(self._wanted, an_epoch))
        elif len(self._alone) >= _FIRST and self.call is None:
            self._consider(an_epoch, to_come)

    def _consider(self, an_epoch, to_come):
        alone = statistics.median(self._alone)
        sure = min(self._step.call_costs() / alone, 0.8)
        saved = sure + _SHARE * (1 - sure)
        ahead = max(to_come * alone, self._spent)
        # A step that is mostly the call is sure to gain; for a large one a small part of the run may be staked.
        if self._step.compiling_costs() < ahead * max(sure / 2, self._step.stake()):
            most = min(int(_CALL / (alone * (1 - saved))), _BYTES // max(self._bytes, 1), an_epoch)
            if most > 1:
                self._compile(-(-an_epoch // -(-an_epoch // most)))
            self._settled = self.call is None
            if self.call is not None:
                _log.debug('%s: %s steps of %.3f ms are tried as one call', self._step.name, self.length, 1e3 * alone)

    def _compile(self, length):
        try:
            self.call = self._step.many_steps(length, self._shapes)
            self.length = length
        except NotImplementedError as reason:
            self.failed(reason)

    def took(self, seconds):
        """A step by itself took so long."""
        self._alone.append(seconds)
        self._spent += seconds

    def took_together(self, steps, seconds):
        """A call took so long for so many steps."""
        self._spent += seconds
        if self._settled or 2 * steps < self.length:
            return
        self._together.append(seconds / steps)
        if len(self._together) == 4:  # the first one compiled
            self._settled = True
            alone, together = statistics.median(self._alone), statistics.median(self._together[1:])
            if together > 0.95 * alone:
                self.length, self.call = 1, None
            _log.debug(
                '%s: %.3f ms a step by itself, %.3f ms of %s in one call, which took %.1f s to compile: %s from now on',
                self._step.name, 1e3 * alone, 1e3 * together, steps, self._together[0] * steps, 'single steps' if self.call is None else 'such calls',
            )  # fmt: skip

    def failed(self, reason):
        """Many steps in one call are not possible: say so to who asked for them."""
        self.length, self.call, self._settled = 1, None, True
        _log.debug('%s: steps are taken one by one: %s', self._step.name, reason)
        if self._wanted is not None:
            warn_once(
                self._step,
                'many steps',
                f'{self._step.name}: steps_per_execution={self._wanted} is not possible here, and steps are taken one by one, '
                f'with the same results: {reason}.',
            )
