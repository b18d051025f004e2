"""The least that three replicas on one machine cost: three processes that only log and forward.

One connection, frames of fixed size. The first process forwards what a read brought to two others,
appends it to a file, syncs, waits for both and answers every frame. No parsing, no checksum, no
engine, no protocol: what a write could cost at best when all three disks must hold it.
"""

import multiprocessing
import os
import select
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.cpu import cpu_seconds
from benchmarks.run import Run

FRAME = b"f" * 180
"""As long as a PUT of 100 bytes on the wire."""
ANSWER = b"a" * 120
_FORK = multiprocessing.get_context("fork")


class BareReplication:
    """The three processes, and the client's connection to the first.

    Args:
        folder: empty scratch space on the disk to judge.
    """

    def __init__(self, folder: Path) -> None:
        near, far = zip(*[_pair() for _ in range(3)], strict=True)
        self._client = near[0]
        self._sockets = (*near, *far)
        self._processes = [
            _FORK.Process(target=_follow, args=(far[1], folder), daemon=True),
            _FORK.Process(target=_follow, args=(far[2], folder), daemon=True),
            _FORK.Process(target=_lead, args=(far[0], list(near[1:]), folder), daemon=True),
        ]
        for process in self._processes:
            process.start()
        self._poll = select.poll()
        self._poll.register(self._client, select.POLLIN)

    def at_depth(self, writes: int, depth: int) -> Run:
        """Write with ``depth`` writes outstanding."""
        return self._run(writes, depth, None)

    def at_rate(self, a_second: int, seconds: float) -> Run:
        """Offer writes at an even rate."""
        return self._run(int(a_second * seconds), 0, a_second)

    def _run(self, writes: int, depth: int, a_second: int | None) -> Run:
        sent_at: list[float] = []
        latencies: list[float] = []
        received = 0
        cpu, start = self._cpu_seconds(), time.perf_counter()
        while len(latencies) < writes:
            now = time.perf_counter()
            due = len(latencies) + depth if a_second is None else int((now - start) * a_second) + 1
            more = min(due, writes) - len(sent_at)
            if more > 0:
                self._client.sendall(FRAME * more)
                sent_at += [now] * more
            if self._poll.poll(None if a_second is None else 1):
                received += len(self._client.recv(1 << 20))
                now = time.perf_counter()
                answered = range(len(latencies), received // len(ANSWER))
                latencies += [(now - sent_at[number]) * 1e3 for number in answered]
        seconds = time.perf_counter() - start
        used = {"all": self._cpu_seconds() - cpu}
        return Run(writes, seconds, used, latencies)

    def _cpu_seconds(self) -> float:
        pids = [process.pid for process in self._processes if process.pid is not None]
        return time.process_time() + sum(map(cpu_seconds, pids))

    def close(self) -> None:
        """End the processes."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join()
        for each in self._sockets:
            each.close()


@contextmanager
def bare_replication(folder: Path) -> Iterator[BareReplication]:
    """Run the three processes on files in ``folder``."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        probe = BareReplication(Path(name))
        try:
            yield probe
        finally:
            probe.close()


def _receive(connection: socket.socket, size: int) -> bool:
    """Read ``size`` bytes; False when the other side is gone."""
    while size > 0:
        data = connection.recv(size)
        if not data:
            return False
        size -= len(data)
    return True


def _follow(connection: socket.socket, folder: Path) -> None:
    log = os.open(folder / f"log{os.getpid()}", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    kept = 0
    while data := connection.recv(1 << 20):
        os.write(log, data)
        os.fdatasync(log)
        frames, kept = divmod(kept + len(data), len(FRAME))
        connection.sendall(b"1" * frames)


def _lead(client: socket.socket, followers: list[socket.socket], folder: Path) -> None:
    log = os.open(folder / "log", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    kept = 0
    while data := client.recv(1 << 20):
        for follower in followers:
            follower.sendall(data)
        os.write(log, data)
        os.fdatasync(log)
        frames, kept = divmod(kept + len(data), len(FRAME))
        if not all(_receive(follower, frames) for follower in followers):
            return
        client.sendall(ANSWER * frames)


def _pair() -> tuple[socket.socket, socket.socket]:
    """Return two ends of a TCP connection on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
    for each in (near, far):
        each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return near, far
