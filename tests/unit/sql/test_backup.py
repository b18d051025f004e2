"""BACKUP, RESTORE and SHOW BACKUPS: how they are written, and what is refused where."""

import pytest

from pegasus_tab.base.errors import ProgrammingError
from pegasus_tab.sql.plan_nodes import BackupTables, ListBackups, RestoreTable, VerifyExport
from pegasus_tab.sql.prepare import prepare
from tests.fakes.sql_catalog import small_catalog

CATALOG = small_catalog()


def plan(text: str) -> object:
    return prepare(text, CATALOG, {}).plan


def test_tables_to_back_up() -> None:
    found = plan(
        "BACKUP TABLE events, blobs TO '/b' (FULL TRUE, BYTES_PER_SECOND 4096, WAIT FALSE)"
    )
    assert isinstance(found, BackupTables)
    assert [table.name for table in found.tables] == ["events", "blobs"]
    assert (found.target, found.full, found.bytes_per_second, found.wait) == (
        "/b",
        True,
        4096,
        False,
    )
    everything = plan("BACKUP ALL TO 'hdfs://nn:1/b'")
    assert everything == BackupTables(
        (), "hdfs://nn:1/b", full=False, bytes_per_second=0, wait=True
    )
    assert plan("BACKUP TABLE ALL TO '/b'") == plan("BACKUP ALL TO '/b'")


def test_what_to_restore() -> None:
    assert plan("RESTORE TABLE gone FROM '/b'") == RestoreTable("gone", "/b", "gone", "", 0, 0, 0)
    text = "RESTORE TABLE events FROM '/b' AS p2 AT '2026-1' (PARTITIONS 16, REPLICAS 2)"
    assert plan(text) == RestoreTable("events", "/b", "p2", "2026-1", 16, 2, 0)


def test_looking_at_backups() -> None:
    assert plan("SHOW BACKUPS IN '/b'") == ListBackups("/b")
    assert plan("VERIFY BACKUP '/b'") == VerifyExport("/b")


@pytest.mark.parametrize(
    ("text", "at", "sqlstate"),
    [
        ("BACKUP TABLE nobody TO '/b'", "nobody", "42P01"),
        ("BACKUP events TO '/b'", "events", "42601"),
        ("BACKUP TABLE events TO '/b' (FULLL TRUE)", "FULLL", "42601"),
        ("BACKUP TABLE events TO '/b' (FULL 3)", "FULL", "22023"),
        ("RESTORE TABLE events FROM '/b' (PARTITIONS 3)", "PARTITIONS", "22023"),
        ("RESTORE TABLE events FROM '/b' (PARTITIONS 1)", "PARTITIONS", "22023"),
        ("RESTORE TABLE events FROM '/b' (REPLICAS 99)", "REPLICAS", "22023"),
        ("RESTORE TABLE events FROM '/b' AT yesterday", "yesterday", "42601"),
        ("RESTORE TABLE events", "", "42601"),
        (f"RESTORE TABLE {'x' * 60} FROM '/b'", "x" * 60, "42622"),
    ],
)
def test_refusals_point_at_the_fault(text: str, at: str, sqlstate: str) -> None:
    with pytest.raises(ProgrammingError) as caught:
        plan(text)
    assert caught.value.sqlstate == sqlstate
    if at:
        assert caught.value.position == text.index(at)
