"""A backup policy on a real node: it backs up, verifies, prunes, survives kill -9, and is altered."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import pegasus_tab
from pegasus_tab.base.errors import Error
from tests.integration.node import Node

pytestmark = pytest.mark.slow

DEADLINE_SECONDS = 60


def wait_until(condition: Callable[[], bool], what: str) -> None:
    give_up = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < give_up, what
        time.sleep(0.1)


def shown(connection: pegasus_tab.Connection) -> dict[str, object]:
    cursor = connection.execute("SHOW BACKUP POLICIES")
    assert cursor.description is not None
    (row,) = cursor.fetchall()
    return dict(zip([column[0] for column in cursor.description], row, strict=True))


def backups(connection: pegasus_tab.Connection, target: Path) -> list[tuple[str, str | None]]:
    found = connection.execute(f"SHOW BACKUPS IN '{target}'").fetchall()
    return [(row[1], row[2]) for row in found]


def test_a_policy_keeps_what_it_should(tmp_path: Path) -> None:
    target = tmp_path / "backups"
    with Node(tmp_path / "data") as node:
        with pegasus_tab.connect(node.dsn) as connection:
            connection.execute("CREATE TABLE t (k INT PRIMARY KEY, v TEXT) WITH (partitions = 2)")
            connection.executemany("UPSERT INTO t VALUES (?, ?)", [(k, "v") for k in range(100)])
            connection.execute(
                f"CREATE BACKUP POLICY p FOR t TO '{target}' EVERY '1 second' KEEP 1"
            )
            with pytest.raises(Error, match="exists already"):
                connection.execute(
                    f"CREATE BACKUP POLICY p FOR t TO '{target}' EVERY '1 second' KEEP 1"
                )
            wait_until(lambda: len(backups(connection, target)) >= 1, "a first backup")
            first = backups(connection, target)[0]
            assert first[1] is None, "a full one"
        node.kill()
        node.start()
        with pegasus_tab.connect(node.dsn) as connection:
            connection.execute("UPSERT INTO t VALUES (1000, 'later')")
            wait_until(lambda: first not in backups(connection, target), "the first is pruned")
            connection.execute("ALTER BACKUP POLICY p PAUSE")
            wait_until(lambda: shown(connection)["state"] == "paused", "the round ends")
            found = backups(connection, target)
            assert [continues for _, continues in found] == [None], "one full backup is left"
            assert connection.execute(f"VERIFY BACKUP '{target}'").rowcount == len(found)
            policy = shown(connection)
            assert (policy["every"], policy["keep"], policy["fault"]) == ("0:00:01", 1, None)
            assert policy["succeeded"] is not None
            connection.execute(f"RESTORE TABLE t FROM '{target}' AS t2")
            assert connection.execute("SELECT count(*) FROM t2").fetchone() == (101,)
            connection.execute("DROP BACKUP POLICY p")
            assert connection.execute("SHOW BACKUP POLICIES").fetchall() == []
            with pytest.raises(Error, match="no backup policy p"):
                connection.execute("ALTER BACKUP POLICY p RESUME")


def test_a_prune_makes_way_for_a_restore(tmp_path: Path) -> None:
    target = tmp_path / "backups"
    with Node(tmp_path / "data") as node, pegasus_tab.connect(node.dsn) as connection:
        connection.execute("CREATE TABLE t (k INT PRIMARY KEY, v BLOB) WITH (partitions = 2)")
        rows = [(k, hashlib.sha256(b"%d" % k).digest()) for k in range(300)]
        connection.executemany("UPSERT INTO t VALUES (?, ?)", rows)
        connection.execute(f"BACKUP TABLE t TO '{target}'")
        ((old, _),) = backups(connection, target)
        connection.execute(
            f"CREATE BACKUP POLICY p FOR t TO '{target}' EVERY '3 seconds' KEEP 1"
            " (BYTES_PER_SECOND 3000)"
        )
        wait_until(lambda: ("prune", "running") in jobs(connection), "the prune reads")
        restored = connection.execute(f"RESTORE TABLE t FROM '{target}' AS t2 AT '{old}'")
        assert restored.rowcount == len(rows)
        pruned = [row for row in connection.execute("SHOW JOBS").fetchall() if row[1] == "prune"]
        assert pruned[0][3] == "failed"
        assert "reads the backups of table t; none is removed meanwhile" in pruned[0][11]


def jobs(connection: pegasus_tab.Connection) -> list[tuple[str, str]]:
    """Return kind and state of each job."""
    return [(row[1], row[3]) for row in connection.execute("SHOW JOBS").fetchall()]
