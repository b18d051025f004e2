"""GETs and PUTs to all partitions of a replicated table, over one connection to each primary.

Frames are built before the clock starts, and replies are found by their fixed length, so that the
generator takes as little as possible of the cores it shares with the servers.
"""

import gc
import random
import select
import socket
import struct
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from benchmarks.cluster import cpu_by_server
from benchmarks.run import Run
from pegasus_shell.onebox import Onebox
from pegasus_tab.base.ids import Gpid
from pegasus_tab.kv import Client
from pegasus_tab.wire import codes
from pegasus_tab.wire.fast import get_request, put_request
from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.partition_hash import partition_index

KEYS = 100_000
VALUE = b"v" * 100
TIMEOUT_MS = 5000
REPLY_SECONDS_MAX = 10.0
_SEQID_OFFSET = 22 + len("_ACK")
"""Of the request's number in a reply: behind length, "ERR_OK", and the message's head and name."""


class _Primary:
    """The connection to one primary."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.waiting: list[bytes] = []
        self._kept = b""
        self._reply = struct.Struct("")

    def learn_reply(self, frame: bytes, name: bytes) -> None:
        """Send one request and take the form of all further replies from its own."""
        self.socket.sendall(frame)
        self.socket.settimeout(REPLY_SECONDS_MAX)
        reply = self.socket.recv(65536)
        assert int.from_bytes(reply[:4], "big") == len(reply), reply
        assert b"ERR_OK" in reply, reply
        before = _SEQID_OFFSET + len(name)
        self._reply = struct.Struct(f">i{before - 4}xi{len(reply) - before - 4}x")

    def flush(self) -> None:
        """Send what waits."""
        self.socket.sendall(b"".join(self.waiting))
        self.waiting.clear()

    def receive(self) -> list[int]:
        """Return the numbers of the requests that were answered."""
        data = self._kept + self.socket.recv(1 << 20)
        size = self._reply.size
        whole = len(data) - len(data) % size
        self._kept = data[whole:]
        replies = list(self._reply.iter_unpack(data[:whole]))
        assert all(length == size for length, _ in replies), "an error was answered"
        return [seqid for _, seqid in replies]


class ClusterLoad:
    """Requests for rows at random, ready to send to the primaries as they are now.

    Args:
        onebox: the cluster.
        client: of the cluster.
        table: its table.
        name: codes.GET or codes.PUT.
        operations: how many requests a run has.
    """

    def __init__(
        self, onebox: Onebox, client: Client, table: str, name: bytes, operations: int
    ) -> None:
        self._onebox = onebox
        app_id = client.table(table).app_id
        partitions = client.partitions(table)
        by_address = {
            str(each.primary): _Primary(each.primary.host, each.primary.port)
            for each in {str(one.primary): one for one in partitions}.values()
        }
        self._primaries = list(by_address.values())
        served_by = [by_address[str(each.primary)] for each in partitions]
        self._frames: list[tuple[_Primary, bytes]] = []
        generator = random.Random(3)
        for seqid in range(operations):
            hash_key = b"user%08d" % generator.randrange(KEYS)
            index = partition_index(hash_key, b"sort", len(partitions))
            frame = _frame(name, seqid, Gpid(app_id, index), encode_key(hash_key, b"sort"))
            self._frames.append((served_by[index], frame))
        for primary in self._primaries:
            first = next(frame for each, frame in self._frames if each is primary)
            primary.learn_reply(first, name)
        self._poll = select.epoll()
        self._by_fd = {each.socket.fileno(): each for each in self._primaries}
        for fd in self._by_fd:
            self._poll.register(fd, select.EPOLLIN)
        gc.freeze()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        self._poll.close()
        for primary in self._primaries:
            primary.socket.close()

    def at_depth(self, depth: int) -> Run:
        """Send all requests with ``depth`` of them outstanding."""
        return self._measured(len(self._frames), lambda sent_at: self._at_depth(depth, sent_at))

    def at_rate(self, a_second: int, seconds: float) -> Run:
        """Offer requests at an even rate, whether or not earlier ones were answered."""
        total = min(len(self._frames), int(a_second * seconds))
        return self._measured(total, lambda sent_at: self._at_rate(a_second, sent_at))

    def _measured(self, total: int, load: Callable[[list[float]], list[float]]) -> Run:
        before = cpu_by_server(self._onebox.servers)
        own, start = time.process_time(), time.perf_counter()
        latencies = load([0.0] * total)
        seconds, own = time.perf_counter() - start, time.process_time() - own
        after = cpu_by_server(self._onebox.servers)
        used = {name: after[name] - before[name] for name in after}
        return Run(total, seconds, {"client": own, **used}, latencies)

    def _at_depth(self, depth: int, sent_at: list[float]) -> list[float]:
        latencies: list[float] = []
        sent, room = 0, depth
        while len(latencies) < len(sent_at):
            upto = min(len(sent_at), sent + room)
            self._send(sent, upto, sent_at)
            sent = upto
            room = self._receive(sent_at, latencies)
        return latencies

    def _at_rate(self, a_second: int, sent_at: list[float]) -> list[float]:
        latencies: list[float] = []
        total, sent, start = len(sent_at), 0, time.perf_counter()
        while len(latencies) < total:
            due = min(total, int((time.perf_counter() - start) * a_second) + 1)
            self._send(sent, due, sent_at)
            # Latency counts from when a write was due, not from when this process woke up.
            sent_at[sent:due] = [start + seqid / a_second for seqid in range(sent, due)]
            sent = due
            wait = start + sent / a_second - time.perf_counter() if sent < total else None
            self._receive(sent_at, latencies, wait)
        return latencies

    def _send(self, first: int, end: int, sent_at: list[float]) -> None:
        now = time.perf_counter()
        for seqid in range(first, end):
            primary, frame = self._frames[seqid]
            primary.waiting.append(frame)
            sent_at[seqid] = now
        for primary in self._primaries:
            if primary.waiting:
                primary.flush()

    def _receive(
        self, sent_at: Sequence[float], latencies: list[float], wait: float | None = None
    ) -> int:
        """Take the replies that are there, waiting for the first; return how many."""
        ready = self._poll.poll(REPLY_SECONDS_MAX if wait is None else max(0.0, wait))
        assert ready or wait is not None, f"no reply within {REPLY_SECONDS_MAX} s"
        before = len(latencies)
        for fd, _ in ready:
            answered = self._by_fd[fd].receive()
            now = time.perf_counter()
            latencies += [(now - sent_at[seqid]) * 1e3 for seqid in answered]
        return len(latencies) - before


def _frame(name: bytes, seqid: int, gpid: Gpid, key: bytes) -> bytes:
    if name == codes.GET:
        return get_request(seqid, gpid, 0, TIMEOUT_MS, key)
    return put_request(seqid, gpid, 0, TIMEOUT_MS, key, VALUE)
