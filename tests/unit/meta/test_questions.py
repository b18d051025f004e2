"""Questions answered from the saved state."""

import pytest

from pegasus_server.meta import error_names
from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.questions import NameMatch, PatternError, list_tables, serving_table
from pegasus_server.meta.table import Table, TableStatus
from pegasus_tab.base.ids import Ballot


def table(app_id: int, name: str, status: TableStatus) -> Table:
    return Table(
        app_id=app_id,
        name=name,
        status=status,
        max_replica_count=1,
        ballots=(Ballot(1), Ballot(1)),
        create_second=0,
    )


STATE = ClusterState(
    9,
    {
        each.app_id: each
        for each in (
            table(3, "orders_new", TableStatus.CREATING),
            table(1, "orders", TableStatus.AVAILABLE),
            table(2, "old_orders", TableStatus.DROPPED),
        )
    },
)


def names(status: int = 0, pattern: str = "", match: int = 0) -> list[str]:
    return [each.name for each in list_tables(STATE, status, pattern, match)]


def test_only_available_tables_are_served() -> None:
    assert serving_table(STATE, "orders") == (error_names.OK, STATE.tables[1])
    assert serving_table(STATE, "orders_new") == (error_names.BUSY_CREATING, None)
    assert serving_table(STATE, "old_orders") == (error_names.OBJECT_NOT_FOUND, None)


def test_tables_are_listed_by_id_and_status() -> None:
    assert names() == ["orders", "old_orders", "orders_new"]
    assert names(TableStatus.DROPPED) == ["old_orders"]
    assert names(status=99) == []


@pytest.mark.parametrize(
    ("match", "pattern", "expected"),
    [
        (NameMatch.ALL, "x", ["orders", "old_orders", "orders_new"]),
        (NameMatch.EXACT, "orders", ["orders"]),
        (NameMatch.ANYWHERE, "rders_", ["orders_new"]),
        (NameMatch.PREFIX, "orders", ["orders", "orders_new"]),
        (NameMatch.POSTFIX, "orders", ["orders", "old_orders"]),
    ],
)
def test_names_are_matched(match: NameMatch, pattern: str, expected: list[str]) -> None:
    assert names(0, pattern, match) == expected


@pytest.mark.parametrize(("match", "pattern"), [(6, "(a+)+$"), (7, ""), (2, "x" * 300)])
def test_unusable_patterns_are_refused(match: int, pattern: str) -> None:
    with pytest.raises(PatternError):
        names(0, pattern, match)
