"""What storage nodes keep of a PyArrow filter is what PyArrow keeps, or more where it must be."""

import datetime as dt
import math
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given
from hypothesis import strategies as st

from pegasus_tab.analytics.pushdown import pushdown
from pegasus_tab.tabular.arrow import arrow_schema, filter_mask
from pegasus_tab.tabular.schema import Schema
from tests.fakes.sql_catalog import SqlCatalog

_MADE = SqlCatalog(
    "CREATE TABLE t (k INT PRIMARY KEY, s TEXT, x DOUBLE, d DECIMAL(6, 2), ok BOOLEAN, "
    "at TIMESTAMP, day DATE, big BIGINT, body BLOB, u UUID, m MAP<TEXT, INT>)"
).table("t")
assert _MADE is not None
SCHEMA: Schema = _MADE.schema
ARROW = arrow_schema(SCHEMA, [column.id for column in SCHEMA.columns])
PLAIN = pa.schema([field for field in ARROW if field.name not in {"u", "m"}])

VALUES: dict[str, list[Any]] = {
    "k": [-2, 0, 1, 7],
    "s": ["", "a", "ab", "b%", "b_", "é"],
    "x": [-0.0, 0.0, 1.5, math.nan, math.inf, -math.inf],
    "d": [Decimal("-1.50"), Decimal("0.00"), Decimal("2.25")],
    "ok": [True, False],
    "at": [dt.datetime.fromisoformat("2024-01-31T10:00"), dt.datetime.fromisoformat("1969-12-31")],
    "day": [dt.date(2024, 1, 31), dt.date(1, 1, 1)],
    "big": [-(1 << 63), 0, (1 << 63) - 1],
    "body": [b"", b"\0", b"\xff"],
}

rows = st.fixed_dictionaries(
    {
        name: st.sampled_from(values) if name == "k" else st.none() | st.sampled_from(values)
        for name, values in VALUES.items()
    }
)


def constant(name: str) -> st.SearchStrategy[Any]:
    return st.sampled_from(VALUES[name]).map(lambda value: pa.scalar(value, PLAIN.field(name).type))


@st.composite
def comparisons(draw: st.DrawFn) -> pc.Expression:
    name = draw(st.sampled_from(sorted(VALUES)))
    field, value = pc.field(name), pc.scalar(draw(constant(name)))
    one, other = draw(st.permutations([field, value]))
    return draw(
        st.sampled_from([one == other, one != other, one < other, one <= other, one > other])
    )


@st.composite
def conditions(draw: st.DrawFn) -> pc.Expression:
    name = draw(st.sampled_from(sorted(VALUES)))
    field = pc.field(name)
    members = draw(st.lists(st.none() | st.sampled_from(VALUES[name]), max_size=3))
    return draw(
        st.sampled_from(
            [
                field.is_null(),
                field.is_valid(),
                field.isin(pa.array(members, PLAIN.field(name).type)),
                pc.starts_with(pc.field("s"), draw(st.sampled_from(VALUES["s"]))),
                pc.field("ok"),
                pc.field("k") + 1 > pc.field("big"),
                pc.match_like(pc.field("s"), "a%"),
            ]
        )
    )


def combined(inner: st.SearchStrategy[pc.Expression]) -> st.SearchStrategy[pc.Expression]:
    unknown = pa.scalar(None, pa.bool_())
    return st.one_of(
        st.builds(lambda one, other: one & other, inner, inner),
        st.builds(lambda one, other: one | other, inner, inner),
        inner.map(lambda one: ~one),
        st.builds(lambda one, other: pc.if_else(one, other, unknown), inner, inner),
    )


expressions = st.recursive(comparisons() | conditions(), combined, max_leaves=6)


@given(expressions, st.lists(rows, min_size=1, max_size=12))
def test_storage_keeps_what_arrow_keeps(expression: pc.Expression, found: list[Any]) -> None:
    table = pa.Table.from_pylist(found, PLAIN)
    numbered = table.append_column("n", pa.array(range(len(found))))
    by_arrow = numbered.filter(expression)["n"].to_pylist()
    pushed = pushdown(expression, SCHEMA, ARROW)
    if pushed.filter is None:
        by_storage = list(range(len(found)))
    else:
        batch = table.combine_chunks().to_batches()[0]
        ids = {column.name: column.id for column in SCHEMA.columns}
        arrays = {ids[name]: batch.column(name) for name in batch.schema.names}
        mask = filter_mask(pushed.filter, SCHEMA, arrays).to_pylist()
        by_storage = [number for number, kept in enumerate(mask) if kept]
    assert set(by_arrow) <= set(by_storage), pushed
    if pushed.exact:
        assert by_arrow == by_storage, pushed
    if pushed.columns is not None:
        some = numbered.select([*sorted(pushed.columns), "n"])
        assert some.filter(expression)["n"].to_pylist() == by_arrow


def test_ordinary_filters_are_pushed_whole() -> None:
    s, k = pc.field("s"), pc.field("k")
    for expression in (
        k == 1,
        (k > 1) & (s != "x"),
        ~s.isin(["a", "b"]),
        s.is_null() | (pc.field("at") < dt.datetime.fromisoformat("2024-01-01")),
        pc.starts_with(s, "100%"),
        pc.field("d") >= Decimal("1.50"),
    ):
        pushed = pushdown(expression, SCHEMA, ARROW)
        assert pushed.exact, expression
        assert pushed.filter is not None


def test_what_cannot_be_pushed_is_left_to_arrow() -> None:
    for expression in (
        pc.match_like(pc.field("s"), "a%"),
        pc.field("u").is_null(),
        pc.field("k") > 2.5,
        pc.field("d") == Decimal("1.505"),
    ):
        pushed = pushdown(expression, SCHEMA, ARROW)
        assert (pushed.filter, pushed.exact) == (None, False), expression
