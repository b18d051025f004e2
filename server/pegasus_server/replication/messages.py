"""What replicas of one partition send each other: values, and no behaviour.

The envelope (sender, receiver, partition) is the carrier's business. Every message bears the
sender's ballot, and what concerns learning bears its signature as well (A6, A12): a receiver that
knows better answers Stale, a receiver that knows less takes the ballot over first.
"""

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import NamedTuple, TypeAlias

from pegasus_server.replication.mutation import Mutation
from pegasus_tab.base.cluster import PartitionConfig, ReplicaStatus
from pegasus_tab.base.ids import Ballot, Decree, Signature

NO_SIGNATURE = Signature(0)
"""In messages between primary and secondary, which concern no learning."""


class Prepare(NamedTuple):
    """Primary to secondary or joined learner: hold this mutation.

    Attributes:
        mutation: under the primary's ballot.
        committed: everything up to it is committed; lies below the mutation's decree.
        signature: of the receiver's learning, NO_SIGNATURE to a secondary.
    """

    mutation: Mutation
    committed: Decree
    signature: Signature = NO_SIGNATURE

    @property
    def ballot(self) -> Ballot:
        """The sender's."""
        return self.mutation.ballot


@unique
class PrepareOutcome(StrEnum):
    """What a receiver of Prepare has to say."""

    OK = "ok"
    """It holds every decree up to ``decree`` on disk, as prepared under this ballot."""
    GAP = "gap"
    """It lacks ``decree`` + 1; send from there again."""
    LATER = "later"
    """A learner has no room; stop sending, it will ask."""
    INACTIVE = "inactive"
    """It is no member; it lost what it knew, or never knew."""


class PrepareAck(NamedTuple):
    """Secondary or learner to primary.

    Attributes:
        ballot: of the prepares it is about.
        decree: see PrepareOutcome.
        outcome: what the receiver has to say.
        signature: as in the prepare.
    """

    ballot: Ballot
    decree: Decree
    outcome: PrepareOutcome = PrepareOutcome.OK
    signature: Signature = NO_SIGNATURE


@dataclass(frozen=True, slots=True)
class Stale:
    """To the sender of any message with a lower ballot: this one is known here (A6)."""

    ballot: Ballot


@dataclass(frozen=True, slots=True)
class GroupCheck:
    """Primary to members and learners: the configuration and the commit point.

    It tells a learner to begin (its signature is in the configuration), spreads a new ballot, and
    lets an idle partition's secondaries commit.
    """

    config: PartitionConfig
    committed: Decree

    @property
    def ballot(self) -> Ballot:
        """The sender's."""
        return self.config.ballot


@dataclass(frozen=True, slots=True)
class GroupCheckAck:
    """Answer to GroupCheck: what the receiver is."""

    ballot: Ballot
    status: ReplicaStatus
    committed: Decree
    prepared: Decree
    signature: Signature = NO_SIGNATURE


@dataclass(frozen=True, slots=True)
class LearnRequest:
    """Learner to primary: what is missing above ``committed``?

    Attributes:
        ballot: of the configuration the learner knows.
        signature: of this attempt.
        round: rises with every request of the attempt; an answer bears its request's round.
        committed: the learner holds everything up to it, applied.
        committed_us: timestamp of its mutation at ``committed``, 0 if not known. If the primary
            has another mutation there, the learner's past is not the partition's.
    """

    ballot: Ballot
    signature: Signature
    round: int
    committed: Decree
    committed_us: int = 0


@unique
class LearnMode(StrEnum):
    """How a learner gets on."""

    CACHE = "cache"
    """The missing mutations are in the answer."""
    LOG = "log"
    """They are in files of the primary's private log."""
    CHECKPOINT = "checkpoint"
    """A checkpoint first, then ask again."""
    DISCARD = "discard"
    """The learner holds what never was, or was lost: begin from nothing."""
    LATER = "later"
    """Ask again in a while."""


@dataclass(frozen=True, slots=True)
class LearnFile:
    """A file to copy.

    Attributes:
        name: relative to the replica's folder on the primary.
        bytes: its size.
        crc32c: of its bytes; the copy must agree.
    """

    name: str
    bytes: int
    crc32c: int


@dataclass(frozen=True, slots=True)
class LearnAnswer:
    """Primary to learner.

    Attributes:
        ballot: of the primary.
        signature: of this attempt.
        round: of the request.
        mode: how to get on.
        join: decree from which on the learner gets prepares and the primary waits for it; None
            if it is not to join in this round.
        mutations: committed ones, in decree order; up to join - 1. They begin where the learner
            ended (CACHE) or where the files end (LOG).
        files: for LOG and CHECKPOINT.
        through: the files hold everything up to this decree.
        timestamp_us: the highest timestamp given in this partition.
    """

    ballot: Ballot
    signature: Signature
    round: int
    mode: LearnMode
    join: Decree | None = None
    mutations: tuple[Mutation, ...] = ()
    files: tuple[LearnFile, ...] = ()
    through: Decree = Decree(0)  # noqa: RUF009 - a NewType call makes no object
    timestamp_us: int = 0


@dataclass(frozen=True, slots=True)
class LearnCompleted:
    """Learner to primary: everything below ``join`` is applied and on disk; promote me."""

    ballot: Ballot
    signature: Signature
    join: Decree


Message: TypeAlias = (
    Prepare
    | PrepareAck
    | Stale
    | GroupCheck
    | GroupCheckAck
    | LearnRequest
    | LearnAnswer
    | LearnCompleted
)
