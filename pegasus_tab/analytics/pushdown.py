"""PyArrow filters to what storage nodes evaluate, by way of Substrait.

PyArrow does not show the insides of its expressions; it writes them as Substrait, with the types of
literals settled. What storage nodes evaluate may keep more rows than the filter, never fewer: PyArrow
filters once more what arrives. Where the two evaluate differently (NaN, membership of NULL), or a
filter cannot be written as Substrait, less is pushed or nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from pegasus_tab.analytics.substrait import (
    Call,
    Condition,
    Constant,
    Field,
    Member,
    Node,
    read_expression,
)
from pegasus_tab.base.errors import DataError
from pegasus_tab.tabular.filter import And, Compare, Comparison, Filter, In, IsNull, Like, Not, Or
from pegasus_tab.tabular.schema import Column, Kind, Schema
from pegasus_tab.tabular.value import coerce

_COMPARISONS: Final[Mapping[str, Comparison]] = {
    "equal": "=",
    "not_equal": "<>",
    "lt": "<",
    "lte": "<=",
    "gt": ">",
    "gte": ">=",
}
_MIRRORED: Final[Mapping[Comparison, Comparison]] = {
    "=": "=",
    "<>": "<>",
    "<": ">",
    "<=": ">=",
    ">": "<",
    ">=": "<=",
}


@dataclass(frozen=True, slots=True)
class Pushdown:
    """What a filter comes to.

    Attributes:
        filter: for the storage nodes, None when they keep every row.
        exact: it keeps the very rows the original keeps.
        columns: names of the columns the original reads, None when that is not known.
    """

    filter: Filter | None
    exact: bool
    columns: frozenset[str] | None


NOTHING: Final = Pushdown(None, exact=True, columns=frozenset())


def pushdown(expression: pc.Expression | None, schema: Schema, arrow: pa.Schema) -> Pushdown:
    """Work out what of a filter the storage nodes can evaluate.

    Args:
        expression: over columns by name; None keeps every row.
        schema: the table's.
        arrow: the same as Arrow schema.
    """
    if expression is None:
        return NOTHING
    known = pa.schema([field for field in arrow if not _is_foreign(field.type)])
    try:
        node = read_expression(bytes(expression.to_substrait(known)))
    except (pa.ArrowException, KeyError, ValueError, ImportError):
        # What Substrait cannot say, about columns that it has no type for, or a PyArrow without it.
        return Pushdown(None, exact=False, columns=None)
    by_name = {column.name: column for column in schema.columns}
    translation = _Translation([by_name[name] for name in known.names])
    exact = translation.exact(node)
    pushed = translation.wider(node) if exact is None else exact
    return Pushdown(pushed, exact=exact is not None, columns=translation.columns_of(node))


def _is_foreign(type_: pa.DataType) -> bool:
    """Tell whether Substrait has no such type (UUID), or we push nothing about it (MAP)."""
    return isinstance(type_, pa.BaseExtensionType) or bool(pa.types.is_map(type_))


class _Translation:
    """From an expression's tree to a storage filter.

    Args:
        columns: the table's, as the tree numbers them.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns

    def wider(self, node: Node) -> Filter | None:
        """Return a filter that keeps at least the rows for which ``node`` is true; None for all."""
        match node:
            case Call("and", arguments):
                parts = [part for one in arguments if (part := self.wider(one)) is not None]
                return And(tuple(parts)) if parts else None
            case Call("or", arguments):
                parts = [part for one in arguments if (part := self.wider(one)) is not None]
                return Or(tuple(parts)) if len(parts) == len(arguments) else None
            case Call(name, (one, other)) if name in _COMPARISONS:
                return self._comparison(_COMPARISONS[name], one, other)
            case Condition(((condition, then),), Constant(None | False)):
                # How DuckDB wraps IN: the row is kept only where both hold.
                return self.wider(Call("and", (condition, then)))
            case _:
                return self.exact(node)

    def exact(self, node: Node) -> Filter | None:
        """Return the filter that is true, false or NULL just where ``node`` is; None for none."""
        match node:
            case Field(place):
                column = self._columns[place]
                is_boolean = column.type.kind is Kind.BOOLEAN
                return Compare(column.id, "=", value=True) if is_boolean else None
            case Call("and" | "or" as name, arguments):
                parts = tuple(part for one in arguments if (part := self.exact(one)) is not None)
                if len(parts) < len(arguments):
                    return None
                return And(parts) if name == "and" else Or(parts)
            case Call("not", (inner,)):
                negated = self.exact(inner)
                return None if negated is None else Not(negated)
            case Call(name, (one, other)) if name in _COMPARISONS:
                found = self._comparison(_COMPARISONS[name], one, other)
                # Arrow compares NaN as false, storage nodes have it in their order.
                return None if found is None or self._is_double(found.column) else found
            case _:
                return self._test(node)

    def _test(self, node: Node) -> Filter | None:
        match node:
            case Call("is_null" | "is_not_null" as name, (Field(place),)):
                return IsNull(self._columns[place].id, negated=name == "is_not_null")
            case Call("starts_with", (Field(place), Constant(str(prefix)))):
                column = self._columns[place]
                escaped = prefix.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
                is_text = column.type.kind is Kind.TEXT
                return Like(column.id, f"{escaped}%") if is_text else None
            case Member(Field(place), options):
                return self._membership(self._columns[place], options)
            case _:
                return None

    def _comparison(self, operator: Comparison, one: Node, other: Node) -> Compare | None:
        match one, other:
            case Field(place), Constant():
                constant = other
            case Constant(), Field(place):
                constant, operator = one, _MIRRORED[operator]
            case _:
                return None
        column = self._columns[place]
        found = _values(column, (constant,))
        return None if found is None else Compare(column.id, operator, found[0])

    def _membership(self, column: Column, options: Sequence[Node]) -> Filter | None:
        """``is_in``: for Arrow the membership of NULL is false, for SQL it is NULL."""
        values = None if column.type.kind is Kind.DOUBLE else _values(column, options)
        if values is None:
            return None
        return And((IsNull(column.id, negated=True), In(column.id, values)))

    def _is_double(self, id_: int) -> bool:
        return any(one.id == id_ and one.type.kind is Kind.DOUBLE for one in self._columns)

    def columns_of(self, node: Node) -> frozenset[str] | None:
        """Return the names of the columns that a node reads, None when it has opaque parts."""
        match node:
            case Field(place):
                return frozenset((self._columns[place].name,))
            case Constant():
                return frozenset()
            case Call(_, arguments):
                return self._columns_of_all(arguments)
            case Member(value, options):
                return self._columns_of_all((value, *options))
            case Condition(cases, otherwise):
                return self._columns_of_all((otherwise, *(part for case in cases for part in case)))
            case _:
                return None

    def _columns_of_all(self, nodes: Sequence[Node]) -> frozenset[str] | None:
        found: frozenset[str] = frozenset()
        for node in nodes:
            names = self.columns_of(node)
            if names is None:
                return None
            found |= names
        return found


def _values(column: Column, nodes: Sequence[Node]) -> tuple[Any, ...] | None:
    """Return constants in the form of a column's type; None when one of them has none there."""
    found = []
    for node in nodes:
        value = node.value if isinstance(node, Constant) else None
        if value is None or value != value:  # noqa: PLR0124 -- NaN: storage nodes order it
            return None
        try:
            coerced = coerce(column.type, value)
        except DataError:
            return None
        if coerced != value:  # rounded to the column's scale
            return None
        found.append(coerced)
    return tuple(found)
