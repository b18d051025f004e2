"""The Deferred face over a reactor whose time and sockets the test moves."""

from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IReactorTCP
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import alsoProvides

from pegasus_tab.base.errors import (
    InterfaceError,
    OperationalError,
    ProgrammingError,
    UnknownOutcome,
)
from pegasus_tab.base.ids import Gpid
from pegasus_tab.base.limits import CLIENT_FRAME_BYTES_MAX
from pegasus_tab.kv.deferred import DeferredClient
from pegasus_tab.wire import codes
from pegasus_tab.wire.codes import Status
from pegasus_tab.wire.fast import get_response, multi_get_response, put_response
from pegasus_tab.wire.frame import RequestFrame, RequestReader, encode_response
from pegasus_tab.wire.messages import result
from pegasus_tab.wire.thrift_struct import Struct
from tests.unit.kv.rig import META, POLICY, SERVER, SERVER2, config, refusal


class Line:
    """The server's end of a connection, and the connector the client knows it by."""

    def __init__(self, host: str, port: int, factory: Any) -> None:
        self.host = host
        self.port = port
        self.disconnects = 0
        self._factory = factory
        self._protocol: Any = None
        self._sent = b""
        self._reader = RequestReader(CLIENT_FRAME_BYTES_MAX)

    def accept(self) -> "Line":
        self._protocol = self._factory.buildProtocol(None)
        self._protocol.makeConnection(self)
        return self

    def take(self) -> RequestFrame:
        """Return the one request that arrived."""
        [frame] = self._reader.feed(self._sent)
        self._sent = b""
        return frame

    def send(self, data: bytes) -> None:
        self._protocol.dataReceived(data)

    def reply(self, response: Struct) -> None:
        frame = self.take()
        self.send(encode_response(frame.name, frame.seqid, result(response.encode())))

    def lose(self) -> None:
        self._factory.clientConnectionLost(self, Failure(ConnectionDone()))  # type: ignore[no-untyped-call]  # Twisted's

    def refuse(self) -> None:
        self._factory.clientConnectionFailed(self, Failure(OSError("refused")))  # type: ignore[no-untyped-call]  # Twisted's

    # What the client calls on its transport and connector.

    def write(self, data: bytes) -> None:
        self._sent += data

    def setTcpNoDelay(self, _: bool) -> None:  # noqa: N802 -- Twisted's name
        """Take note of nothing."""

    def disconnect(self) -> None:
        self.disconnects += 1


class Reactor(Clock):
    """Time that stands still, and connections that the test accepts."""

    def __init__(self) -> None:
        super().__init__()
        alsoProvides(self, IReactorTCP)
        self.lines: list[Line] = []

    def connectTCP(self, host: str, port: int, factory: Any) -> Line:  # noqa: N802 -- Twisted's name
        self.lines.append(Line(host, port, factory))
        return self.lines[-1]


@pytest.fixture
def reactor() -> Reactor:
    return Reactor()


@pytest.fixture
def client(reactor: Reactor) -> DeferredClient:
    return DeferredClient(
        reactor,
        [META],
        wall_clock=lambda: 1_500_000_000.0,
        fraction=lambda: 0.0,
        timeout_ms=1000,
        policy=POLICY,
    )


def outcome(deferred: "Deferred[Any]") -> Any:
    """Return what a Deferred fired with, the error it failed with, None when it did neither."""
    found: list[Any] = []
    _ = deferred.addCallbacks(found.append, lambda failure: found.append(failure.value))
    return found[0] if found else None


def lines(client: DeferredClient, reactor: Reactor) -> tuple[Line, Line]:
    """Look table ``t`` up; return the connections to meta and to SERVER."""
    outcome(client.table("t").get(b"a"))
    meta = reactor.lines[0].accept()
    meta.reply(config(SERVER, SERVER2))
    server = reactor.lines[1].accept()
    frame = server.take()
    server.send(get_response(frame.seqid, 0, b"", Gpid(2, 0), "s"))
    return meta, server


def test_a_row_is_written_and_read(client: DeferredClient, reactor: Reactor) -> None:
    _, server = lines(client, reactor)
    written = client.table("t").set(b"a", b"", b"v")
    frame = server.take()
    assert frame.name == codes.PUT
    server.send(put_response(frame.seqid, 0, Gpid(2, 0), 8, "s"))
    assert outcome(written) == 8
    read = client.table("t").get(b"a")
    answer = get_response(server.take().seqid, 0, b"v", Gpid(2, 0), "s")
    server.send(answer[:20])
    assert not read.called
    server.send(answer[20:])
    assert outcome(read) == b"v"


def test_rows_are_read_over_pages(client: DeferredClient, reactor: Reactor) -> None:
    _, server = lines(client, reactor)
    read = client.table("t").multi_get(b"a")
    pages = [([b"1", b"2"], Status.INCOMPLETE), ([b"3"], Status.OK)]
    for sort_keys, status in pages:
        seqid = server.take().seqid
        answer = multi_get_response(seqid, status, sort_keys, sort_keys, Gpid(2, 0), "s")
        server.send(answer)
    assert outcome(read) == [(b"1", b"1"), (b"2", b"2"), (b"3", b"3")]


def test_errors_fail_the_deferred(client: DeferredClient, reactor: Reactor) -> None:
    missing = client.table("nowhere").get(b"a")
    reactor.lines[0].accept().reply(refusal(codes.ERR_OBJECT_NOT_FOUND))
    assert isinstance(outcome(missing), ProgrammingError)


def test_a_lost_connection_is_no_matter_for_reads(client: DeferredClient, reactor: Reactor) -> None:
    meta, server = lines(client, reactor)
    read = client.table("t").get(b"a")
    written = client.table("t").incr(b"a", b"")
    server.lose()
    assert isinstance(outcome(written), UnknownOutcome)
    meta.reply(config(SERVER2, SERVER))
    moved = reactor.lines[2].accept()
    assert (moved.host, moved.port) == (SERVER2.host, SERVER2.port)
    moved.send(get_response(moved.take().seqid, 0, b"v", Gpid(2, 0), "s"))
    assert outcome(read) == b"v"


def test_nobody_there_fails_at_once(client: DeferredClient, reactor: Reactor) -> None:
    read = client.table("t").get(b"a")
    reactor.lines[0].refuse()
    error = outcome(read)
    assert isinstance(error, OperationalError)
    assert "refused" in str(error)


def test_a_deadline_passes(client: DeferredClient, reactor: Reactor) -> None:
    meta, _ = lines(client, reactor)
    read = client.table("t").get(b"a")
    reactor.advance(0.999)
    reactor.advance(0.001)
    assert isinstance(outcome(read), OperationalError)
    assert meta.take().name == codes.QUERY_CONFIG


def test_a_connection_the_session_gives_up_is_closed(
    client: DeferredClient, reactor: Reactor
) -> None:
    _, server = lines(client, reactor)
    outcome(client.table("t").get(b"a"))
    server.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert server.disconnects == 1
    server.lose()  # comes later, and means nothing any more


def test_a_cancelled_call_is_forgotten(client: DeferredClient, reactor: Reactor) -> None:
    _, server = lines(client, reactor)
    read = client.table("t").get(b"a")
    read.cancel()
    assert isinstance(outcome(read), CancelledError)
    seqid = server.take().seqid
    server.send(get_response(seqid, 0, b"late", Gpid(2, 0), "s"))
    again = client.table("t").get(b"a")
    seqid = server.take().seqid
    server.send(get_response(seqid, 0, b"v", Gpid(2, 0), "s"))
    assert outcome(again) == b"v"


def test_too_many_calls_are_refused(client: DeferredClient, reactor: Reactor) -> None:
    lines(client, reactor)
    for _ in range(POLICY.calls_max):
        assert outcome(client.table("t").get(b"a")) is None
    assert isinstance(outcome(client.table("t").get(b"a")), OperationalError)


def test_a_closed_client_fails_its_calls(client: DeferredClient, reactor: Reactor) -> None:
    _, server = lines(client, reactor)
    read = client.table("t").get(b"a")
    client.close()
    assert isinstance(outcome(read), InterfaceError)
    assert isinstance(outcome(client.table("t").get(b"a")), InterfaceError)
    assert server.disconnects == 1
    assert reactor.getDelayedCalls() == []
