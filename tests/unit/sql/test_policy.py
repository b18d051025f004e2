"""Statements about backup policies: how they are written, and what is refused where."""

import pytest

from pegasus_tab.base.errors import Error
from pegasus_tab.sql.policy_nodes import AlterPolicy, CreatePolicy, DropPolicy, ListPolicies
from pegasus_tab.sql.prepare import prepare
from tests.fakes.sql_catalog import small_catalog

CATALOG = small_catalog()
WANTED = "CREATE BACKUP POLICY p FOR events TO '/b' "


def plan(text: str) -> object:
    return prepare(text, CATALOG, {}).plan


def test_create() -> None:
    assert plan(
        "CREATE BACKUP POLICY nightly FOR events, blobs TO 'hdfs://nn:1/b' EVERY '1 day' KEEP 7"
    ) == CreatePolicy("nightly", ("events", "blobs"), "hdfs://nn:1/b", 86_400, 7, 0, 0)
    assert plan(
        "CREATE BACKUP POLICY \"P\" FOR ALL TO '/b' EVERY INTERVAL '90 minutes' KEEP 1"
        " (START '1970-01-02 02:00+02', BYTES_PER_SECOND 4096)"
    ) == CreatePolicy("P", (), "/b", 5400, 1, 4096, 86_400)


def test_the_others() -> None:
    assert plan("ALTER BACKUP POLICY p EVERY '6 hours'") == AlterPolicy("p", 21_600, None, None)
    assert plan("ALTER BACKUP POLICY p EVERY '1 h' KEEP 3") == AlterPolicy("p", 3600, 3, None)
    assert plan("ALTER BACKUP POLICY p PAUSE") == AlterPolicy("p", None, None, is_paused=True)
    assert plan("ALTER BACKUP POLICY p RESUME") == AlterPolicy("p", None, None, is_paused=False)
    assert plan("DROP BACKUP POLICY p") == DropPolicy("p")
    assert plan("SHOW BACKUP POLICIES") == ListPolicies()


@pytest.mark.parametrize(
    ("text", "at", "sqlstate"),
    [
        (WANTED + "EVERY '0 seconds' KEEP 7", "'0 seconds'", "22023"),
        (WANTED + "EVERY '1.5 seconds' KEEP 7", "'1.5 seconds'", "22023"),
        (WANTED + "EVERY '1 month' KEEP 7", "'1 month'", "0A000"),
        (WANTED + "EVERY 'daily' KEEP 7", "'daily'", "22007"),
        (WANTED + "EVERY 5 KEEP 7", "5", "42601"),
        (WANTED + "EVERY '1 day'", None, "42601"),
        (WANTED + "EVERY '1 day' KEEP 0", None, "22023"),
        (WANTED + "EVERY '1 day' KEEP 7 (START 5)", "START", "22023"),
        (WANTED + "EVERY '1 day' KEEP 7 (STRAT '2026-01-01')", "STRAT", "42601"),
        ("CREATE BACKUP POLICY p FOR gone TO '/b' EVERY '1 day' KEEP 7", "gone", "42P01"),
        (
            "CREATE BACKUP POLICY p FOR blobs, blobs TO '/b' EVERY '1 day' KEEP 7",
            "blobs TO",
            "42701",
        ),
        ("ALTER BACKUP POLICY p", None, "42601"),
        ("ALTER BACKUP POLICY p PAUSE KEEP 3", "KEEP", "42601"),
        ("SHOW BACKUP", None, "42601"),
        ("DROP BACKUP p", "p", "42601"),
    ],
)
def test_what_is_refused(text: str, at: str | None, sqlstate: str) -> None:
    with pytest.raises(Error) as caught:
        plan(text)
    assert caught.value.sqlstate == sqlstate, caught.value
    if at is not None:
        assert caught.value.position == text.index(at)
