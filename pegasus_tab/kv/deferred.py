"""Drives a session over Twisted: every operation returns a Deferred.

The only module of the driver that imports twisted, and nothing imports it by default. Reactor, clock
and randomness come from the application::

    client = DeferredClient(reactor, metas, wall_clock=time.time, fraction=random.random)
    value = await client.table("t").get(b"user", b"name")
"""

import math
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, TypeVar, cast

from twisted.internet.defer import Deferred, fail, inlineCallbacks
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import (
    IConnector,
    IDelayedCall,
    IReactorTCP,
    IReactorTime,
    ITCPTransport,
)
from twisted.internet.protocol import ClientFactory, Protocol, connectionDone
from twisted.python.failure import Failure

from pegasus_tab.base.errors import Error
from pegasus_tab.kv import failure
from pegasus_tab.kv.call import Call, Pending
from pegasus_tab.kv.multi_get import KeysRead, RangeRead, Rows
from pegasus_tab.kv.pages import Pages
from pegasus_tab.kv.retry import RetryPolicy
from pegasus_tab.kv.session import Session
from pegasus_tab.kv.table_calls import TableCalls
from pegasus_tab.wire.address import Address
from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.messages import MultiGetRequest

T = TypeVar("T")
P = TypeVar("P")


class DeferredClient:
    """Makes calls whose results come as Deferreds; a cancelled one is not sent (any more).

    Args:
        reactor: provides IReactorTCP and IReactorTime.
        metas: addresses of the meta servers.
        wall_clock: unix seconds, for times to live.
        fraction: draws 0 <= x < 1.
        timeout_ms: for each call, repetitions included.
        policy: the session's limits.
    """

    def __init__(
        self,
        reactor: object,
        metas: Sequence[Address],
        *,
        wall_clock: Callable[[], float],
        fraction: Callable[[], float],
        timeout_ms: int = 5000,
        policy: RetryPolicy | None = None,
    ) -> None:
        self.wall_clock = wall_clock
        self._tcp = IReactorTCP(reactor)
        self._time = IReactorTime(reactor)
        self._timeout_ms = timeout_ms
        self._session = Session(metas, policy=policy or RetryPolicy(), fraction=fraction)
        self._waiting: dict[Pending, Deferred[Any]] = {}
        self._connectors: dict[Address, IConnector] = {}
        self._lines: dict[Address, _Line] = {}
        self._timer: IDelayedCall | None = None
        self._closed = False

    def table(self, name: str) -> "DeferredTable":
        """Return a table's operations; nothing is asked yet."""
        return DeferredTable(name, self)

    def call(self, call: Call[T]) -> "Deferred[T]":
        """Carry out one call; the Deferred fires with its result or fails with its error."""
        if self._closed:
            return fail(failure.closed())
        try:
            pending = self._session.submit(call, self._time.seconds(), self._timeout_ms)
        except Error as refused:
            return fail(refused)
        deferred: Deferred[T] = Deferred(lambda _: self._session.abandon(pending))
        self._waiting[pending] = deferred
        self._carry_out()
        return deferred

    @inlineCallbacks
    def follow(self, read: Pages[P]) -> Generator[Deferred[object], object, list[P]]:
        """Carry out a read of several pages; the Deferred fires with all of them."""
        pages = []
        while (call := read.next_call()) is not None:
            result = yield self.call(call)
            pages.append(read.accept(result))
        return pages

    def close(self) -> None:
        """Close all connections; calls without a result fail."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for connector in self._connectors.values():
            connector.disconnect()
        self._connectors.clear()
        self._lines.clear()
        waiting, self._waiting = self._waiting, {}
        for deferred in waiting.values():
            deferred.errback(failure.closed())

    # -- the session's orders --------------------------------------------------------------------

    def _carry_out(self) -> None:
        """Do what the session orders, hand out results, and be woken when it wants to."""
        session = self._session
        for address in session.take_closes():
            self._forget(address)
        for address in session.take_connects():
            factory = _LineFactory(self, address)
            self._connectors[address] = self._tcp.connectTCP(address.host, address.port, factory)
        for address, data in session.take_output(self._time.seconds()):
            self._lines[address].send(data)
        self._wake_at(session.next_deadline())
        for pending in session.take_completed():
            deferred = self._waiting.pop(pending, None)
            if deferred is None or deferred.called:
                continue  # cancelled
            if isinstance(pending.result, Error):
                deferred.errback(pending.result)
            else:
                deferred.callback(pending.result)

    def _wake_at(self, moment: float) -> None:
        if self._timer is not None and self._timer.getTime() <= moment:
            return  # it comes soon enough, and looks again then
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if moment < math.inf and not self._closed:
            delay = max(0.0, moment - self._time.seconds())
            self._timer = self._time.callLater(delay, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._session.tick(self._time.seconds())
        self._carry_out()

    def _forget(self, address: Address) -> None:
        self._lines.pop(address, None)
        connector = self._connectors.pop(address, None)
        if connector is not None:
            connector.disconnect()

    # -- what happens on the lines ---------------------------------------------------------------

    def line_opened(self, line: "_Line") -> None:
        """Note that a connection is open."""
        self._lines[line.address] = line
        self._session.connected(line.address)
        self._carry_out()

    def line_received(self, line: "_Line", data: bytes) -> None:
        """Take in bytes."""
        if self._lines.get(line.address) is line:
            self._session.received(line.address, data, self._time.seconds())
            self._carry_out()

    def line_lost(self, address: Address, connector: IConnector, reason: Failure) -> None:
        """Note that a connection is gone or could not be opened."""
        if self._connectors.get(address) is connector:
            del self._connectors[address]
            self._lines.pop(address, None)
            by_peer = isinstance(reason.value, ConnectionDone)  # ConnectionLost may be anything
            text = reason.getErrorMessage()
            self._session.disconnected(address, text, self._time.seconds(), by_peer=by_peer)
            self._carry_out()


class _Line(Protocol):
    """One connection."""

    def __init__(self, client: DeferredClient, address: Address) -> None:
        self.address = address
        self._client = client

    def send(self, data: bytes) -> None:
        """Send bytes."""
        cast("ITCPTransport", self.transport).write(data)

    def connectionMade(self) -> None:  # noqa: N802 -- Twisted's name
        """Tell the client."""
        cast("ITCPTransport", self.transport).setTcpNoDelay(True)
        self._client.line_opened(self)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 -- Twisted's name
        """Hand the bytes on."""
        self._client.line_received(self, data)


class _LineFactory(ClientFactory):
    """Makes one connection."""

    noisy = False

    def __init__(self, client: DeferredClient, address: Address) -> None:
        self._client = client
        self._address = address

    def buildProtocol(self, addr: object) -> Protocol:  # noqa: N802, ARG002 -- Twisted's names
        """Make the connection's protocol."""
        return _Line(self._client, self._address)

    def clientConnectionFailed(self, connector: IConnector, reason: Failure) -> None:  # noqa: N802 -- Twisted's name
        """Tell the client that nobody answered."""
        self._client.line_lost(self._address, connector, reason)

    def clientConnectionLost(  # noqa: N802 -- Twisted's name
        self, connector: IConnector, reason: Failure = connectionDone
    ) -> None:
        """Tell the client that the connection is gone."""
        self._client.line_lost(self._address, connector, reason)


class DeferredTable(TableCalls):
    """A table; for what has no method here, give a ``_call`` to ``DeferredClient.call``.

    Args:
        name: table name.
        client: carries the calls out.
    """

    def __init__(self, name: str, client: DeferredClient) -> None:
        super().__init__(name, client.wall_clock)
        self._client = client

    def get(self, hash_key: bytes, sort_key: bytes = b"") -> "Deferred[bytes | None]":
        """Read a row's value, None when there is no such row."""
        return self._client.call(self.get_call(encode_key(hash_key, sort_key)))

    def set(
        self, hash_key: bytes, sort_key: bytes, value: bytes, ttl_seconds: int = 0
    ) -> "Deferred[int]":
        """Write a row; the Deferred fires with the write's decree."""
        return self._client.call(self.set_call(hash_key, sort_key, value, ttl_seconds))

    def delete(self, hash_key: bytes, sort_key: bytes = b"") -> "Deferred[int]":
        """Remove a row, whether it is there or not."""
        return self._client.call(self.remove_call(encode_key(hash_key, sort_key)))

    def ttl(self, hash_key: bytes, sort_key: bytes = b"") -> "Deferred[int | None]":
        """Ask for the seconds a row has left, -1 for ever, None when there is no such row."""
        return self._client.call(self.ttl_call(encode_key(hash_key, sort_key)))

    def incr(self, hash_key: bytes, sort_key: bytes, by: int = 1) -> "Deferred[int]":
        """Add to a row that holds decimal text; the Deferred fires with the sum."""
        return self._client.call(self.incr_call(encode_key(hash_key, sort_key), by))

    @inlineCallbacks
    def multi_get(
        self,
        hash_key: bytes,
        sort_keys: Sequence[bytes] | None = None,
        *,
        start: bytes = b"",
        stop: bytes = b"",
        max_rows: int | None = None,
    ) -> Generator["Deferred[Any]", Any, Rows]:
        """Read rows of one hash key by sort keys, or those from ``start`` to before ``stop``."""
        if sort_keys is not None:
            pages: list[Rows] = yield self._client.follow(
                KeysRead(self, hash_key, sort_keys, no_value=False)
            )
            return [row for page in pages for row in page]
        request = MultiGetRequest(
            hash_key, start_sortkey=start, stop_sortkey=stop, start_inclusive=True
        )
        read = RangeRead(self, request, max_rows)
        yield self._client.follow(read)
        return list(read.rows)

    def multi_set(
        self, hash_key: bytes, rows: Mapping[bytes, bytes], ttl_seconds: int = 0
    ) -> "Deferred[int]":
        """Write rows of one hash key together; the Deferred fires with the write's decree."""
        call = self.multi_put_call(hash_key, list(rows), list(rows.values()), ttl_seconds)
        return self._client.call(call)

    def multi_delete(self, hash_key: bytes, sort_keys: Sequence[bytes]) -> "Deferred[int]":
        """Remove rows of one hash key together; the Deferred fires with how many were named."""
        return self._client.call(self.multi_remove_call(hash_key, sort_keys))
