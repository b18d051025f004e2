"""Statements that run while servers die: whoever runs them need not know."""

import itertools
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import pegasus_tab
from pegasus_tab.base.errors import UnknownOutcome
from tests.faults.cluster import FaultCluster
from tests.faults.trial import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

ROWS = 20_000
"""Rows every scan must find."""
FURTHER = 500
"""So many rows or scans show that work goes on."""


class Writer:
    """One ``executemany`` that goes on until it is told to stop.

    Attributes:
        taken: rows the driver asked for.
        rowcount: what the statement said at its end.
    """

    def __init__(self, dsn: str) -> None:
        self.taken = 0
        self.rowcount = 0
        self.error: Exception | None = None
        self._dsn = dsn
        self._is_over = threading.Event()
        self.thread = threading.Thread(target=self._write)
        self.thread.start()

    def _rows(self) -> Iterator[tuple[int, str]]:
        for number in itertools.count(ROWS):
            if self._is_over.wait(0.0005):
                return
            self.taken += 1
            yield number, f"row {number}"

    def _write(self) -> None:
        try:
            with pegasus_tab.connect(self._dsn) as connection:
                cursor = connection.cursor()
                cursor.executemany("UPSERT INTO t (k, v) VALUES (?, ?)", self._rows())
                self.rowcount = cursor.rowcount
        except Exception as error:  # noqa: BLE001 -- looked at by the test
            self.error = error

    def stop(self) -> None:
        """End it."""
        self._is_over.set()
        self.thread.join()


class Reader:
    """Full scans, one after another, until it is told to stop.

    Attributes:
        scans: that were complete.
    """

    def __init__(self, dsn: str) -> None:
        self.scans = 0
        self.error: Exception | None = None
        self._dsn = dsn
        self._is_over = threading.Event()
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self) -> None:
        try:
            with pegasus_tab.connect(self._dsn) as connection:
                while not self._is_over.is_set():
                    cursor = connection.cursor()
                    cursor.execute("SELECT k FROM t")
                    found = {row[0] for row in cursor}
                    missing = set(range(ROWS)) - found
                    assert not missing, f"a scan lacks {len(missing)} rows, {min(missing)} first"
                    self.scans += 1
        except Exception as error:  # noqa: BLE001 -- looked at by the test
            self.error = error

    def stop(self) -> None:
        """End it."""
        self._is_over.set()
        self.thread.join()


def prepare(cluster: FaultCluster) -> None:
    """Make the table and the rows that are scanned."""
    wait_for("the servers report to meta", cluster.has_servers, cluster)
    with pegasus_tab.connect(cluster.dsn) as connection:
        cursor = connection.cursor()
        cursor.execute(
            "CREATE TABLE t (k BIGINT, v TEXT, PRIMARY KEY ((k))) "
            "WITH (partitions = 4, replicas = 3)"
        )
        rows = ((number, f"row {number}") for number in range(ROWS))
        cursor.executemany("UPSERT INTO t (k, v) VALUES (?, ?)", rows)
    wait_for("the table has all its replicas", cluster.is_whole, cluster)


def stored(cluster: FaultCluster) -> int:
    """Count the rows."""
    with pegasus_tab.connect(cluster.dsn) as connection:
        [row] = connection.execute("SELECT count(*) FROM t").fetchall()
        return int(row[0])


def progress(writer: Writer, reader: Reader) -> Callable[[], bool]:
    """Return what tells whether both got further."""
    taken, scans = writer.taken, reader.scans
    return lambda: (
        bool(writer.error or reader.error)
        or (writer.taken > taken + FURTHER and reader.scans > scans + 1)
    )


@pytest.mark.services
def test_statements_survive_the_death_of_any_one_server(tmp_path: Path) -> None:
    with FaultCluster(tmp_path) as cluster:
        prepare(cluster)
        writer, reader = Writer(cluster.dsn), Reader(cluster.dsn)
        try:
            for victim in cluster.replicas:
                wait_for("both work", progress(writer, reader), cluster)
                victim.kill()
                wait_for("others serve", lambda v=victim: cluster.serves_nothing(v), cluster)  # type: ignore[misc]  # a default argument binds the loop's variable
                wait_for("both work", progress(writer, reader), cluster)
                victim.start()
                wait_for("the table has all its replicas", cluster.is_whole, cluster)
        finally:
            writer.stop()
            reader.stop()
        assert writer.error is None, writer.error
        assert reader.error is None, reader.error
        assert writer.rowcount == writer.taken
        assert stored(cluster) == ROWS + writer.taken


def test_a_stopped_server_leaves_only_its_writes_open(tmp_path: Path) -> None:
    with FaultCluster(tmp_path) as cluster:
        prepare(cluster)
        writer, reader = Writer(cluster.dsn), Reader(cluster.dsn)
        try:
            wait_for("both work", progress(writer, reader), cluster)
            victim = cluster.primary()
            assert victim.process is not None
            victim.process.send_signal(signal.SIGSTOP)
            wait_for("others serve", lambda: cluster.serves_nothing(victim), cluster)
            wait_for("the writer's statement is over", lambda: writer.error is not None, cluster)
            scans = reader.scans
            wait_for("scans go on", lambda: bool(reader.error) or reader.scans > scans + 1, cluster)
        finally:
            cluster.resume()
            writer.stop()
            reader.stop()
        assert isinstance(writer.error, UnknownOutcome), writer.error
        assert reader.error is None, reader.error
