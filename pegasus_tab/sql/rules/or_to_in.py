"""Equalities of one column joined by OR are an IN list: ``a = 1 OR a IN (2, 3)``."""

from pegasus_tab.sql.column_types import BOOLEAN
from pegasus_tab.sql.expression import Call, ColumnRef, Expression
from pegasus_tab.sql.tree import is_constant


def or_to_in(expression: Expression) -> Expression:
    """Return an OR with the equalities of each column gathered into one IN."""
    match expression:
        case Call(function="or", arguments=arguments):
            members: dict[ColumnRef, list[Expression]] = {}
            first: dict[ColumnRef, int] = {}
            rest: list[Expression | None] = []
            for one in arguments:
                found = _equalities(one)
                if found is None:
                    rest.append(one)
                    continue
                column, values = found
                if column not in members:
                    first[column] = len(rest)
                    rest.append(None)
                members.setdefault(column, []).extend(values)
            if len(rest) == len(arguments):
                return expression
            for column, place in first.items():
                rest[place] = _membership(column, members[column])
            parts = tuple(part for part in rest if part is not None)
            return parts[0] if len(parts) == 1 else Call("or", parts, BOOLEAN)
        case _:
            pass
    return expression


def _equalities(expression: Expression) -> tuple[ColumnRef, tuple[Expression, ...]] | None:
    match expression:
        case Call(function="=" | "in", arguments=(ColumnRef() as column, *values)) if all(
            is_constant(value) for value in values
        ):
            return column, tuple(values)
    return None


def _membership(column: ColumnRef, values: list[Expression]) -> Call:
    if len(values) == 1:
        return Call("=", (column, values[0]), BOOLEAN)
    return Call("in", (column, *values), BOOLEAN)
