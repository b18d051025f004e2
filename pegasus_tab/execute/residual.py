"""DuckDB over our scans: what is left of a query when the store has done its part.

The only module that imports duckdb. One sandboxed in-memory database a connection, one cursor a
query; each view is a RecordBatchReader over the rows of its source, with the source's own WHERE
already applied: a pushed filter is trusted by DuckDB and never checked again, so nothing is left to
its pushdown (reference/sql-peers.md 0.5 and 4.2).

DuckDB runs in a worker thread, so that Ctrl-C and the statement's deadline reach the caller at once
and interrupt the query.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from math import inf
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeVar

import duckdb
import pyarrow as pa

from pegasus_tab.base.errors import (
    DataError,
    Error,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    QueryCanceled,
)
from pegasus_tab.execute.deadline import Deadline

MEMORY_LIMIT = "2GB"
THREADS_MAX = 4
STOP_SECONDS: Final = 0.05
"""Pause between two interrupts of one query: one that comes before DuckDB has begun is lost."""

LOOK_SECONDS: Final = 0.5
"""Longest wait in one piece: a Ctrl-C that comes just before a thread sleeps does not wake it."""

T = TypeVar("T")

_SANDBOX = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    # Else a name in a query could mean a variable of the Python program around it.
    "python_enable_replacements": "false",
    "memory_limit": MEMORY_LIMIT,
    "threads": str(THREADS_MAX),
}


class ResidualEngine:
    """The database behind the residual queries of one connection.

    It spills to a folder of its own, which goes away with it.
    """

    def __init__(self) -> None:
        self._spill = TemporaryDirectory(prefix="pegasus-tab-")
        self._database = duckdb.connect(
            ":memory:", config={**_SANDBOX, "temp_directory": self._spill.name}
        )
        self._database.execute("SET lock_configuration = true")

    def query(
        self,
        sql: str,
        views: "Mapping[str, View]",
        parameters: Sequence[Any],
        deadline: Deadline | None = None,
    ) -> "ResidualQueryRun":
        """Begin a query.

        Args:
            sql: DuckDB text; its tables are the views' names.
            views: name -> rows.
            parameters: values of ``$1`` and so on.
            deadline: of the statement; None for as long as it takes.

        Raises:
            OperationalError: HYT00, the deadline passed.
            Error: whatever a source of rows or DuckDB met, in our classes.
        """
        return ResidualQueryRun(self._database.cursor(), sql, views, parameters, deadline)

    def close(self) -> None:
        """End the database; queries under way fail."""
        self._database.close()
        self._spill.cleanup()


class View:
    """The rows of one view: read at most once, and what went wrong in doing so is kept."""

    def __init__(self, schema: pa.Schema, batches: Callable[[], Iterator[pa.RecordBatch]]) -> None:
        self.fault: BaseException | None = None
        self._schema = schema
        self._batches = batches
        self._open: Iterator[pa.RecordBatch] | None = None

    def reader(self) -> pa.RecordBatchReader:
        """Return the stream that DuckDB reads."""
        return pa.RecordBatchReader.from_batches(self._schema, self._watched())

    def _watched(self) -> Iterator[pa.RecordBatch]:
        # DuckDB keeps an error's text but not its class, so the error itself waits here.
        try:
            self._open = self._batches()
            yield from self._open
        except Error as error:
            self.fault = error
            raise

    def close(self) -> None:
        """End the scan behind the view."""
        close = getattr(self._open, "close", None)
        if close is not None:
            close()


class ResidualQueryRun:
    """One query under way.

    Attributes:
        schema: of its batches.
    """

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        sql: str,
        views: Mapping[str, View],
        parameters: Sequence[Any],
        deadline: Deadline | None,
    ) -> None:
        self._cursor = cursor
        self._deadline = deadline
        self._views = views
        self._worker: ThreadPoolExecutor | None = ThreadPoolExecutor(
            1, thread_name_prefix="pegasus-tab-residual"
        )
        self._reader: pa.RecordBatchReader | None = None
        try:
            # Else an interrupt while its thread starts would leave it with work nobody knows of.
            self._in_worker(lambda: None)
            self.schema = self._in_worker(lambda: self._begin(sql, parameters))
        except BaseException:
            self.close()
            raise

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the result; the query is closed at its end."""
        try:
            while (batch := self._in_worker(self._next_batch)) is not None:
                yield batch
        finally:
            self.close()

    def close(self) -> None:
        """Stop the query and let go of its scans; closing twice is fine."""
        if self._worker is None:
            return
        worker, self._worker = self._worker, None
        try:
            released = worker.submit(self._let_go)
        except RuntimeError:
            self._let_go()  # the interpreter is ending and starts no more work in threads
        else:
            # Work may go on that was interrupted too early, or that an interrupt kept from us.
            while wait((released,), STOP_SECONDS).not_done:
                with contextlib.suppress(duckdb.Error):  # it has been closed meanwhile
                    self._cursor.interrupt()
            released.result()
        worker.shutdown()

    def _begin(self, sql: str, parameters: Sequence[Any]) -> pa.Schema:
        for name, view in self._views.items():
            self._cursor.register(name, view.reader())
        relation = self._cursor.sql(sql, params=list(parameters))
        # Kept here, in the worker: the caller may have given up by now.
        self._reader = pa.RecordBatchReader.from_stream(relation)
        return self._reader.schema

    def _next_batch(self) -> pa.RecordBatch | None:
        assert self._reader is not None
        try:
            return self._reader.read_next_batch()
        except StopIteration:
            return None

    def _let_go(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        self._cursor.close()  # and with it the views, also beside an interrupted query's result
        for view in self._views.values():
            view.close()

    def _in_worker(self, work: Callable[[], T]) -> T:
        if self._worker is None:
            raise QueryCanceled("the query was closed")
        future = self._worker.submit(work)
        try:
            return self._result(future)
        except (duckdb.Error, OSError, pa.ArrowException) as error:
            raise self._translated(error) from error
        except BaseException:
            # The deadline or KeyboardInterrupt: closing, which follows, must not wait for DuckDB.
            self._cursor.interrupt()
            raise

    def _result(self, future: Future[T]) -> T:
        deadline = self._deadline
        while not future.done():
            left_seconds = inf if deadline is None else deadline.left_ms() / 1000
            wait((future,), min(left_seconds, LOOK_SECONDS))
            if deadline is not None and left_seconds <= LOOK_SECONDS and not future.done():
                raise deadline.passed()
        return future.result()

    def _translated(self, error: Exception) -> Error:
        for view in self._views.values():
            if isinstance(view.fault, Error):
                return view.fault
        return translated(error)


def translated(error: Exception) -> Error:
    """Return DuckDB's error as one of ours, by its class and its words."""
    text = str(error).partition("\n")[0]
    message = text.partition("Error: ")[2] or text
    if "ivision by zero" in text:
        return DataError("division by zero", sqlstate="22012")
    if isinstance(error, duckdb.InterruptException) or "INTERRUPT" in text:
        return QueryCanceled("the query was interrupted")
    if isinstance(error, duckdb.OutOfMemoryException) or "Out of Memory" in text:
        return OperationalError(
            f"the query needs more than {MEMORY_LIMIT} of memory",
            sqlstate="53200",
            hint="narrow it with WHERE, or aggregate fewer groups",
        )
    for kinds, make in _CLASSES:
        if isinstance(error, kinds):
            return make(message)
    return InternalError(f"the residual engine failed: {message}")


_CLASSES: tuple[tuple[tuple[type[Exception], ...], Callable[[str], Error]], ...] = (
    (
        (duckdb.OutOfRangeException,),
        lambda message: DataError(message, sqlstate="22003"),
    ),
    (
        (duckdb.ConversionException, duckdb.InvalidInputException, duckdb.TypeMismatchException),
        DataError,
    ),
    (
        (duckdb.PermissionException, duckdb.NotImplementedException),
        NotSupportedError,
    ),
    (
        (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException),
        ProgrammingError,
    ),
)
