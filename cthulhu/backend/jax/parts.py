"""A function that sums over ranks: compiled in parts, between which the sums are taken.

One program for all processes would have to be fed alike in each, and they have different shares of a batch.
"""

import jax
import jax.numpy as jnp
import numpy as np

from cthulhu.backend.deferred.stages import Stages
from cthulhu.backend.group import RankLost
from cthulhu.backend.jax import checks, device
from cthulhu.backend.jax.primitive import array

#: The operation that is a sum over ranks.
SUM = '_sum_of_ranks'
#: What may find something wrong. It must be found before the last sum, with which the ranks tell each other.
_CHECKED = {'gather', '_in_range', 'scan'}


class Parts:
    """The parts of a function but the last, which is the function's own step: it takes what is `carried` there.

    Arguments:
        function: the Function.
    """

    def __init__(self, function):
        self._function = function
        *self._before, self._last = Stages(function.plan, SUM, _CHECKED).stages
        self._is_checked = any(symbol.op in _CHECKED for symbol in function.plan.symbols())

    def steps(self, chosen):
        """Pure functions of (what is updated, what is only read, what is fed, clock, finding, carried): see `Function._step`.

        Each gives (values for later parts; a row of numbers for each dtype that is to be summed; where in it each summand stands; finding).
        """
        return [self._step(chosen, stage) for stage in self._before]

    def _step(self, chosen, stage):
        group = self._function.backend.rank_group()
        tells = self._is_checked and stage is self._before[-1]

        def step(changing, kept, fed, clock, before, carried):
            given = self._function.given(chosen, changing, kept, fed)
            given.update(self._values(stage, carried))
            with checks.finding() as found:
                values, summands = stage.run(given, clock)
            wrong = checks.first([before] + found)
            told = [(np.arange(group.count) == group.rank) * (wrong[0] != 0)] if tells else []
            rows, places = _in_rows(list(map(array, summands)), told)
            values = _apart([_packed(one) for one in values], [changing, kept, fed, carried])
            return values, {dtype: device.alike(row) for dtype, row in rows.items()}, places, wrong

        return step

    def carried(self, compiled, fed, clock):
        """What the last part takes: run those before it, and sum.

        Raises:
            RankLost: another rank is lost, or has found something wrong in what it was fed.
            ValueError: this one has.
        """
        function, values, sums = self._function, {}, []
        backend, found = function.backend, np.zeros(2, 'int64')
        device.check_process()
        backend._check_is_rank()
        changing, kept = ([x.value for x in variables] for variables in (function.plan.updated, function.kept))
        for stage, step in zip(self._before, compiled):
            carried = self._for(stage, values, sums)
            given, rows, places, found = step(changing, kept, fed, clock, found, carried)
            values.update(zip(map(id, stage.gives), given))
            told = backend.rank_group().count if self._is_checked and stage is self._before[-1] else 0
            dtypes = sorted(rows)
            totals, wrong = backend._sum_rows([rows[dtype] for dtype in dtypes], told)
            sums.append((dict(zip(dtypes, totals)), places))
            if wrong.any():
                self._tell(wrong, np.asarray(found))
        return (self._for(self._last, values, sums),)

    def _tell(self, wrong, found):
        if found[0]:
            raise checks.error(found)
        ranks = ', '.join(map(str, np.flatnonzero(wrong)))
        raise RankLost(
            f'Rank {ranks} has found something wrong in what it was fed, and says what. This step changed nothing.'
        )

    def _for(self, stage, values, sums):
        return [values.get(id(symbol)) for symbol in stage.needs], sums

    def _values(self, stage, carried):
        """By the ids of Symbols: what `_for` gave to a part."""
        values, sums = carried
        found = {id(symbol): _unpacked(value) for symbol, value in zip(stage.needs, values)}
        for before, (totals, places) in zip(self._before, sums):
            for symbol, (dtype, start, stop, shape) in zip(before.between, places.value):
                found[id(symbol)] = totals[dtype][start:stop].reshape(shape)
        return found

    def last(self, given, carried, clock):
        """(outputs, new values), of values by the ids of their Symbols."""
        given.update(self._values(self._last, carried))
        return self._function.plan.finish(self._last.run(given, clock)[0])


def _in_rows(summands, told):
    """Arrays of one dtype as one row, {dtype: array (1, numbers)}, `told` at the end of the first one; and where each stands: list of
    (dtype, start, stop, shape).
    """
    rows, places = {}, []
    for x in summands:
        row = rows.setdefault(str(x.dtype), [])
        start = sum(one.size for one in row)
        places.append((str(x.dtype), start, start + x.size, x.shape))
        row.append(x.reshape(-1))
    for one in told:
        rows[min(rows)].append(one)
    return {dtype: _in_a_row(row, dtype)[None] for dtype, row in rows.items()}, Known(places)


def _in_a_row(vectors, dtype):
    # Not `concatenate`, which on processors of several cores takes thirty times as long.
    whole, start = jnp.zeros(sum(one.size for one in vectors), dtype), 0
    for one in vectors:
        whole = jax.lax.dynamic_update_slice(whole, one.astype(dtype), (start,))
        start += one.size
    return whole


@jax.tree_util.register_static
class Known:
    """A value that is known when a function is traced, and must be in what takes it from there: where it is another one, that is traced anew."""

    def __init__(self, value):
        self.value = value
        is_array = isinstance(value, (np.ndarray, np.generic))
        self._key = (value.tobytes(), value.dtype.str, value.shape) if is_array else repr(value)

    def __hash__(self):
        return hash(self._key)

    def __eq__(self, other):
        return type(other) is Known and self._key == other._key


def _packed(value):
    return jax.tree.map(lambda x: x if isinstance(x, jax.Array) else Known(x), value)


def _unpacked(value):
    return jax.tree.map(lambda x: x.value if isinstance(x, Known) else x, value, is_leaf=lambda x: isinstance(x, Known))


def _apart(values, others):
    """`values`, none of which is the memory of one of `others`, which may be given away."""
    seen = {id(x) for x in jax.tree.leaves(others)}
    return jax.tree.map(lambda x: jnp.copy(x) if id(x) in seen else x, values)
