"""The glue of one partition, on the in-memory engine and a disk that answers when told to."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from pegasus_server.data import physical_batch
from pegasus_server.data.identity import ReplicaIdentity
from pegasus_server.data.value import user_data
from pegasus_server.mutation_log.mutation import Mutation
from pegasus_server.replication.primary import WINDOW_MUTATIONS_MAX
from pegasus_server.replication.timestamps import Timestamps
from pegasus_server.runtime.lone_replica import LoneReplica
from pegasus_server.runtime.replica import SILENCE
from pegasus_server.runtime.turn import Turn
from pegasus_server.storage.engine import Change, EngineDamaged
from pegasus_server.storage.memory import MemoryEngine
from pegasus_tab.base.ids import Ballot, Decree, Gpid
from pegasus_tab.wire import codes
from pegasus_tab.wire.frame import RequestReader, ResponseFrame, ResponseReader, encode_request
from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.messages import (
    IncrRequest,
    IncrResponse,
    UpdateResponse,
    arguments,
    decode_arguments,
    decode_result,
)

GPID = Gpid(1, 0)
KEY = encode_key(b"k", b"")


class Disk:
    """A log that keeps what it gets and answers when told to."""

    def __init__(self) -> None:
        self.refusal: str | None = None
        self.logged: list[Mutation] = []
        self.waiting: list[Callable[[], None]] = []

    def submit(self, mutation: Mutation, done: Callable[[], None]) -> None:
        self.logged.append(mutation)
        self.waiting.append(done)


class Client:
    """Decodes the replies it gets."""

    local_host = "127.0.0.1"

    def __init__(self) -> None:
        self.replies: list[ResponseFrame] = []

    def send(self, reply: bytes) -> None:
        self.replies += ResponseReader().feed(reply)

    def errors(self) -> list[str]:
        return [reply.error for reply in self.replies]


class FailingEngine(MemoryEngine):
    """An engine whose disk fails when told to."""

    is_failing = False

    def apply(self, batch: Any, decree: Decree) -> None:
        if self.is_failing:
            raise EngineDamaged("the disk failed")
        super().apply(batch, decree)


class World:
    """A replica with everything around it."""

    def __init__(self, envs: Mapping[str, str] | None = None) -> None:
        self.disk = Disk()
        self.client = Client()
        self.engine = FailingEngine()
        self.now_us = 1_700_000_000_000_000
        self.turn = Turn(lambda: self.now_us)
        self.replica = LoneReplica(
            ReplicaIdentity(GPID, "127.0.0.1:34801"),
            self.engine,
            Ballot(3),
            timestamps=Timestamps(),
            disk=self.disk,
            turn=self.turn,
            envs=envs or {},
            first_scan_id=0,
        )

    def put(self, *values: bytes, seqid: int = 1) -> None:
        """Write one key several times in one turn."""
        self.turn.open()
        for value in values:
            self.replica.put(KEY, value, 0, seqid, self.client)
        self.turn.close()

    def incr(self, *increments: int) -> None:
        """Count one key up several times in one turn."""
        self.turn.open()
        for number, increment in enumerate(increments):
            args = arguments(IncrRequest(KEY, increment).encode())
            (frame,) = RequestReader().feed(encode_request(codes.INCR, number, GPID, 0, 0, args))
            self.replica.write(decode_arguments(frame, IncrRequest), frame, self.client)
        self.turn.close()

    def answer_disk(self) -> None:
        """Deliver everything the disk has, as one turn."""
        waiting, self.disk.waiting = self.disk.waiting, []
        self.turn.run(lambda: [done() for done in waiting])

    def value(self) -> bytes | None:
        stored = self.engine.get(KEY)
        return None if stored is None else user_data(stored)


def bodies(world: World) -> list[list[Change]]:
    return [physical_batch.decode(mutation.body) for mutation in world.disk.logged]


def test_the_writes_of_a_turn_are_one_mutation_and_nothing_shows_before_the_disk_answered() -> None:
    world = World()
    world.put(b"a", b"b", b"c")
    assert [len(body) for body in bodies(world)] == [3]
    assert world.value() is None
    assert world.client.replies == []
    world.answer_disk()
    assert world.value() == b"c"
    decrees = [decode_result(reply, UpdateResponse).decree for reply in world.client.replies]
    assert decrees == [1, 1, 1]


def test_mutations_carry_ballot_decree_and_rising_timestamps() -> None:
    world = World()
    world.put(b"a", b"b")
    world.now_us -= 1000
    world.put(b"c")
    first, second = world.disk.logged
    assert (first.gpid, first.ballot, first.decree, second.decree) == (GPID, 3, 1, 2)
    assert first.timestamp_us < second.timestamp_us
    tags = [value[4:12] for body in bodies(world) for _, value in body if value is not None]
    assert tags == sorted(set(tags))


def test_writes_that_read_see_those_still_under_way() -> None:
    world = World()
    world.incr(1, 2)
    world.incr(3)
    world.answer_disk()
    results = [decode_result(reply, IncrResponse) for reply in world.client.replies]
    assert [(each.new_value, each.decree) for each in results] == [(1, 1), (3, 1), (6, 2)]
    assert world.value() == b"6"


def test_beyond_the_window_turns_share_a_mutation() -> None:
    world = World()
    for number in range(WINDOW_MUTATIONS_MAX + 3):
        world.put(b"%d" % number)
    assert len(world.disk.logged) == WINDOW_MUTATIONS_MAX
    world.answer_disk()
    assert [len(body) for body in bodies(world)[WINDOW_MUTATIONS_MAX:]] == [3]
    world.answer_disk()
    assert world.value() == b"%d" % (WINDOW_MUTATIONS_MAX + 2)
    assert len(world.client.replies) == WINDOW_MUTATIONS_MAX + 3


def test_a_failing_engine_stops_the_replica_and_leaves_its_writes_undecided() -> None:
    world = World()
    world.put(b"a")
    world.put(b"b")
    world.engine.is_failing = True
    world.answer_disk()
    assert world.client.errors() == [codes.ERR_TIMEOUT] * 2
    assert world.replica.read_refusal == codes.ERR_CORRUPTION
    assert world.replica.write_refusal == codes.ERR_CORRUPTION
    assert world.replica.is_failed


def test_a_failure_in_the_middle_of_a_turn_refuses_its_writes() -> None:
    world = World()
    world.turn.open()
    world.replica.put(KEY, b"a", 0, 1, world.client)
    world.replica.fail("scan met damage")
    world.turn.close()
    assert world.client.errors() == [codes.ERR_CORRUPTION]
    assert world.disk.logged == []


def test_draining_answers_what_was_taken_and_then_reports() -> None:
    world = World()
    world.put(b"a")
    idle: list[str] = []
    world.replica.drain(lambda: idle.append("idle"))
    assert world.replica.write_refusal == codes.ERR_INVALID_STATE
    assert idle == []
    world.answer_disk()
    assert idle == ["idle"]
    assert world.client.errors() == [codes.ERR_OK]
    world.replica.drain(lambda: idle.append("again"))
    assert idle == ["idle", "again"]


def test_a_put_outside_the_limits_is_answered_in_its_place() -> None:
    world = World()
    world.turn.open()
    world.replica.put(b"\xff\xffx", b"", 0, 1, world.client)
    world.turn.close()
    world.answer_disk()
    (reply,) = world.client.replies
    assert decode_result(reply, UpdateResponse).error == codes.Status.INVALID_ARGUMENT


def test_the_tables_default_ttl_applies() -> None:
    world = World({"default_ttl": "60"})
    world.put(b"a")
    world.answer_disk()
    stored = world.engine.get(KEY)
    assert stored is not None
    assert int.from_bytes(stored[:4], "big") == world.turn.now + 60


@pytest.mark.parametrize(
    ("denied", "reads", "writes"),
    [
        ("", None, None),
        ("reconfig*all", codes.ERR_INVALID_STATE, codes.ERR_INVALID_STATE),
        ("reconfig*read", codes.ERR_INVALID_STATE, None),
        ("timeout*write", None, SILENCE),
    ],
)
def test_denied_requests(denied: str, reads: str | None, writes: str | None) -> None:
    replica = World({"replica.deny_client_request": denied}).replica
    assert (replica.read_refusal, replica.write_refusal) == (reads, writes)
    replica.set_envs({})
    assert (replica.read_refusal, replica.write_refusal) == (None, None)
