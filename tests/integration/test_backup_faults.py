"""Backups and restores of real processes: beside writers, through kill -9, onto three replicas."""

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import pegasus_tab
import pegasus_tab.kv
from pegasus_tab.base.errors import Error
from pegasus_tab.kv.jobs import list_jobs
from pegasus_tab.wire.partition_hash import partition_index
from tests.integration.cluster import Cluster
from tests.integration.cluster_table import ClusterTable
from tests.integration.node import Node

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

PARTITIONS, RESTORED_PARTITIONS = 4, 8
ROWS_BEFORE = 300
DEADLINE_SECONDS = 60


class Writer:
    """Writes one row after the other, each once the one before was acknowledged.

    Attributes:
        keys: of the acknowledged rows, in order.
    """

    def __init__(self, dsn: str) -> None:
        self.keys: list[bytes] = []
        self._dsn = dsn
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        with pegasus_tab.kv.connect(self._dsn) as client:
            table = client.table("src")
            while not self._is_over.is_set():
                key = b"row %d" % len(self.keys)
                table.set(key, b"", key * 3)
                self.keys.append(key)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._is_over.set()
        self._thread.join(30)
        assert not self._thread.is_alive()


def assert_prefixes(found: dict[bytes, bytes], keys: list[bytes], at_least: int) -> None:
    """Each partition holds the first so many of the rows that were written to it, in order."""
    assert found.items() <= {key: key * 3 for key in keys}.items()
    for partition in range(PARTITIONS):
        mine = [key for key in keys if partition_index(key, b"", PARTITIONS) == partition]
        present = [key in found for key in mine]
        assert present == sorted(present, reverse=True), f"partition {partition} has a gap"
    assert set(keys[:at_least]) <= found.keys(), "what was acknowledged before is in it"


def wait_until(condition: Callable[[], bool], what: str) -> None:
    give_up = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < give_up, what
        time.sleep(0.05)


def test_beside_writers_and_onto_three_replicas(tmp_path: Path) -> None:
    with (
        Cluster(tmp_path) as cluster,
        pegasus_tab.kv.connect(cluster.dsn) as client,
        pegasus_tab.connect(cluster.dsn) as db,
    ):
        # A table of that name waits for the servers; the restored one takes its place.
        ClusterTable(cluster, client)
        client.drop_table("t")
        client.create_table("src", partitions=PARTITIONS, replicas=3)
        writer = Writer(cluster.dsn)
        writer.start()
        wait_until(lambda: len(writer.keys) >= ROWS_BEFORE, "rows are acknowledged")
        before = len(writer.keys)
        db.execute(f"BACKUP TABLE src TO '{tmp_path / 'backups'}'")
        writer.stop()
        db.execute(
            f"RESTORE TABLE src FROM '{tmp_path / 'backups'}' AS t"
            f" (PARTITIONS {RESTORED_PARTITIONS})"
        )
        rows = db.execute("SELECT hash_key, value FROM t").fetchall()
        found = {bytes(key): bytes(value) for key, value in rows}
        assert_prefixes(found, writer.keys, before)
        table = ClusterTable(cluster, client, RESTORED_PARTITIONS)
        table.rows = found
        table.check_copies()


def test_a_restore_through_kill_9_goes_on(tmp_path: Path) -> None:
    rows = [(k, f"name {k}" * 5) for k in range(4000)]
    restore = f"RESTORE TABLE t FROM '{tmp_path / 'backups'}' AS t2"
    slowly = f"{restore} (BYTES_PER_SECOND 100000)"
    with Node(tmp_path / "data") as node:
        with pegasus_tab.connect(node.dsn) as db:
            db.execute("CREATE TABLE t (k INT PRIMARY KEY, v TEXT) WITH (partitions = 2)")
            db.executemany("UPSERT INTO t VALUES (?, ?)", rows)
            db.execute(f"BACKUP TABLE t TO '{tmp_path / 'backups'}'")
        first = threading.Thread(target=attempt, args=(node.dsn, slowly))
        first.start()
        with pegasus_tab.kv.connect(node.dsn) as client:
            wait_until(lambda: is_running(client), "the restore writes")
        node.kill()
        node.start()
        with pegasus_tab.connect(node.dsn) as db:
            names = {row[0] for row in db.execute("SHOW TABLES").fetchall()}
            assert names == {"t", "t2.restoring"}, "nothing half-restored bears the name"
            attempt(node.dsn, restore)
            first.join(DEADLINE_SECONDS)
            assert not first.is_alive()
            assert sorted(db.execute("SELECT * FROM t2").fetchall()) == rows
            assert [row[1] for row in db.execute("SHOW JOBS").fetchall()].count("restore") == 1


def attempt(dsn: str, sql: str) -> None:
    """Run a statement; one that the kill cut off, or that finds it done, ends in an error."""
    with pegasus_tab.connect(dsn) as db, contextlib.suppress(Error):
        db.execute(sql)


def is_running(client: pegasus_tab.kv.Client) -> bool:
    return any(
        task.state == "running"
        for job in list_jobs(client)
        if job.kind == "restore" and job.state == "running"
        for task in job.tasks
    )
