"""SQL statements that run while servers die: one that writes rows, one that reads all of them."""

import itertools
import threading
from collections.abc import Iterator

import pegasus_tab
from pegasus_tab.base.errors import Error, UnknownOutcome
from pegasus_tab.dbapi.connection import Connection
from tests.faults.cluster import PARTITIONS

ROWS = 20_000
"""Rows every scan must find."""
CREATE = (
    "CREATE TABLE {} (k BIGINT, v TEXT, PRIMARY KEY ((k))) "
    f"WITH (partitions = {PARTITIONS}, replicas = 3)"
)
WRITE = "UPSERT INTO {} (k, v) VALUES (?, ?)"
ROW_SECONDS = 0.0005


def prepare(dsn: str, table: str) -> None:
    """Make a table and the rows that are scanned."""
    with pegasus_tab.connect(dsn) as connection:
        cursor = connection.cursor()
        cursor.execute(CREATE.format(table))
        rows = ((number, f"row {number}") for number in range(ROWS))
        cursor.executemany(WRITE.format(table), rows)


class _Statements:
    """Statements one after another in a thread of their own, until they are told to stop.

    Args:
        dsn: of the cluster.
        table: made by ``prepare``.
        goes_on: errors of the store are counted, and the next statement is run.

    Attributes:
        done: statements that ended well.
        errors: of the store.
        fault: what ended the thread early.
    """

    def __init__(self, dsn: str, table: str, *, goes_on: bool = False) -> None:
        self.done = 0
        self.errors: list[Error] = []
        self.fault: Exception | None = None
        self._dsn = dsn
        self._table = table
        self._goes_on = goes_on
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run_all)
        self._thread.start()

    def _run_all(self) -> None:
        try:
            with pegasus_tab.connect(self._dsn) as connection:
                while not self._is_over.is_set():
                    try:
                        self._run(connection)
                        self.done += 1
                    except Error as error:
                        self.errors.append(error)
                        if not self._goes_on:
                            raise
                        self._is_over.wait(0.1)
        except Exception as fault:  # noqa: BLE001 -- looked at by whoever stops the thread
            self.fault = fault

    def _run(self, connection: Connection) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        """End the statement under way, or wait for its end."""
        self._is_over.set()
        self._thread.join()


class Writing(_Statements):
    """``executemany`` of rows nobody wrote before.

    Args:
        dsn: of the cluster.
        table: made by ``prepare``.
        rows_max: of one statement; None for as many as there is time for.
        goes_on: see above.

    Attributes:
        taken: rows the driver asked for.
        written: rows of statements that ended well, as ranges.
        unknown: statements that may have written everything, or not.
    """

    def __init__(
        self, dsn: str, table: str, rows_max: int | None = None, *, goes_on: bool = False
    ) -> None:
        self.taken = 0
        self.written: list[range] = []
        self.unknown = 0
        self._rows_max = rows_max
        super().__init__(dsn, table, goes_on=goes_on)

    def _run(self, connection: Connection) -> None:
        first = ROWS + self.taken
        cursor = connection.cursor()
        try:
            cursor.executemany(WRITE.format(self._table), self._rows())
        except UnknownOutcome:
            self.unknown += 1
            raise
        self.written.append(range(first, first + cursor.rowcount))

    def _rows(self) -> Iterator[tuple[int, str]]:
        for count in itertools.count():
            if count == self._rows_max or self._is_over.wait(ROW_SECONDS):
                return
            number = ROWS + self.taken
            self.taken += 1
            yield number, f"row {number}"


class Scanning(_Statements):
    """Full scans."""

    def _run(self, connection: Connection) -> None:
        cursor = connection.cursor()
        cursor.execute(f"SELECT k FROM {self._table}")
        missing = set(range(ROWS)) - {row[0] for row in cursor}
        assert not missing, f"a scan lacks {len(missing)} rows, {min(missing)} is the first"


def stored(dsn: str, table: str) -> set[int]:
    """Read the keys of all rows."""
    with pegasus_tab.connect(dsn) as connection:
        return {row[0] for row in connection.execute(f"SELECT k FROM {table}")}
