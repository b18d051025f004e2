"""Binding of parameters: counts, names, kinds of collections, types."""

from datetime import date
from typing import Any

import pytest

from pegasus_tab.base.errors import DataError, ProgrammingError
from tests.fakes.sql_runner import SqlRunner


@pytest.fixture
def table(sql: SqlRunner) -> SqlRunner:
    sql("CREATE TABLE t (k INT, d DATE, a TEXT, b BLOB, PRIMARY KEY (k))")
    sql("INSERT INTO t VALUES (1, '2024-01-01', 'x', X'78')")
    return sql


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("SELECT k FROM t WHERE k = ?", (1,)),
        ("SELECT k FROM t WHERE k = ?", [1.0]),
        ("SELECT k FROM t WHERE k = ?", ("1",)),
        ("SELECT k FROM t WHERE k = $1", (1,)),
        ("SELECT k FROM t WHERE k = :k", {"k": 1, "unused": 2}),
        ("SELECT k FROM t WHERE k = :k AND k = :k", {"k": 1}),
        ("SELECT k FROM t WHERE k = ? + 1", (0,)),
        ("SELECT k FROM t WHERE d = ?", ("2024-01-01",)),
        ("SELECT k FROM t WHERE d = ?", (date(2024, 1, 1),)),
        ("SELECT k FROM t WHERE a = :x AND b = :x", {"x": "x"}),
        ("SELECT k FROM t WHERE k = 1", None),
        ("SELECT k FROM t WHERE k = 1", {}),
    ],
)
def test_bound(table: SqlRunner, text: str, parameters: Any) -> None:
    assert table(text, parameters) == [(1,)]


@pytest.mark.parametrize(
    ("text", "parameters", "words"),
    [
        ("SELECT k FROM t WHERE k = ?", (), "wants 1 parameters, 0 were given"),
        ("SELECT k FROM t WHERE k = ?", None, "wants 1 parameters, 0 were given"),
        ("SELECT k FROM t WHERE k = ?", (1, 2), "wants 1 parameters, 2 were given"),
        ("SELECT k FROM t WHERE k = 1", (1,), "wants 0 parameters, 1 were given"),
        ("SELECT k FROM t WHERE k = ?", {"k": 1}, "no named parameters"),
        ("SELECT k FROM t WHERE k = ?", "1", "must be a sequence, not str"),
        ("SELECT k FROM t WHERE k = ?", 1, "must be a sequence, not int"),
        ("SELECT k FROM t WHERE k = :k", (1,), "has named parameters"),
        ("SELECT k FROM t WHERE k = :k", {"q": 1}, "no value for the parameter :k"),
    ],
)
def test_wrong_parameters(table: SqlRunner, text: str, parameters: Any, words: str) -> None:
    with pytest.raises(ProgrammingError, match=words) as caught:
        table(text, parameters)
    assert caught.value.sqlstate == "07001"


def test_a_value_that_does_not_fit_names_its_parameter(table: SqlRunner) -> None:
    with pytest.raises(DataError, match=r"^parameter 2: "):
        table("SELECT k FROM t WHERE a = ? AND k = ?", ("x", "one"))
    with pytest.raises(DataError, match=r"^parameter :k: "):
        table("SELECT k FROM t WHERE k = :k", {"k": 2**31})


def test_limits_are_checked(table: SqlRunner) -> None:
    assert table("SELECT k FROM t WHERE k = 1 LIMIT ?", (None,)) == [(1,)]
    with pytest.raises(DataError) as caught:
        table("SELECT k FROM t LIMIT ?", (-1,))
    assert caught.value.sqlstate == "2201W"
    with pytest.raises(DataError) as caught:
        table("SELECT k FROM t OFFSET ?", (-1,))
    assert caught.value.sqlstate == "2201X"
