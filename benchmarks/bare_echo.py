"""The least that a round trip costs: a process that sends back what it gets, over loopback TCP."""

import multiprocessing
import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

FRAME = b"e" * 100
_FORK = multiprocessing.get_context("fork")


@contextmanager
def echo_server() -> Iterator[socket.socket]:
    """Run the process; yield a connection to it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = _FORK.Process(target=_echo, args=(listener,), daemon=True)
        process.start()
        try:
            with socket.create_connection(listener.getsockname()) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                yield connection
        finally:
            process.kill()
            process.join()


def round_trips(rounds: int) -> list[float]:
    """Return the times of single round trips, in microseconds."""
    times = []
    with echo_server() as connection:
        for _ in range(rounds):
            start = time.perf_counter()
            connection.sendall(FRAME)
            got = connection.recv(65536)
            times.append((time.perf_counter() - start) * 1e6)
            assert got == FRAME
    return times


def _echo(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    poll = select.epoll()
    poll.register(connection.fileno(), select.EPOLLIN)
    while True:
        poll.poll()
        connection.send(connection.recv(65536))
