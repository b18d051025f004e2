"""Blind writes of many rows: grouped by hash key, streamed, and in order where order matters.

Rows that share a hash key go out as one MULTI_PUT, which the store applies as a whole, as long as it
stays within the limits of one request. Requests run concurrently, so a later row for a key must not
leave while an earlier one may still be on its way: rows are taken in chunks, within a chunk the last
row for a key wins before anything is sent, and a chunk that touches a hash key still under way waits
until everything before it has been answered.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeAlias

from pegasus_tab.base.limits import BATCH_OPERATIONS_MAX, KIB, WRITE_REQUEST_BYTES_MAX
from pegasus_tab.execute.context import Context
from pegasus_tab.kv.call import Call
from pegasus_tab.kv.table_calls import TableCalls
from pegasus_tab.tabular.row_codec import Pair
from pegasus_tab.wire.keys import encode_key

CHUNK_ROWS = 4096
WRITE_WINDOW = 512
"""Requests under way at once: what arrives together shares one log write on the server."""
PAIR_OVERHEAD_BYTES = 32
"""What a pair takes in a request beside its key and value."""
REQUEST_BYTES_MAX = WRITE_REQUEST_BYTES_MAX - 8 * KIB
"""Room for the hash key and the envelope."""


EncodedRow: TypeAlias = tuple[bytes, list[Pair], int]
"""(hash key, pairs, time to live in seconds) of a row ready to be written."""

_Group: TypeAlias = dict[bytes, tuple[bytes, int]]
"""Sort key -> (value, time to live) of one hash key."""


class PutStream:
    """Writes rows in their order of arrival.

    Args:
        calls: of the table.
        rows: the rows; taken chunk by chunk as the stream advances.
    """

    def __init__(self, calls: TableCalls, rows: Iterable[EncodedRow]) -> None:
        self._calls = calls
        self._rows = iter(rows)
        self._groups: dict[bytes, _Group] = {}
        self._last_call: dict[bytes, int] = {}
        self._sent = 0
        self._answered = 0
        self._ended = False
        self.rowcount = 0

    def write(self, context: Context) -> int:
        """Write everything and return the number of rows.

        Raises:
            Error: what one of the requests met; some rows are written then.
        """
        while not self._ended:
            for _ in context.writes(self._calls_until_conflict(), WRITE_WINDOW):
                self._answered += 1
        return self.rowcount

    def _calls_until_conflict(self) -> Iterator[Call[Any]]:
        while True:
            if not self._groups:
                self._groups = self._next_chunk()
            if not self._groups:
                self._ended = True
                return
            if any(self._under_way(hash_key) for hash_key in self._groups):
                return
            groups, self._groups = self._groups, {}
            for hash_key, group in groups.items():
                for call in self._group_calls(hash_key, group):
                    self._sent += 1
                    yield call
                self._last_call[hash_key] = self._sent
            self._forget_answered()

    def _under_way(self, hash_key: bytes) -> bool:
        return self._last_call.get(hash_key, 0) > self._answered

    def _forget_answered(self) -> None:
        answered = self._answered
        self._last_call = {key: at for key, at in self._last_call.items() if at > answered}

    def _next_chunk(self) -> dict[bytes, _Group]:
        groups: dict[bytes, _Group] = {}
        for hash_key, pairs, ttl_seconds in islice(self._rows, CHUNK_ROWS):
            self.rowcount += 1
            group = groups.get(hash_key)
            if group is None:
                group = groups[hash_key] = {}
            for sort_key, value in pairs:
                group[sort_key] = (value, ttl_seconds)
        return groups

    def _group_calls(self, hash_key: bytes, group: _Group) -> Iterator[Call[Any]]:
        if len(group) == 1 or not hash_key:
            # Rows with an empty hash key are spread by their sort keys: one request each.
            for sort_key, (value, ttl_seconds) in group.items():
                yield self._calls.put_call(encode_key(hash_key, sort_key), value, ttl_seconds)
            return
        by_ttl: dict[int, list[Pair]] = {}
        for sort_key, (value, ttl_seconds) in group.items():
            by_ttl.setdefault(ttl_seconds, []).append((sort_key, value))
        for ttl_seconds, pairs in by_ttl.items():
            for batch in batches(pairs):
                sort_keys, values = zip(*batch, strict=True)
                yield self._calls.multi_put_call(hash_key, sort_keys, values, ttl_seconds)


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
