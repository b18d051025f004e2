"""Predicates that a storage node can evaluate: the filter tree of ``RPC_TAB_SCAN``.

SQL's three-valued logic throughout: a comparison with NULL is NULL, and only TRUE keeps a row.
Values are Python values of the column's type (see value.py); column numbers are column ids.
"""

from typing import Literal, TypeAlias

from pegasus_tab.base.record import record

Comparison: TypeAlias = Literal["=", "<>", "<", "<=", ">", ">="]


@record
class Compare:
    """``column operator value``; the value is never None."""

    column: int
    operator: Comparison
    value: object


@record
class In:
    """``column IN (values)``; values hold no None."""

    column: int
    values: tuple[object, ...]


@record
class IsNull:
    """``column IS NULL``, or IS NOT NULL when negated."""

    column: int
    negated: bool = False


@record
class Like:
    """``column LIKE pattern`` with % and _ and backslash as escape; ILIKE ignores case."""

    column: int
    pattern: str
    ignore_case: bool = False


@record
class And:
    """All of them; an empty And is TRUE."""

    parts: "tuple[Filter, ...]"


@record
class Or:
    """Any of them; an empty Or is FALSE."""

    parts: "tuple[Filter, ...]"


@record
class Not:
    """Negation; NOT NULL is NULL."""

    part: "Filter"


Filter: TypeAlias = Compare | In | IsNull | Like | And | Or | Not
