"""INTERVAL literals."""

from datetime import timedelta

import pytest

from pegasus_tab.base.errors import DataError, NotSupportedError
from pegasus_tab.sql import ast, front
from pegasus_tab.sql.intervals import interval
from pegasus_tab.sql.terms import Apply, Constant


@pytest.mark.parametrize(
    ("text", "unit", "span"),
    [
        ("7 days", None, timedelta(days=7)),
        ("1 day 02:30:15.5", None, timedelta(days=1, hours=2, minutes=30, seconds=15.5)),
        ("-02:30", None, timedelta(hours=-2, minutes=-30)),
        ("90 MINUTES", None, timedelta(minutes=90)),
        ("1.5 h", None, timedelta(minutes=90)),
        ("-1 day 5 min", None, timedelta(days=-1, minutes=5)),
        ("3", None, timedelta(seconds=3)),
        ("3", "HOURS", timedelta(hours=3)),
        ("250 ms", None, timedelta(milliseconds=250)),
        ("2weeks", None, timedelta(weeks=2)),
        ("1 us", None, timedelta(microseconds=1)),
    ],
)
def test_interval(text: str, unit: str | None, span: timedelta) -> None:
    assert interval(text, unit) == span


@pytest.mark.parametrize(
    "text", ["", " ", "soon", "1 lightyear", "day 1", "1 day x", "1:2:3:4", "--1"]
)
def test_unreadable(text: str) -> None:
    with pytest.raises(DataError) as caught:
        interval(text)
    assert caught.value.sqlstate == "22007"


@pytest.mark.parametrize("text", ["1 month", "2 years", "1 mon 2 days", "1 year"])
def test_months_and_years_have_no_fixed_length(text: str) -> None:
    with pytest.raises(NotSupportedError):
        interval(text)


def test_out_of_range() -> None:
    with pytest.raises(DataError) as caught:
        interval("999999999999 weeks")
    assert caught.value.sqlstate == "22008"


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("1 day 02:30", timedelta(days=1, hours=2, minutes=30)),
        ("1.5 days", timedelta(hours=36)),
        ("100 days 0.25 seconds", timedelta(days=100, milliseconds=250)),
        ("7 days", timedelta(days=7)),
    ],
)
def test_a_literal_in_a_statement_means_the_whole_of_its_text(text: str, span: timedelta) -> None:
    statement = front.parse(f"SELECT now() + INTERVAL '{text}'").statement
    assert isinstance(statement, ast.Select)
    (item,) = statement.items
    assert isinstance(item.value, Apply)
    assert item.value.arguments[1] == Constant(span)
