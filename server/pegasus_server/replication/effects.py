"""What a replica asks its adapter to do, in the order given."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from pegasus_server.replication.messages import LearnFile, LearnMode, Message
from pegasus_server.replication.mutation import Change, Mutation
from pegasus_tab.base.cluster import ConfigQuery, ConfigUpdate, ReplicaReport, ReplicaStatus
from pegasus_tab.base.ids import Ballot, Decree, NodeName, Signature


class AppendLog(NamedTuple):
    """Append a mutation to the shared log; answer with LogAppended once it is on disk.

    Attributes:
        ballot: the configuration it was prepared under.
        decree: its position.
        timestamp_us: its timestamp.
        born: see Mutation; a restarted replica needs it to tell what was left over.
        changes: its physical batch, the same object as in the Prepare that follows, so that it
            need be encoded only once.
        committed: the commit point known now. Kept with the record it spares a restarted replica
            from treating committed mutations as undecided.
    """

    ballot: Ballot
    decree: Decree
    timestamp_us: int
    born: Ballot
    changes: Sequence[Change]
    committed: Decree


class Apply(NamedTuple):
    """Apply a committed mutation to the engine, answer with Applied, then answer its clients.

    Attributes:
        decree: one above the decree applied before.
        changes: the joined physical batches.
        tokens: the ClientWrites this mutation carries, in order of arrival.
    """

    decree: Decree
    changes: Sequence[Change]
    tokens: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer these clients with a framework error; nothing was written and nothing will be."""

    error: str
    token: object


@dataclass(frozen=True, slots=True)
class Abandon:
    """Answer these clients that the outcome is unknown; the mutation may still commit."""

    token: object


class Send(NamedTuple):
    """Send one message to other replicas of this partition; it may be lost."""

    to: tuple[NodeName, ...]
    message: Message


@dataclass(frozen=True, slots=True)
class PersistBallot:
    """Put this on disk in one step (write, fsync, rename, fsync the folder).

    BallotPersisted answers. A failure is ReplicaFailed: a replica must not forget a ballot it
    acted under. At a restart ReplicaState is made with what was persisted last.

    Attributes:
        ballot: for ReplicaState.ballot.
        signature: for ReplicaState.signature.
        suspect: for ReplicaState.suspect.
    """

    ballot: Ballot
    signature: Signature
    suspect: bool


@dataclass(frozen=True, slots=True)
class ReportToMeta:
    """Send this to the meta leader; it may be lost."""

    message: ConfigUpdate | ConfigQuery | ReplicaReport


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """For whoever watches: the replica is this now."""

    status: ReplicaStatus
    ballot: Ballot


@dataclass(frozen=True, slots=True)
class DescribeSources:
    """Say what a learner could be taught from; answer with SourcesDescribed.

    The private log must first be written out as far as this replica committed.

    Attributes:
        node: the learner.
        signature: of its attempt.
        round: of its request.
        first: the decree it needs next.
    """

    node: NodeName
    signature: Signature
    round: int
    first: Decree


@dataclass(frozen=True, slots=True)
class StartCheckpoint:
    """Make a checkpoint now; one under way already will do."""


@dataclass(frozen=True, slots=True)
class CopyFiles:
    """Copy files from the primary; FilesCopied or CopyFailed answers.

    A later CopyFiles, Install, DiscardData or CancelLearning ends the copying.
    """

    source: NodeName
    signature: Signature
    round: int
    files: tuple[LearnFile, ...]


@dataclass(frozen=True, slots=True)
class Install:
    """Bring the copied files into the engine and flush it; Installed or InstallFailed answers.

    Attributes:
        signature: of the attempt.
        round: of the request.
        mode: LOG: apply the decrees above the engine's own up to ``through``; CHECKPOINT: put
            the checkpoint in the engine's place.
        files: what was copied.
        through: decree the engine must show afterwards.
    """

    signature: Signature
    round: int
    mode: LearnMode
    files: tuple[LearnFile, ...]
    through: Decree


@dataclass(frozen=True, slots=True)
class DiscardData:
    """Set the engine aside (the bytes stay) and begin an empty one; answer with Discarded.

    What the shared log holds of this partition so far must not come back at a restart.
    """

    signature: Signature


@dataclass(frozen=True, slots=True)
class CancelLearning:
    """Learning is over: stop copying, remove what was copied."""


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Stop using the engine and keep its bytes; the operator sees the reason."""

    reason: str


Effect: TypeAlias = (
    AppendLog
    | Apply
    | Refuse
    | Abandon
    | Send
    | PersistBallot
    | ReportToMeta
    | StatusChanged
    | DescribeSources
    | StartCheckpoint
    | CopyFiles
    | Install
    | DiscardData
    | CancelLearning
    | Quarantine
)


def append(mutation: Mutation, committed: Decree) -> AppendLog:
    """Ask for a mutation to be logged, with the commit point to note."""
    return AppendLog(
        mutation.ballot,
        mutation.decree,
        mutation.timestamp_us,
        mutation.born,
        mutation.changes,
        committed,
    )
