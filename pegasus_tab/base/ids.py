"""Identifiers of the replication protocol, each its own type so that they cannot be mixed up.

Words are PacificA's (MSR-TR-2008-25): a *ballot* numbers a partition's configurations, a *decree*
numbers the mutations inside one partition.
"""

from typing import NamedTuple, NewType

Ballot = NewType("Ballot", int)
Decree = NewType("Decree", int)
NodeName = NewType("NodeName", str)
"""A server, named by its address "host:port"."""
Signature = NewType("Signature", int)
"""One attempt at learning, rising within a partition: an older one is over (assertion A12)."""


class Gpid(NamedTuple):
    """Global partition id: which table, and which of its partitions.

    Attributes:
        app_id: table id, >= 1 for a user table, never used twice in a cluster.
        partition_index: 0 <= partition_index < the table's partition count.
    """

    app_id: int
    partition_index: int

    def __str__(self) -> str:
        return f"{self.app_id}.{self.partition_index}"
