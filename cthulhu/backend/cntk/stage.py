"""One function of the framework among those of a program, and what is known in a run of all of them."""

import numpy as np

from cthulhu.backend.cntk.framework import ALL_THREADS, DEVICE, STACK, C, array_of, use_threads

# Operations on so few elements, in the mean, are sooner done by one thread than divided.
_FEW_ELEMENTS = 2**14


class Run:
    """One run: what is given, and what was computed so far."""

    def __init__(self, given, clock):
        self.given = given
        self.clock = clock
        self.values = {}
        self.results = {}
        self.early = {}
        self.fed = {}
        self.arrays = []


class Stage:
    """One function of the framework: what it computes, and one backward pass over it."""

    def __init__(self, nodes, targets, backward):
        self.loss, self.at, self.results = backward or (None, [], [])
        self.targets, self._written = [x for x in targets if x.source is None], {}
        computed = self.targets + ([self.loss] if self.loss is not None and self.loss not in self.targets else [])
        self.computed = [x for x in computed if x.source is None]
        # A loss that is a leaf itself has a derivative of one.
        self.function, self.leaves, self.needed = None, [], ()
        if self.computed:
            self.function = C.combine([nodes[x] for x in self.computed])
            self.outputs = list(self.function.outputs)
            arguments = {x.uid for x in self.function.arguments}
            self.needed = needed(self.computed)
            self.leaves = [x for x in self.needed if x.source is not None and x.made and x.made.uid in arguments]
            sizes = [x.size for x in self.needed if x.source is None]
            self.threads = 1 if np.mean(sizes) < _FEW_ELEMENTS else ALL_THREADS

    def gives(self, x):
        return x in self.computed or x in self.results

    def write(self, variables):
        """From now on have new values written into the memory of variables: Tensor -> Variable."""
        self._written = variables

    def run(self, program, run):
        if self.function is None:
            for x, result in zip(self.at, self.results):
                run.fed[result] = program.ones(x)
            return
        arguments = {x.made: program.fed(x, run) for x in self.leaves}
        root = self.outputs[self.computed.index(self.loss)] if self.loss is not None else None
        # Where a value is given, the framework copies into it, once all are computed.
        values = dict.fromkeys(self.outputs)
        for x, output in zip(self.computed, self.outputs):
            if x in self._written:
                values[output] = self._written[x].target
        use_threads(self.threads)
        try:
            # Below the framework's `forward` and `backward`, which look at every argument anew and copy what they are given.
            state = self.function._forward(arguments, values, DEVICE, set() if root is None else {root})
            for x, output in zip(self.targets, self.outputs):
                if x not in self._written:
                    run.values[x] = array_of(values[output]).reshape(x.shape)
            for x, variable in self._written.items():
                variable.note_change()
                run.results[x] = variable.value
            if root is not None:
                found = dict.fromkeys(x.made for x in self.at)
                self.function._backward(state, {root: program.ones(self.loss)}, found)
                for x, result in zip(self.at, self.results):
                    run.fed[result] = found[x.made]
        except Exception as error:
            if not program.errors:
                raise RuntimeError(str(error).split(STACK)[0]) from error
        if program.errors:
            # What an operation in NumPy said first; the framework would only know that it failed.
            first = program.errors[0]
            del program.errors[:]
            raise first


def needed(targets):
    """The Tensors that some are computed from, themselves included."""
    seen, stack = set(), list(targets)
    while stack:
        x = stack.pop()
        if x not in seen:
            seen.add(x)
            stack.extend(x.inputs)
    return seen
