"""Sums over processes, by TensorFlow's collective operations over gRPC.

The session stays what it is where there are no others: a sum is an operation of its graph that calls a collective in an eager context of our own, which has a
server, and is not that of eager code. So a group can be joined at any time, what is not a sum costs what it did, and what waits for a rank that is lost is
ended at once. Measured beside a session on the target of a server, two processes, with sums of 5 thousand numbers: 1.2 ms a call in place of 1.9; of a million: 9.3
in place of 10.0. Without sums 0.02 in place of 0.2.
"""

import ctypes
import itertools
import os
import socket

import tensorflow as tf
from tensorflow.core.protobuf import config_pb2, tensorflow_server_pb2
from tensorflow.python import pywrap_tfe

from cthulhu.backend import chatter
from cthulhu.backend.tensorflow.graph import ancestors
from cthulhu.backend.tensorflow.run import session_config

v1 = tf.compat.v1

#: So many sums of one function may wait at the same time, each in a thread.
_AT_ONCE = 60
#: How often servers are started: somebody else may take a port that was free.
_TRIES = 5
_SUMMED = 'float32', 'float64', 'int32', 'int64'


class TensorFlowRanks:
    _collectives, _sums_are_parallel = None, False

    def _join_ranks(self, group):
        """Each process gets a server of TensorFlow's, at a port that the system chooses.

        TensorFlow does not let one choose on which interfaces that listens: it is all of them, so the machines' network has to be one that only those may
        enter who may run code on them. The others connect to the address of `group.host`. Sums of what is on a GPU go over the memory of the processor.
        """
        if group.count > 1:
            with chatter.held_back(self.name):
                tf.config.list_logical_devices('CPU')  # starts what eager values need
                self._collectives = _Collectives(group)

    def _leave_ranks(self):
        if self._collectives is not None:
            self._collectives.leave()
            self._collectives = None

    def _sum_of_ranks(self, x):
        """The gradient is a sum over ranks, too: that of what all ranks make of the sum."""
        x = tf.convert_to_tensor(x)
        if self._collectives is None or x.shape.num_elements() == 0:
            return tf.identity(x)
        kind = x.dtype.base_dtype
        if kind.is_complex:
            raise TypeError(
                f'sum_over_ranks: expected tensors of real numbers, got one of {kind.name}. Sum its real and its imaginary part.'
            )
        if kind.name not in _SUMMED:
            between = 'int64' if kind.size > 4 else 'int32'
            return tf.cast(self._sum_of_ranks(tf.cast(x, between)), kind)
        self._refuse_loops()
        collectives, number = self._collectives, self._collectives.count()

        @tf.custom_gradient
        def whole(x):
            with tf.device('/device:CPU:0'):
                add = collectives.sum_of_length if x.shape.is_fully_defined() else collectives.sum
                made = tf.py_function(lambda value: add(value, number), [x], kind, name='sum_of_ranks')
            made.set_shape(x.shape)
            self._sums.add(made.op)
            return made, self._sum_of_ranks

        return whole(x)

    def _refuse_loops(self):
        graph = v1.get_default_graph()
        context = graph._get_control_flow_context()
        while context is not None and not context.IsWhileContext():
            context = context.outer_context
        if context is not None or graph is not self._graph:
            raise NotImplementedError(
                'sum_over_ranks: TensorFlow cannot keep such sums in order inside of a loop (rnn, scan) or of a tf.function. Sum what comes out of it.'
            )

    # Several sums in one function. Which of them TensorFlow begins with differs from rank to rank, so none may keep the thread that another needs.

    def _has_parallel_sums(self, operations):
        """Whether there are several sums among operations that a function is made of, for which its session then has threads enough."""
        sums = sorted(self._sums.intersection(operations), key=lambda op: op._id) if self._sums else ()
        if len(sums) < 2:
            return False
        if len(sums) > _AT_ONCE:
            rows = 1 + sum(before not in ancestors([after]) for before, after in zip(sums, sums[1:]))
            if rows > _AT_ONCE:
                raise NotImplementedError(
                    f'K.function: {rows} calls of sum_over_ranks that do not wait for each other are too many (up to {_AT_ONCE}). Sum several tensors in one call.'
                )
        self._sums_are_parallel = True
        session = self._session
        if session is not None and not _has_threads(session):
            self._replace_session(self._with_threads(session._config), self._values_in(session))
        return True

    def _with_threads(self, config):
        """The configuration of a session, with threads for sums that wait where there are any: a pool of their own beside the one that there is."""
        if self._sums_are_parallel and not config.session_inter_op_thread_pool:
            made = config_pb2.ConfigProto()
            made.CopyFrom(config)
            made.session_inter_op_thread_pool.add()
            made.session_inter_op_thread_pool.add(num_threads=_AT_ONCE + 4)
            return made
        return config

    def _options_of_sums(self, session, options):
        if not _has_threads(session):
            raise RuntimeError(
                'The session in use has no threads for several calls of sum_over_ranks in one function. Leave it to the library (no set_session, no '
                'default session), or sum several tensors in one call.'
            )
        made = config_pb2.RunOptions()
        if options is not None:
            made.CopyFrom(options)
        made.inter_op_thread_pool = 1
        return made


def _has_threads(session):
    return [pool.num_threads for pool in session._config.session_inter_op_thread_pool][1:] == [_AT_ONCE + 4]


class _Collectives:
    """A server of TensorFlow's, and what it computes together with those of the other ranks."""

    def __init__(self, group):
        self._group = group
        self._made = itertools.count(1)
        for _ in range(_TRIES):
            self._context, failed = self._start()
            if not failed:
                break
        else:
            raise RuntimeError(f"TensorFlow's servers did not start: {failed}.")
        self._device = f'{_task(group.rank)}/device:CPU:0'
        group.when_lost(self._abort)

    def _start(self):
        """An eager context of our own, whose server others reach; and what went wrong with those of the ranks, or ''."""
        group, context, failed = self._group, None, ''
        host = f'[{group.host}]' if ':' in group.host else group.host
        with socket.socket() as found:  # a port that is free now: the server would not tell which one it found
            found.bind(('', 0))
            port = found.getsockname()[1]
        addresses = group.exchange(f'{host}:{port}')
        _without_proxies(addresses)
        try:
            context = _context(addresses, group.rank)
        except tf.errors.OpError as error:
            failed = f'that of rank {group.rank} at {addresses[group.rank]}: {error.message}'
        return context, '; '.join(filter(None, group.exchange(failed)))

    def count(self):
        """A number for the next sum, which it has on every rank."""
        return next(self._made)

    def sum(self, value, number):
        """The sum over ranks of an eager vector, whose length may be another one in each call.

        A collective takes one length for ever, so there is one for each of a few lengths: a vector is filled up to the next, with an eighth of zeros at most.
        """
        length = int(value.shape[0])
        if not length:
            return value
        digits = max(length.bit_length() - 4, 0)
        eighths = -(-length // 2**digits)
        missing = eighths * 2**digits - length
        if not missing:
            return self.sum_of_length(value, number, 32 * digits + eighths)
        return self.sum_of_length(tf.pad(value, [[0, missing]]), number, 32 * digits + eighths)[:length]

    def sum_of_length(self, value, number, which=0):
        """The same where `number` and `which` go with one length."""
        if self._context is None:
            raise RuntimeError('The group of processes over which this is to be summed was left.')
        attributes = {
            'T': value.dtype.as_datatype_enum,
            'group_size': self._group.count,
            'group_key': 1,
            'instance_key': 1024 * number + which,
            'merge_op': 'Add',
            'final_op': 'Id',
            'subdiv_offsets': [0],
            'wait_for': [],
            'communication_hint': 'auto',
            'timeout_seconds': self._group.timeout + 5.0,
        }
        flat = tuple(x for pair in attributes.items() for x in pair)
        return pywrap_tfe.TFE_Py_Execute(self._context, self._device, 'CollectiveReduce', [value], flat, 1)[0]

    def _abort(self):
        context = self._context
        if context is not None:
            pywrap_tfe.TFE_AbortCollectiveOps(context, tf.errors.UNAVAILABLE, self._group.lost)

    def leave(self):
        self._context = None


def _task(rank):
    return f'/job:worker/replica:0/task:{rank}'


def _without_proxies(addresses):
    """Have gRPC reach them itself, where the environment names a proxy for what is outside."""
    direct = os.environ.get('no_grpc_proxy') or os.environ.get('no_proxy') or ''
    if direct != '*':
        hosts = sorted({address.rpartition(':')[0].strip('[]') for address in addresses})
        os.environ['no_grpc_proxy'] = ','.join([x for x in direct.split(',') if x not in hosts and x] + hosts)


def _context(addresses, rank):
    """An eager context, with a server at one of the addresses."""
    config = session_config()
    config.device_count['GPU'] = 0  # whose memory the session has
    config.experimental.collective_group_leader = _task(0)
    config.device_filters.append(_task(rank))
    server = tensorflow_server_pb2.ServerDef(
        cluster=tf.train.ClusterSpec({'worker': addresses}).as_cluster_def(),
        job_name='worker',
        task_index=rank,
        protocol='grpc',
        default_session_config=config,
    )
    options = pywrap_tfe.TFE_NewContextOptions()
    try:
        pywrap_tfe.TFE_ContextOptionsSetConfig(options, config.SerializeToString())
        context = pywrap_tfe.TFE_NewContext(options)
    finally:
        pywrap_tfe.TFE_DeleteContextOptions(options)
    ctypes.pythonapi.Py_IncRef(
        ctypes.py_object(context)
    )  # for ever: its server cannot be ended while the process lives
    pywrap_tfe.TFE_EnableCollectiveOps(context, server.SerializeToString())
    return context
