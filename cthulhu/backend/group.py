"""The processes of one run: who they are, what they tell each other, and which of them is gone.

Every rank but 0 keeps a connection to rank 0, over which go small messages (JSON) and a sign of life each second. Arrays go through the
collectives of the frameworks.
"""

import collections
import contextlib
import json
import os
import selectors
import socket
import struct
import sys
import threading
import time

#: Bytes of one message at most; of the first one, from whoever connects.
_MOST, _MOST_AT_FIRST = 2**28, 2**10
_GREETING = 'cthulhu 1'


class RankLost(RuntimeError):
    """Another process of the run is gone, hangs, or has failed; the message says which."""


class Group:
    """The processes of one run.

    Arguments:
        rank: int, the number of this process.
        count: int, how many there are.
        address: (host, port) at which rank 0 listens, on no other interface. The port may be 0 on rank 0: `address` says which one it became.
        timeout: seconds after which a rank that is not heard from, or that the others wait for, is taken for lost.
        store: where the launcher listens at the address itself: what has `set(text)` and `get()`, by which rank 0 tells the others at which port it does.

    Attributes:
        rank, count, address, timeout: as given.
        host: str, the address of this process's machine on the network over which it reached rank 0.
        lost: str, who is lost and why; None while all is well.

    Raises:
        RankLost: not all were there in time.
        OSError: rank 0 cannot listen at the address.
    """

    def __init__(self, rank, count, address, timeout=20.0, store=None):
        self.rank, self.count, self.timeout = rank, count, float(timeout)
        self._beat = min(1.0, self.timeout / 10)
        self.lost, self._when_lost = None, []
        self._changed = threading.Condition()
        self._sending = threading.Lock()
        self._peers = {}  # rank -> _Peer; on others than 0 only that of rank 0
        self._given = collections.defaultdict(dict)  # number of an exchange -> {rank: value}, on rank 0
        self._results = {}
        self._exchanges = 0
        self._progress = [[0, '']] * count  # to how many places each has come, and to which one
        self._waiting_since = None
        self._left = False
        self._listener = None
        self.address, self.host = (address[0], 0) if store is not None else address, address[0]
        if rank == 0:
            self._listen()
            if store is not None:
                store.set(str(self.address[1]))
        elif store is not None:
            self.address = address[0], int(store.get())
        self._selector = selectors.DefaultSelector()
        self._thread = threading.Thread(target=self._watch, name='cthulhu-group', daemon=True)

    def connect(self):
        """Wait for all ranks. To be called once, when the others may know the address.

        Returns:
            The Group itself.
        """
        (self._accept if self.rank == 0 else self._reach)()
        for peer in self._peers.values():
            peer.socket.settimeout(self.timeout)
            self._selector.register(peer.socket, selectors.EVENT_READ, peer)
        if hasattr(os, 'register_at_fork'):  # a worker must not keep a connection alive for a process that is gone
            os.register_at_fork(after_in_child=self._close)
        self._thread.start()
        return self

    # Making the connections.

    def _listen(self):
        host, port = self.address
        try:
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        except OSError as error:
            raise OSError(
                f'Rank 0 cannot listen at {host}:{port}: the name of the machine is not known ({error}).'
            ) from error
        self._listener = socket.socket(family, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._listener.bind((host, port))
        except OSError as error:
            self._listener.close()
            raise OSError(
                f'Rank 0 cannot listen at {host}:{port} ({error}). The address must be one of the machine on which rank 0 runs, and the port free.'
            ) from error
        self._listener.listen(self.count)
        self.address = host, self._listener.getsockname()[1]

    def _accept(self):
        deadline = time.monotonic() + 3 * self.timeout
        while len(self._peers) < self.count - 1:
            self._listener.settimeout(max(deadline - time.monotonic(), 0.01))
            try:
                connection, _ = self._listener.accept()
            except socket.timeout:
                self._listener.close()
                self._close()
                missing = [each for each in range(1, self.count) if each not in self._peers]
                raise RankLost(
                    f'Of {self.count} ranks these did not come to {self.address[0]}:{self.address[1]} within {3 * self.timeout:.0f} s: {_listed(missing)}.'
                ) from None
            self._greet(connection)
        self._listener.close()

    def _greet(self, connection):
        # Whoever connects and says nothing must not keep the ranks waiting until they give up.
        connection.settimeout(min(self.timeout / 3, 2.0))
        peer, wrong = _Peer(connection), None
        try:
            said = peer.receive_one(_MOST_AT_FIRST)
            rank = said.get('rank') if isinstance(said, dict) and said.get('greeting') == _GREETING else None
            wrong = None
            if said.get('count') != self.count:
                wrong = f'has {self.count} ranks, and rank {rank} was told that it has {said.get("count")}'
        except (OSError, ValueError, AttributeError):
            rank = None
        if not isinstance(rank, int) or not 0 < rank < self.count:
            connection.close()  # somebody else
            return
        if wrong is None and rank in self._peers:
            wrong = f'has a rank {rank} already, and another process came as rank {rank}'
        peer.send({'wrong': wrong and f'The run of rank 0 at {self.address[0]}:{self.address[1]} {wrong}.'})
        if wrong:
            connection.close()
            self._listener.close()
            self._close()
            raise RankLost(f'This run {wrong}.')
        peer.rank = rank
        self._peers[rank] = peer

    def _reach(self):
        deadline, error = time.monotonic() + 3 * self.timeout, None
        while True:
            try:
                connection = socket.create_connection(self.address, timeout=self.timeout)
                peer = _Peer(connection)
                peer.send({'greeting': _GREETING, 'rank': self.rank, 'count': self.count})
                answer = peer.receive_one(_MOST_AT_FIRST)
                break
            except (OSError, ValueError) as found:
                error = found
            if time.monotonic() > deadline:
                raise RankLost(
                    f'Rank {self.rank} did not reach rank 0 at {self.address[0]}:{self.address[1]}: {error}.'
                )
            time.sleep(0.1)
        if answer.get('wrong'):
            raise RankLost(answer['wrong'])
        self.host = connection.getsockname()[0]
        peer.rank = 0
        self._peers[0] = peer

    # Telling each other.

    def exchange(self, value, place='a barrier'):
        """What every rank gave, by rank: list. Each rank calls it as often, in the same order.

        Arguments:
            value: what JSON can say.
            place: str, where in the program that is; the same on all ranks.

        Raises:
            RankLost: another rank is lost, did not come, or is at another place of its program.
        """
        if self.count == 1:
            return [value]
        number = self._exchanges
        self._exchanges += 1
        with self.collective(place):
            if self.rank == 0:
                self._take(0, number, [place, value])
            else:
                self._send(0, {'number': number, 'value': [place, value]})
            with self._changed:
                self._changed.wait_for(lambda: self.lost or number in self._results)
                if number not in self._results:
                    raise RankLost(self.lost)
                found = self._results.pop(number)
        for rank, (theirs, _) in enumerate(found):
            if theirs != found[0][0]:
                raise RankLost(_apart(rank, theirs, found[0][0]))
        return [theirs for _, theirs in found]

    def first(self, value, place='a barrier'):
        """What rank 0 gave, on every rank."""
        return self.exchange(value if self.rank == 0 else None, place)[0]

    @contextlib.contextmanager
    def collective(self, place='a sum over the ranks'):
        """Context of what returns when every rank has come to it: who does not come is told from who does. An error in it is told with who is lost.

        Arguments:
            place: str, where in the program that is.

        Raises:
            RankLost: in place of the framework's error, where a rank is lost.
        """
        if self.lost:
            raise RankLost(self.lost)
        with self._changed:
            self._progress[self.rank] = [self._progress[self.rank][0] + 1, place]
            self._waiting_since = time.monotonic()
        try:
            yield
        except RankLost:
            raise
        except Exception as error:
            with self._changed:  # what the framework noticed, the connections tell soon
                self._changed.wait_for(lambda: self.lost, 3.0)
            if self.lost:
                raise RankLost(self.lost) from error
            raise
        finally:
            with self._changed:
                self._waiting_since = None

    def when_lost(self, call):
        """Have a function be called, in any thread, when a rank is lost: that makes a framework give up which waits for it."""
        with self._changed:
            self._when_lost.append(call)
            is_late = self.lost is not None
        if is_late:
            call()

    def failed(self, error):
        """Tell the others that this rank ends with an error."""
        if self.lost is None and not self._left:
            self._tell_lost(f'Rank {self.rank} failed: {type(error).__name__}: {error}', but=None)

    def leave(self):
        """Say goodbye: that this process ends is no loss from now on."""
        if not self._left:
            self._left = True
            for rank in list(self._peers):
                self._send(rank, {'progress': self._progress})
                self._send(rank, {'bye': True})
            self._close()

    def _close(self):
        for peer in list(self._peers.values()):
            with contextlib.suppress(OSError):
                peer.socket.close()

    # The thread that listens.

    def _watch(self):
        beat = self._beat
        sent = 0.0
        while not self._left:
            with contextlib.suppress(OSError, ValueError, RuntimeError):
                for key, _ in self._selector.select(beat / 2):
                    self._hear(key.data)
            now = time.monotonic()
            if now - sent >= beat and self.lost is None:
                sent = now
                for rank in list(self._peers):
                    self._send(rank, {'progress': self._progress})
                self._look_for_silence(now)
            if self.lost is not None and self._is_stuck(now):
                return

    def _hear(self, peer):
        try:
            messages = peer.receive()
        except (OSError, ValueError):
            messages = None
        if messages is None:
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(peer.socket)
            if not peer.has_left and not self._left:
                self._tell_lost(f'Rank {peer.rank} is gone: its connection was closed.', but=peer.rank)
            return
        peer.heard = time.monotonic()
        for message in messages:
            if 'value' in message:
                self._take(peer.rank, message['number'], message['value'])
            elif 'values' in message:
                self._found(message['number'], message['values'])
            elif 'progress' in message:
                self._note(peer.rank, message['progress'])
            elif 'lost' in message:
                self._tell_lost(message['lost'], but=peer.rank)
            elif 'bye' in message:
                peer.has_left = True

    def _note(self, rank, progress):
        with self._changed:
            if self.rank == 0:
                self._progress[rank] = progress[rank]
            else:
                self._progress = [
                    own if i == self.rank else p for i, (own, p) in enumerate(zip(self._progress, progress))
                ]

    def _look_for_silence(self, now):
        for peer in list(self._peers.values()):
            if now - peer.heard > self.timeout and not peer.has_left:
                self._tell_lost(f'Rank {peer.rank} has not been heard from for {self.timeout:.0f} s.', but=peer.rank)
                return
        since, (done, place) = self._waiting_since, self._progress[self.rank]
        behind = [rank for rank, (theirs, _) in enumerate(self._progress) if theirs < done]
        ended = [rank for rank in behind if rank in self._peers and self._peers[rank].has_left]
        if since is not None and ended:
            self._tell_lost(f'Rank {_listed(ended)} has ended, and rank {self.rank} is at {place}.', but=None)
            return
        # Later than silence, which says more and only rank 0 can tell.
        if since is not None and now - since > self.timeout + 2 * self._beat:
            apart = [rank for rank, theirs in enumerate(self._progress) if theirs[0] == done and theirs[1] != place]
            if behind:
                self._tell_lost(
                    f'The others wait since {self.timeout:.0f} s at {place} for rank {_listed(behind)}, which is busy with something else, or hangs. Where it may take '
                    'longer, set CTHULHU_DISTRIBUTION_TIMEOUT, in seconds.',
                    but=None,
                )
            elif apart:
                self._tell_lost(_apart(apart[0], self._progress[apart[0]][1], place, self.rank), but=None)

    def _is_stuck(self, now):
        """End the process where the framework goes on waiting for a rank that is lost."""
        if self._lost_at is None or self._waiting_since is None or now - self._lost_at < 6.0:
            return False
        sys.stderr.write(f'\ncthulhu: {self.lost} This process, rank {self.rank}, waited for it and ends.\n')
        sys.stderr.flush()
        os._exit(1)

    _lost_at = None

    def _tell_lost(self, message, but):
        with self._changed:
            if self._lost_at is not None:
                return
            self._lost_at = time.monotonic()
        for rank in list(self._peers):
            if rank != but:
                self._send(rank, {'lost': message})
        with self._changed:  # not before the others are told: this process may end of it
            self.lost = message
            self._changed.notify_all()
            calls = list(self._when_lost)
        for call in calls:
            call()

    def _take(self, rank, number, value):
        with self._changed:
            given = self._given[number]
            given[rank] = value
            if len(given) < self.count:
                return
            values = [given[each] for each in range(self.count)]
            del self._given[number]
        for each in list(self._peers):
            self._send(each, {'number': number, 'values': values})
        self._found(number, values)

    def _found(self, number, values):
        with self._changed:
            self._results[number] = values
            self._changed.notify_all()

    def _send(self, rank, message):
        with self._sending, contextlib.suppress(OSError):  # that it is gone is heard
            self._peers[rank].send(message)


class _Peer:
    """A connection, and what came of a message that is not whole yet."""

    def __init__(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = connection
        self.rank = None
        self.has_left = False
        self.heard = time.monotonic()
        self._buffer = bytearray()

    def send(self, message):
        data = json.dumps(message).encode()
        self.socket.sendall(struct.pack('>I', len(data)) + data)

    def receive_one(self, most):
        """Wait for one message."""
        while True:
            found = self._whole(most)
            if found:
                return found[0]
            if not self._read():
                raise OSError('the connection was closed')

    def receive(self):
        """The messages that have come: list; None where the connection is closed."""
        return self._whole(_MOST) if self._read() else None

    def _read(self):
        data = self.socket.recv(2**16)
        self._buffer += data
        return bool(data)

    def _whole(self, most):
        messages = []
        while len(self._buffer) >= 4:
            (size,) = struct.unpack('>I', self._buffer[:4])
            if size > most:
                raise ValueError('a message is too long')
            if len(self._buffer) < 4 + size:
                break
            messages.append(json.loads(self._buffer[4 : 4 + size].decode()))
            del self._buffer[: 4 + size]
        return messages


def _apart(rank, place, other_place, other=0):
    return (
        f'Rank {rank} is at {place}, and rank {other} at {other_place}: all ranks have to call the same methods in the same order. What one rank does alone, in '
        'a callback or under `is_first()`, must not be `summon`, `evaluate` or `predict`.'
    )


def _listed(ranks):
    return ', '.join(map(str, ranks))
