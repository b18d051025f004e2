"""Where a statement's rows come from: an access path, compiled, that delivers pages of row tuples.

Every source filters: the rows it delivers satisfy all conjuncts of the plan's source, whether the
access path answered them (seek), the storage node did (pushed) or the client does here (residual).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Protocol

from pegasus_tab.base.limits import MIB
from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.context import WINDOW, Context
from pegasus_tab.execute.evaluate import RowShape, compile_predicate
from pegasus_tab.execute.lookup import Key, RowReader
from pegasus_tab.execute.result import Page
from pegasus_tab.execute.seek import KeySeek, RangeSeek
from pegasus_tab.execute.strict import Evaluator
from pegasus_tab.kv.multi_get import RangeRead
from pegasus_tab.sql.expression import Expression
from pegasus_tab.sql.plan_nodes import MultiGet, MultiRange, NoRows, PointGet, RangeScan, Source
from pegasus_tab.tabular.row_codec import Pair
from pegasus_tab.tabular.row_keys import KeyRange
from pegasus_tab.wire.messages import MultiGetRequest

KEYS_PER_PAGE = 1000
RANGE_PAGE_BYTES = 1 * MIB


class RowSource(Protocol):
    """Rows of one table for one statement, compiled once and read at each execution."""

    shape: RowShape
    """Where the rows hold columns and times to live."""

    def pages(self, context: Context, bindings: Bindings, rows_max: int | None) -> Iterator[Page]:
        """Yield the rows in pages.

        Args:
            context: the store.
            bindings: parameters.
            rows_max: the reader stops after so many rows, so no more need be fetched; None for all.
        """


class NoRowsSource:
    """The predicate can never hold."""

    def __init__(self, source: Source) -> None:
        self.shape = RowShape({id_: place for place, id_ in enumerate(source.columns)})

    def pages(self, context: Context, bindings: Bindings, rows_max: int | None) -> Iterator[Page]:  # noqa: ARG002 -- the protocol's signature
        """Yield nothing."""
        return iter(())


class LookupSource:
    """PointGet and MultiGet."""

    def __init__(
        self, source: Source, access: PointGet | MultiGet, expressions: Sequence[Expression]
    ) -> None:
        conjuncts = (*source.pushed, *source.residual)
        self._reader = RowReader(source.table, (*expressions, *conjuncts))
        self.shape = self._reader.shape
        self._seek = KeySeek(access, self._reader.codec)
        self._predicate = compile_predicate(conjuncts, self.shape)

    def pages(self, context: Context, bindings: Bindings, rows_max: int | None) -> Iterator[Page]:
        """See RowSource; rows come in the order in which the keys are named."""
        keys = iter(self._seek.keys(bindings))
        size = KEYS_PER_PAGE
        if rows_max is not None and self._predicate is None:
            size = max(1, min(size, rows_max))
        while batch := list(islice(keys, size)):
            rows = self._reader.rows(context, batch, bindings)
            yield kept([row for row in rows if row is not None], self._predicate, bindings)

    def keys(self, bindings: Bindings) -> list[Key]:
        """Return the keys looked for, each once."""
        return self._seek.keys(bindings)


class RangeSource:
    """RangeScan and MultiRange: one hash key after the other, sort keys up or down."""

    def __init__(
        self, source: Source, access: RangeScan | MultiRange, expressions: Sequence[Expression]
    ) -> None:
        conjuncts = (*source.pushed, *source.residual)
        self._table = source.table
        self._reader = RowReader(source.table, (*expressions, *conjuncts))
        self._codec = self._reader.codec
        self.shape = self._reader.shape
        self._seek = RangeSeek(access, self._codec)
        self._reverse = isinstance(access, RangeScan) and access.reverse
        self._predicate = compile_predicate(conjuncts, self.shape)

    @property
    def countable(self) -> bool:
        """True when every pair in the range is a row of the result, so that counting reads no value."""
        return self._predicate is None and self._codec.plain

    def count(self, context: Context, bindings: Bindings) -> int:
        """Return the number of rows; only when ``countable``."""
        assert self.countable
        sort_range = self._seek.sort_range(bindings)
        if sort_range is None:
            return 0
        reads = [
            _Emptied(RangeRead(context.calls(self._table), request, None))
            for hash_key in self._seek.hash_keys(bindings)
            for request in [replace(self._request(hash_key, sort_range), no_value=True)]
        ]
        return sum(len(page) for page in context.follow(reads, WINDOW))

    def pages(self, context: Context, bindings: Bindings, rows_max: int | None) -> Iterator[Page]:
        """See RowSource."""
        if self._predicate is not None or not self._codec.plain:
            rows_max = None  # not every pair read becomes a row
        sort_range = self._seek.sort_range(bindings)
        if sort_range is None:
            return
        for hash_key in self._seek.hash_keys(bindings):
            for pairs in self._pair_pages(context, hash_key, sort_range, rows_max):
                rows: Page = list(self._codec.decode_rows(hash_key, pairs))
                if self.shape.ttl:
                    keys = [self._codec.key(row) for row in rows]
                    timed = self._reader.with_ttls(context, keys, rows)
                    rows = [row for row in timed if row is not None]
                yield kept(rows, self._predicate, bindings)

    def _pair_pages(
        self, context: Context, hash_key: bytes, sort_range: KeyRange, rows_max: int | None
    ) -> Iterator[list[Pair]]:
        """Yield pairs in the wanted direction; a row's pairs are never parted."""
        request = self._request(hash_key, sort_range)
        read = RangeRead(context.calls(self._table), request, rows_max)
        if rows_max is not None:
            context.drain([read])
            yield self._directed(read.rows)
            return
        rest: list[Pair] = []
        for page in context.follow([_Emptied(read)], 1):
            pairs = rest + self._directed(page)
            whole = len(pairs) if self._codec.plain else self._whole_rows(pairs)
            rest = pairs[whole:]
            yield pairs[:whole]
        yield rest

    def _request(self, hash_key: bytes, sort_range: KeyRange) -> MultiGetRequest:
        return MultiGetRequest(
            hash_key,
            max_kv_size=RANGE_PAGE_BYTES,
            start_sortkey=sort_range[0],
            stop_sortkey=sort_range[1],
            start_inclusive=True,
            reverse=self._reverse,
        )

    def _directed(self, pairs: Any) -> list[Pair]:
        return list(reversed(pairs)) if self._reverse else list(pairs)

    def _whole_rows(self, pairs: list[Pair]) -> int:
        """Return how many leading pairs surely hold whole rows: all but those of the last row."""
        if not pairs:
            return 0
        row_key = self._codec.row_key(pairs[-1][0])
        end = len(pairs)
        while end and pairs[end - 1][0].startswith(row_key):
            end -= 1
        return end


class _Emptied:
    """A RangeRead whose pages are taken out as they come, so that it holds only one."""

    def __init__(self, read: RangeRead) -> None:
        self._read = read
        self.next_call = read.next_call
        self.closing_call = read.closing_call

    def accept(self, result: object) -> list[Pair]:
        """Return the page's pairs, ascending."""
        self._read.accept(result)
        page = list(self._read.rows)
        self._read.rows.clear()
        return page


def kept(rows: Page, predicate: Evaluator | None, bindings: Bindings) -> Page:
    """Return the rows for which the predicate is TRUE; all of them without a predicate."""
    if predicate is None:
        return rows
    return [row for row in rows if predicate(row, bindings) is True]


def compile_source(source: Source, expressions: Sequence[Expression]) -> RowSource:
    """Return the compiled source.

    Args:
        source: the plan's.
        expressions: everything the statement computes from its rows, beside the source's own
            conjuncts: they say which families and MAP cells are read.
    """
    match source.access:
        case PointGet() | MultiGet() as access:
            return LookupSource(source, access, expressions)
        case RangeScan() | MultiRange() as access:
            return RangeSource(source, access, expressions)
        case NoRows():
            return NoRowsSource(source)
        case _:
            from pegasus_tab.execute.scan import ScanSource

            return ScanSource(source, expressions)
