"""The filter's text: golden, bounded, and refused when it is none."""

import json
from datetime import date

import pytest

from pegasus_tab.base.errors import DataError
from pegasus_tab.tabular.create import ColumnSpec, new_schema
from pegasus_tab.tabular.filter import And, Compare, Filter, In, IsNull, Like, Not, Or
from pegasus_tab.tabular.filter_json import filter_from_json, filter_to_json
from pegasus_tab.tabular.schema import ColumnType, Kind

SCHEMA = new_schema(
    [
        ColumnSpec("id", ColumnType(Kind.BIGINT)),
        ColumnSpec("name", ColumnType(Kind.TEXT)),
        ColumnSpec("born", ColumnType(Kind.DATE)),
        ColumnSpec("x", ColumnType(Kind.DOUBLE)),
        ColumnSpec("attrs", ColumnType(Kind.MAP, value=ColumnType(Kind.TEXT))),
    ],
    ["id"],
)


def test_golden_text() -> None:
    filter_ = And(
        (
            Or((Compare(0, ">=", 7), In(2, (date(2024, 1, 1),)))),
            Not(IsNull(4)),
            IsNull(1, negated=True),
            Like(1, "a%"),
            Like(1, "B_", ignore_case=True),
            Compare(3, "<", float("inf")),
        )
    )
    text = (
        '["and",["or",[">=",0,7],["in",2,["2024-01-01"]]],["not",["null",4]],["not null",1],'
        '["like",1,"a%"],["ilike",1,"B_"],["<",3,"Infinity"]]'
    )
    assert filter_to_json(filter_, SCHEMA) == text
    assert filter_from_json(text, SCHEMA) == filter_


@pytest.mark.parametrize(
    "node",
    [
        None,
        [],
        {},
        ["="],
        ["=", 0],
        ["=", 9, 1],
        ["=", "0", 1],
        ["=", 0, None],
        ["=", 0, "x"],
        ["=", 0, 2**63],
        ["=", 2, 20240101],
        ["=", 4, {}],
        ["~", 0, 1],
        ["in", 0, 1],
        ["in", 0, [None]],
        ["like", 0, "a"],
        ["like", 1, "a\\"],
        ["like", 1, "\ud800"],
        ["not"],
        ["not", ["null", 0], ["null", 0]],
        ["null", 0, 1],
        ["and", 5],
    ],
)
def test_what_is_no_filter_is_refused(node: object) -> None:
    with pytest.raises(DataError):
        filter_from_json(json.dumps(node), SCHEMA)


@pytest.mark.parametrize("text", ["", "[", "[" * 100_000, "NaN", '["=",0,1' + "0" * 5000 + "]"])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(DataError):
        filter_from_json(text, SCHEMA)


def nested(depth: int) -> Filter:
    filter_: Filter = IsNull(0)
    for _ in range(depth - 1):
        filter_ = Not(filter_)
    return filter_


def test_depth_and_size_are_bounded_on_both_sides() -> None:
    assert filter_from_json(filter_to_json(nested(64), SCHEMA), SCHEMA) == nested(64)
    with pytest.raises(DataError, match="64 levels"):
        filter_to_json(nested(65), SCHEMA)
    with pytest.raises(DataError, match="64 levels"):
        filter_from_json('["not",' * 64 + '["null",0]' + "]" * 64, SCHEMA)
    many = tuple(IsNull(0) for _ in range(10_000))
    with pytest.raises(DataError, match="10000 nodes"):
        filter_to_json(And(many), SCHEMA)
    with pytest.raises(DataError, match="10000 nodes"):
        filter_from_json(json.dumps(["and", *[["null", 0]] * 10_000]), SCHEMA)
    with pytest.raises(DataError, match="limit is 1048576"):
        filter_to_json(In(0, tuple(range(300_000))), SCHEMA)
    with pytest.raises(DataError, match="limit is 1048576"):
        filter_from_json(" " * ((1 << 20) + 1), SCHEMA)
