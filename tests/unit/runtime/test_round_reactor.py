"""Sockets that are ready are served once a round, and one that fails costs itself alone."""

import logging
import socket
from collections.abc import Callable, Iterator

import pytest
from twisted.internet.error import ConnectionDone
from twisted.python import log
from twisted.python.failure import Failure

from pegasus_server.runtime.round_reactor import RoundReactor


class Reader:
    """Something to read from, as the reactor sees it."""

    def __init__(self, reactor: RoundReactor) -> None:
        self.here, self.there = socket.socketpair()
        self.read: list[bytes] = []
        self.lost: list[Failure] = []
        self.raises: Exception | None = None
        self.closes: Reader | None = None
        self._reactor = reactor
        reactor.addReader(self)  # type: ignore[no-untyped-call]  # Twisted's has no annotations

    def fileno(self) -> int:
        return self.here.fileno()

    def logPrefix(self) -> str:  # noqa: N802 -- Twisted's name
        return "reader"

    def doRead(self) -> Exception | None:  # noqa: N802 -- Twisted's name
        data = self.here.recv(100)
        self.read.append(data)
        if self.closes is not None:
            self.closes.close()
        if self.raises is not None:
            raise self.raises
        return None if data else ConnectionDone()

    def connectionLost(self, reason: Failure) -> None:  # noqa: N802 -- Twisted's name
        self.lost.append(reason)
        self.close()

    def readConnectionLost(self, reason: Failure) -> None:  # noqa: N802 -- Twisted's name
        self.connectionLost(reason)

    def close(self) -> None:
        self._reactor.removeReader(self)  # type: ignore[no-untyped-call]  # as above
        self.here.close()


@pytest.fixture
def reactor() -> RoundReactor:
    return RoundReactor()


MakeReader = Callable[[], Reader]


@pytest.fixture
def reader(reactor: RoundReactor) -> Iterator[MakeReader]:
    made: list[Reader] = []

    def make() -> Reader:
        made.append(Reader(reactor))
        return made[-1]

    yield make
    for each in made:
        each.close()
        each.there.close()


def test_what_is_ready_is_read(reactor: RoundReactor, reader: MakeReader) -> None:
    first, second, idle = reader(), reader(), reader()
    first.there.send(b"one")
    second.there.send(b"two")
    reactor.doIteration(0)
    assert (first.read, second.read, idle.read) == ([b"one"], [b"two"], [])


def test_the_end_is_told(reactor: RoundReactor, reader: MakeReader) -> None:
    single = reader()
    single.there.send(b"last")
    single.there.close()
    for _ in range(3):
        reactor.doIteration(0)
    assert single.read[0] == b"last"
    assert [failure.type for failure in single.lost] == [ConnectionDone]


def test_one_that_fails_costs_itself_alone(
    reactor: RoundReactor, reader: MakeReader, caplog: pytest.LogCaptureFixture
) -> None:
    observer = log.PythonLoggingObserver("twisted of the test")  # type: ignore[no-untyped-call]  # as above
    observer.start()
    bad, good = reader(), reader()
    bad.raises = ValueError("a defect")
    for each in (bad, good):
        each.there.send(b"x")
    with caplog.at_level(logging.ERROR):
        reactor.doIteration(0)
    observer.stop()
    assert good.read == [b"x"]
    assert not good.lost
    assert [failure.value for failure in bad.lost] == [bad.raises]
    assert "a defect" in caplog.text


def test_one_that_another_closed_is_left_alone(reactor: RoundReactor, reader: MakeReader) -> None:
    first, second = reader(), reader()
    first.closes, second.closes = second, first
    for each in (first, second):
        each.there.send(b"x")
    reactor.doIteration(0)
    assert sorted([first.read, second.read]) == [[], [b"x"]]


def test_the_end_of_a_round_is_told(reactor: RoundReactor) -> None:
    rounds: list[int] = []
    reactor.at_round_end(lambda: rounds.append(len(rounds)))
    reactor.runUntilCurrent()
    reactor.runUntilCurrent()
    assert rounds == [0, 1]
