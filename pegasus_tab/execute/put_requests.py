"""Requests that write rows: few of many rows each where servers know how, else one per hash key.

Rows that share a hash key always go out in one request, which the store applies as a whole, as long as
they stay within the limits of one.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeAlias

from pegasus_tab.base.limits import (
    BATCH_OPERATIONS_MAX,
    KIB,
    PUT_ROWS_MAX,
    WRITE_REQUEST_BYTES_MAX,
)
from pegasus_tab.kv.call import Call
from pegasus_tab.kv.table_calls import TableCalls
from pegasus_tab.tabular.row_codec import Pair
from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.partition_hash import partition_index
from pegasus_tab.wire.put_rows import encode_rows

Groups: TypeAlias = dict[bytes, dict[bytes, tuple[bytes, int]]]
"""Hash key -> sort key -> (value, time to live)."""

PAIR_OVERHEAD_BYTES = 32
"""What a pair takes in a request beside its key and value."""
REQUEST_BYTES_MAX = WRITE_REQUEST_BYTES_MAX - 8 * KIB
"""Room for the hash key and the envelope."""

ROWS_WANTED: Final = 512
BYTES_WANTED: Final = 128 * KIB
"""A request for a partition leaves once it has so much: more would only hold others up there."""


class PartitionRows:
    """Rows of one partition and one time to live, growing to a request.

    Attributes:
        keys: encoded.
        values: one per key.
        bytes: of both, with their overhead.
    """

    __slots__ = ("bytes", "keys", "values")

    def __init__(self) -> None:
        self.keys: list[bytes] = []
        self.values: list[bytes] = []
        self.bytes = 0

    def has_room(self, rows: int, bytes_: int) -> bool:
        """Tell whether so much more fits into the same request."""
        return (
            len(self.keys) + rows <= PUT_ROWS_MAX and self.bytes + bytes_ <= REQUEST_BYTES_MAX
        ) or not self.keys

    @property
    def is_due(self) -> bool:
        """Tell whether the request is large enough."""
        return len(self.keys) >= ROWS_WANTED or self.bytes >= BYTES_WANTED


def calls_by_partition(
    calls: TableCalls, groups: Groups, partition_count: int
) -> Iterator[Call[Any]]:
    """Write rows with as few requests as sensible.

    Args:
        calls: of the table.
        groups: the rows.
        partition_count: of the table.

    Yields:
        TAB_PUT_ROWS calls; no key is in two of them.
    """
    gathered: dict[tuple[int, int], PartitionRows] = {}
    for hash_key, group in groups.items():
        for index, ttl_seconds, pairs in _same_fate(hash_key, group, partition_count):
            place = index, ttl_seconds
            rows = gathered.get(place)
            if rows is None:
                rows = gathered[place] = PartitionRows()
            for batch in batches(pairs) if len(pairs) > 1 else (pairs,):
                size = sum([len(key) + len(value) + PAIR_OVERHEAD_BYTES for key, value in batch])
                if not rows.has_room(len(batch), size):
                    yield _put_rows(calls, place, rows)
                    rows = gathered[place] = PartitionRows()
                for key, value in batch:
                    rows.keys.append(key)
                    rows.values.append(value)
                rows.bytes += size
            if rows.is_due:
                yield _put_rows(calls, place, gathered.pop(place))
    for place, rows in gathered.items():
        yield _put_rows(calls, place, rows)


def _same_fate(
    hash_key: bytes, group: dict[bytes, tuple[bytes, int]], partition_count: int
) -> Iterator[tuple[int, int, list[Pair]]]:
    """Yield (partition, time to live, encoded pairs) of what must stay together."""
    if not hash_key:  # such rows are spread by their sort keys
        for sort_key, (value, ttl_seconds) in group.items():
            index = partition_index(b"", sort_key, partition_count)
            yield index, ttl_seconds, [(encode_key(b"", sort_key), value)]
        return
    index = partition_index(hash_key, b"", partition_count)
    prefix = encode_key(hash_key, b"")
    if len(group) == 1:
        ((sort_key, (value, ttl_seconds)),) = group.items()
        yield index, ttl_seconds, [(prefix + sort_key, value)]
        return
    for ttl_seconds, pairs in _by_ttl(group).items():
        yield index, ttl_seconds, [(prefix + sort_key, value) for sort_key, value in pairs]


def _put_rows(calls: TableCalls, place: tuple[int, int], rows: PartitionRows) -> Call[Any]:
    index, ttl_seconds = place
    return calls.put_rows_call(index, encode_rows(rows.keys, rows.values), ttl_seconds)


def calls_by_hash_key(calls: TableCalls, groups: Groups) -> Iterator[Call[Any]]:
    """Write rows with the calls that every Pegasus server knows: PUT and MULTI_PUT."""
    put_call = calls.put_call
    for hash_key, group in groups.items():
        if len(group) == 1 or not hash_key:
            # Rows with an empty hash key are spread by their sort keys: one request each.
            for sort_key, (value, ttl_seconds) in group.items():
                yield put_call(encode_key(hash_key, sort_key), value, ttl_seconds)
            continue
        for ttl_seconds, pairs in _by_ttl(group).items():
            for batch in batches(pairs):
                sort_keys, values = zip(*batch, strict=True)
                yield calls.multi_put_call(hash_key, sort_keys, values, ttl_seconds)


def _by_ttl(group: dict[bytes, tuple[bytes, int]]) -> dict[int, list[Pair]]:
    by_ttl: dict[int, list[Pair]] = {}
    for sort_key, (value, ttl_seconds) in group.items():
        by_ttl.setdefault(ttl_seconds, []).append((sort_key, value))
    return by_ttl


def batches(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    """Cut pairs of one hash key into lists that fit one request each."""
    batch: list[Pair] = []
    size = 0
    for pair in pairs:
        pair_bytes = len(pair[0]) + len(pair[1]) + PAIR_OVERHEAD_BYTES
        if batch and (len(batch) == BATCH_OPERATIONS_MAX or size + pair_bytes > REQUEST_BYTES_MAX):
            yield batch
            batch, size = [], 0
        batch.append(pair)
        size += pair_bytes
    if batch:
        yield batch
