"""What servers of a cluster say to each other, as bytes.

Every message has a number. Prepare and its answer, which make up nearly all traffic, have a layout
of their own; the others are the machines' own dataclasses in MessagePack. Numbers are never used
twice, so a server that does not know one says so by closing the connection.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from pegasus_server.data.physical_batch import BatchDamaged
from pegasus_server.meta.jobs.messages import TaskOrder, TaskReport, TaskStop
from pegasus_server.meta.messages import (
    Bye,
    Stored,
    StoredRequest,
    SyncRequest,
    TableNotice,
)
from pegasus_server.replication.messages import (
    GroupCheck,
    GroupCheckAck,
    LearnAnswer,
    LearnCompleted,
    LearnRequest,
    Prepare,
    PrepareAck,
    PrepareOutcome,
    Stale,
)
from pegasus_server.replication.mutation import Mutation
from pegasus_server.runtime.carried_batch import BatchEncoder, CarriedBatch
from pegasus_server.runtime.peer_frame import (
    NO_PARTITION,
    PeerFrame,
    PeerFrameError,
    encode_frame,
)
from pegasus_tab.base.cluster import (
    Beacon,
    BeaconAck,
    ConfigNotice,
    ConfigProposal,
    ConfigQuery,
    ConfigSync,
    ConfigSyncReply,
    ConfigUpdate,
    ConfigUpdateReply,
    ReplicaReport,
)
from pegasus_tab.base.ids import Ballot, Decree, Gpid, NodeName, Signature


@dataclass(frozen=True, slots=True)
class Hello:
    """First on every connection: who speaks, to whom, and in which cluster."""

    cluster: str
    sender: NodeName
    receiver: NodeName


_PREPARE_CODE: Final = 1
_PREPARE_ACK_CODE: Final = 2
_TYPES: Final[dict[int, type[Any]]] = {
    0: Hello,
    3: Stale,
    4: GroupCheck,
    5: GroupCheckAck,
    6: LearnRequest,
    7: LearnAnswer,
    8: LearnCompleted,
    20: Beacon,
    21: Bye,
    22: ConfigUpdate,
    23: ConfigQuery,
    24: ConfigSync,
    25: ReplicaReport,
    26: Stored,
    27: TaskReport,
    40: BeaconAck,
    41: ConfigProposal,
    42: ConfigUpdateReply,
    43: ConfigNotice,
    44: ConfigSyncReply,
    45: SyncRequest,
    46: TableNotice,
    47: StoredRequest,
    48: TaskOrder,
    49: TaskStop,
}
_CODES: Final = {kind: code for code, kind in _TYPES.items()}
_decoders: Final[dict[int, Callable[[bytes], Any]]] = {
    code: msgspec.msgpack.Decoder(kind).decode for code, kind in _TYPES.items()
}
_encode: Final = msgspec.msgpack.Encoder().encode

_PREPARE: Final = struct.Struct(">QQqIQQQ")
_PREPARE_ACK: Final = struct.Struct(">QQBQ")
_OUTCOMES: Final = tuple(PrepareOutcome)
_OUTCOME_NUMBERS: Final = {outcome: number for number, outcome in enumerate(_OUTCOMES)}


def encode_message(message: object, gpid: Gpid, batches: BatchEncoder) -> bytes:
    """Make the frame of a message.

    Args:
        message: of one of the types above.
        gpid: the partition it concerns, NO_PARTITION for none.
        batches: of this server.

    Raises:
        PeerFrameError: the message is too large to send.
    """
    if isinstance(message, Prepare):
        mutation = message.mutation
        head = _PREPARE.pack(
            mutation.ballot,
            mutation.decree,
            mutation.timestamp_us,
            mutation.bytes,
            mutation.born,
            message.committed,
            message.signature,
        )
        return encode_frame(_PREPARE_CODE, gpid, head, batches.body(mutation.changes))
    if isinstance(message, PrepareAck):
        payload = _PREPARE_ACK.pack(
            message.ballot, message.decree, _OUTCOME_NUMBERS[message.outcome], message.signature
        )
        return encode_frame(_PREPARE_ACK_CODE, gpid, payload)
    return encode_frame(_CODES[type(message)], gpid, _encode(message))


def encode_hello(hello: Hello) -> bytes:
    """Make the first frame of a connection."""
    return encode_frame(_CODES[Hello], NO_PARTITION, _encode(hello))


def decode_message(frame: PeerFrame) -> object:
    """Read a message.

    Raises:
        PeerFrameError: unknown number, or bytes that make no such message.
    """
    try:
        if frame.code == _PREPARE_CODE:
            return _decode_prepare(frame.payload)
        if frame.code == _PREPARE_ACK_CODE:
            ballot, decree, outcome, signature = _PREPARE_ACK.unpack(frame.payload)
            return PrepareAck(ballot, decree, _OUTCOMES[outcome], signature)
        decode = _decoders.get(frame.code)
        if decode is None:
            raise PeerFrameError(f"message number {frame.code} is unknown to this version")
        return decode(frame.payload)
    except (struct.error, IndexError, msgspec.DecodeError, BatchDamaged) as error:
        raise PeerFrameError(f"message number {frame.code} is damaged: {error}") from error
    except AssertionError as error:
        # The machines' value types assert their invariants; here the values came from outside.
        raise PeerFrameError(f"message number {frame.code} contradicts itself: {error}") from error


def _decode_prepare(payload: bytes) -> Prepare:
    ballot, decree, timestamp_us, size, born, committed, signature = _PREPARE.unpack_from(payload)
    changes = CarriedBatch(payload[_PREPARE.size :])
    mutation = Mutation(Ballot(ballot), Decree(decree), timestamp_us, changes, size, Ballot(born))
    return Prepare(mutation, Decree(committed), Signature(signature))
