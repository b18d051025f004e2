"""What can happen to a cluster's meta server. Commands carry a token that comes back in a Reply."""

from dataclasses import dataclass
from typing import TypeAlias

from pegasus_server.meta.balance import MoveKind
from pegasus_server.meta.inputs import MetaRequest
from pegasus_server.meta.messages import ToMeta
from pegasus_server.meta.store_inputs import StoreInput
from pegasus_tab.base.ids import Gpid, NodeName


@dataclass(frozen=True, slots=True)
class Elected:
    """This meta server leads from now on.

    Attributes:
        epoch: rises with every election of the cluster (ZooKeeper: czxid of the leader's node).
        session_us: the session timeout the store granted; None for a store without sessions.
        alive_us: CLOCK_BOOTTIME when the request left whose answer told of the election.
    """

    epoch: int
    session_us: int | None
    alive_us: int


@dataclass(frozen=True, slots=True)
class Deposed:
    """This meta server does not lead, or another leads now; ``leader`` is whom to forward to."""

    leader: NodeName | None


@dataclass(frozen=True, slots=True)
class StoreAlive:
    """The store answered, on a living session, a request that left at ``sent_us``."""

    sent_us: int


@dataclass(frozen=True, slots=True)
class Received:
    """A replica server sent a message."""

    message: ToMeta


@dataclass(frozen=True, slots=True)
class Administer:
    """A request about the catalog, with the wall clock in unix seconds."""

    request: MetaRequest
    unix_seconds: int


@dataclass(frozen=True, slots=True)
class Balance:
    """Plan moves and begin to carry them out; the reply lists them.

    Attributes:
        moves_max: plan at most so many, >= 1.
        is_rehearsal: only list them.
        kinds: plan moves of these kinds.
    """

    moves_max: int
    is_rehearsal: bool
    token: object
    kinds: frozenset[MoveKind] = frozenset(MoveKind)


@dataclass(frozen=True, slots=True)
class MovePrimary:
    """Make a secondary the primary of a partition, by handing over."""

    gpid: Gpid
    target: NodeName
    token: object


@dataclass(frozen=True, slots=True)
class MoveReplica:
    """Give ``target`` the replica that the secondary ``source`` has."""

    gpid: Gpid
    source: NodeName
    target: NodeName
    token: object


@dataclass(frozen=True, slots=True)
class RemoveReplica:
    """Take a secondary's replica out of a partition; the cure gives another server one."""

    gpid: Gpid
    source: NodeName
    token: object


@dataclass(frozen=True, slots=True)
class ForcePrimary:
    """Make a server the primary of a partition without one, whatever its replica lacks.

    The last word for a partition whose members are all lost: writes that this replica does not
    hold are lost for good.
    """

    gpid: Gpid
    target: NodeName
    token: object


@dataclass(frozen=True, slots=True)
class Recover:
    """Rebuild an empty store from what these replica servers have.

    Attributes:
        nodes: all of the cluster's replica servers.
        skip_silent: go on without those that do not answer in time.
        skip_lost: make partitions that no server has a replica of anew, empty.
    """

    nodes: tuple[NodeName, ...]
    skip_silent: bool
    skip_lost: bool
    token: object


@dataclass(frozen=True, slots=True)
class ClusterTick:
    """Time passed; due at ``next_deadline``, with the wall clock in unix seconds."""

    unix_seconds: int


ClusterCommand: TypeAlias = (
    Balance | MovePrimary | MoveReplica | RemoveReplica | ForcePrimary | Recover
)
ClusterInput: TypeAlias = (
    Elected
    | Deposed
    | StoreAlive
    | StoreInput
    | Received
    | Administer
    | ClusterCommand
    | ClusterTick
)
