"""An expression written back as SQL means what it meant."""

from typing import Any

from hypothesis import given, settings

from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.evaluate import RowShape, compile_expression
from pegasus_tab.sql import ast, front
from pegasus_tab.sql.bind_expression import boolean
from pegasus_tab.sql.bind_functions import binder_for
from pegasus_tab.sql.expression import Expression
from pegasus_tab.sql.render import Renderer
from pegasus_tab.sql.rules import rewrite
from pegasus_tab.sql.scope import Scope
from tests.fakes.sql_catalog import small_catalog
from tests.property.sql_strategies import predicates, row_values

TABLE = small_catalog().tables["events"]
COLUMNS = TABLE.schema.columns
SHAPE = RowShape({column.id: place for place, column in enumerate(COLUMNS)})


def bound(where: str) -> Expression:
    statement = front.parse(f"SELECT seq FROM events WHERE {where}").statement
    assert isinstance(statement, ast.Select)
    assert statement.where is not None
    return boolean(binder_for(Scope(TABLE)), statement.where, "argument of WHERE")


@settings(max_examples=200)
@given(predicates(2), row_values())
def test_rendered_text_reads_back(where: str, values: dict[str, Any]) -> None:
    row = tuple(values[column.name] for column in COLUMNS)
    for expression in (bound(where), rewrite(bound(where))):
        again = bound(Renderer(TABLE).text(expression))
        before, after = (
            compile_expression(one, SHAPE)(row, Bindings((), lambda: 0.0))
            for one in (expression, again)
        )
        assert before == after
