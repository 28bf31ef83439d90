"""Several processes as one: sums over them, of tensors in a graph and of arrays."""

import atexit
import contextlib

import numpy as np

from cthulhu.backend.composed.counted import FAR


class Ranks:
    """What a backend that `supports('ranks')` can do with the other processes of a run.

    Such a backend has `_join_ranks`, `_leave_ranks`, and `_sum_of_ranks` of a vector, or `_sums_of_ranks`.
    """

    _group = None
    _sums_of_arrays = None, {}  # a graph, and for each dtype the function that was made in it
    _counts = None, None  # a graph, and the variable of `rank_counts` in it

    def rank_group(self):
        """The `Group` of processes that was joined, or None."""
        return self._group

    def join_ranks(self, group):
        """Have what this backend computes be summed over the processes of a group, where `sum_over_ranks` asks for it.

        Arguments:
            group: a connected `cthulhu.backend.group.Group`.

        Raises:
            NotImplementedError: the backend does not have that.
            RuntimeError: another group was joined, or the framework has begun to compute by itself.
        """
        if not self.supports('ranks'):
            raise NotImplementedError(
                f'The {self.name} backend trains on one machine. On several do those of TensorFlow, JAX and PyTorch: set CTHULHU_BACKEND.'
            )
        if self._group is not None:
            raise RuntimeError(f'This process is rank {self._group.rank} of {self._group.count} already.')
        self._join_ranks(group)
        self._group = group
        atexit.register(self.leave_ranks)  # while the framework is whole
        # What each draws for its share is drawn by no other.
        self.set_random_step((self.random_step() + group.rank * FAR) % 2**31)

    def leave_ranks(self):
        """Be a process of its own again, as far as the framework can."""
        if self._group is not None:
            self._group.leave()
            self._leave_ranks()
            self._group, self._sums_of_arrays, self._counts = None, (None, {}), (None, None)
            atexit.unregister(self.leave_ranks)

    def sum_over_ranks(self, tensors):
        """The sums of tensors over all ranks, which are equal to the bit on each: one exchange for each dtype among them.

        Every rank has to run this, in the same order, on tensors of the same shapes and dtypes. A gradient passes through: that of what all
        ranks compute of the sums.

        Arguments:
            tensors: list of tensors of numbers whose shapes are known, or of vectors.

        Returns:
            List of tensors like them.
        """
        tensors, results = list(tensors), {}
        for dtype in sorted({self.dtype(x) for x in tensors}):
            places = [i for i, x in enumerate(tensors) if self.dtype(x) == dtype]
            if dtype in ('float16', 'bfloat16'):
                sums = self._sums_of_ranks([self.cast(tensors[i], 'float32') for i in places])
                sums = [self.cast(x, dtype) for x in sums]
            else:
                sums = self._sums_of_ranks([tensors[i] for i in places])
            results.update(zip(places, sums))
        return [results[i] for i in range(len(tensors))]

    def _sums_of_ranks(self, tensors):
        """`sum_over_ranks` of tensors of one dtype."""
        shapes, flat = [self.int_shape(x) for x in tensors], [self.reshape(x, (-1,)) for x in tensors]
        whole, start, sums = self._sum_of_ranks(flat[0] if len(flat) == 1 else self.concatenate(flat, axis=0)), 0, []
        if len(shapes) == 1 and None in shapes[0]:
            return [whole]
        for shape in shapes:
            size = int(np.prod(shape))
            sums.append(self.reshape(whole[start : start + size], shape))
            start += size
        return sums

    def rank_counts(self):
        """A scalar that is 1, and 0 where what this rank is fed stands for no sample: by which it multiplies what it adds to a sum of samples over the ranks."""
        graph = self._graph_of_ranks()
        if self._counts[1] is None or self._counts[0] is not graph:
            self._counts = graph, self.variable(1.0, dtype='float32', name='rank_counts')
        return self._counts[1]

    @contextlib.contextmanager
    def rank_without_samples(self, is_without=True):
        """Context of what is computed while `rank_counts` is 0, if `is_without`."""
        graph, counts = self._counts
        if not is_without or counts is None or graph is not self._graph_of_ranks():
            yield
            return
        self.set_value(counts, 0.0)
        try:
            yield
        finally:
            self.set_value(counts, 1.0)

    def _graph_of_ranks(self):
        return self.get_graph() if hasattr(self, 'get_graph') else None

    def sum_arrays_over_ranks(self, arrays):
        """The sums of arrays over all ranks. Every rank has to call it, with arrays of the same shapes and dtypes.

        Arguments:
            arrays: list of NumPy arrays of numbers.

        Returns:
            List of arrays.

        Raises:
            RankLost: another rank is lost.
        """
        results = {}
        for dtype in sorted({str(x.dtype) for x in arrays}):
            places = [i for i, x in enumerate(arrays) if x.dtype == dtype]
            whole = np.concatenate([arrays[i].reshape(-1) for i in places])
            whole, start = self._sum_of_vector(whole), 0
            for i in places:
                results[i] = whole[start : start + arrays[i].size].reshape(arrays[i].shape)
                start += arrays[i].size
        return [results[i] for i in range(len(arrays))]

    def bytes_of_first_rank(self, data):
        """The bytes that rank 0 gives, on all ranks, which give anything; None where it gives None. Every rank has to call it."""
        size = self._group.first(None if data is None else len(data), 'a file of rank 0')
        if size is None:
            return None
        words = np.zeros(-(-size // 4), 'int32')
        if not self._group.rank:
            words = np.frombuffer(data + b'\0' * (-size % 4), 'int32')
        return self.sum_arrays_over_ranks([words])[0].tobytes()[:size]

    def random_of_ranks(self):
        """NumPy's random generator as it is on rank 0: there `numpy.random` itself, on the others a `RandomState` in its state. Every rank has to call it."""
        if self._group is None:
            return np.random
        name, keys, position, has_gauss, gauss = np.random.get_state()
        state = [name, keys.tolist(), int(position), int(has_gauss), float(gauss)]
        state = self._group.first(state, 'the mixing of the samples')
        if not self._group.rank:
            return np.random
        random = np.random.RandomState()
        random.set_state((state[0], np.array(state[1], 'uint32'), *state[2:]))
        return random

    def _sum_of_vector(self, whole):
        if not whole.size:
            return whole
        graph = self._graph_of_ranks()
        of_graph, sums = self._sums_of_arrays
        if of_graph is not graph:
            self._sums_of_arrays = graph, {}
            sums = self._sums_of_arrays[1]
        dtype = str(whole.dtype)
        if dtype not in sums:
            x = self.placeholder(shape=(None,), dtype=dtype)
            sums[dtype] = self.function([x], self.sum_over_ranks([x]), name='sum_over_ranks')
        with self._group.collective():
            return sums[dtype]([whole])[0]
