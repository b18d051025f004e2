"""Client connections on Twisted's own fake transport."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from pegasus_server.runtime.answer import Client
from pegasus_server.runtime.transport import (
    REPLY_BYTES_MAX,
    SLICE_SECONDS_MAX,
    ClientConnection,
)
from pegasus_server.runtime.turn import Turn
from pegasus_tab.base.ids import Gpid
from pegasus_tab.wire.frame import RequestFrame, encode_request

GONE = cast("Any", Failure)(ConnectionError())


class Transport(StringTransport):
    """A socket that counts writes and may be full."""

    def __init__(self) -> None:
        cast("Any", super()).__init__()
        self.writes: list[bytes] = []
        self.full_at = 1 << 30
        self.is_aborted = False

    def setTcpKeepAlive(self, enabled: bool) -> None:  # noqa: N802 -- Twisted's name
        """Accept the option; StringTransport knows only setTcpNoDelay."""

    def setTcpNoDelay(self, enabled: bool) -> None:  # noqa: N802 -- Twisted's name
        """Accept the option."""

    def abortConnection(self) -> None:  # noqa: N802 -- Twisted's name
        self.is_aborted = True

    def write(self, data: bytes) -> None:
        cast("Any", super()).write(data)
        self.writes.append(data)
        if len(data) >= self.full_at:
            cast("Any", self).producer.pauseProducing()

    def drained(self) -> None:
        cast("Any", self).producer.resumeProducing()


class Echo:
    """A dispatch that answers each request with its name and number."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.cost_seconds = 0.0
        self.reply_bytes = 0
        self.served: list[int] = []

    def serve(self, frame: RequestFrame, client: Client) -> bool:
        self.served.append(frame.seqid)
        self.clock.rightNow += self.cost_seconds
        client.send(b"%s-%d;" % (frame.name, frame.seqid) + b"." * self.reply_bytes)
        return self.cost_seconds > 0


class Doorkeeper:
    """Counts connections, and has room for them or not."""

    def __init__(self, has_room: bool = True) -> None:
        self.has_room = has_room
        self.open = 0

    def connected(self, _: ClientConnection) -> bool:
        self.open += 1
        return self.has_room

    def disconnected(self, _: ClientConnection) -> None:
        self.open -= 1


class Line:
    """One connection with everything around it."""

    def __init__(self, has_room: bool = True) -> None:
        self.clock = Clock()
        self.echo = Echo(self.clock)
        self.doorkeeper = Doorkeeper(has_room)
        self.transport: Any = Transport()
        self.turn = Turn(lambda: 0)
        self.connection = ClientConnection(self.echo, self.turn, self.doorkeeper, self.clock)
        cast("Any", self.connection).makeConnection(self.transport)

    def receive(self, data: bytes) -> None:
        self.connection.dataReceived(data)


def request(seqid: int, name: bytes = b"PING") -> bytes:
    return encode_request(name, seqid, Gpid(1, 0), 0, 0, b"\0")


def answers(*seqids: int) -> bytes:
    return b"".join(b"PING-%d;" % seqid for seqid in seqids)


def test_the_replies_of_a_turn_leave_in_one_write() -> None:
    line = Line()
    line.receive(request(1) + request(2) + request(3))
    assert line.transport.writes == [answers(1, 2, 3)]


@given(st.lists(st.integers(0, 400), max_size=8))
def test_cutting_the_bytes_anywhere_changes_nothing(cuts: list[int]) -> None:
    line = Line()
    data = b"".join(map(request, range(6)))
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for begin, end in pairwise(edges):
        line.receive(data[begin:end])
    assert line.transport.value() == answers(*range(6))


def test_bytes_that_are_no_frame_close_the_connection_after_the_replies_before_them() -> None:
    line = Line()
    line.receive(request(1) + b"GET / HTTP/1.1\r\n")
    line.clock.advance(0)
    assert line.transport.value() == answers(1)
    assert line.transport.disconnecting
    line.receive(request(2))
    line.clock.advance(0)
    assert line.echo.served == [1]


def test_a_frame_over_the_limit_closes_before_its_body_is_kept() -> None:
    line = Line()
    line.receive(request(1)[:16] + (1 << 31).to_bytes(4, "big") + b"\0" * 28)
    line.clock.advance(0)
    assert line.transport.disconnecting
    assert not line.connection.is_inside_frame


def test_an_unfinished_frame_is_noticed() -> None:
    line = Line()
    line.receive(request(1) + request(2)[:20])
    halfway = line.connection.is_inside_frame
    line.receive(request(2)[20:])
    assert (halfway, line.connection.is_inside_frame) == (True, False)
    assert line.connection.activity == 2


def test_a_peer_that_does_not_read_is_not_read_from_nor_served() -> None:
    line = Line()
    line.echo.reply_bytes = REPLY_BYTES_MAX
    line.transport.full_at = 1
    line.receive(request(1) + request(2) + request(3))
    assert line.echo.served == [1]
    assert line.transport.producerState == "paused"
    for expected in ([1, 2], [1, 2, 3], [1, 2, 3]):
        line.transport.drained()
        line.clock.advance(0)
        assert line.echo.served == expected
    line.transport.drained()
    line.clock.advance(0)
    assert line.transport.producerState == "producing"


def test_bytes_that_arrive_while_paused_are_served_later_in_order() -> None:
    line = Line()
    line.transport.full_at = 1
    line.receive(request(1))
    line.receive(request(2))
    assert line.echo.served == [1]
    line.transport.full_at = 1 << 30
    line.transport.drained()
    line.clock.advance(0)
    assert line.transport.value() == answers(1, 2)


def test_costly_requests_let_others_have_their_turn() -> None:
    line = Line()
    line.echo.cost_seconds = SLICE_SECONDS_MAX * 0.6
    line.receive(b"".join(map(request, range(5))))
    assert line.echo.served == [0, 1]
    assert line.transport.value() == answers(0, 1)
    assert line.transport.producerState == "paused"
    line.clock.advance(0)
    line.clock.advance(0)
    assert line.echo.served == [0, 1, 2, 3, 4]
    assert line.transport.producerState == "producing"


def test_replies_for_a_client_that_is_gone_are_dropped() -> None:
    line = Line()
    line.receive(request(1)[:10])
    line.connection.connectionLost(GONE)
    line.connection.send(b"late")
    line.turn.close()
    assert line.transport.writes == []
    assert line.doorkeeper.open == 0


def test_a_connection_there_is_no_room_for_is_closed_at_once() -> None:
    assert Line(has_room=False).transport.is_aborted
    assert not Line().transport.is_aborted


@pytest.mark.parametrize("wake", [lambda line: line.transport.drained(), lambda _: None])
def test_a_lost_connection_is_not_served_any_more(wake: Callable[[Line], None]) -> None:
    line = Line()
    line.echo.cost_seconds = 1.0
    line.receive(request(1) + request(2))
    line.connection.connectionLost(GONE)
    wake(line)
    line.clock.advance(0)
    assert line.echo.served == [1]
