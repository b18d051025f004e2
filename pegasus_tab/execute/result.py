"""What a statement answers with: columns, and rows as tuples or as Arrow, whichever is asked for.

A result is read once, front to back, in pages; reading pulls from the servers, so a slow reader
holds no more than the prefetch in memory. Either form becomes the other on demand: a scan's Arrow
batches become tuples column by column, a lookup's tuples become one small batch.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from pegasus_tab.base.record import record
from pegasus_tab.execute.deadline import Deadline
from pegasus_tab.tabular.schema import ColumnType

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")
Page: TypeAlias = list[tuple[Any, ...]]


@record
class ResultColumn:
    """A column of a result; ``type`` is None when only the values know."""

    name: str
    type: ColumnType | None


class Streamed(Generic[T]):
    """An iterator whose first item was fetched already, so that its errors came up front."""

    def __init__(self, source: Iterator[T]) -> None:
        self._source = source
        self._first = list(islice(source, 1))

    def __iter__(self) -> Iterator[T]:
        """Yield all items; may be called once."""
        first, self._first = self._first, []
        yield from first
        yield from self._source

    def close(self) -> None:
        """End the source, so that it lets go of its scans."""
        close = getattr(self._source, "close", None)
        if close is not None:
            close()


class ResultSet:
    """The answer to one statement.

    Attributes:
        columns: of the rows; None for a statement that returns no rows (INSERT, CREATE TABLE ...).
        rowcount: rows returned or changed, -1 while only reading on would tell.
        notices: what the user should hear besides the result.
    """

    __slots__ = ("_batches", "_deadline", "_on_close", "_pages", "columns", "notices", "rowcount")

    def __init__(
        self,
        columns: tuple[ResultColumn, ...] | None,
        *,
        pages: Iterable[Page] = (),
        batches: "Iterable[pa.RecordBatch] | None" = None,
        rowcount: int = -1,
        notices: tuple[str, ...] = (),
        on_close: Callable[[], None] | None = None,
    ) -> None:
        self.columns = columns
        self.rowcount = rowcount
        self.notices = list(notices)
        self._pages = pages
        self._batches = batches
        self._on_close = on_close
        self._deadline: Deadline | None = None

    @classmethod
    def of_rows(
        cls, columns: tuple[ResultColumn, ...], rows: Page, notices: tuple[str, ...] = ()
    ) -> "ResultSet":
        """Return a result whose rows are all here."""
        return cls(columns, pages=(rows,), rowcount=len(rows), notices=notices)

    @classmethod
    def of_change(cls, rowcount: int, notices: tuple[str, ...] = ()) -> "ResultSet":
        """Return the result of a statement without rows; ``rowcount`` rows were changed."""
        return cls(None, rowcount=rowcount, notices=notices)

    def read_within(self, deadline: Deadline) -> None:
        """Give the reading of what is not here yet a deadline, which begins anew with each page."""
        if self.rowcount < 0:
            self._deadline = deadline

    def pages(self) -> Iterator[Page]:
        """Yield the rows in pages, none of them empty; may be called once."""
        if self._batches is None:
            return self._timed(page for page in self._pages if page)
        from pegasus_tab.execute.arrow_page import rows_of

        return self._timed(rows_of(batch) for batch in self._batches if batch.num_rows)

    def batches(self) -> "Iterator[pa.RecordBatch]":
        """Yield the rows as Arrow record batches of ``arrow_schema()``; may be called once.

        Raises:
            NotSupportedError: pyarrow is not installed.
        """
        if self._batches is not None:
            return self._timed(iter(self._batches))
        return self.rest_batches(self.pages())

    def rest_batches(self, pages: Iterable[Page]) -> "Iterator[pa.RecordBatch]":
        """Yield pages of this result's rows, some of which were read already, as record batches."""
        from pegasus_tab.execute.arrow_page import batch_of

        return (batch_of(page, self.columns or ()) for page in pages if page)

    def _timed(self, items: Iterator[T]) -> Iterator[T]:
        return items if self._deadline is None else self._deadline.during(items)

    def close(self) -> None:
        """Let go of everything the unread rest holds (scans, the residual engine)."""
        for source in (self._pages, self._batches):
            close = getattr(source, "close", None)
            if close is not None:
                close()
        if self._on_close is not None:
            self._on_close()
            self._on_close = None
        self._pages = ()
        self._batches = None


def named_result(columns: Mapping[str, ColumnType], rows: Page) -> ResultSet:
    """Return a result whose rows are all here, its columns by name and type."""
    return ResultSet.of_rows(
        tuple(ResultColumn(name, type_) for name, type_ in columns.items()), rows
    )
