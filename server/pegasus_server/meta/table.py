"""What meta knows of one table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from pegasus_tab.base.ids import Ballot


class TableStatus(IntEnum):
    """The table's life: CREATING -> AVAILABLE -> DROPPED -> RECALLING -> AVAILABLE, or purged.

    The numbers are app_status of the wire (protocol reference 9).
    """

    AVAILABLE = 1
    CREATING = 2
    DROPPED = 6
    RECALLING = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table.

    Attributes:
        app_id: >= 1, never given to another table, also not after a purge.
        name: unique among the tables that are not dropped.
        status: see TableStatus.
        max_replica_count: copies asked for, 1..REPLICAS_MAX; how many exist depends on the nodes.
        envs: the table's settings, by name.
        ballots: one per partition, in index order; each >= 1. Their number is a power of two.
            On a standalone node these are the current ballots; in a cluster every partition has
            a record of its own, and these are only counted.
        create_second: unix seconds.
        drop_second: unix seconds, 0 unless DROPPED or RECALLING.
        expire_second: unix seconds after which a dropped table may be purged, else 0.
    """

    app_id: int
    name: str
    status: TableStatus
    max_replica_count: int
    ballots: tuple[Ballot, ...]
    create_second: int
    envs: Mapping[str, str] = field(default_factory=dict)
    drop_second: int = 0
    expire_second: int = 0

    @property
    def partition_count(self) -> int:
        """How many partitions the table has, fixed at creation."""
        return len(self.ballots)

    @property
    def is_unfinished(self) -> bool:
        """Tell whether its replicas are on their way; it takes no other change until they serve."""
        return self.status in (TableStatus.CREATING, TableStatus.RECALLING)
