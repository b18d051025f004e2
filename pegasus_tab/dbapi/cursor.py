"""Cursors (PEP 249): execute statements, fetch rows as tuples or as Arrow."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from pegasus_tab.base import errors
from pegasus_tab.base.errors import InterfaceError, NotSupportedError, ProgrammingError
from pegasus_tab.dbapi.connection import Connection, milliseconds
from pegasus_tab.execute.result import Page, ResultColumn, ResultSet
from pegasus_tab.tabular.schema import Kind

if TYPE_CHECKING:
    import pyarrow as pa

Row: TypeAlias = tuple[Any, ...]
Parameters: TypeAlias = Sequence[Any] | Mapping[str, Any]
Description: TypeAlias = tuple[str, str | None, None, None, int | None, int | None, None]


class Cursor:
    """A PEP 249 cursor; make one with ``Connection.cursor``.

    Rows are fetched in pages as they are read; nothing is read ahead of what was asked for but the
    scan's own bounded prefetch. It is a context manager and an iterator over its rows.

    Attributes:
        arraysize: rows that ``fetchmany`` returns unless told otherwise.
        messages: what was noticed by the last call, as (class, value) pairs (PEP 249, optional
            extension).
        lastrowid: always None: rows are named by their keys.
    """

    lastrowid: None = None

    def __init__(self, connection: Connection) -> None:
        self.arraysize = 1
        self.messages: list[tuple[type[Exception], Exception]] = []
        self._connection = connection
        self._closed = False
        self._result: ResultSet | None = None
        self._pages: Iterator[Page] | None = None
        self._page: Page = []
        self._at = 0
        self._page_start = 0
        self._rowcount = -1

    # ---- about the result --------------------------------------------------------------------

    @property
    def connection(self) -> Connection:
        """The connection this cursor belongs to."""
        return self._connection

    @property
    def description(self) -> tuple[Description, ...] | None:
        """Name, type code, None, None, precision, scale, None of each column; None without rows."""
        if self._result is None or self._result.columns is None:
            return None
        return tuple(_described(column) for column in self._result.columns)

    @property
    def rowcount(self) -> int:
        """Rows changed, or rows in the result; -1 before, and while a result is still being read."""
        return self._rowcount

    @property
    def rownumber(self) -> int | None:
        """0-based number of the row that is fetched next, None without a result."""
        return self._page_start + self._at if self._has_rows() else None

    @property
    def notices(self) -> list[str]:
        """What the statement wants its user to hear, such as that it scans a whole table."""
        return [] if self._result is None else list(self._result.notices)

    # ---- executing ---------------------------------------------------------------------------

    def execute(
        self,
        operation: str,
        parameters: Parameters | None = None,
        *,
        timeout: float | None = None,
    ) -> Self:
        """Carry one statement out.

        Args:
            operation: one SQL statement.
            parameters: a sequence for ``?``, a mapping for ``:name``.
            timeout: how long the statement may take in seconds, see ``connect``; the connection's
                when None.

        Returns:
            The cursor itself.

        Raises:
            Error: see base/errors.py.
        """
        session = self._renewed()
        limit = None if timeout is None else milliseconds(timeout)
        self._take(session.execute(operation, parameters, limit))
        return self

    def executemany(
        self,
        operation: str,
        seq_of_parameters: Iterable[Parameters],
        *,
        timeout: float | None = None,
    ) -> Self:
        """Carry one INSERT, UPSERT, UPDATE or DELETE out for many sets of parameters, pipelined.

        Args:
            operation: one SQL statement.
            seq_of_parameters: sets of parameters, any number; an iterator is read as it is needed.
            timeout: longest wait for one request in seconds; the connection's when None.

        Returns:
            The cursor itself; its rowcount is the sum.

        Raises:
            NotSupportedError: the statement returns rows or defines something.
            Error: see base/errors.py; sets before the one at fault are done, later ones may be.
        """
        session = self._renewed()
        limit = None if timeout is None else milliseconds(timeout)
        self._take(session.execute_many(operation, seq_of_parameters, limit))
        return self

    def _renewed(self) -> Any:
        """Drop the last result and return the session."""
        if self._closed:
            raise InterfaceError("the cursor is closed", sqlstate="24000")
        session = self._connection.session
        self._drop()
        self.messages.clear()
        return session

    def _take(self, result: ResultSet) -> None:
        self._result = result
        self._rowcount = result.rowcount
        for notice in result.notices:
            self.messages.append((errors.Warning, errors.Warning(notice)))

    def _drop(self) -> None:
        result, self._result = self._result, None
        self._pages, self._page, self._at, self._page_start = None, [], 0, 0
        self._rowcount = -1
        if result is not None:
            result.close()

    # ---- fetching ----------------------------------------------------------------------------

    def fetchone(self) -> Row | None:
        """Return the next row, None at the end.

        Raises:
            ProgrammingError: the last statement returned no rows, or there was none.
            Error: the rest of the result cannot be had.
        """
        if self._at >= len(self._page) and not self._next_page():
            return None
        row = self._page[self._at]
        self._at += 1
        return row

    def fetchmany(self, size: int | None = None) -> list[Row]:
        """Return up to ``size`` rows (``arraysize`` when None); fewer only at the end."""
        wanted = self.arraysize if size is None else size
        rows: list[Row] = []
        self._check_rows()
        while len(rows) < wanted and (self._at < len(self._page) or self._next_page()):
            part = self._page[self._at : self._at + wanted - len(rows)]
            self._at += len(part)
            rows += part
        return rows

    def fetchall(self) -> list[Row]:
        """Return all remaining rows."""
        self._check_rows()
        rows = self._page[self._at :]
        self._at = len(self._page)
        while self._next_page():
            rows += self._page
            self._at = len(self._page)
        return rows

    def __iter__(self) -> Iterator[Row]:
        """Iterate over the remaining rows."""
        return self

    def __next__(self) -> Row:
        """Return the next row."""
        row = self.fetchone()
        if row is None:
            raise StopIteration
        return row

    next = __next__

    def scroll(self, value: int, mode: str = "relative") -> None:
        """Move to another row of the result (PEP 249, optional extension).

        Args:
            value: rows to move by or, with ``absolute``, the 0-based row to move to.
            mode: ``relative`` or ``absolute``.

        Raises:
            IndexError: the target is outside the result.
            NotSupportedError: the target lies before the page at hand: a result that is read in
                pages does not keep the earlier ones.
        """
        if mode not in {"relative", "absolute"}:
            raise ProgrammingError(f"scroll knows no mode {mode!r}", hint="relative or absolute")
        self._check_rows()
        target = value if mode == "absolute" else self._page_start + self._at + value
        if target < 0:
            raise IndexError(target)
        if target < self._page_start:
            raise NotSupportedError(
                "this result is read in pages, and earlier pages are gone",
                hint="use fetchall and move in the list",
            )
        while target > self._page_start + len(self._page):
            if not self._next_page():
                raise IndexError(target)
        self._at = target - self._page_start

    def _has_rows(self) -> bool:
        return self._result is not None and self._result.columns is not None

    def _check_rows(self) -> ResultSet:
        if self._closed:
            raise InterfaceError("the cursor is closed", sqlstate="24000")
        self._connection.session  # noqa: B018 -- refuses on a closed connection
        if self._result is None or self._result.columns is None:
            raise ProgrammingError(
                "there is no result to fetch from",
                sqlstate="24000",
                hint="execute a SELECT first",
            )
        return self._result

    def _next_page(self) -> bool:
        """Go to the next page; False at the end."""
        result = self._check_rows()
        if self._pages is None:
            self._pages = result.pages()
        page = next(self._pages, None)
        if page is None:
            self._rowcount = self._page_start + len(self._page)
            return False
        self._page_start += len(self._page)
        self._page, self._at = page, 0
        return True

    # ---- Arrow -------------------------------------------------------------------------------

    def fetch_record_batch(self) -> "pa.RecordBatchReader":
        """Return the remaining rows as a stream of Arrow record batches.

        Raises:
            NotSupportedError: pyarrow is not installed.
        """
        from pegasus_tab.execute.arrow_result import record_batch_reader

        return record_batch_reader(self._check_rows(), self._rest())

    def fetch_arrow_table(self) -> "pa.Table":
        """Return the remaining rows as an Arrow table; raises as ``fetch_record_batch``."""
        from pegasus_tab.execute.arrow_result import table

        return table(self._check_rows(), self._rest())

    def fetch_df(self) -> Any:
        """Return the remaining rows as a pandas DataFrame.

        Raises:
            NotSupportedError: pandas or pyarrow is not installed.
        """
        from pegasus_tab.execute.arrow_result import data_frame

        return data_frame(self._check_rows(), self._rest())

    def _rest(self) -> Iterator[Page] | None:
        """Return the unread pages when fetching has begun, None when it has not."""
        if self._pages is None:
            return None
        page, at = self._page, self._at
        self._at = len(page)
        return chain([page[at:]], self._pages)

    # ---- the rest of PEP 249 -----------------------------------------------------------------

    def nextset(self) -> None:
        """Drop the rows that are left; a statement has one result, so None: there is no next."""
        self._check_rows()
        self._drop()

    def setinputsizes(self, sizes: object) -> None:
        """Do nothing, as PEP 249 allows: placeholders have types already."""

    def setoutputsize(self, size: int, column: int | None = None) -> None:
        """Do nothing, as PEP 249 allows: values come whole."""

    def close(self) -> None:
        """Let go of the result; the cursor cannot be used any more. Closing twice is fine."""
        if not self._closed:
            self._closed = True
            self._drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _described(column: ResultColumn) -> Description:
    type_ = column.type
    if type_ is None:
        return (column.name, None, None, None, None, None, None)
    digits = (type_.precision, type_.scale) if type_.kind is Kind.DECIMAL else (None, None)
    return (column.name, type_.kind.value, None, None, *digits, None)
