"""Rows that go out together: what the stream of blind writes asks of them, and rows as groups."""

from collections.abc import Iterator
from typing import Any, Final, Protocol, Self

from pegasus_tab.execute.put_requests import Groups, calls_by_hash_key, calls_by_partition
from pegasus_tab.kv.call import Call
from pegasus_tab.kv.table_calls import TableCalls

FEW_HASH_KEYS: Final = 16
"""For less it is not worth while to gather the rows of a partition."""


class Chunk(Protocol):
    """Rows that go out together, the last one for each key already chosen.

    Attributes:
        rows: how many were put in.
        tag: whatever the maker wants to know it by when it is written.
        is_worth_gathering: whether few requests of many rows each are worth a question to the servers.
    """

    @property
    def rows(self) -> int: ...  # noqa: D102 -- an attribute

    @property
    def tag(self) -> Any: ...  # noqa: D102 -- an attribute

    @property
    def is_worth_gathering(self) -> bool: ...  # noqa: D102 -- an attribute

    def conflicts(self, other: Self) -> bool:
        """Tell whether a row of this one must not overtake one of the other."""

    def calls_by_partition(self, calls: TableCalls, partition_count: int) -> Iterator[Call[Any]]:
        """Write the rows with TAB_PUT_ROWS; no key is in two of the calls."""

    def calls_by_hash_key(self, calls: TableCalls) -> Iterator[Call[Any]]:
        """Write the rows with what every Pegasus server knows."""


class GroupChunk:
    """Rows by hash key and sort key.

    Attributes: see Chunk.

    Args:
        rows: how many were put in.
        groups: their pairs.
    """

    __slots__ = ("groups", "rows", "tag")

    def __init__(self, rows: int, groups: Groups) -> None:
        self.rows = rows
        self.groups = groups
        self.tag = None

    @property
    def is_worth_gathering(self) -> bool:
        """See Chunk."""
        return len(self.groups) >= FEW_HASH_KEYS

    def conflicts(self, other: Self) -> bool:
        """See Chunk: one hash key in both is enough."""
        return not self.groups.keys().isdisjoint(other.groups)

    def calls_by_partition(self, calls: TableCalls, partition_count: int) -> Iterator[Call[Any]]:
        """See Chunk."""
        return calls_by_partition(calls, self.groups, partition_count)

    def calls_by_hash_key(self, calls: TableCalls) -> Iterator[Call[Any]]:
        """See Chunk."""
        return calls_by_hash_key(calls, self.groups)
