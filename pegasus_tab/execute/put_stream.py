"""Blind writes of many rows: gathered into requests, streamed, and in order where order matters.

What the requests look like is the business of the chunks. Requests run concurrently, so a later row
for a key must not leave while an earlier one may still be on its way: rows are taken in chunks
(put_chunk.py, column_chunk.py), within a chunk the last row for a key wins before anything is sent,
and a chunk in conflict with one still under way waits until everything before it has been answered.
"""

import sys
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from pegasus_tab.base.errors import DataError, NotSupportedError
from pegasus_tab.execute.context import Context
from pegasus_tab.execute.put_chunk import Chunk, GroupChunk
from pegasus_tab.kv.call import Call
from pegasus_tab.kv.table_calls import TableCalls
from pegasus_tab.sql.catalog import Table
from pegasus_tab.tabular.row_codec import Pair
from pegasus_tab.wire.put_rows import encode_rows

if TYPE_CHECKING:
    from pegasus_tab.execute.put_requests import Groups

CHUNK_ROWS = 4096
WRITE_WINDOW = 512
"""Requests under way at once: what arrives together shares one log write on the server."""
PARTITION_WINDOW = 24
"""Likewise, when each holds many rows of a partition: the servers have enough to do while the next chunk
is made, and 6 MiB are less than a server keeps waiting for its log (8 MiB)."""


EncodedRow: TypeAlias = tuple[bytes, list[Pair], int]
"""(hash key, pairs, time to live in seconds) of a row ready to be written."""

ChunkT = TypeVar("ChunkT", bound=Chunk)


class PutStream(Generic[ChunkT]):
    """Writes rows in their order of arrival.

    Args:
        calls: to the table.
        table: the table.
        chunks: the rows; taken as the stream advances.
    """

    def __init__(self, calls: TableCalls, table: Table, chunks: Iterable[ChunkT]) -> None:
        self._calls = calls
        self._partition_count = table.partition_count
        self._by_partition = False
        self._chunks = iter(chunks)
        self._next: ChunkT | None = None
        self._under_way: deque[tuple[ChunkT, int]] = deque()
        self._sent = 0
        self._ended = False

    def write(self, context: Context) -> int:
        """Write everything and return the number of rows.

        Raises:
            Error: what one of the requests met; some rows are written then.
        """
        return sum(chunk.rows for chunk in self.written(context))

    def written(self, context: Context) -> Iterator[ChunkT]:
        """Write everything; yield each chunk, in order, once all of it is written; raises as above."""
        answered = 0
        self._next = next(self._chunks, None)
        if self._next is not None and self._next.is_worth_gathering:
            self._by_partition = _put_rows_is_known(context, self._calls)
        window = PARTITION_WINDOW if self._by_partition else WRITE_WINDOW
        while not self._ended:
            for _ in context.writes(self._calls_until_conflict(), window):
                answered += 1
                yield from self._chunks_up_to(answered)
            yield from self._chunks_up_to(answered)

    def _chunks_up_to(self, answered: int) -> Iterator[ChunkT]:
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
            chunk = self._next
            if any(chunk.conflicts(earlier) for earlier, _ in self._under_way):
                return
            self._next = None
            # Until its last call is made nobody knows how many there are.
            self._under_way.append((chunk, sys.maxsize))
            for call in self._chunk_calls(chunk):
                self._sent += 1
                yield call
            self._under_way[-1] = (chunk, self._sent)

    def _chunk_calls(self, chunk: ChunkT) -> Iterator[Call[Any]]:
        if self._by_partition:
            return chunk.calls_by_partition(self._calls, self._partition_count)
        return chunk.calls_by_hash_key(self._calls)


def _put_rows_is_known(context: Context, calls: TableCalls) -> bool:
    """Tell whether the servers know TAB_PUT_ROWS.

    Asked once a connection, with a request without rows: that is an invalid argument to a server
    that knows the call.
    """
    abilities = context.abilities
    if abilities.put_rows is None:
        question = calls.put_rows_call(0, encode_rows([], []))
        answer = context.client.call(question, context.deadline.left_ms)
        if isinstance(answer, NotSupportedError):
            abilities.put_rows = False
        elif isinstance(answer, DataError):
            abilities.put_rows = True
    return abilities.put_rows is True


def chunked(rows: Iterable[EncodedRow]) -> Iterator[GroupChunk]:
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
        yield GroupChunk(count, groups)
