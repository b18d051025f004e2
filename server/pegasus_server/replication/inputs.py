"""What can happen to a replica: the inputs of its state machine (``step(input, now) -> effects``).

The disk, the engine, the network and meta are peers: what they say comes in here. Inputs of one
source must come in the order they happened.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from pegasus_server.replication.messages import LearnFile, Message
from pegasus_server.replication.mutation import Change
from pegasus_tab.base.cluster import ConfigNotice, ConfigProposal, ConfigUpdateReply
from pegasus_tab.base.ids import Ballot, Decree, NodeName, Signature


class ClientWrites(NamedTuple):
    """Writes of one turn, already evaluated into one physical batch.

    Attributes:
        changes: the physical batch, in order; batches are joined end to end. May be empty.
        bytes: size of its keys and values.
        operations: how many client requests it answers, >= 1.
        token: names these writes to the adapter; comes back in Apply, Refuse or Abandon.
        wall_us: wall clock, microseconds since 1970, for the mutation's timestamp.
    """

    changes: Sequence[Change]
    bytes: int
    operations: int
    token: object
    wall_us: int


class LogAppended(NamedTuple):
    """The disk answered: the mutation (decree, ballot) is on disk to the configured class."""

    decree: Decree
    ballot: Ballot


class Applied(NamedTuple):
    """The engine applied this decree; the write is visible to reads."""

    decree: Decree


@dataclass(frozen=True, slots=True)
class Flushed:
    """The engine is on disk up to this decree, and the side file says so."""

    durable: Decree


@dataclass(frozen=True, slots=True)
class BallotPersisted:
    """What a PersistBallot bore is on disk."""

    ballot: Ballot
    signature: Signature


class Received(NamedTuple):
    """A message of another replica of this partition arrived."""

    sender: NodeName
    message: Message


@dataclass(frozen=True, slots=True)
class LeaseLapsed:
    """The node's lease ended: nothing may be served until meta confirms the configuration."""


@dataclass(frozen=True, slots=True)
class LogSource:
    """What the private log holds for a learner: decrees first..last, without holes."""

    first: Decree
    last: Decree
    files: tuple[LearnFile, ...]


@dataclass(frozen=True, slots=True)
class CheckpointSource:
    """The newest checkpoint: its decree, read back from the checkpoint itself."""

    decree: Decree
    files: tuple[LearnFile, ...]


@dataclass(frozen=True, slots=True)
class SourcesDescribed:
    """Answer to DescribeSources, with its names; None for what there is not."""

    node: NodeName
    signature: Signature
    round: int
    log: LogSource | None
    checkpoint: CheckpointSource | None


@dataclass(frozen=True, slots=True)
class FilesCopied:
    """Answer to CopyFiles: all are here, checked and on disk."""

    signature: Signature
    round: int


@dataclass(frozen=True, slots=True)
class CopyFailed:
    """Answer to CopyFiles: the source was lost, or has not these files any more."""

    signature: Signature
    round: int
    reason: str


@dataclass(frozen=True, slots=True)
class Installed:
    """Answer to Install: the engine shows ``applied``, and all of it is on disk."""

    signature: Signature
    round: int
    applied: Decree


@dataclass(frozen=True, slots=True)
class InstallFailed:
    """Answer to Install: the files do not make sense; the engine is as before, or empty."""

    signature: Signature
    round: int
    applied: Decree
    reason: str


@dataclass(frozen=True, slots=True)
class Discarded:
    """Answer to DiscardData: the engine is empty, and the log gives nothing back for it."""

    signature: Signature


@dataclass(frozen=True, slots=True)
class ReplicaFailed:
    """The engine or its disk failed, or an invariant broke: quarantine."""

    reason: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passed; due at ``next_deadline()``."""


PrimaryInput: TypeAlias = ClientWrites | LogAppended | Applied | Tick
ReplicaInput: TypeAlias = (
    PrimaryInput
    | Flushed
    | BallotPersisted
    | Received
    | LeaseLapsed
    | SourcesDescribed
    | FilesCopied
    | CopyFailed
    | Installed
    | InstallFailed
    | Discarded
    | ReplicaFailed
    | ConfigProposal
    | ConfigUpdateReply
    | ConfigNotice
)
