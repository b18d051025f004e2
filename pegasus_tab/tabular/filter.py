"""Predicates that a storage node can evaluate: the filter tree of ``RPC_TAB_SCAN``.

SQL's three-valued logic throughout: a comparison with NULL is NULL, and only TRUE keeps a row.
Values are Python values of the column's type (see value.py); column numbers are column ids.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Comparison: TypeAlias = Literal["=", "<>", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Compare:
    """``column operator value``; the value is never None."""

    column: int
    operator: Comparison
    value: object


@dataclass(frozen=True, slots=True)
class In:
    """``column IN (values)``; values hold no None."""

    column: int
    values: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class IsNull:
    """``column IS NULL``, or IS NOT NULL when negated."""

    column: int
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Like:
    """``column LIKE pattern`` with % and _ and backslash as escape; ILIKE ignores case."""

    column: int
    pattern: str
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class And:
    """All of them; an empty And is TRUE."""

    parts: "tuple[Filter, ...]"


@dataclass(frozen=True, slots=True)
class Or:
    """Any of them; an empty Or is FALSE."""

    parts: "tuple[Filter, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """Negation; NOT NULL is NULL."""

    part: "Filter"


Filter: TypeAlias = Compare | In | IsNull | Like | And | Or | Not
