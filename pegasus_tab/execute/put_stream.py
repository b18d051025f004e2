"""Blind writes of many rows: grouped by hash key, streamed, and in order where order matters.

Rows that share a hash key go out as one MULTI_PUT, which the store applies as a whole, as long as it
stays within the limits of one request. Requests run concurrently, so a later row for a key must not
leave while an earlier one may still be on its way: rows are taken in chunks, within a chunk the last
row for a key wins before anything is sent, and a chunk that touches a hash key still under way waits
until everything before it has been answered.
"""

import sys
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

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

Groups: TypeAlias = dict[bytes, dict[bytes, tuple[bytes, int]]]
"""Hash key -> sort key -> (value, time to live)."""


class Chunk(NamedTuple):
    """Rows that go out together, the last one for each key already chosen.

    Attributes:
        rows: how many were put in.
        groups: their pairs.
        tag: whatever the maker wants to know it by when it is written.
    """

    rows: int
    groups: Groups
    tag: Any = None


class PutStream:
    """Writes rows in their order of arrival.

    Args:
        calls: of the table.
        chunks: the rows; taken as the stream advances.
    """

    def __init__(self, calls: TableCalls, chunks: Iterable[Chunk]) -> None:
        self._calls = calls
        self._chunks = iter(chunks)
        self._next: Chunk | None = None
        self._under_way: deque[tuple[Chunk, int]] = deque()
        self._sent = 0
        self._ended = False

    def write(self, context: Context) -> int:
        """Write everything and return the number of rows.

        Raises:
            Error: what one of the requests met; some rows are written then.
        """
        return sum(chunk.rows for chunk in self.written(context))

    def written(self, context: Context) -> Iterator[Chunk]:
        """Write everything; yield each chunk, in order, once all of it is written; raises as above."""
        answered = 0
        while not self._ended:
            for _ in context.writes(self._calls_until_conflict(), WRITE_WINDOW):
                answered += 1
                yield from self._chunks_up_to(answered)
            yield from self._chunks_up_to(answered)

    def _chunks_up_to(self, answered: int) -> Iterator[Chunk]:
        under_way = self._under_way
        while under_way and under_way[0][1] <= answered:
            yield under_way.popleft()[0]

    def _calls_until_conflict(self) -> Iterator[Call[Any]]:
        while True:
            if self._next is None:
                self._next = next(self._chunks, None)
            if self._next is None:
                self._ended = True
                return
            if self._conflicts(self._next.groups):
                return
            chunk, self._next = self._next, None
            # Until its last call is made nobody knows how many there are.
            self._under_way.append((chunk, sys.maxsize))
            for call in self._chunk_calls(chunk.groups):
                self._sent += 1
                yield call
            self._under_way[-1] = (chunk, self._sent)

    def _conflicts(self, groups: Groups) -> bool:
        """Tell whether a chunk under way has one of these hash keys."""
        keys = groups.keys()
        return any(not keys.isdisjoint(chunk.groups) for chunk, _ in self._under_way)

    def _chunk_calls(self, groups: Groups) -> Iterator[Call[Any]]:
        put_call = self._calls.put_call
        for hash_key, group in groups.items():
            if len(group) == 1 or not hash_key:
                # Rows with an empty hash key are spread by their sort keys: one request each.
                for sort_key, (value, ttl_seconds) in group.items():
                    yield put_call(encode_key(hash_key, sort_key), value, ttl_seconds)
            else:
                yield from self._group_calls(hash_key, group)

    def _group_calls(
        self, hash_key: bytes, group: dict[bytes, tuple[bytes, int]]
    ) -> Iterator[Call[Any]]:
        by_ttl: dict[int, list[Pair]] = {}
        for sort_key, (value, ttl_seconds) in group.items():
            by_ttl.setdefault(ttl_seconds, []).append((sort_key, value))
        for ttl_seconds, pairs in by_ttl.items():
            for batch in batches(pairs):
                sort_keys, values = zip(*batch, strict=True)
                yield self._calls.multi_put_call(hash_key, sort_keys, values, ttl_seconds)


def chunked(rows: Iterable[EncodedRow]) -> Iterator[Chunk]:
    """Cut rows into chunks."""
    source = iter(rows)
    while True:
        count = 0
        groups: Groups = {}
        for hash_key, pairs, ttl_seconds in islice(source, CHUNK_ROWS):
            count += 1
            group = groups.get(hash_key)
            if group is None:
                group = groups[hash_key] = {}
            for sort_key, value in pairs:
                group[sort_key] = (value, ttl_seconds)
        if not count:
            return
        yield Chunk(count, groups)


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
