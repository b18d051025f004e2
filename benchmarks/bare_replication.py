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

FRAME = b"f" * 180
"""As long as a PUT of 100 bytes on the wire."""
ANSWER = b"a" * 120
_FORK = multiprocessing.get_context("fork")


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


@contextmanager
def running_probe(folder: Path) -> Iterator[socket.socket]:
    """Run the three processes; yield the client's connection."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        pairs = [_pair() for _ in range(3)]
        near, far = zip(*pairs, strict=True)
        path = Path(name)
        processes = [
            _FORK.Process(target=_follow, args=(far[1], path), daemon=True),
            _FORK.Process(target=_follow, args=(far[2], path), daemon=True),
            _FORK.Process(target=_lead, args=(far[0], list(near[1:]), path), daemon=True),
        ]
        for process in processes:
            process.start()
        try:
            yield near[0]
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.join()
            for each in (*near, *far):
                each.close()


def rate(client: socket.socket, writes: int, depth: int) -> float:
    """Return writes a second with ``depth`` outstanding."""
    poll = select.poll()
    poll.register(client, select.POLLIN)
    start = time.perf_counter()
    client.sendall(FRAME * depth)
    sent, answered, received = depth, 0, 0
    while answered < writes:
        received += len(client.recv(1 << 20))
        now = received // len(ANSWER)
        more = min(now - answered, writes - sent)
        answered = now
        if more > 0:
            client.sendall(FRAME * more)
            sent += more
    return writes / (time.perf_counter() - start)
