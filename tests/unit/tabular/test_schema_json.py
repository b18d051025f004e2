"""The schema's text: golden, and every way in which one from outside can be wrong."""

import json
from typing import Any

import pytest

from pegasus_tab.base.errors import InternalError, NotSupportedError
from pegasus_tab.tabular.create import ColumnSpec, new_schema
from pegasus_tab.tabular.schema import ColumnType, Kind
from pegasus_tab.tabular.schema_json import from_json, to_json

SCHEMA = new_schema(
    [
        ColumnSpec("id", ColumnType(Kind.BIGINT)),
        ColumnSpec("at", ColumnType(Kind.TIMESTAMP)),
        ColumnSpec("price", ColumnType(Kind.DECIMAL, 9, 2), default="1.5"),
        ColumnSpec("raw", ColumnType(Kind.BLOB), default=b"\x00"),
        ColumnSpec("attrs", ColumnType(Kind.MAP, value=ColumnType(Kind.DECIMAL, 4, 1))),
    ],
    ["id"],
    [("at", True)],
    {"cold": ["raw"]},
)
TEXT = (
    '{"format":1,"version":1,"columns":[{"id":0,"name":"id","type":"BIGINT","not_null":true},'
    '{"id":1,"name":"at","type":"TIMESTAMP","not_null":true},'
    '{"id":2,"name":"price","type":["DECIMAL",9,2],"default":"1.50"},'
    '{"id":3,"name":"raw","type":"BLOB","default":"00","family":1},'
    '{"id":4,"name":"attrs","type":["MAP",["DECIMAL",4,1]],"family":2}],'
    '"hash_key":[0],"sort_key":[[1,true]],"families":[[0,"main"],[1,"cold"],[2,"attrs"]],'
    '"layouts":[[0,0,[2]],[1,1,[3]]],"dropped":[],"next_column":5}'
)


def test_golden_text() -> None:
    assert to_json(SCHEMA) == TEXT
    assert from_json(TEXT) == SCHEMA


def test_a_newer_format_is_refused_with_a_way_out() -> None:
    with pytest.raises(NotSupportedError, match="format 2, this driver knows up to 1") as refusal:
        from_json('{"format": 2}')
    assert refusal.value.hint == "Upgrade pegasus-tab."


def column(place: int, **changes: Any) -> dict[str, Any]:
    columns = json.loads(TEXT)["columns"]
    columns[place] |= changes
    return {"columns": columns}


@pytest.mark.parametrize(
    "change",
    [
        {"version": 0},
        {"version": "1"},
        {"version": True},
        {"columns": {}},
        {"columns": [None]},
        column(1, id=0),
        column(1, id=9),
        column(1, name="id"),
        column(1, name=""),
        column(1, type="VARCHAR"),
        column(1, type="MAP"),
        column(1, type=["MAP", "INT"]),
        column(1, type=["MAP", ["MAP", "INT"]]),
        column(1, type=["DECIMAL", 40, 1]),
        column(1, not_null=False),
        column(1, not_null=1),
        column(2, default="x"),
        column(2, default=1.5),
        column(2, family=7),
        column(4, family=0),
        column(4, family=1),
        {"hash_key": []},
        {"hash_key": [9]},
        {"hash_key": [0, 0]},
        {"hash_key": [4]},
        {"hash_key": ["id"]},
        {"sort_key": [1]},
        {"sort_key": [[0, False]]},
        {"families": [[1, "cold"], [2, "attrs"]]},
        {"families": [[0, "main"], [1, "cold"], [2, "attrs"], [251, "x"]]},
        {"families": [0]},
        {"layouts": []},
        {"layouts": [[0, 0, [2]]]},
        {"layouts": [[0, 0, [2]], [0, 1, [3]]]},
        {"layouts": [[0, 0, [2]], [65536, 1, [3]]]},
        {"layouts": [[0, 0, [2, 2]], [1, 1, [3]]]},
        {"layouts": [[0, 0, [2, 1]], [1, 1, [3]]]},
        {"layouts": [[0, 0, [2, 9]], [1, 1, [3]]]},
        {"layouts": [[0, 0, [2]], [1, 1, [4]]]},
        {"layouts": "none"},
        {"dropped": [{"id": 0, "name": "old", "type": "INT"}]},
        {"next_column": 2},
    ],
)
def test_a_wrong_schema_is_refused(change: dict[str, Any]) -> None:
    text = json.dumps(json.loads(TEXT) | change)
    with pytest.raises(InternalError, match="the table's schema cannot be read") as refusal:
        from_json(text)
    assert refusal.value.sqlstate == "XX001"


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, "NaN", " " * (1 << 21)])
def test_what_is_no_schema_at_all_is_refused(text: str) -> None:
    with pytest.raises(InternalError, match="the table's schema cannot be read"):
        from_json(text)
