"""Which error wins, and that nothing one request does touches another (protocol reference 7, 12)."""

import logging
from collections.abc import Callable

import pytest

from pegasus_server.data.identity import ReplicaIdentity
from pegasus_server.data.value import encode_value
from pegasus_server.mutation_log.mutation import Mutation
from pegasus_server.replication.timestamps import Timestamps
from pegasus_server.runtime.answer import Client
from pegasus_server.runtime.dispatch import Dispatch
from pegasus_server.runtime.lone_replica import LoneReplica
from pegasus_server.runtime.replica import SILENCE
from pegasus_server.runtime.turn import Turn
from pegasus_server.storage.engine import EngineDamaged
from pegasus_server.storage.memory import MemoryEngine
from pegasus_tab.base.ids import Ballot, Gpid
from pegasus_tab.base.limits import KIB, WRITE_REQUEST_BYTES_MAX
from pegasus_tab.wire import codes, fast
from pegasus_tab.wire.frame import (
    RequestFrame,
    RequestReader,
    ResponseFrame,
    ResponseReader,
    encode_request,
)
from pegasus_tab.wire.messages import (
    IncrRequest,
    TabPutRowsRequest,
    arguments,
    encode_blob_argument,
    encode_i64_argument,
)
from pegasus_tab.wire.put_rows import encode_rows

HERE, FAULTY, ELSEWHERE = Gpid(1, 0), Gpid(1, 1), Gpid(9, 9)
KEY = b"\0\1k"


class BrokenEngine(MemoryEngine):
    """An engine that found damage."""

    def get(self, key: bytes) -> bytes | None:
        raise EngineDamaged(f"no {key!r} any more")


class SilentDisk:
    """A log that never answers."""

    refusal: str | None = None

    def __init__(self) -> None:
        self.asked: list[tuple[Mutation, Callable[[], None]]] = []

    def submit(self, mutation: Mutation, done: Callable[[], None]) -> None:
        self.asked.append((mutation, done))


class World:
    """A dispatch with one replica; every error can be switched on."""

    local_host = "127.0.0.1"

    def __init__(self, engine: MemoryEngine | None = None) -> None:
        self.replies: list[ResponseFrame] = []
        self.disk = SilentDisk()
        self.turn = Turn(lambda: 1_700_000_000_000_000)
        self.replica = LoneReplica(
            ReplicaIdentity(HERE, "127.0.0.1:34801"),
            engine or MemoryEngine(),
            Ballot(1),
            timestamps=Timestamps(),
            disk=self.disk,
            turn=self.turn,
            envs={},
            first_scan_id=0,
        )
        meta = {
            codes.QUERY_CONFIG: self.serve_meta,
            codes.LIST_APPS: self.fail,
        }
        self.dispatch = Dispatch(
            {HERE: self.replica}, {FAULTY: "damaged"}, meta, self.disk, self.turn
        )

    def send(self, reply: bytes) -> None:
        self.replies += ResponseReader().feed(reply)

    def serve_meta(self, _: RequestFrame, client: Client) -> None:
        assert client is self
        self.send(fast.get_response(1, 0, b"meta", HERE, ""))

    def fail(self, _: RequestFrame, client: Client) -> None:
        raise ZeroDivisionError(f"a defect on the way to {client}")

    def error(self, name: bytes, gpid: Gpid, args: bytes) -> str | None:
        """Serve one request; return its framework error, None if it got no answer."""
        (frame,) = RequestReader().feed(encode_request(name, 5, gpid, 0, 0, args))
        self.replies.clear()
        self.dispatch.serve(frame, self)
        if not self.replies:
            return None
        (reply,) = self.replies
        return reply.error

    def get(self, gpid: Gpid = HERE) -> str | None:
        return self.error(codes.GET, gpid, encode_blob_argument(KEY))

    def put(self, gpid: Gpid = HERE, size: int = 1) -> str | None:
        return self.error(codes.PUT, gpid, fast.put_arguments(KEY, b"x" * size))


def test_a_read_is_answered_at_once_and_a_write_when_it_is_done() -> None:
    world = World()
    assert world.get() == codes.ERR_OK
    assert world.put() is None


def test_the_order_of_errors_of_a_write() -> None:
    world = World()
    world.dispatch.writes_refused = codes.ERR_CAPACITY_EXCEEDED
    world.disk.refusal = "slow"
    world.replica.set_envs({"replica.deny_client_request": "reconfig*write"})
    too_large = WRITE_REQUEST_BYTES_MAX + 1
    assert world.put(ELSEWHERE, too_large) == codes.ERR_OBJECT_NOT_FOUND
    assert world.put(FAULTY, too_large) == codes.ERR_CORRUPTION
    assert world.put(HERE, too_large) == codes.ERR_INVALID_STATE
    world.replica.set_envs({})
    assert world.put(HERE, too_large) == codes.ERR_INVALID_DATA
    assert world.put() == codes.ERR_CAPACITY_EXCEEDED
    world.dispatch.writes_refused = None
    assert world.put() == codes.ERR_CAPACITY_EXCEEDED
    world.disk.refusal = None
    assert world.put() is None


def test_a_stored_row_of_the_largest_write_fits() -> None:
    world = World()
    empty = len(fast.put_arguments(KEY, b""))
    value = b"x" * (WRITE_REQUEST_BYTES_MAX - empty)
    assert world.put(HERE, len(value)) is None, "it is taken"
    rows = encode_rows([KEY], [encode_value(value, 0, 1)])
    args = arguments(TabPutRowsRequest(rows, is_stored=True).encode())
    assert len(args) > WRITE_REQUEST_BYTES_MAX
    assert world.error(codes.TAB_PUT_ROWS, HERE, args) is None
    rows = encode_rows([KEY], [encode_value(value + bytes(KIB), 0, 1)])
    args = arguments(TabPutRowsRequest(rows, is_stored=True).encode())
    assert world.error(codes.TAB_PUT_ROWS, HERE, args) == codes.ERR_INVALID_DATA


def test_reads_go_on_while_writes_are_refused() -> None:
    world = World()
    world.dispatch.writes_refused = codes.ERR_CAPACITY_EXCEEDED
    assert world.get() == codes.ERR_OK
    assert world.get(ELSEWHERE) == codes.ERR_OBJECT_NOT_FOUND
    assert world.get(FAULTY) == codes.ERR_CORRUPTION


def test_silence_is_no_answer_at_all() -> None:
    world = World()
    world.replica.read_refusal = SILENCE
    assert world.get() is None


def test_a_damaged_engine_stops_its_replica() -> None:
    world = World(BrokenEngine())
    assert world.get() == codes.ERR_CORRUPTION
    assert world.replica.is_failed
    assert world.put() == codes.ERR_CORRUPTION


def test_a_write_refused_for_damage_has_no_decree() -> None:
    """Clients take ERR_CORRUPTION as "did not happen"."""
    world = World(BrokenEngine())
    world.turn.open()
    assert world.put() is None
    reads_first = arguments(IncrRequest(b"\0\1other", 1).encode())
    assert world.error(codes.INCR, HERE, reads_first) == codes.ERR_CORRUPTION
    world.replies.clear()
    world.turn.close()
    assert [reply.error for reply in world.replies] == [codes.ERR_CORRUPTION]
    assert world.disk.asked == []


def test_a_defect_in_one_request_is_its_answer_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World()
    with caplog.at_level(logging.ERROR):
        assert world.error(codes.LIST_APPS, HERE, b"") == codes.ERR_LOCAL_APP_FAILURE
    assert "ZeroDivisionError" in caplog.text
    assert world.get() == codes.ERR_OK


def test_meta_and_unknown_rpcs() -> None:
    world = World()
    assert world.error(codes.QUERY_CONFIG, Gpid(-1, -1), b"") == codes.ERR_OK
    assert world.error(b"RPC_NO_SUCH", HERE, b"") == codes.ERR_HANDLER_NOT_FOUND
    assert world.replies[0].name == b"RPC_NO_SUCH_ACK"
    assert world.replies[0].seqid == 5


@pytest.mark.parametrize("gpid", [HERE, FAULTY, ELSEWHERE])
def test_clear_scanner_is_never_answered(gpid: Gpid) -> None:
    world = World()
    assert world.error(codes.CLEAR_SCANNER, gpid, encode_i64_argument(5)) is None
    assert world.error(codes.CLEAR_SCANNER, gpid, b"rubbish") is None


def test_only_names_every_client_knows_leave() -> None:
    world = World()
    world.dispatch.writes_refused = codes.ERR_DISK_INSUFFICIENT
    assert world.put() in codes.SAFE_ERRORS
