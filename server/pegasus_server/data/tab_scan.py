"""RPC_TAB_SCAN: one page of a stateless scan, filtered here and answered as an Arrow batch (DESIGN.md 2).

This module imports pyarrow, which takes a while: import it where the first such request arrives.
"""

from typing import NamedTuple

import pyarrow as pa

from pegasus_server.data.identity import ReplicaIdentity
from pegasus_server.data.time_budget import TimeBudget
from pegasus_server.data.value import live_rows
from pegasus_server.data.whole_rows import RowTooLarge, Stretch, read_stretch
from pegasus_server.storage.engine import ROW_KEYS_END, Engine
from pegasus_tab.base.errors import DataError, InternalError
from pegasus_tab.base.limits import TAB_SCAN_PAGE_BYTES_MAX, TAB_SCAN_PAGE_ROWS_MAX
from pegasus_tab.tabular.arrow import arrow_schema, decode_batch, filter_mask
from pegasus_tab.tabular.arrow_filter import filter_columns
from pegasus_tab.tabular.errors import UnknownLayout
from pegasus_tab.tabular.filter import Filter
from pegasus_tab.tabular.filter_json import filter_from_json
from pegasus_tab.tabular.raw_codec import RawCodec
from pegasus_tab.tabular.row_codec import RowCodec
from pegasus_tab.tabular.schema import Schema, is_raw
from pegasus_tab.wire.codes import Status
from pegasus_tab.wire.messages_scan import TabScanRequest, TabScanResponse

PAGE_SECONDS_MAX = 0.05
"""What one page may take; the caller's TimeBudget. It ends at the first stretch of pairs behind it."""
COUNT_MAX = 2**31 - 1
"""Counted rows take no room in the answer; the time alone ends such a page."""
STRETCH_PAIRS_MAX = 8192
_STRETCH_PAIRS_FIRST = 512
_STRETCH_PAIRS_LEAST = 64
"""A scan with a row limit reads short stretches first, doubling them while too little matches."""
_HEADER_BYTES = 12


class _Query(NamedTuple):
    """A request that makes sense for the table's schema.

    Attributes:
        columns: what to answer with; empty when only the count is wanted.
        decoded: the same and what the filter needs besides, or just the latter.
        filter: None keeps every row.
        rows_max: rows of the page, 1..TAB_SCAN_PAGE_ROWS_MAX, or COUNT_MAX when they are counted.
        bytes_max: the page ends once its batch is this large.
        row_limit: the scan ends with this many rows; None when this page cannot hold as many.
    """

    columns: tuple[int, ...]
    decoded: tuple[int, ...]
    filter: Filter | None
    rows_max: int
    bytes_max: int
    row_limit: int | None


class _Page:
    """The rows found so far."""

    def __init__(self, query: _Query, resume_key: bytes) -> None:
        self._query = query
        self.batches: list[pa.RecordBatch] = []
        self.count = 0
        self.bytes = 0
        self.resume_key: bytes | None = resume_key

    def add(self, batch: pa.RecordBatch) -> None:
        self.add_count(batch.num_rows)
        if batch.num_rows:
            self.bytes += batch.nbytes
            self.batches.append(batch)

    def add_count(self, rows: int) -> None:
        self.count += rows
        limit = self._query.row_limit
        if limit is not None and self.count >= limit:
            self.count = limit
            self.resume_key = None

    def is_full(self) -> bool:
        """Tell whether to stop; a page stops a bit early rather than read a tiny stretch more."""
        if self.resume_key is None or self.bytes >= self._query.bytes_max:
            return True
        few = min(_STRETCH_PAIRS_FIRST, self._query.rows_max)
        return self._query.row_limit is None and self._query.rows_max - self.count < few

    def pairs_wanted(self, stretch: int) -> int:
        """Return how many pairs the next stretch may have.

        Rows behind ``row_limit`` may be read and thrown away, for the scan ends there; rows behind
        ``rows_max`` may not, for the next page begins at the pair after the last one read.
        """
        query = self._query
        return stretch if query.row_limit is not None else min(stretch, query.rows_max - self.count)

    def serialized(self) -> bytes:
        """Return the batch without its schema, b"" when there are no rows."""
        if not self.batches or not self._query.columns:
            return b""
        whole = self.batches[0] if len(self.batches) == 1 else pa.concat_batches(self.batches)
        data: bytes = whole.slice(0, self.count).serialize().to_pybytes()
        return data


class TabScan:
    """Answers RPC_TAB_SCAN for one table; made anew when the table's schema changes.

    Args:
        schema: of ``tab.schema``, RAW_SCHEMA for a table without one.
    """

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._codec = RawCodec() if is_raw(schema) else RowCodec(schema)
        self._last_filter: tuple[str, Filter | None] = ("", None)

    def page(
        self,
        engine: Engine,
        request: TabScanRequest,
        now: int,
        budget: TimeBudget,
        identity: ReplicaIdentity,
    ) -> TabScanResponse:
        """Read one page.

        Args:
            engine: the rows.
            request: see TabScanRequest; limits out of range mean ours.
            now: seconds since 2016.
            budget: time to use, PAGE_SECONDS_MAX.
            identity: the replica, for the answer.

        Returns:
            At least one stretch of rows further. ABORTED when the schema is another one than the
            client's, INVALID_ARGUMENT for a column or filter that the table cannot have,
            NOT_SUPPORTED for a row that is too large, CORRUPTION for a row that cannot be read
            (reading it through GET_SCANNER tells the client why).

        Raises:
            EngineDamaged: the engine failed.
        """
        if request.schema_version != self._schema.version:
            return _refusal(Status.ABORTED, identity)
        try:
            page = self._read(engine, self._query(request), request, now, budget)
        except DataError:
            return _refusal(Status.INVALID_ARGUMENT, identity)
        except RowTooLarge:
            return _refusal(Status.NOT_SUPPORTED, identity)
        except UnknownLayout:
            return _refusal(Status.ABORTED, identity)
        except InternalError:
            return _refusal(Status.CORRUPTION, identity)
        (app_id, partition_index), server = identity
        return TabScanResponse(
            Status.OK,
            page.serialized(),
            page.resume_key or b"",
            page.resume_key is None,
            page.count,
            app_id,
            partition_index,
            server,
        )

    def _query(self, request: TabScanRequest) -> _Query:
        """Check a request against the schema; raises DataError."""
        filter_ = self._filter(request.filter)
        rows_max = _limited(request.rows_max, TAB_SCAN_PAGE_ROWS_MAX)
        if request.count_only:
            rows_max = COUNT_MAX
        columns = () if request.count_only else tuple(request.columns)
        arrow_schema(self._schema, columns)
        # Evaluating a filter takes at least one column, also one that names none (an empty AND).
        tested = frozenset() if filter_ is None else filter_columns(filter_)
        if filter_ is not None and not tested:
            tested = frozenset(self._schema.hash_key[:1])
        return _Query(
            columns=columns,
            decoded=(*columns, *sorted(tested.difference(columns))),
            filter=filter_,
            rows_max=rows_max,
            bytes_max=_limited(request.bytes_max, TAB_SCAN_PAGE_BYTES_MAX),
            row_limit=request.row_limit if 0 < request.row_limit <= rows_max else None,
        )

    def _filter(self, text: str) -> Filter | None:
        """Read a filter; the pages of one scan all bring the same."""
        if not text:
            return None
        if text != self._last_filter[0]:
            self._last_filter = (text, filter_from_json(text, self._schema))
        return self._last_filter[1]

    def _read(
        self, engine: Engine, query: _Query, request: TabScanRequest, now: int, budget: TimeBudget
    ) -> _Page:
        page = _Page(query, request.start_key)
        upper = min(request.stop_key, ROW_KEYS_END)
        pairs_max = _first_stretch(query)
        while not page.is_full():
            lower = page.resume_key
            assert lower is not None
            if lower != request.start_key and budget.is_spent():
                break
            pairs = page.pairs_wanted(pairs_max)
            stretch = read_stretch(engine, self._codec, lower, upper, pairs, query.bytes_max)
            page.resume_key = stretch.resume_key
            if query.decoded or not self._codec.plain:
                page.add(self._matching(query, stretch, now))
            else:
                page.add_count(len(live_rows(stretch.stored, now)))
            pairs_max = min(2 * pairs_max, STRETCH_PAIRS_MAX)
        return page

    def _matching(self, query: _Query, stretch: Stretch, now: int) -> pa.RecordBatch:
        """Decode a stretch and keep the rows that match, with the columns of the answer."""
        keys, stored, _ = stretch
        batch = decode_batch(
            self._schema, query.decoded, keys, stored, header_bytes=_HEADER_BYTES, now=now
        )
        if query.filter is None:
            return batch
        arrays = dict(zip(query.decoded, batch.columns, strict=True))
        kept = batch.filter(filter_mask(query.filter, self._schema, arrays))
        return kept.select(range(len(query.columns)))


def _first_stretch(query: _Query) -> int:
    if query.row_limit is None:
        return STRETCH_PAIRS_MAX
    return _STRETCH_PAIRS_FIRST if query.filter else max(query.row_limit, _STRETCH_PAIRS_LEAST)


def _limited(asked: int, ours: int) -> int:
    return asked if 0 < asked < ours else ours


def _refusal(status: Status, identity: ReplicaIdentity) -> TabScanResponse:
    (app_id, partition_index), server = identity
    return TabScanResponse(
        status, done=True, app_id=app_id, partition_index=partition_index, server=server
    )
