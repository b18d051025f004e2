"""What is handed down to a view changes no answer: the query gives the same over filtered and full views."""

import re
from typing import Any

import duckdb
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pegasus_tab.execute.storage_filter import storage_filter
from pegasus_tab.sql.plan_nodes import ResidualQuery, ScanView
from pegasus_tab.sql.prepare import prepare
from pegasus_tab.tabular.filter_rows import compile_filter
from tests.property.sql_strategies import key_predicates, row_values
from tests.property.test_sql_plans import CATALOG, COLUMNS, TABLE, Row, bindings_of, reached
from tests.property.test_sql_residual import SCHEMA

DATABASE = duckdb.connect()
NAMES = re.compile(r"\b(user_id|at|seq|name|age|score|price|ok|attrs|counts)\b")


def qualified(alias: str) -> st.SearchStrategy[str]:
    return key_predicates().map(lambda where: NAMES.sub(rf"{alias}.\1", where))


def outer_joins() -> st.SearchStrategy[str]:
    """Outer joins whose WHERE may be true for the NULLs they make: what must not be handed down."""
    join = st.sampled_from(["LEFT", "RIGHT", "FULL"])
    on = st.sampled_from(["a.user_id = b.user_id", "a.name = b.name", "a.seq = b.seq AND b.ok"])
    of_nulls = st.tuples(
        st.sampled_from("ab"), st.sampled_from(["age IS NULL", "name IS NULL", "ok IS NOT TRUE"])
    ).map(".".join)
    where = st.one_of(of_nulls, st.just("a.user_id = 1"), st.just("b.user_id = 1"))
    return st.tuples(join, on, where, where).map(
        lambda one: (
            "SELECT a.seq, b.seq, a.name, b.age FROM events a "
            f"{one[0]} JOIN events b ON {one[1]} WHERE {one[2]} AND {one[3]}"
        )
    )


def queries() -> st.SearchStrategy[str]:
    inner = st.tuples(qualified("a"), qualified("b")).map(
        lambda one: f"SELECT a.seq, b.seq FROM events a JOIN events b ON {one[0]} AND {one[1]}"
    )
    nested = st.tuples(qualified("a"), qualified("b")).map(
        lambda one: (
            f"SELECT a.seq FROM events a WHERE {one[0]} AND EXISTS "
            f"(SELECT 1 FROM events b WHERE b.seq = a.seq AND {one[1]})"
        )
    )
    grouped = qualified("a").map(
        lambda where: (
            f"SELECT a.name, count(*), sum(a.age) FROM events a WHERE {where} GROUP BY a.name"
        )
    )
    union = st.tuples(qualified("a"), qualified("b")).map(
        lambda one: (
            f"SELECT a.seq FROM events a WHERE {one[0]} "
            f"UNION ALL SELECT b.age FROM events b WHERE {one[1]}"
        )
    )
    return st.one_of(inner, nested, grouped, union)


def tables() -> st.SearchStrategy[list[Row]]:
    row = row_values().map(lambda row: tuple(row[column.name] for column in COLUMNS))
    return st.lists(row, min_size=1, max_size=4)


def table_of(rows: list[Row]) -> pa.Table:
    values = [dict(zip((column.name for column in COLUMNS), row, strict=True)) for row in rows]
    for row in values:
        for name, value in row.items():
            if isinstance(value, dict):
                row[name] = list(value.items())
    return pa.Table.from_pylist(values, schema=SCHEMA)


def answer(sql: str, tables: dict[str, pa.Table]) -> list[Any]:
    with DATABASE.cursor() as cursor:
        for name, table in tables.items():
            cursor.register(name, table)
        return sorted(map(repr, cursor.execute(sql).fetchall()))


@settings(max_examples=150)
@given(queries(), tables())
def test_views_may_be_filtered(sql: str, rows: list[Row]) -> None:
    answers_alike(sql, rows)


@settings(max_examples=150)
@given(outer_joins(), tables())
def test_views_below_outer_joins(sql: str, rows: list[Row]) -> None:
    answers_alike(sql, rows)


def answers_alike(sql: str, rows: list[Row]) -> None:
    statement = prepare(sql, CATALOG, {})
    assert isinstance(statement.plan, ResidualQuery)
    bindings = bindings_of(statement)

    def kept(view: ScanView) -> list[Row]:
        filter_ = storage_filter(view.source.pushed, bindings)
        passes = compile_filter(filter_, TABLE.schema) if filter_ is not None else None
        return [
            row
            for row in rows
            if reached(view.source.access, row, bindings)
            and (passes is None or passes(row) is True)
        ]

    views = statement.plan.views
    filtered = {view.name: table_of(kept(view)) for view in views}
    full = {view.name: table_of(rows) for view in views}
    assert answer(statement.plan.sql, filtered) == answer(statement.plan.sql, full)
