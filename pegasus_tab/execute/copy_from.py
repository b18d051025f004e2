"""COPY ... FROM: files checked, rows made ready, written and accounted for.

Rows travel as Arrow batches as far as the requests' bytes; nothing is looped over cells. UPSERT is
blind where UPSERT would be (put_stream.py) and reads first where it must keep something (merge.py);
``ignore`` and ``fail`` test each row (copy_insert.py).
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from pegasus_tab.base.errors import Error
from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.context import Context
from pegasus_tab.execute.copy_insert import RowInserter
from pegasus_tab.execute.merge import MergeWriter
from pegasus_tab.execute.progress import Progress
from pegasus_tab.execute.put_stream import PutStream
from pegasus_tab.execute.result import ResultSet
from pegasus_tab.execute.row_input import FullRow
from pegasus_tab.load.errors import missing_package
from pegasus_tab.load.rejects import Rejects
from pegasus_tab.load.state import LoadState, open_state
from pegasus_tab.sql.plan_nodes import CopyFrom, Insert
from pegasus_tab.sql.plan_write import merges
from pegasus_tab.tabular.schema import Schema

if TYPE_CHECKING:
    import pyarrow as pa

    from pegasus_tab.execute.column_chunk import ColumnChunk
    from pegasus_tab.load.checked import CheckedFile
    from pegasus_tab.load.ready import ReadyBatch

SAVE_SECONDS = 1.0
"""Longest time between two writings of the state file."""


class CopyFromExecutor:
    """A compiled CopyFrom."""

    def __init__(self, plan: CopyFrom) -> None:
        self._plan = plan

    def execute(self, context: Context, _bindings: Bindings) -> ResultSet:
        """Check the files, write their rows."""
        context.deadline.rest()  # a load takes as long as it takes; each request has the timeout
        try:
            from pegasus_tab.load.checked import check_files
            from pegasus_tab.load.files import find_files
        except ImportError as error:
            raise missing_package(error) from error
        plan = self._plan
        files, format_ = find_files(plan.source, plan.format)
        state = open_state(plan.state, f"{plan.table.name} ({plan.table.app_id})")
        checked = check_files(plan, files, format_)
        rejects = Rejects(plan.rejects, plan.rejects_max)
        with closing(rejects):
            return _Load(context, plan, checked, format_, state, rejects).run()


class _Load:
    """One execution."""

    def __init__(
        self,
        context: Context,
        plan: CopyFrom,
        files: "Sequence[CheckedFile]",
        format_: str,
        state: LoadState,
        rejects: Rejects,
    ) -> None:
        self._context = context
        self._plan = plan
        self._files = files
        self._format = format_
        self._state = state
        self._rejects = rejects
        self._left = sum(not state.begun(one.file).done for one in files)
        self._written = 0
        self._inserter = RowInserter(context, plan, self._begin, self._done)
        self._save_at = context.monotonic() + SAVE_SECONDS

    def run(self) -> ResultSet:
        """Write everything; keep the state whatever happens."""
        from pegasus_tab.load.ready import ready_batches

        self._save()  # a state that cannot be written is found out before the first row
        batches = ready_batches(self._plan, self._files, self._format, self._state, self._rejects)
        try:
            with closing(batches):
                self._write(batches)
        except Error as error:
            written = self._written + self._inserter.written
            if written:
                error.message += f"; {_rows(written)} written before"
            raise
        finally:
            self._save()
        return ResultSet.of_change(self._written, tuple(self._notices()))

    def _write(self, batches: "Iterator[ReadyBatch]") -> None:
        if self._plan.on_conflict != "upsert":
            self._inserter.write(batches)
        elif merges(self._plan.table.schema, self._files[0].match.columns):
            self._merge(batches)
        else:
            self._put(batches)

    def _begin(self, batch: "ReadyBatch") -> None:
        """Note that rows of a batch may be written from now on, where a further run must know."""
        if self._plan.on_conflict == "fail" and batch.end > batch.file.tried:
            batch.file.tried = batch.end
            self._state.save()

    def _done(self, batch: "ReadyBatch", rows: int) -> None:
        """Note that a batch, and so all before it, is written."""
        self._written += rows
        batch.file.rows = batch.end
        batch.file.done = batch.last
        now = self._context.monotonic()
        if batch.last or now >= self._save_at:
            self._save_at = now + SAVE_SECONDS
            self._save()
        if self._context.progress is not None:
            count = self._rejects.count
            self._context.progress(Progress(self._written, count, batch.fraction))

    def _save(self) -> None:
        self._rejects.flush()
        self._state.save()

    def _notices(self) -> Iterator[str]:
        skipped = len(self._files) - self._left
        if skipped:
            yield f"left out as the state file has them: {skipped} of {len(self._files)} files"
        if self._inserter.existing:
            yield f"left out as their keys exist: {_rows(self._inserter.existing)}"
        if self._inserter.repeated:
            yield f"left out as an earlier run wrote them: {_rows(self._inserter.repeated)}"
        if self._rejects.count:
            where = self._rejects.path
            aside = f"written to {where}" if where else "REJECTS 'file' would keep them"
            yield f"rejected: {_rows(self._rejects.count)}; {aside}"

    def _put(self, batches: "Iterator[ReadyBatch]") -> None:
        table = self._plan.table
        chunks = (chunk for batch in batches for chunk in _chunks(batch, self._plan.ttl_seconds))
        stream = PutStream(self._context.calls(table), table, chunks)
        for chunk in stream.written(self._context):
            if chunk.tag is not None:
                self._done(chunk.tag, chunk.rows)

    def _merge(self, batches: "Iterator[ReadyBatch]") -> None:
        columns = self._files[0].match.columns
        ids = tuple(column.id for column in columns)
        ttl_seconds = self._plan.ttl_seconds
        writer = MergeWriter(Insert(self._plan.table, "upsert", ids, (), merge=True))
        for batch in batches:
            for part in batch.parts:
                rows = _full_rows(self._plan.table.schema, part.batch)
                writer.write(self._context, ((row, ttl_seconds) for row in rows))
            self._done(batch, batch.rows)


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _full_rows(schema: Schema, batch: "pa.RecordBatch") -> Iterator[FullRow]:
    """Return the rows of a batch in schema order, None for columns that it does not have."""
    from pegasus_tab.execute.arrow_page import values_of
    from pegasus_tab.tabular.arrow_input import column_array
    from pegasus_tab.tabular.arrow_types import with_extension

    columns: list[Sequence[Any]] = []
    for column in schema.columns:
        place = batch.schema.get_field_index(column.name)
        if place < 0:
            columns.append([None] * batch.num_rows)
        else:
            stored = column_array(column, batch.column(place))
            columns.append(values_of(with_extension(column.type, stored)))
    return zip(*columns, strict=True)


def _chunks(batch: "ReadyBatch", ttl_seconds: int) -> "Iterator[ColumnChunk]":
    """Yield the pairs of a batch, in most cases as one chunk; the last one stands for all of it."""
    from pegasus_tab.execute.column_chunk import ColumnChunk
    from pegasus_tab.tabular.arrow_encoded import joined_parts, no_pairs

    numbered = [pairs.behind(part.first) for part in batch.parts for pairs in part.pairs]
    *others, last = joined_parts(numbered or [no_pairs()])
    for encoded in others:
        yield ColumnChunk(encoded, 0, None, ttl_seconds)
    yield ColumnChunk(last, batch.rows, batch, ttl_seconds)
