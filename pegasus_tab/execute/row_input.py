"""From an INSERT's values to whole rows in schema order, as the row codec takes them."""

from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import Any, TypeAlias

from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.evaluate import compile_expression
from pegasus_tab.sql.expression import Expression, Parameter
from pegasus_tab.sql.plan_nodes import Insert
from pegasus_tab.tabular.schema import Schema

FullRow: TypeAlias = tuple[Any, ...]
Completer: TypeAlias = Callable[[tuple[Any, ...]], FullRow]
RowOf: TypeAlias = Callable[[Bindings], FullRow]


class RowInput:
    """The rows of one INSERT or UPSERT, completed with defaults and NULLs.

    Attributes:
        given: values that each row is given; the others are defaults and NULLs.
        completed: the function from the given values to the row.
        takes_parameters: True when the one row of VALUES is all parameters in order, so that a
            set of parameters is a row as it stands.
    """

    def __init__(self, plan: Insert) -> None:
        self.given = len(plan.columns) - len(plan.defaults)
        self.completed = _completer(plan.table.schema, plan.columns, plan.defaults)
        self.takes_parameters = len(plan.rows) == 1 and _is_parameters(plan.rows[0])
        self._rows = [_row_of(row, self.completed) for row in plan.rows]

    def rows(self, bindings: Bindings) -> Iterator[FullRow]:
        """Yield the rows of VALUES."""
        return (row_of(bindings) for row_of in self._rows)


def _completer(schema: Schema, columns: Sequence[int], defaults: tuple[object, ...]) -> Completer:
    """Return the function from given values to a row: behind them stand the defaults and a NULL."""
    places = [
        columns.index(column.id) if column.id in columns else len(columns)
        for column in schema.columns
    ]
    if places == list(range(len(columns))):
        return (lambda values: values + defaults) if defaults else _same
    tail = (*defaults, None)
    pick = itemgetter(*places, 0)  # one place too many, so that a single column gives a tuple too
    return lambda values: pick(values + tail)[:-1]


def _same(values: tuple[Any, ...]) -> FullRow:
    return values


def _is_parameters(row: Sequence[Expression]) -> bool:
    indexes = [value.index for value in row if isinstance(value, Parameter)]
    return indexes == list(range(len(row)))


def _row_of(row: Sequence[Expression], complete: Completer) -> RowOf:
    width = len(row)
    if _is_parameters(row):
        return lambda bindings: complete(bindings.parameters[:width])
    evaluators = [compile_expression(value) for value in row]
    return lambda bindings: complete(tuple([value((), bindings) for value in evaluators]))
