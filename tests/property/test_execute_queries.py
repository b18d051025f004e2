"""Random queries over a random table: our whole path gives what DuckDB gives over the same rows.

Access paths differ by the predicate drawn (point, multi, range, scan), so they are compared with each
other as well: the same table answers through all of them.
"""

from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pegasus_tab.execute.session import Session
from tests.fakes.memory_cluster import MemoryCluster
from tests.fakes.sql_runner import SqlRunner

CREATE = """CREATE TABLE t (u INT, s INT, n INT, a TEXT, h TEXT, PRIMARY KEY ((u), s{direction}){family})
WITH (partitions = 4)"""
ARROW = pa.schema(
    [
        ("u", pa.int32()),
        ("s", pa.int32()),
        ("n", pa.int32()),
        ("a", pa.string()),
        ("h", pa.string()),
    ]
)
small = st.integers(0, 3)
words = st.sampled_from(["", "a", "ab", "B", "%"])
rows = st.dictionaries(
    st.tuples(small, small),
    st.tuples(st.none() | small, st.none() | words, st.none() | words),
    max_size=12,
).map(lambda table: [(*key, *rest) for key, rest in table.items()])


def listed(values: list[int]) -> str:
    return ", ".join(map(str, values))


comparisons = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
conditions = st.one_of(
    st.builds("u = {}".format, small),
    st.builds("s {} {}".format, comparisons, small),
    st.builds("u IN ({})".format, st.lists(small, min_size=1, max_size=3).map(listed)),
    st.builds("s IN ({})".format, st.lists(small, min_size=1, max_size=3).map(listed)),
    st.builds("s BETWEEN {} AND {}".format, small, small),
    st.builds("n {} {}".format, comparisons, small),
    st.builds("n + s {} {}".format, comparisons, small),
    st.builds("a {} '{}'".format, comparisons, words),
    st.builds("a LIKE '{}%'".format, st.sampled_from(["", "a", "b"])),
    st.sampled_from(["n IS NULL", "h IS NOT NULL", "a = h", "upper(a) = 'AB'", "NOT (n = 1 OR a = 'a')"]),
    st.builds("({} OR {})".format, st.builds("u = {}".format, small), st.builds("n = {}".format, small)),
    st.builds("(u, s) > ({}, {})".format, small, small),
)  # fmt: skip
wheres = st.lists(conditions, max_size=3).map(
    lambda parts: "WHERE " + " AND ".join(parts) if parts else ""
)
outputs = st.sampled_from(
    [
        "*",
        "u, s",
        "n, a",
        "upper(a), n + 1, h",
        "h",
        "coalesce(n, -1), a || h",
        "DISTINCT n",
        "DISTINCT a, h",
    ]
)
orders = st.sampled_from(
    ["", "s", "s DESC", "u, s", "n, u, s", "a DESC, u, s", "n DESC NULLS LAST, u DESC, s"]
)


@dataclass(frozen=True)
class Query:
    """A query and whether its rows have a full order."""

    text: str
    ordered: bool


@st.composite
def queries(draw: st.DrawFn) -> Query:
    kind = draw(st.sampled_from(["rows", "rows", "rows", "count", "group"]))
    where = draw(wheres)
    if kind == "count":
        return Query(f"SELECT count(*) FROM t {where}", ordered=True)
    if kind == "group":
        return Query(f"SELECT n, count(*), max(a) FROM t {where} GROUP BY n", ordered=False)
    output, order = draw(outputs), draw(orders)
    full = all(name in order for name in ("u", "s"))
    text = f"SELECT {output} FROM t {where}"
    if order and "DISTINCT" not in output:
        text += f" ORDER BY {order}"
        if full and draw(st.booleans()):
            text += f" LIMIT {draw(small)} OFFSET {draw(small)}"
        return Query(text, full)
    return Query(text, ordered=False)


def our_rows(table: list[tuple[Any, ...]], layout: tuple[str, str], text: str) -> list[Any]:
    cluster = MemoryCluster()
    session = Session(cluster.client(), clock=lambda: cluster.now, monotonic=lambda: cluster.now)
    sql = SqlRunner(session)
    sql(CREATE.format(direction=layout[0], family=layout[1]))
    sql.many("UPSERT INTO t VALUES (?, ?, ?, ?, ?)", table)
    found: list[Any] = sql(text)
    session.close()
    return found


@pytest.mark.slow
@settings(max_examples=80)
@given(
    table=rows,
    query=queries(),
    layout=st.tuples(st.sampled_from(["", " DESC"]), st.sampled_from(["", ", FAMILY f (h)"])),
)
def test_queries_agree_with_duckdb(
    table: list[tuple[Any, ...]], query: Query, layout: tuple[str, str]
) -> None:
    columns = list(zip(*table, strict=True)) or [()] * 5
    t = pa.table(
        [pa.array(values, field.type) for values, field in zip(columns, ARROW, strict=True)], ARROW
    )
    with duckdb.connect() as engine:
        engine.register("t", t)
        # PostgreSQL's default, and ours: NULLs come last going up, first going down.
        engine.execute("SET default_null_order = 'nulls_last_on_asc_first_on_desc'")
        theirs = engine.execute(query.text).fetchall()
    ours = our_rows(table, layout, query.text)
    if query.ordered:
        assert ours == theirs
    else:
        assert sorted(map(repr, ours)) == sorted(map(repr, theirs))
