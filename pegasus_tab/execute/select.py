"""SELECT over one table: source -> order -> project -> distinct -> offset -> limit.

A table scan whose output is plain columns hands its Arrow batches through; everything else works on
pages of tuples. A statement without ORDER BY streams.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.context import Context
from pegasus_tab.execute.evaluate import compile_expression
from pegasus_tab.execute.order import Distinct, Ordering
from pegasus_tab.execute.projection import (
    LimitWindow,
    column_places,
    compile_projection,
    result_columns,
)
from pegasus_tab.execute.result import Page, ResultColumn, ResultSet, Streamed
from pegasus_tab.execute.row_source import RangeSource, compile_source
from pegasus_tab.execute.scan import ScanSource, has_arrow
from pegasus_tab.sql.column_types import BIGINT
from pegasus_tab.sql.plan_nodes import CountRows, Select, ValuesQuery

if TYPE_CHECKING:
    import pyarrow as pa


class SelectExecutor:
    """A compiled Select."""

    def __init__(self, plan: Select) -> None:
        outputs = [one.expression for one in plan.output]
        terms = [term.expression for term in plan.order]
        self._columns = result_columns(plan.output)
        self._source = compile_source(plan.source, [*outputs, *terms])
        shape = self._source.shape
        self._project = compile_projection(outputs, shape)
        self._ordering = Ordering(plan.order, shape) if plan.order else None
        self._distinct = plan.distinct
        self._window = LimitWindow(plan.limit, plan.offset)
        self._limit_pushed = plan.source.limit_pushed
        self._places = column_places(outputs, shape)

    def execute(self, context: Context, bindings: Bindings) -> ResultSet:
        """Begin the query; the result's first page is here, further ones come as it is read."""
        offset, limit = self._window.bounds(bindings)
        if limit == 0:
            return ResultSet.of_rows(self._columns, [])
        if self._hands_batches_through():
            batches = self._batches(context, bindings, offset, limit)
            return ResultSet(self._columns, batches=Streamed(batches))
        if self._ordering is not None:
            rows = self._sorted_rows(context, bindings)
            end = None if limit is None else offset + limit
            return ResultSet.of_rows(self._columns, rows[offset:end])
        pages = self._pages(context, bindings, offset, limit)
        return ResultSet(self._columns, pages=Streamed(pages))

    def _hands_batches_through(self) -> bool:
        return (
            isinstance(self._source, ScanSource)
            and self._source.filtered
            and self._places is not None
            and self._ordering is None
            and not self._distinct
            and has_arrow()
        )

    def _rows_max(self, offset: int, limit: int | None) -> int | None:
        return offset + limit if self._limit_pushed and limit is not None else None

    def _batches(
        self, context: Context, bindings: Bindings, offset: int, limit: int | None
    ) -> "Iterator[pa.RecordBatch]":
        import pyarrow as pa

        assert isinstance(self._source, ScanSource)
        assert self._places is not None
        names = [column.name for column in self._columns]
        left = limit
        for batch in self._source.batches(context, bindings, self._rows_max(offset, limit)):
            skipped = min(offset, batch.num_rows)
            offset -= skipped
            part = batch.slice(skipped, left)
            if not part.num_rows:
                continue
            arrays = [part.column(place) for place in self._places]
            yield pa.RecordBatch.from_arrays(arrays, names=names)
            if left is not None:
                left -= part.num_rows
                if not left:
                    return

    def _pages(
        self, context: Context, bindings: Bindings, offset: int, limit: int | None
    ) -> Iterator[Page]:
        fresh = Distinct() if self._distinct else None
        left = limit
        for source_rows in self._source.pages(context, bindings, self._rows_max(offset, limit)):
            rows = self._project(source_rows, bindings)
            if fresh is not None:
                rows = fresh(rows)
            skipped = min(offset, len(rows))
            offset -= skipped
            rows = rows[skipped : None if left is None else skipped + left]
            yield rows
            if left is not None:
                left -= len(rows)
                if not left:
                    return

    def _sorted_rows(self, context: Context, bindings: Bindings) -> Page:
        assert self._ordering is not None
        rows = [row for page in self._source.pages(context, bindings, None) for row in page]
        self._ordering.sort(rows, bindings)
        rows = self._project(rows, bindings)
        return Distinct()(rows) if self._distinct else rows


class CountExecutor:
    """A compiled CountRows: no row leaves the servers when a scan counts there."""

    def __init__(self, plan: CountRows) -> None:
        self._columns = (ResultColumn(plan.name, BIGINT),)
        self._source = compile_source(plan.source, ())

    def execute(self, context: Context, bindings: Bindings) -> ResultSet:
        """Return the one row with the count."""
        if isinstance(self._source, ScanSource | RangeSource) and self._source.countable:
            total = self._source.count(context, bindings)
        else:
            total = sum(len(page) for page in self._source.pages(context, bindings, None))
        return ResultSet.of_rows(self._columns, [(total,)])


class ValuesExecutor:
    """A compiled SELECT without FROM."""

    def __init__(self, plan: ValuesQuery) -> None:
        self._columns = result_columns(plan.output)
        self._evaluators = [compile_expression(one.expression) for one in plan.output]

    def execute(self, context: Context, bindings: Bindings) -> ResultSet:  # noqa: ARG002 -- as all executors
        """Return the one row."""
        row = tuple([evaluate((), bindings) for evaluate in self._evaluators])
        return ResultSet.of_rows(self._columns, [row])
