"""Key conditions put together: the tighter bound wins, contradictions are found, lists are bounded."""

import pytest

from pegasus_tab.sql import access
from pegasus_tab.sql.expression import Call, Expression, Literal, Parameter
from pegasus_tab.sql.key_conditions import text_successor
from pegasus_tab.sql.plan_cache import PlanCache
from pegasus_tab.sql.plan_nodes import (
    MultiGet,
    MultiRange,
    NoRows,
    PointGet,
    RangeScan,
    Select,
    Source,
    TableScan,
)
from pegasus_tab.sql.prepare import prepare
from tests.fakes.sql_catalog import SqlCatalog

CATALOG = SqlCatalog(
    "CREATE TABLE t (h INT, s INT, r TEXT, v INT, PRIMARY KEY ((h), s DESC, r))",
    "CREATE TABLE two (a INT, b TEXT, v INT, PRIMARY KEY ((a, b)))",
    "CREATE TABLE d (k DECIMAL(10, 2) PRIMARY KEY, v INT)",
    "CREATE TABLE f (k DOUBLE PRIMARY KEY, v INT)",
)


def source(where: str, table: str = "t") -> Source:
    plan = prepare(f"SELECT v FROM {table} WHERE {where}", CATALOG, {}, PlanCache()).plan
    assert isinstance(plan, Select)
    return plan.source


def bounds(where: str) -> tuple[object, object]:
    found = source(f"h = 1 AND {where}").access
    assert isinstance(found, RangeScan)
    return tuple(
        None if end is None else (shown(end.value), end.inclusive)
        for end in (found.lower, found.upper)
    )  # type: ignore[return-value]  # two of them


def shown(expression: Expression) -> object:
    match expression:
        case Literal(value=value):
            return value
        case Parameter(index=index):
            return f"${index + 1}"
        case _:
            raise AssertionError(expression)


@pytest.mark.parametrize(
    ("where", "lower", "upper"),
    [
        ("s > 3", (3, False), None),
        ("s >= 3 AND s > 1", (3, True), None),
        ("s >= 3 AND s > 3", (3, False), None),
        ("s > 3 AND s >= 3", (3, False), None),
        ("s <= 3 AND s < 3", None, (3, False)),
        ("s < 5 AND s <= 3", None, (3, True)),
        ("s BETWEEN 1 AND 9 AND s BETWEEN 3 AND 20", (3, True), (9, True)),
        ("s > 2.5 AND s < 7.5", (2, False), (7, True)),
        ("s > ? AND s > 3", ("$1", False), None),
        ("s > ? AND s > ?", ("$1", False), None),
        ("s = 3 AND r LIKE 'ab%'", ("ab", True), ("ac", False)),
        ("s = 3 AND r > 'a' AND r LIKE 'ab%'", ("ab", True), ("ac", False)),
        ("s = 3 AND r LIKE 'a_c'", ("a", True), ("b", False)),
        ("s = 3 AND r LIKE '%x'", None, None),
        ("s = 3 AND r LIKE ?", None, None),
        ("r = 'x'", None, None),
    ],
)
def test_bounds(where: str, lower: object, upper: object) -> None:
    assert bounds(where) == (lower, upper)


@pytest.mark.parametrize(
    "where",
    [
        "h = 1 AND h = 2",
        "h = 1 AND s > 3 AND s < 3",
        "h = 1 AND s > 3 AND s <= 3",
        "h = 1 AND s = 3 AND s > 3",
        "h = 1 AND s IN (1, 2) AND s IN (3, 4)",
        "h = 1 AND s IN (1, 2) AND s >= 5",
        "s = 1 AND s = 2",
        "v = NULL",
        "h = 1 AND r LIKE 'a%' AND r = 'b'",
        "v > 1 AND FALSE",
    ],
)
def test_contradictions_ask_no_server(where: str) -> None:
    assert source(where).access == NoRows()


def test_a_parameter_beside_a_literal_is_no_contradiction() -> None:
    found = source("h = ? AND h = 2")
    assert isinstance(found.access, RangeScan)
    assert [shown(one) for one in found.access.hash_key] == [2]
    assert len(found.pushed) == 1


def test_unused_conditions_stay_filters() -> None:
    found = source("h = 1 AND s > ? AND s > ? AND r = 'x' AND v = 3")
    assert len(found.seek) == 2
    assert len(found.pushed) == 3
    assert found.residual == ()


def test_all_columns_of_a_hash_key_are_needed() -> None:
    assert source("a = 1", "two").access == TableScan()
    assert isinstance(source("a = 1 AND b = 'x'", "two").access, PointGet)
    found = source("a IN (1, 2) AND b IN ('x', 'y', 'z')", "two").access
    assert isinstance(found, MultiGet)
    assert len(found.hash_keys) == 6
    assert found.sort_keys == ((),)


def test_lists_beyond_the_limits_are_not_multiplied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "KEYS_MAX", 5)
    monkeypatch.setattr(access, "HASH_KEYS_MAX", 2)
    whole = "h IN (1, 2) AND s IN (1, 2) AND r = 'x'"
    assert isinstance(source(whole).access, MultiGet)
    assert isinstance(source(whole + " AND r IN ('x', 'y')").access, MultiGet)
    assert isinstance(source("h IN (1, 2) AND s IN (1, 2, 3) AND r = 'x'").access, MultiRange)
    assert source("h IN (1, 2, 3) AND s IN (1, 2) AND r = 'x'").access == TableScan()


def test_an_inexact_decimal_parameter_is_looked_at_again() -> None:
    found = source("k = ?", "d")
    assert isinstance(found.access, PointGet)
    assert found.seek == ()
    assert len(found.residual) == 1


def test_an_inexact_decimal_key_is_rounded_only_for_the_seek() -> None:
    statement = prepare("SELECT v FROM d WHERE k = ?", CATALOG, {})
    (computed,) = statement.computed
    assert isinstance(computed, Call)
    assert computed.function == "cast"
    assert computed.arguments == (Parameter(0, None),)


def test_doubles_are_not_intersected_for_nan_has_its_own_order() -> None:
    found = source("k = 0.5 AND k = 1.5", "f").access
    assert isinstance(found, PointGet)


@pytest.mark.parametrize(
    ("prefix", "successor"),
    [
        ("ab", "ac"),
        ("a\U0010ffff", "b"),
        ("\U0010ffff", None),
        ("a\ud7ff", "a\ue000"),
        ("", None),
    ],
)
def test_text_successor(prefix: str, successor: str | None) -> None:
    assert text_successor(prefix) == successor
