"""Connections that send at once: over real loopback sockets, without running a reactor."""

import socket
from collections.abc import Iterator
from typing import Any, cast

import pytest
from twisted.internet.protocol import Protocol

from pegasus_server.runtime.prompt_port import PromptConnection


class Reactor:
    """Notes who wants to write, and writes when told to."""

    def __init__(self) -> None:
        self.writers: list[Any] = []

    def addReader(self, _: PromptConnection) -> None:  # noqa: N802 -- Twisted's name
        """Nobody reads here."""

    def addWriter(self, writer: PromptConnection) -> None:  # noqa: N802 -- Twisted's name
        self.writers.append(writer)

    def removeWriter(self, writer: PromptConnection) -> None:  # noqa: N802 -- Twisted's name
        self.writers = [each for each in self.writers if each is not writer]


class Pair:
    """A connection of ours and the peer's socket."""

    def __init__(self) -> None:
        self.reactor = Reactor()
        self.ours, self.peer = socket.socketpair()
        self.ours.setblocking(False)
        self.peer.settimeout(5)
        make = cast("Any", PromptConnection)
        self.connection: Any = make(self.ours, Protocol(), ("", 0), None, 0, self.reactor)

    def read(self, count: int) -> bytes:
        """Read so many bytes as the peer, letting our side write meanwhile."""
        data = b""
        while len(data) < count:
            for writer in list(self.reactor.writers):
                writer.doWrite()
            data += self.peer.recv(1 << 20)
        return data


@pytest.fixture
def pair() -> Iterator[Pair]:
    pair = Pair()
    yield pair
    pair.peer.close()
    pair.ours.close()


def test_what_the_socket_takes_is_sent_at_once(pair: Pair) -> None:
    pair.connection.write(b"hello")
    assert pair.reactor.writers == []
    assert pair.read(5) == b"hello"


def test_the_rest_waits_and_nothing_overtakes_it(pair: Pair) -> None:
    large = bytes(range(256)) * 8192
    pair.connection.write(large)
    pair.connection.write(b"end")
    assert pair.reactor.writers
    assert pair.read(len(large) + 3) == large + b"end"
    assert pair.reactor.writers == []
    pair.connection.write(b"prompt again")
    assert pair.reactor.writers == []


def test_a_peer_that_is_gone_is_left_to_twisted(pair: Pair) -> None:
    pair.peer.close()
    pair.connection.write(b"nobody")
    assert pair.reactor.writers == [pair.connection]


def test_after_the_end_nothing_is_sent(pair: Pair) -> None:
    pair.connection.connected = False
    pair.connection.write(b"late")
    assert pair.reactor.writers == []
