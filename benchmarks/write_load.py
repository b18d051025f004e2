"""Writes to all partitions of a replicated table over one connection to each primary.

Frames are built before the clock starts, and replies are found by their fixed length, so that the
generator takes as little as possible of the cores it shares with the servers (about 4 us a write).
"""

import gc
import random
import select
import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.figure import percentile
from pegasus_tab.base.ids import Gpid
from pegasus_tab.kv import Client
from pegasus_tab.wire.fast import put_request
from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.partition_hash import partition_index

ROWS = 100_000
VALUE = b"v" * 100
TIMEOUT_MS = 5000
_SEQID_OFFSET = 43
"""Of the request's number in a reply to PUT: length, "ERR_OK", message head, name before it."""
REPLY_SECONDS_MAX = 10.0


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of writes showed.

    Attributes:
        writes: how many.
        seconds: from the first frame to the last reply.
        cpu_seconds: of this process.
        latencies_ms: of each write, from handing its frame to the kernel to seeing its reply.
    """

    writes: int
    seconds: float
    cpu_seconds: float
    latencies_ms: list[float]

    @property
    def rate(self) -> float:
        """Writes a second."""
        return self.writes / self.seconds

    def latency_ms(self, percent: float) -> float:
        """Return a percentile of the latencies."""
        return percentile(self.latencies_ms, percent)


class _Primary:
    """The connection to one primary."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.kept = b""
        self.waiting: list[bytes] = []
        self.reply = struct.Struct("")

    def learn_reply(self, frame: bytes) -> None:
        """Send one write and take the form of all further replies from its own."""
        self.socket.sendall(frame)
        self.socket.settimeout(REPLY_SECONDS_MAX)
        reply = self.socket.recv(65536)
        assert int.from_bytes(reply[:4], "big") == len(reply), reply
        assert b"ERR_OK" in reply, reply
        self.reply = struct.Struct(f">i{_SEQID_OFFSET - 4}xi{len(reply) - _SEQID_OFFSET - 4}x")

    def flush(self) -> None:
        """Send what waits."""
        self.socket.sendall(b"".join(self.waiting))
        self.waiting.clear()

    def receive(self) -> list[int]:
        """Return the numbers of the writes that were answered."""
        data = self.kept + self.socket.recv(1 << 20)
        size = self.reply.size
        whole = len(data) - len(data) % size
        self.kept = data[whole:]
        replies = list(self.reply.iter_unpack(data[:whole]))
        assert all(length == size for length, _ in replies), "an error was answered"
        return [seqid for _, seqid in replies]


class WriteLoad:
    """Frames for all rows, ready to send to the primaries as they are now.

    Args:
        client: of the cluster.
        name: the table.
        rows: how many writes a run has.
    """

    def __init__(self, client: Client, name: str, rows: int = ROWS) -> None:
        app_id = client.table(name).app_id
        partitions = client.partitions(name)
        by_address: dict[str, _Primary] = {}
        primaries = []
        for each in partitions:
            address = str(each.primary)
            if address not in by_address:
                by_address[address] = _Primary(each.primary.host, each.primary.port)
            primaries.append(by_address[address])
        self._primaries = list(by_address.values())
        self._frames: list[tuple[_Primary, bytes]] = []
        generator = random.Random(3)
        for seqid in range(rows):
            hash_key = b"user%08d" % generator.randrange(ROWS)
            index = partition_index(hash_key, b"sort", len(partitions))
            key = encode_key(hash_key, b"sort")
            frame = put_request(seqid, Gpid(app_id, index), 0, TIMEOUT_MS, key, VALUE)
            self._frames.append((primaries[index], frame))
        for primary in self._primaries:
            primary.learn_reply(next(frame for each, frame in self._frames if each is primary))
        self._poll = select.epoll()
        self._by_fd = {each.socket.fileno(): each for each in self._primaries}
        for fd in self._by_fd:
            self._poll.register(fd, select.EPOLLIN)
        gc.freeze()

    def at_depth(self, depth: int) -> Run:
        """Write all rows with ``depth`` writes outstanding."""
        total = len(self._frames)
        sent_at = [0.0] * total
        latencies: list[float] = []
        cpu, start = time.process_time(), time.perf_counter()
        sent = 0
        room = depth
        while len(latencies) < total:
            upto = min(total, sent + room)
            self._send(sent, upto, sent_at)
            sent = upto
            room = self._receive(sent_at, latencies)
        seconds = time.perf_counter() - start
        return Run(total, seconds, time.process_time() - cpu, latencies)

    def at_rate(self, a_second: int, seconds: float) -> Run:
        """Offer writes at an even rate, whether or not earlier ones were answered."""
        total = min(len(self._frames), int(a_second * seconds))
        sent_at = [0.0] * total
        latencies: list[float] = []
        cpu, start = time.process_time(), time.perf_counter()
        sent = 0
        while len(latencies) < total:
            due = min(total, int((time.perf_counter() - start) * a_second) + 1)
            self._send(sent, due, sent_at)
            # Latency counts from when a write was due, not from when this process woke up.
            for seqid in range(sent, due):
                sent_at[seqid] = start + seqid / a_second
            sent = due
            wait = start + sent / a_second - time.perf_counter() if sent < total else None
            self._receive(sent_at, latencies, wait)
        elapsed = time.perf_counter() - start
        return Run(total, elapsed, time.process_time() - cpu, latencies)

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

    def close(self) -> None:
        """Close the connections."""
        self._poll.close()
        for primary in self._primaries:
            primary.socket.close()
