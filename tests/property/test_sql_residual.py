"""A query that DuckDB finishes gives what our own evaluation gives: the dialects agree.

Both sides get the same rows; ours evaluates the expression as bound, DuckDB the SQL we write for it.
"""

from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pegasus_tab.base.errors import Error
from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.evaluate import RowShape, compile_expression
from pegasus_tab.sql import ast, front
from pegasus_tab.sql.bind_functions import binder_for
from pegasus_tab.sql.plan_nodes import ResidualQuery
from pegasus_tab.sql.prepare import prepare
from pegasus_tab.sql.scope import Scope
from pegasus_tab.tabular.schema import Kind
from tests.fakes.sql_catalog import small_catalog
from tests.property.sql_strategies import numbers, predicates, row_values, texts

CATALOG = small_catalog()
TABLE = CATALOG.tables["events"]
COLUMNS = TABLE.schema.columns
SHAPE = RowShape({column.id: place for place, column in enumerate(COLUMNS)})
ARROW = {
    Kind.BOOLEAN: pa.bool_(),
    Kind.INT: pa.int32(),
    Kind.BIGINT: pa.int64(),
    Kind.DOUBLE: pa.float64(),
    Kind.DECIMAL: pa.decimal128(10, 2),
    Kind.TEXT: pa.string(),
    Kind.BLOB: pa.binary(),
    Kind.TIMESTAMP: pa.timestamp("us"),
    Kind.DATE: pa.date32(),
    Kind.UUID: pa.string(),
}
SCHEMA = pa.schema(
    [
        (
            column.name,
            pa.map_(pa.string(), ARROW[column.type.value.kind])
            if column.type.value is not None
            else ARROW[column.type.kind],
        )
        for column in COLUMNS
    ]
)
DATABASE = duckdb.connect()


def ours(text: str, row: dict[str, Any]) -> Any:
    statement = front.parse(f"SELECT {text} FROM events").statement
    assert isinstance(statement, ast.Select)
    term = statement.items[0].value
    assert not isinstance(term, ast.Star)
    bound = binder_for(Scope(TABLE)).bind(term)
    values = tuple(row[column.name] for column in COLUMNS)
    return compile_expression(bound, SHAPE)(values, Bindings((), lambda: 0.0))


def theirs(text: str, row: dict[str, Any]) -> Any:
    plan = prepare(f"SELECT DISTINCT {text} AS answer FROM events", CATALOG, {}).plan
    assert isinstance(plan, ResidualQuery)
    maps = {name: list(value.items()) for name, value in row.items() if isinstance(value, dict)}
    table = pa.Table.from_pylist([row | maps], schema=SCHEMA)
    with DATABASE.cursor() as cursor:
        cursor.register("events", table)
        answer = cursor.execute(plan.sql).fetchone()
    assert answer is not None
    return answer[0]


def same(one: Any, other: Any) -> bool:
    if isinstance(one, int | float | Decimal) and isinstance(other, int | float | Decimal):
        return abs(float(one) - float(other)) < 1e-9 * max(1.0, abs(float(one)))
    return bool(one == other)


@settings(max_examples=300)
@given(st.one_of(predicates(2), numbers(2), texts(2)), row_values())
def test_duckdb_gives_our_values(text: str, row: dict[str, Any]) -> None:
    try:
        mine = ours(text, row)
    except Error:
        assume(condition=False)
    assert same(mine, theirs(text, row)), (text, row)
