"""The quick front and the slow front read one text alike, places included."""

from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot.dialects.postgres import Postgres

from pegasus_tab.base.errors import Error
from pegasus_tab.sql import ast, front
from pegasus_tab.sql.place import Place
from pegasus_tab.sql.quick import parse_quickly

NAMES = st.sampled_from(["a", "B_2", "name", "ttl", "value", "at", "Key", "_x", "date", "family"])
VALUES = st.sampled_from(
    ["?", "1", "-7", "0.5", "1e3", "'x'", "'it''s'", "''", "NULL", "TRUE", "false", "-1.25"]
)
NAMED = st.sampled_from([":a", ":b", ":Long_name"])
NUMBERED = st.sampled_from(["$1", "$2", "$10"])
SPACE = st.sampled_from([" ", "  ", "\n", "\t"])


def statements(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    comparison = st.tuples(NAMES, st.sampled_from(["=", "<", "<=", ">", ">=", "<>", "!="]), values)
    where = st.lists(comparison.map(" ".join), max_size=3).map(
        lambda parts: " WHERE " + " AND ".join(parts) if parts else ""
    )
    item = st.one_of(NAMES, st.tuples(NAMES, NAMES).map(" AS ".join))
    items = st.one_of(st.just("*"), st.lists(item, min_size=1, max_size=3).map(", ".join))
    order = st.one_of(
        st.just(""),
        st.lists(
            st.tuples(NAMES, st.sampled_from(["", " DESC", " asc"])), min_size=1, max_size=2
        ).map(lambda terms: " ORDER BY " + ", ".join(name + way for name, way in terms)),
    )
    limit = st.one_of(st.just(""), values.map(lambda value: f" LIMIT {value}"))
    select = st.tuples(items, NAMES, where, order, limit).map(
        lambda one: f"SELECT {one[0]} FROM {one[1]}{one[2]}{one[3]}{one[4]}"
    )
    row = st.lists(values, min_size=1, max_size=3).map(lambda row: f"({', '.join(row)})")
    columns = st.one_of(
        st.just(""),
        st.lists(NAMES, min_size=1, max_size=3).map(lambda names: f" ({', '.join(names)})"),
    )
    ttl = st.one_of(st.just(""), values.map(lambda value: f" USING TTL {value}"))
    insert = st.tuples(
        st.sampled_from(["INSERT", "insert", "UPSERT"]),
        NAMES,
        columns,
        st.lists(row, min_size=1, max_size=3).map(", ".join),
        ttl,
    ).map(lambda one: f"{one[0]} INTO {one[1]}{one[2]} VALUES {one[3]}{one[4]}")
    assignments = st.lists(st.tuples(NAMES, values).map(" = ".join), min_size=1, max_size=2)
    update = st.tuples(NAMES, assignments.map(", ".join), where).map(
        lambda one: f"UPDATE {one[0]} SET {one[1]}{one[2]}"
    )
    delete = st.tuples(NAMES, where).map(lambda one: f"DELETE FROM {one[0]}{one[1]}")
    ending = st.sampled_from(["", ";", " ; ", "\n"])
    return st.tuples(st.one_of(select, insert, update, delete), ending, SPACE).map(
        lambda one: one[0].replace(" ", one[2]) + one[1]
    )


def places(node: Any) -> list[Place]:
    if isinstance(node, Place):
        return [node]
    if isinstance(node, tuple):
        return [place for part in node for place in places(part)]
    if is_dataclass(node):
        parts = (getattr(node, field.name) for field in fields(node) if field.name != "core")
        return [place for part in parts for place in places(part)]
    return []


@settings(max_examples=300)
@given(statements(VALUES) | statements(NAMED) | statements(NUMBERED))
def test_quick_and_slow_read_alike(text: str) -> None:
    quick = parse_quickly(text)
    assert quick is not None
    slow = front.parse(text)
    assert quick == slow
    assert quick.placeholders == slow.placeholders
    assert set(places(quick)) >= set(places(slow.statement))


TEMPLATES = (
    "SELECT {} FROM t",
    "SELECT a, {} FROM t",
    "SELECT {} AS x FROM t",
    "SELECT a AS {} FROM t",
    "SELECT * FROM {}",
    "SELECT a FROM t WHERE {} = 1",
    "SELECT a FROM t WHERE a = 1 AND {} > ?",
    "SELECT a FROM t ORDER BY {}",
    "SELECT a FROM t ORDER BY {} DESC LIMIT 1",
    "SELECT a FROM t LIMIT {}",
    "INSERT INTO {} VALUES (1)",
    "INSERT INTO t ({}) VALUES (1)",
    "UPSERT INTO t (a) VALUES ({})",
    "UPDATE t SET {} = 1 WHERE a = 1",
    "UPDATE {} SET a = 1",
    "DELETE FROM {} WHERE a = 1",
    "SELECT {0} FROM {0} WHERE {0} = 1 ORDER BY {0}",
)


def keywords() -> list[str]:
    parser = type(Postgres().parser())
    words = set(Postgres.Tokenizer.KEYWORDS)
    for table in ("FUNCTIONS", "NO_PAREN_FUNCTION_PARSERS", "FUNCTION_PARSERS"):
        words |= set(getattr(parser, table, {}))
    words |= {token.name for token in getattr(parser, "NO_PAREN_FUNCTIONS", {})}
    return sorted(word.lower() for word in words if word.isidentifier())


@pytest.mark.parametrize("template", TEMPLATES)
def test_no_keyword_is_read_differently(template: str) -> None:
    different = []
    for word in keywords():
        text = template.format(word)
        quick = parse_quickly(text)
        if quick is None:
            continue
        try:
            slow: ast.Parsed | None = front.parse(text)
        except Error:
            slow = None
        if quick != slow:
            different.append(word)
    assert different == []


@given(st.text(max_size=40))
def test_the_quick_front_never_fails(text: str) -> None:
    parse_quickly(text)
    parse_quickly("SELECT " + text)
    parse_quickly("INSERT INTO t VALUES (" + text)
