"""The fast paths of PUT and MULTI_PUT log and answer the same bytes as the plain evaluation."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from pegasus_server.data.identity import ReplicaIdentity
from pegasus_server.mutation_log.mutation import Mutation
from pegasus_server.replication.timestamps import Timestamps
from pegasus_server.runtime.lone_replica import LoneReplica
from pegasus_server.runtime.turn import Turn
from pegasus_server.runtime.write_rpcs import WRITES
from pegasus_server.storage.memory import MemoryEngine
from pegasus_tab.base.ids import Ballot, Gpid
from pegasus_tab.base.limits import BATCH_OPERATIONS_MAX, HASH_KEY_BYTES_MAX, SORT_KEY_BYTES_MAX
from pegasus_tab.wire import codes
from pegasus_tab.wire.frame import RequestFrame, RequestReader, encode_request
from pegasus_tab.wire.messages import (
    KeyValue,
    MultiPutRequest,
    UpdateRequest,
    arguments,
    decode_arguments,
)

GPID = Gpid(3, 1)
short = st.binary(max_size=6)
hash_keys = short | st.integers(HASH_KEY_BYTES_MAX - 1, HASH_KEY_BYTES_MAX + 1).map(bytes)
sort_keys = short | st.integers(SORT_KEY_BYTES_MAX - 1, SORT_KEY_BYTES_MAX + 1).map(bytes)
rows = st.lists(st.builds(KeyValue, sort_keys, short), max_size=4) | st.just(
    [KeyValue(b"k", b"v")] * (BATCH_OPERATIONS_MAX + 1)
)
expiries = st.integers(-(2**31), 2**31 - 1)
default_ttls = st.sampled_from(["0", "60"])


class World:
    """A replica whose disk answers at once and whose client keeps the replies."""

    local_host = "127.0.0.1"

    def __init__(self, default_ttl: str) -> None:
        self.refusal: str | None = None
        self.logged: list[Mutation] = []
        self.waiting: list[Callable[[], None]] = []
        self.replies: list[bytes] = []
        self.turn = Turn(lambda: 1_700_000_000_000_000)
        self.replica = LoneReplica(
            ReplicaIdentity(GPID, "127.0.0.1:34801"),
            MemoryEngine(),
            Ballot(1),
            timestamps=Timestamps(),
            disk=self,
            turn=self.turn,
            envs={"default_ttl": default_ttl},
            first_scan_id=0,
        )

    def submit(self, mutation: Mutation, done: Callable[[], None]) -> None:
        self.logged.append(mutation)
        self.waiting.append(done)

    def send(self, reply: bytes) -> None:
        self.replies.append(reply)

    def result(self, write: Callable[["World"], None]) -> tuple[list[Mutation], list[bytes]]:
        self.turn.open()
        write(self)
        self.turn.close()
        self.turn.run(lambda: [done() for done in self.waiting])
        return self.logged, self.replies


def frame_of(name: bytes, args: bytes) -> RequestFrame:
    (frame,) = RequestReader().feed(encode_request(name, 7, GPID, 0, 0, args))
    return frame


@given(st.builds(UpdateRequest, short, short, expiries), default_ttls)
def test_put(request: UpdateRequest, default_ttl: str) -> None:
    frame = frame_of(codes.PUT, arguments(request.encode()))
    plain = decode_arguments(frame, UpdateRequest)
    expected = World(default_ttl).result(lambda w: w.replica.write(plain, frame, w))
    actual = World(default_ttl).result(lambda w: WRITES[codes.PUT](w.replica, frame, w))
    assert actual == expected


@given(st.builds(MultiPutRequest, hash_keys, rows, expiries), default_ttls)
def test_multi_put(request: MultiPutRequest, default_ttl: str) -> None:
    frame = frame_of(codes.MULTI_PUT, arguments(request.encode()))
    plain = decode_arguments(frame, MultiPutRequest)
    expected = World(default_ttl).result(lambda w: w.replica.write(plain, frame, w))
    actual = World(default_ttl).result(lambda w: WRITES[codes.MULTI_PUT](w.replica, frame, w))
    assert actual == expected
