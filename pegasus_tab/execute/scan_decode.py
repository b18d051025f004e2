"""Pages of a scan to rows: as Arrow batches, or as tuples when pyarrow is not there.

Both apply the storage filter to pages of pairs, which no storage node has filtered.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pegasus_tab.execute.context import Context
from pegasus_tab.execute.lookup import RowReader
from pegasus_tab.execute.result import Page
from pegasus_tab.execute.scan_read import PairPage, ScanPage
from pegasus_tab.tabular.filter import Filter
from pegasus_tab.tabular.filter_rows import compile_filter
from pegasus_tab.tabular.schema import Schema
from pegasus_tab.wire.keys import decode_key
from pegasus_tab.wire.messages import TabScanResponse

if TYPE_CHECKING:
    import pyarrow as pa


class ArrowDecoder:
    """Pages to record batches of given columns."""

    def __init__(self, schema: Schema, columns: Sequence[int], filter_: Filter | None) -> None:
        from pegasus_tab.tabular.arrow import arrow_schema

        self._schema = schema
        self._columns = list(columns)
        self._filter = filter_
        self.arrow_schema = arrow_schema(schema, columns)

    def batch(self, page: ScanPage) -> "pa.RecordBatch | None":
        """Return the page's rows, None when there are none."""
        if isinstance(page, TabScanResponse):
            return self._received(page.batch) if page.batch else None
        return self._decoded(page) if page.keys else None

    def _received(self, data: bytes) -> "pa.RecordBatch":
        import pyarrow as pa

        return pa.ipc.read_record_batch(pa.py_buffer(data), self.arrow_schema)

    def _decoded(self, page: PairPage) -> "pa.RecordBatch":
        from pegasus_tab.tabular.arrow import decode_batch, filter_mask
        from pegasus_tab.tabular.arrow_filter import filter_columns

        if self._filter is None:
            return decode_batch(self._schema, self._columns, page.keys, page.values)
        tested = filter_columns(self._filter) - set(self._columns)
        columns = [*self._columns, *sorted(tested)]
        batch = decode_batch(self._schema, columns, page.keys, page.values)
        arrays = dict(zip(columns, batch.columns, strict=True))
        mask = filter_mask(self._filter, self._schema, arrays)
        return batch.filter(mask).select(list(range(len(self._columns))))


class RowDecoder:
    """Pages of pairs to tuples of given columns, followed by times to live, without pyarrow."""

    def __init__(self, reader: RowReader, schema: Schema, columns: Sequence[int]) -> None:
        self._reader = reader
        self._schema = schema
        width = len(schema.columns)
        self._places = [reader.shape.columns[id_] for id_ in columns]
        self._places += range(width, width + len(reader.shape.ttl))

    def rows(self, context: Context, page: PairPage, filter_: Filter | None) -> Page:
        """Return the page's rows that the filter keeps."""
        keep = None if filter_ is None else compile_filter(filter_, self._schema)
        rows = [row for row in self._decoded(page) if keep is None or keep(row) is True]
        if self._reader.shape.ttl:
            keys = [self._reader.codec.key(row) for row in rows]
            rows = [row for row in self._reader.with_ttls(context, keys, rows) if row is not None]
        places = self._places
        return [tuple([row[place] for place in places]) for row in rows]

    def _decoded(self, page: PairPage) -> list[tuple[Any, ...]]:
        pairs = zip(map(decode_key, page.keys), page.values, strict=True)
        rows: list[tuple[Any, ...]] = []
        for hash_key, group in groupby(pairs, key=lambda pair: pair[0][0]):
            rows += self._reader.codec.decode_rows(
                hash_key, ((sort_key, value) for (_, sort_key), value in group)
            )
        return rows
