"""A session with everything around it faked: time stands still, bytes go where the test sends them."""

from collections.abc import Sequence
from dataclasses import dataclass

from pegasus_tab.base.ids import Gpid
from pegasus_tab.base.limits import CLIENT_FRAME_BYTES_MAX
from pegasus_tab.kv.call import Call, Pending
from pegasus_tab.kv.retry import RetryPolicy
from pegasus_tab.kv.session import Session
from pegasus_tab.kv.table_calls import TableCalls
from pegasus_tab.wire import codes
from pegasus_tab.wire.address import NO_ADDRESS, Address
from pegasus_tab.wire.fast import get_response, put_response
from pegasus_tab.wire.frame import RequestFrame, RequestReader, encode_response
from pegasus_tab.wire.messages import (
    IncrResponse,
    PartitionConfiguration,
    QueryConfigResponse,
    result,
)
from pegasus_tab.wire.thrift_struct import Struct

META = Address("10.0.0.1", 34601)
META2 = Address("10.0.0.2", 34601)
SERVER = Address("10.0.1.1", 34801)
SERVER2 = Address("10.0.1.2", 34801)

APP_ID = 2
POLICY = RetryPolicy(
    delay_ms_first=10,
    delay_ms_max=80,
    calls_max=8,
    connect_ms=300,
    query_ms=200,
    silence_ms=1500,
)


@dataclass(frozen=True)
class Request:
    """A request that reached a server."""

    to: Address
    frame: RequestFrame

    @property
    def name(self) -> bytes:
        return self.frame.name

    @property
    def gpid(self) -> Gpid:
        return Gpid(self.frame.app_id, self.frame.partition_index)


class Rig:
    """Opens every connection at once unless its address is in ``down`` or ``deaf``.

    Attributes:
        now: monotonic seconds, moved by the test.
        requests: what servers received and the test has not taken yet.
        down: addresses that refuse connections.
        deaf: addresses that answer nothing to a connection attempt.
        opening: connection attempts to deaf addresses.
        open: open connections.
        closed: connections the session closed itself, in order.
    """

    def __init__(self, metas: Sequence[Address] = (META,), policy: RetryPolicy = POLICY) -> None:
        self.session = Session(metas, policy=policy, fraction=lambda: 0.0)
        self.calls = TableCalls("t", lambda: 1_500_000_000.0)
        self.now = 1000.0
        self.requests: list[Request] = []
        self.down: set[Address] = set()
        self.deaf: set[Address] = set()
        self.opening: set[Address] = set()
        self.open: dict[Address, RequestReader] = {}
        self.closed: list[Address] = []

    # -- inputs ----------------------------------------------------------------------------------

    def submit(self, call: Call[object], timeout_ms: int = 1000) -> Pending:
        """Submit a call and carry out what the session orders."""
        pending = self.session.submit(call, self.now, timeout_ms)
        self.carry_out()
        return pending

    def get(self, key: bytes = b"\0\1ax", timeout_ms: int = 1000) -> Pending:
        return self.submit(self.calls.get_call(key), timeout_ms)

    def put(self, value: bytes = b"v", timeout_ms: int = 1000) -> Pending:
        return self.submit(self.calls.set_call(b"a", b"x", value), timeout_ms)

    def incr(self, timeout_ms: int = 1000) -> Pending:
        return self.submit(self.calls.incr_call(b"\0\1ax", 1), timeout_ms)

    def lose(self, address: Address, *, by_peer: bool = True) -> None:
        """Lose an open connection."""
        del self.open[address]
        reason = "connection reset by peer" if by_peer else "no route to host"
        self.session.disconnected(address, reason, self.now, by_peer=by_peer)
        self.carry_out()

    def wait(self, milliseconds: float) -> None:
        """Let time pass, stopping wherever the session wants to be woken."""
        end = self.now + milliseconds / 1000
        while (wake := self.session.next_deadline()) <= end:
            assert wake >= self.now - 1e-9, "the session wants to be woken in the past"
            self.now = max(self.now, wake)
            self.session.tick(self.now)
            self.carry_out()
        self.now = end

    def reply(
        self, request: Request, response: Struct | None = None, error: str = codes.ERR_OK
    ) -> None:
        """Answer a request with a response, or with a framework error."""
        body = b"" if response is None else result(response.encode())
        frame = encode_response(request.name, request.frame.seqid, body, error)
        self.receive(request.to, frame)

    def receive(self, address: Address, data: bytes) -> None:
        """Let bytes arrive on an open connection."""
        assert address in self.open
        self.session.received(address, data, self.now)
        self.carry_out()

    def reply_get(self, request: Request, value: bytes) -> None:
        self.receive(request.to, get_response(request.frame.seqid, 0, value, request.gpid, "s"))

    def reply_put(self, request: Request, decree: int = 1) -> None:
        self.receive(request.to, put_response(request.frame.seqid, 0, request.gpid, decree, "s"))

    def reply_incr(self, request: Request, value: int) -> None:
        self.reply(request, IncrResponse(new_value=value))

    def reply_config(self, *primaries: Address, app_id: int = APP_ID) -> None:
        """Answer the next request, a question about partitions."""
        self.reply(self.take(codes.QUERY_CONFIG), config(*primaries, app_id=app_id))

    # -- outputs ---------------------------------------------------------------------------------

    def take(self, name: bytes) -> Request:
        """Take the oldest request, which has to be this RPC."""
        assert [r.name for r in self.requests[:1]] == [name], self.requests
        return self.requests.pop(0)

    def carry_out(self) -> None:
        """Do what the session orders until it orders nothing more."""
        while True:
            closes = self.session.take_closes()
            for address in closes:
                self.opening.discard(address)
                self.open.pop(address, None)
                self.closed.append(address)
            connects = self.session.take_connects()
            for address in connects:
                self._connect(address)
            output = self.session.take_output(self.now)
            for address, data in output:
                frames = self.open[address].feed(data)
                self.requests += [Request(address, frame) for frame in frames]
            if not (closes or connects or output):
                return

    def _connect(self, address: Address) -> None:
        assert address not in self.open
        if address in self.down:
            self.session.disconnected(address, "connection refused", self.now, by_peer=True)
        elif address in self.deaf:
            self.opening.add(address)
        else:
            self.open[address] = RequestReader(CLIENT_FRAME_BYTES_MAX)
            self.session.connected(address)


def config(*primaries: Address, app_id: int = APP_ID) -> QueryConfigResponse:
    """Build meta's answer about a table with one partition for each primary."""
    return QueryConfigResponse(
        app_id=app_id,
        partition_count=len(primaries),
        is_stateful=True,
        partitions=[
            PartitionConfiguration(
                pid=Gpid(app_id, index), ballot=1, max_replica_count=1, primary=primary
            )
            for index, primary in enumerate(primaries)
        ],
    )


def refusal(err: str, *partitions: PartitionConfiguration) -> QueryConfigResponse:
    """Build meta's answer when it has none."""
    return QueryConfigResponse(err=err, partitions=partitions)


def forward(leader: Address = NO_ADDRESS) -> QueryConfigResponse:
    """Build the answer of a meta server that does not lead (protocol reference 4.1)."""
    partitions = (PartitionConfiguration(primary=leader),) if leader else ()
    return refusal(codes.ERR_FORWARD_TO_OTHERS, *partitions)


def ready(policy: RetryPolicy = POLICY) -> Rig:
    """Make a rig that knows table ``t``: partition 0, where all keys go, on SERVER, 1 on SERVER2."""
    rig = Rig(policy=policy)
    known = rig.session.locate("t", rig.now, 1000)
    rig.carry_out()
    rig.reply_config(SERVER, SERVER2)
    assert known.done
    return rig
