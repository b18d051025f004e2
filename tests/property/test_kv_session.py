"""The session in a world that loses, delays, cuts and refuses: no call is lost, none repeated wrongly.

Hypothesis draws what happens next; the fake servers count how often each call was carried out. At the
end the world heals, and then every call has exactly one result and that result is true.
"""

from collections import Counter
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pegasus_tab.base.errors import Error
from pegasus_tab.base.ids import Gpid
from pegasus_tab.base.limits import CLIENT_FRAME_BYTES_MAX
from pegasus_tab.kv.call import Pending
from pegasus_tab.kv.session import Session
from pegasus_tab.kv.table_calls import TableCalls
from pegasus_tab.wire import codes
from pegasus_tab.wire.address import Address
from pegasus_tab.wire.fast import decode_put, get_response, put_response
from pegasus_tab.wire.frame import RequestFrame, RequestReader, encode_response
from pegasus_tab.wire.messages import IncrRequest, IncrResponse, decode_arguments, result
from tests.unit.kv.rig import META, META2, POLICY, SERVER, SERVER2, config, forward

SERVERS = (SERVER, SERVER2)
METAS = (META, META2)
EVERYONE = (*METAS, *SERVERS)


class World:
    """Two meta servers, two replica servers, one table of two partitions, one session.

    Attributes:
        done: call number -> how often it was carried out.
        inbox: per server, requests that arrived and were not looked at.
        outbox: per server, reply bytes on their way.
        ghosts: requests on connections the client lost and their server did not; it may still read
            them at any time.
        late: calls carried out after they had been reported as done.
    """

    def __init__(self) -> None:
        self.session = Session(METAS, policy=POLICY, fraction=lambda: 0.5)
        self.calls = TableCalls("t", lambda: 1_500_000_000.0)
        self.now = 0.0
        self.primary = {0: SERVER, 1: SERVER2}
        self.leader = META
        self.done: Counter[int] = Counter()
        self.inbox: dict[Address, list[RequestFrame]] = {}
        self.outbox: dict[Address, bytes] = {}
        self.readers: dict[Address, RequestReader] = {}
        self.pendings: dict[int, Pending] = {}
        self.ghosts: list[RequestFrame] = []
        self.late: set[int] = set()

    # -- what can happen -------------------------------------------------------------------------

    def submit(self, kind: str, timeout_ms: int) -> None:
        """A caller makes a call; its number travels in the request."""
        if not self.session.room:
            return
        number = len(self.pendings) + 1
        hash_key = b"a" if number % 2 else b"k"
        if kind == "get":
            call = self.calls.get_call(b"\0\1" + hash_key)
            pending = self.session.submit(call, self.now, timeout_ms)
        elif kind == "put":
            put = self.calls.set_call(hash_key, b"", b"%d" % number)
            pending = self.session.submit(put, self.now, timeout_ms)
        else:
            incr = self.calls.incr_call(b"\0\1" + hash_key, number)
            pending = self.session.submit(incr, self.now, timeout_ms)
        self.pendings[number] = pending
        self.carry_out()

    def serve(self, address: Address, refuse: str | None) -> None:
        """A server looks at its oldest request, and carries it out unless it refuses."""
        if not self.inbox.get(address):
            return
        frame = self.inbox[address].pop(0)
        if address in METAS:
            leads = address == self.leader
            answer = config(self.primary[0], self.primary[1]) if leads else forward(self.leader)
            self.say(address, encode_response(frame.name, frame.seqid, result(answer.encode())))
        elif refuse is not None or self.primary[frame.partition_index] != address:
            error = refuse or codes.ERR_INVALID_STATE
            if error == codes.ERR_TIMEOUT and self.primary[frame.partition_index] == address:
                self.carried_out(frame)  # the one error here that is no verdict
            self.say(address, encode_response(frame.name, frame.seqid, b"", error))
        else:
            self.say(address, self.carried_out(frame))

    def carried_out(self, frame: RequestFrame) -> bytes:
        gpid = Gpid(frame.app_id, frame.partition_index)
        if frame.name == codes.GET:
            return get_response(frame.seqid, 0, b"v", gpid, "s")
        if frame.name == codes.PUT:
            self.count(int(decode_put(frame)[1]))
            return put_response(frame.seqid, 0, gpid, 1, "s")
        number = decode_arguments(frame, IncrRequest).increment
        self.count(number)
        answer = result(IncrResponse(new_value=number).encode())
        return encode_response(frame.name, frame.seqid, answer)

    def count(self, number: int) -> None:
        pending = self.pendings[number]
        if pending.done and not isinstance(pending.result, Error):
            self.late.add(number)
        self.done[number] += 1

    def say(self, address: Address, frame: bytes) -> None:
        self.outbox[address] += frame

    def deliver(self, address: Address, size: int) -> None:
        """Some reply bytes arrive."""
        data = self.outbox.get(address, b"")[:size]
        if data:
            self.outbox[address] = self.outbox[address][size:]
            self.session.received(address, data, self.now)
            self.carry_out()

    def ignore(self, address: Address) -> None:
        """A server drops its oldest request without a word."""
        if self.inbox.get(address):
            self.inbox[address].pop(0)

    def cut(self, address: Address, by_peer: bool) -> None:
        """A connection is lost, with everything on its way if the server closed it."""
        if address in self.readers:
            self.forget(address, requests_too=by_peer)
            self.session.disconnected(address, "cut", self.now, by_peer=by_peer)
            self.carry_out()

    def haunt(self) -> None:
        """A server reads a request from a connection that its client has lost."""
        if self.ghosts:
            frame = self.ghosts.pop(0)
            if frame.name != codes.QUERY_CONFIG:
                self.carried_out(frame)

    def wait(self, milliseconds: int) -> None:
        end = self.now + milliseconds / 1000
        while (wake := self.session.next_deadline()) <= end:
            self.now = max(self.now, wake)
            self.session.tick(self.now)
            self.carry_out()
        self.now = end

    def abandon(self, number: int) -> None:
        if self.pendings:
            self.session.abandon(self.pendings[number % len(self.pendings) + 1])

    def move(self) -> None:
        """The primaries change places, and another meta server leads."""
        self.primary = {0: self.primary[1], 1: self.primary[0]}
        self.leader = META2 if self.leader == META else META

    def ask_metas(self) -> None:
        """The meta servers answer everything."""
        for address in METAS:
            while self.inbox.get(address):
                self.serve(address, None)
                self.deliver(address, 1 << 20)

    def heal(self) -> None:
        """From now on everything works; time passes until nothing is left to do."""
        for _ in range(400):
            for address in EVERYONE:
                while self.inbox.get(address):
                    self.serve(address, None)
                self.deliver(address, 1 << 20)
            self.wait(50)
            self.haunt()

    # -- sockets ---------------------------------------------------------------------------------

    def forget(self, address: Address, *, requests_too: bool) -> None:
        if not requests_too:
            self.ghosts += self.inbox[address]
        del self.readers[address], self.inbox[address], self.outbox[address]

    def carry_out(self) -> None:
        while True:
            closes = self.session.take_closes()
            for address in closes:
                self.forget(address, requests_too=False)
            connects = self.session.take_connects()
            for address in connects:
                self.readers[address] = RequestReader(CLIENT_FRAME_BYTES_MAX)
                self.inbox[address], self.outbox[address] = [], b""
                self.session.connected(address)
            output = self.session.take_output(self.now)
            for address, data in output:
                self.inbox[address] += self.readers[address].feed(data)
            if not (closes or connects or output):
                return


Event = tuple[Callable[..., None], *tuple[object, ...]]

EVENTS: tuple[Event, ...] = (
    *((World.submit, kind, limit) for kind in ("get", "put", "incr") for limit in (40, 400)),
    *[(World.submit, "incr", 400)] * 4,
    *[(World.serve, server, None) for server in SERVERS] * 3,
    *[(World.deliver, server, 4096) for server in SERVERS] * 2,
    *((World.deliver, server, 30) for server in SERVERS),
    *(
        (World.serve, server, error)
        for server in SERVERS
        for error in (codes.ERR_BUSY, codes.ERR_TIMEOUT)
    ),
    *[(World.cut, server, by_peer) for server in SERVERS for by_peer in (True, False)],
    *[(World.haunt,)] * 2,
    *((World.ignore, server) for server in SERVERS),
    *[(World.ask_metas,)] * 4,
    *((World.serve, meta, None) for meta in METAS),
    *((World.cut, meta, True) for meta in METAS),
    *((World.wait, milliseconds) for milliseconds in (1, 10, 100)),
    *((World.abandon, number) for number in range(4)),
    (World.move,),
)
"""What can happen, the likelier the more often it stands here."""


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(EVENTS), min_size=20, max_size=60))
def test_every_call_gets_one_true_result(script: list[Event]) -> None:
    world = World()
    for event, *arguments in script:
        event(world, *arguments)
    world.heal()
    for number, pending in world.pendings.items():
        check(number, pending, world.done[number])
    assert not world.late, f"calls {world.late} were carried out after their success was reported"
    assert world.session.room == POLICY.calls_max
    assert len(world.session.take_completed()) == len(world.pendings)
    assert world.session.next_deadline() == float("inf")


def check(number: int, pending: Pending, times: int) -> None:
    """Compare a call's result with how often the servers carried it out."""
    assert pending.done
    name = pending.call.method.name
    failed = isinstance(pending.result, Error)
    if name == codes.INCR:
        assert times <= 1, f"call {number} was carried out {times} times"
        assert failed or pending.result == number
    if name in {codes.INCR, codes.PUT}:
        assert failed or times >= 1, f"call {number} succeeded without being carried out"
        if isinstance(pending.result, Error) and not pending.result.ambiguous:
            assert times == 0, f"call {number} was carried out, but its error denies it"
