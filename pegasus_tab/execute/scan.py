"""TableScan: partitions side by side, pages of Arrow, bounded prefetch (scan_pages.py).

What a server or a bare driver cannot do with Arrow is done with pairs
(scan_read.py, scan_decode.py); the rows are the same.
"""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from pegasus_tab.base.limits import EPOCH_UNIX_SECONDS
from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.context import Context, codec_of
from pegasus_tab.execute.errors import arrow_missing
from pegasus_tab.execute.evaluate import RowShape, compile_predicate
from pegasus_tab.execute.lookup import RowReader
from pegasus_tab.execute.result import Page
from pegasus_tab.execute.row_source import kept
from pegasus_tab.execute.scan_decode import ArrowDecoder, RowDecoder
from pegasus_tab.execute.scan_pages import ScanWish, scan_pages
from pegasus_tab.execute.scan_read import ScanPage
from pegasus_tab.execute.storage_filter import is_false, storage_filter
from pegasus_tab.execute.wanted import wanted_parts
from pegasus_tab.sql.expression import ColumnRef, Expression, TtlOf
from pegasus_tab.sql.plan_nodes import Source
from pegasus_tab.tabular.filter import Filter
from pegasus_tab.wire.messages import TabScanResponse

if TYPE_CHECKING:
    import pyarrow as pa


def has_arrow() -> bool:
    """Tell whether pyarrow is installed, without importing it."""
    return find_spec("pyarrow") is not None


class ScanSource:
    """TableScan; see RowSource for the face it shares with the other sources.

    Attributes:
        shape: rows hold the source's columns in order, then the times to live.
        filtered: True when ``batches`` already gives what the statement's WHERE keeps.
    """

    def __init__(self, source: Source, expressions: Sequence[Expression]) -> None:
        table = source.table
        self._table = table
        self._pushed = source.pushed
        # An Arrow batch without columns has no number of rows: fetch some column then.
        self._columns = source.columns or table.schema.hash_key[:1]
        self._ttls = wanted_parts(table.schema, (*expressions, *source.residual)).ttls
        width = len(self._columns)
        self.shape = RowShape(
            columns={id_: place for place, id_ in enumerate(self._columns)},
            ttl={id_: width + place for place, id_ in enumerate(self._ttls)},
        )
        self._predicate = compile_predicate(source.residual, self.shape)
        self.filtered = self._predicate is None and not self._ttls
        self._codec = codec_of(table)
        types = {column.id: column.type for column in table.schema.columns}
        wanted = [ColumnRef(id_, types[id_]) for id_ in self._columns]
        reader = RowReader(table, [*wanted, *map(TtlOf, self._ttls)])
        self._row_decoder = RowDecoder(reader, table.schema, self._columns)
        families = {column.id: column.family for column in table.schema.columns}
        self._fetched = (*self._columns, *(-1 - families[id_] for id_ in self._ttls))

    def pages(self, context: Context, bindings: Bindings, rows_max: int | None) -> Iterator[Page]:
        """See RowSource; rows come partition by partition, several partitions mixed."""
        filter_ = storage_filter(self._pushed, bindings)
        if is_false(filter_):
            return
        limit = rows_max if self._predicate is None else None
        arrow = has_arrow()
        for page in self._scan(context, filter_, limit, arrow=arrow):
            if isinstance(page, TabScanResponse) or (arrow and not self._ttls):
                rows = self._arrow_rows(context, page, filter_)
            else:
                rows = self._row_decoder.rows(context, page, filter_)
            yield kept(rows, self._predicate, bindings)

    def batches(
        self, context: Context, bindings: Bindings, rows_max: int | None
    ) -> "Iterator[pa.RecordBatch]":
        """Yield record batches of the source's columns; only for a ``filtered`` source."""
        assert self.filtered
        filter_ = storage_filter(self._pushed, bindings)
        if is_false(filter_):
            return
        decoder = ArrowDecoder(self._table.schema, self._columns, filter_)
        for page in self._scan(context, filter_, rows_max, arrow=True):
            batch = decoder.batch(page)
            if batch is not None and batch.num_rows:
                yield batch

    def arrow_schema(self) -> "pa.Schema":
        """Return the schema of ``batches``.

        Raises:
            NotSupportedError: pyarrow is not installed.
        """
        try:
            from pegasus_tab.tabular.arrow import arrow_schema
        except ImportError as error:
            raise arrow_missing(error) from error
        return arrow_schema(self._table.schema, self._columns)

    @property
    def countable(self) -> bool:
        """True when the servers can count the rows."""
        return self.filtered

    def count(self, context: Context, bindings: Bindings) -> int:
        """Return the number of rows; only when ``countable``."""
        assert self.countable
        filter_ = storage_filter(self._pushed, bindings)
        if is_false(filter_):
            return 0
        total = 0
        for page in self._scan(context, filter_, None, arrow=True, count_only=True):
            if isinstance(page, TabScanResponse):
                total += page.count
            elif filter_ is None and self._codec.plain:
                total += len(page.keys)
            else:
                total += len(self._row_decoder.rows(context, page, filter_))
        return total

    # ---- pages -------------------------------------------------------------------------------

    def _scan(
        self,
        context: Context,
        filter_: Filter | None,
        rows_max: int | None,
        *,
        arrow: bool,
        count_only: bool = False,
    ) -> Iterator[ScanPage]:
        wish = ScanWish(self._fetched, filter_, rows_max, count_only=count_only)
        partitions = range(self._table.partition_count)
        return scan_pages(context, self._table, wish, partitions, arrow=arrow)

    def _arrow_rows(self, context: Context, page: ScanPage, filter_: Filter | None) -> Page:
        from pegasus_tab.execute.arrow_page import rows_of

        batch = ArrowDecoder(self._table.schema, self._fetched, filter_).batch(page)
        if batch is None:
            return []
        rows = rows_of(batch)
        if not self._ttls:
            return rows
        width = len(self._columns)
        now = int(context.clock()) - EPOCH_UNIX_SECONDS
        return [
            (*row[:width], *(max(expiry - now, 0) if expiry else None for expiry in row[width:]))
            for row in rows
        ]
