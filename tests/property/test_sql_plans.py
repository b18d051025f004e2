"""A plan keeps exactly the rows its WHERE keeps, whichever way it reaches them.

The reference is the WHERE as bound, before any rule: evaluated on each row. The plan's way is played
on rows in memory: what the access path reaches, what the storage filter keeps, what the client keeps.
"""

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.evaluate import RowShape, compile_expression, compile_predicate
from pegasus_tab.execute.storage_filter import storage_filter
from pegasus_tab.sql import front
from pegasus_tab.sql.bind_expression import boolean
from pegasus_tab.sql.bind_functions import binder_for
from pegasus_tab.sql.expression import Expression
from pegasus_tab.sql.plan_nodes import (
    Access,
    Bound,
    MultiGet,
    MultiRange,
    NoRows,
    PointGet,
    Select,
    Statement,
    TableScan,
)
from pegasus_tab.sql.prepare import prepare
from pegasus_tab.sql.rules import RULES, rewrite
from pegasus_tab.sql.scope import Scope
from pegasus_tab.sql.tree import transform
from pegasus_tab.tabular.filter_rows import compile_filter
from tests.fakes.sql_catalog import small_catalog
from tests.property.sql_strategies import key_predicates, predicates, row_values

CATALOG = small_catalog()
TABLE = CATALOG.tables["events"]
COLUMNS = TABLE.schema.columns
SHAPE = RowShape({column.id: place for place, column in enumerate(COLUMNS)})
PLACES = {column.name: place for place, column in enumerate(COLUMNS)}

Row = tuple[Any, ...]


def table_rows() -> st.SearchStrategy[list[Row]]:
    return st.lists(
        row_values().map(lambda row: tuple(row[column.name] for column in COLUMNS)), max_size=6
    )


def bound(where: str) -> Expression:
    parsed = front.parse(f"SELECT seq FROM events WHERE {where}")
    assert parsed.statement.where is not None  # type: ignore[union-attr]  # a SELECT by its text
    return boolean(binder_for(Scope(TABLE)), parsed.statement.where, "WHERE")  # type: ignore[union-attr]


def no_parameters() -> Bindings:
    return Bindings((), lambda: 0.0)


def bindings_of(statement: Statement) -> Bindings:
    bindings = no_parameters()
    for expression in statement.computed:
        value = compile_expression(expression, SHAPE)((), bindings)
        bindings.parameters = (*bindings.parameters, value)
    return bindings


def reached(access: Access, row: Row, bindings: Bindings) -> bool:
    """Tell whether an access path comes across a row."""

    def values(parts: Sequence[Expression]) -> list[Any]:
        return [compile_expression(part, SHAPE)((), bindings) for part in parts]

    key = [row[PLACES["user_id"]]]
    sort = [row[PLACES["at"]], row[PLACES["seq"]]]
    if isinstance(access, NoRows | TableScan):
        return isinstance(access, TableScan)
    if isinstance(access, PointGet):
        return key == values(access.hash_key) and sort == values(access.sort_key)
    if isinstance(access, MultiGet):
        return key in map(values, access.hash_keys) and sort in map(values, access.sort_keys)
    hash_keys = access.hash_keys if isinstance(access, MultiRange) else (access.hash_key,)
    prefix = values(access.prefix)
    if key not in map(values, hash_keys) or sort[: len(prefix)] != prefix:
        return False
    return all(
        within(sort[len(prefix)], bound, values, lower=lower)
        for bound, lower in ((access.lower, True), (access.upper, False))
        if bound is not None
    )


def within(value: Any, bound: Bound, values: Any, *, lower: bool) -> bool:
    (limit,) = values((bound.value,))
    if limit is None:
        return False
    inside = value > limit if lower else value < limit
    return bool(inside or (bound.inclusive and value == limit))


@settings(max_examples=400)
@given(key_predicates() | predicates(), table_rows())
def test_the_plan_keeps_the_rows_of_its_where(where: str, rows: list[Row]) -> None:
    keep = compile_expression(bound(where), SHAPE)
    wanted = [row for row in rows if keep(row, no_parameters()) is True]
    statement = prepare(f"SELECT seq FROM events WHERE {where}", CATALOG, {})
    assert isinstance(statement.plan, Select)
    source, bindings = statement.plan.source, bindings_of(statement)
    filter_ = storage_filter(source.pushed, bindings)
    passes = compile_filter(filter_, TABLE.schema) if filter_ is not None else lambda _row: True
    residual = compile_predicate(source.residual, SHAPE)
    found = [
        row
        for row in rows
        if reached(source.access, row, bindings)
        and passes(row) is True
        and (residual is None or residual(row, bindings) is True)
    ]
    assert found == wanted


@settings(max_examples=300)
@given(predicates(3), row_values())
def test_rules_keep_every_value(where: str, values: dict[str, Any]) -> None:
    row = tuple(values[column.name] for column in COLUMNS)
    before = bound(where)
    expected = compile_expression(before, SHAPE)(row, no_parameters())
    for rule in RULES:
        after = transform(before, rule)
        assert compile_expression(after, SHAPE)(row, no_parameters()) == expected, rule
    assert compile_expression(rewrite(before), SHAPE)(row, no_parameters()) == expected


@given(predicates(3))
def test_rewriting_twice_changes_nothing(where: str) -> None:
    once = rewrite(bound(where))
    assert rewrite(once) == once
