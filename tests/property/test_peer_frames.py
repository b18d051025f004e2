"""What servers say to each other: whole or byte by byte, and nothing but what was said."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegasus_server.data import physical_batch
from pegasus_server.replication.messages import (
    GroupCheck,
    LearnAnswer,
    LearnFile,
    LearnMode,
    Prepare,
    PrepareAck,
    PrepareOutcome,
    Stale,
)
from pegasus_server.replication.mutation import Mutation
from pegasus_server.runtime.carried_batch import BatchEncoder, CarriedBatch
from pegasus_server.runtime.peer_frame import (
    HEADER_BYTES,
    PEER_FRAME_BYTES_MAX,
    PeerFrame,
    PeerFrameError,
    PeerFrameReader,
    encode_frame,
)
from pegasus_server.runtime.peer_messages import (
    decode_message,
    encode_message,
)
from pegasus_tab.base.cluster import Beacon, BeaconAck, Learner, PartitionConfig
from pegasus_tab.base.ids import Ballot, Decree, Gpid, NodeName, Signature

numbers = st.integers(0, 2**62)
nodes = st.builds(lambda port: NodeName(f"10.0.0.1:{port}"), st.integers(1, 65535))
batches = st.lists(st.tuples(st.binary(max_size=20), st.none() | st.binary(max_size=20)))
mutations = st.builds(
    Mutation,
    numbers.map(Ballot),
    numbers.map(Decree),
    numbers,
    batches,
    st.integers(0, 2**30),
    numbers.map(Ballot),
)
configs = st.builds(
    lambda ballot, names, count, learners: PartitionConfig(
        ballot, names[0] if names else None, tuple(names[1:]), count, tuple(learners)
    ),
    numbers.map(Ballot),
    st.lists(nodes, unique=True, max_size=4),
    st.integers(1, 5),
    st.lists(st.builds(Learner, nodes, numbers.map(Signature)), max_size=2),
)
files = st.builds(LearnFile, st.text(max_size=10), numbers, st.integers(0, 2**32 - 1))
messages = st.one_of(
    st.builds(Prepare, mutations, numbers.map(Decree), numbers.map(Signature)),
    st.builds(
        PrepareAck,
        numbers.map(Ballot),
        numbers.map(Decree),
        st.sampled_from(PrepareOutcome),
        numbers.map(Signature),
    ),
    st.builds(Stale, numbers.map(Ballot)),
    st.builds(GroupCheck, configs, numbers.map(Decree)),
    st.builds(
        LearnAnswer,
        numbers.map(Ballot),
        numbers.map(Signature),
        numbers,
        st.sampled_from(LearnMode),
        st.none() | numbers.map(Decree),
        st.lists(mutations, max_size=2).map(tuple),
        st.lists(files, max_size=2).map(tuple),
    ),
    st.builds(Beacon, nodes, numbers, numbers, st.text(max_size=10)),
    st.builds(BeaconAck, numbers, numbers, st.booleans(), st.none() | nodes),
)
gpids = st.builds(Gpid, st.integers(0, 2**31 - 1), st.integers(0, 1023))


@given(st.lists(st.tuples(gpids, messages), max_size=5), st.integers(1, 40))
def test_what_is_said_is_heard(said: list[tuple[Gpid, object]], piece: int) -> None:
    encoder = BatchEncoder()
    data = b"".join([encode_message(message, gpid, encoder) for gpid, message in said])
    reader = PeerFrameReader()
    frames: list[PeerFrame] = []
    for start in range(0, len(data), piece):
        frames += reader.feed(data[start : start + piece])
    assert [(frame.gpid, decode_message(frame)) for frame in frames] == said
    assert PeerFrameReader().feed(data) == frames


@given(gpids, messages, st.data())
def test_a_changed_byte_is_noticed(gpid: Gpid, message: object, data: st.DataObject) -> None:
    frame = bytearray(encode_message(message, gpid, BatchEncoder()))
    place = data.draw(st.integers(0, len(frame) - 1))
    frame[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(PeerFrameError):
        PeerFrameReader().feed(bytes(frame))


@given(st.binary(min_size=HEADER_BYTES, max_size=200))
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(PeerFrameError):
        PeerFrameReader().feed(data)


@given(st.integers(0, 255), gpids, st.binary(max_size=60))
def test_any_payload_is_a_message_or_refused(code: int, gpid: Gpid, payload: bytes) -> None:
    (frame,) = PeerFrameReader().feed(encode_frame(code, gpid, payload))
    with contextlib.suppress(PeerFrameError):
        encoder = BatchEncoder()
        message = decode_message(frame)
        (again,) = PeerFrameReader().feed(encode_message(message, gpid, encoder))
        assert decode_message(again) == message


def test_a_config_that_contradicts_itself_is_refused() -> None:
    """The value types assert; bytes from outside must not get that far."""
    config = PartitionConfig(Ballot(1), NodeName("a:1"), (NodeName("b:1"),))
    data = encode_message(GroupCheck(config, Decree(0)), Gpid(1, 0), BatchEncoder())
    (frame,) = PeerFrameReader().feed(data)
    twice = frame._replace(payload=frame.payload.replace(b"b:1", b"a:1"))
    with pytest.raises(PeerFrameError, match="contradicts"):
        decode_message(twice)


def test_too_large_a_message_is_not_sent() -> None:
    with pytest.raises(PeerFrameError, match="larger"):
        encode_frame(1, Gpid(1, 0), bytes(PEER_FRAME_BYTES_MAX))


@given(batches)
def test_a_batch_is_encoded_once(batch: list[tuple[bytes, bytes | None]]) -> None:
    body = physical_batch.encode(batch)
    carried = CarriedBatch(body)
    encoder = BatchEncoder()
    assert carried == batch
    assert encoder.body(carried) is body
    assert encoder.body(batch) is encoder.body(batch)
    assert encoder.body(batch) == body
