"""The way to a table's partitions, from whichever process a reader finds itself in."""

import os
import threading
import weakref
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pegasus_tab.base.errors import ProgrammingError
from pegasus_tab.dbapi.connection import connect
from pegasus_tab.execute.context import Context
from pegasus_tab.execute.scan_decode import ArrowDecoder
from pegasus_tab.execute.scan_pages import ScanWish, scan_pages
from pegasus_tab.sql.catalog import Table
from pegasus_tab.wire.messages import TabScanResponse

if TYPE_CHECKING:
    import pyarrow as pa

    from pegasus_tab.dbapi.connection import Connection


class TableAccess:
    """A table by DSN; opens its connection when it is first read.

    It may be pickled: the copy opens a connection of its own, and so does a forked process. Threads
    may read at once. The connection is closed by ``close``, once nobody reads, or with the object.

    Attributes:
        dsn: as given.
        table: as it was when it was looked up; a read fails when its schema changed since.
    """

    def __init__(self, dsn: str, table: Table, connection: "Connection | None" = None) -> None:
        self.dsn = dsn
        self.table = table
        self._lock = threading.RLock()  # a reader may be collected while it is held
        self._connection: Connection | None = None
        self._owner = 0
        self._readers = 0
        self._closing = False
        if connection is not None:
            self._keep(connection)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle without the connection."""
        return (TableAccess, (self.dsn, self.table))

    def batches(self, wish: ScanWish, partitions: Iterable[int]) -> "Generator[pa.RecordBatch]":
        """Yield what a wish says of some partitions.

        Raises:
            OperationalError: the store cannot be read now; 40001, the table's schema has changed.
        """
        decoder = ArrowDecoder(self.table.schema, wish.columns, wish.filter)
        with self._context() as context:
            for page in scan_pages(context, self.table, wish, partitions, arrow=True):
                batch = decoder.batch(page)
                if batch is not None and batch.num_rows:
                    yield batch

    def count(self, wish: ScanWish, partitions: Iterable[int]) -> int:
        """Return how many rows of some partitions a wish is about; raises as ``batches``."""
        decoder = ArrowDecoder(self.table.schema, wish.columns, wish.filter)
        total = 0
        with self._context() as context:
            for page in scan_pages(context, self.table, wish, partitions, arrow=True):
                if isinstance(page, TabScanResponse):
                    total += page.count
                else:
                    batch = decoder.batch(page)
                    total += 0 if batch is None else batch.num_rows
        return total

    def close(self) -> None:
        """Close the connection, or let its last reader do so; the next read opens another."""
        with self._lock:
            self._closing = True
            self._close_if_idle()

    @contextmanager
    def _context(self) -> Iterator[Context]:
        with self._lock:
            if self._connection is None or self._owner != os.getpid():
                self._keep(connect(self.dsn))
            assert self._connection is not None
            session = self._connection.session
            self._readers += 1
            self._closing = False
        try:
            yield session.reading()
        finally:
            with self._lock:
                self._readers -= 1
                self._close_if_idle()

    def _close_if_idle(self) -> None:
        if self._closing and not self._readers and self._connection is not None:
            self._connection.close()
            self._connection = None

    def _keep(self, connection: "Connection") -> None:
        self._connection = connection
        self._owner = os.getpid()
        weakref.finalize(self, connection.close)


def open_table(dsn: str, name: str) -> TableAccess:
    """Look a table up.

    Raises:
        ProgrammingError: 42P01, there is no such table.
        OperationalError: the store cannot be asked.
    """
    connection = connect(dsn)
    try:
        table = _looked_up(connection, name)
    except BaseException:
        connection.close()
        raise
    return TableAccess(dsn, table, connection)


def _looked_up(connection: "Connection", name: str) -> Table:
    table = connection.session.catalog.table(name)
    if table is None:
        raise ProgrammingError(
            f'table "{name}" does not exist', sqlstate="42P01", hint="SHOW TABLES lists them"
        )
    return table
