"""Whether an access path delivers rows in the order a query asks for."""

from collections.abc import Sequence
from dataclasses import replace

from pegasus_tab.sql.expression import ColumnRef
from pegasus_tab.sql.plan_nodes import Access, NoRows, OrderBy, PointGet, RangeScan
from pegasus_tab.sql.tree import is_constant
from pegasus_tab.tabular.schema import Schema


def without_sort(schema: Schema, access: Access, order: Sequence[OrderBy]) -> Access | None:
    """Return the access path, perhaps reversed, that delivers ``order``; None when a sort is needed.

    Keys hold no NULL, so where NULLs go makes no difference. Columns that the access path fixes
    to one value, and constants, do not order anything.
    """
    if isinstance(access, PointGet | NoRows):
        return access
    if not isinstance(access, RangeScan):
        return None if order else access
    fixed = {*schema.hash_key, *(part.column for part in schema.sort_key[: len(access.prefix)])}
    free = schema.sort_key[len(access.prefix) :]
    terms = [term for term in order if not _orders_nothing(term, fixed)]
    reverse: bool | None = None
    for place, part in enumerate(free):
        if place >= len(terms):
            break
        term = terms[place]
        if not isinstance(term.expression, ColumnRef) or term.expression.column != part.column:
            return None
        against = term.descending is not part.descending
        if reverse is not None and reverse is not against:
            return None
        reverse = against
    else:
        # Every sort column is used up: one row at most is left to each place, so later terms idle.
        terms = terms[: len(free)]
    if len(terms) > len(free):
        return None
    return replace(access, reverse=bool(reverse))


def _orders_nothing(term: OrderBy, fixed: set[int]) -> bool:
    expression = term.expression
    if isinstance(expression, ColumnRef):
        return expression.column in fixed
    return is_constant(expression)
