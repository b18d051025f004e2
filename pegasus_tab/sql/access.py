"""The access path: from conditions on key columns to the cheapest way to the rows."""

from collections.abc import Callable, Sequence
from itertools import product
from math import prod
from typing import TypeAlias

from pegasus_tab.sql.expression import Expression
from pegasus_tab.sql.key_conditions import ColumnConditions, column_conditions
from pegasus_tab.sql.plan_nodes import (
    Access,
    Bound,
    MultiGet,
    MultiRange,
    NoRows,
    PointGet,
    RangeScan,
    TableScan,
)
from pegasus_tab.tabular.schema import Schema

KEYS_MAX = 10_000
"""Whole keys that IN lists may multiply to; beyond that a range or a scan reads less often."""
HASH_KEYS_MAX = 1_000
"""Hash keys of one MultiRange: each is a request of its own."""

Key: TypeAlias = tuple[Expression, ...]


def choose_access(
    schema: Schema, conjuncts: Sequence[Expression]
) -> tuple[Access, tuple[Expression, ...]]:
    """Return the cheapest access path for a conjunction, and the conjuncts it answers exactly.

    Args:
        schema: the table's schema.
        conjuncts: rewritten predicates (``rules.rewrite``).
    """
    columns = {column.id: column for column in schema.columns}
    hashes = [column_conditions(columns[id_], conjuncts) for id_ in schema.hash_key]
    sorts = [column_conditions(columns[part.column], conjuncts) for part in schema.sort_key]
    if any(one.impossible for one in (*hashes, *sorts)):
        return NoRows(), tuple(conjuncts)
    if any(one.values is None for one in hashes):
        return TableScan(), ()
    hash_count = prod(len(one.values or ()) for one in hashes)
    if all(one.values is not None for one in sorts):
        sort_count = prod(len(one.values or ()) for one in sorts)
        if hash_count * sort_count <= KEYS_MAX:
            return _whole_keys(hashes, sorts), _answered(hashes, sorts)
    if hash_count > HASH_KEYS_MAX:
        return TableScan(), ()
    return _ranges(hashes, sorts)


def with_keys(access: Access, change: Callable[[Expression], Expression]) -> Access:
    """Return the access path with each key part and bound passed through ``change``."""

    def key(parts: Key) -> Key:
        return tuple(change(part) for part in parts)

    def bound(end: Bound | None) -> Bound | None:
        return None if end is None else Bound(change(end.value), end.inclusive)

    match access:
        case PointGet(hash_key=hash_key, sort_key=sort_key):
            return PointGet(key(hash_key), key(sort_key))
        case MultiGet(hash_keys=hash_keys, sort_keys=sort_keys):
            return MultiGet(tuple(map(key, hash_keys)), tuple(map(key, sort_keys)))
        case RangeScan(hash_key=hash_key, prefix=prefix, lower=lower, upper=upper):
            return RangeScan(key(hash_key), key(prefix), bound(lower), bound(upper), access.reverse)
        case MultiRange(hash_keys=hash_keys, prefix=prefix, lower=lower, upper=upper):
            return MultiRange(tuple(map(key, hash_keys)), key(prefix), bound(lower), bound(upper))
        case TableScan() | NoRows():
            return access


def _keys(conditions: Sequence[ColumnConditions]) -> tuple[Key, ...]:
    return tuple(product(*(one.values or () for one in conditions)))


def _answered(*groups: Sequence[ColumnConditions]) -> tuple[Expression, ...]:
    found: list[Expression] = []
    for group in groups:
        for one in group:
            found.extend(conjunct for conjunct in one.answered if conjunct not in found)
    return tuple(found)


def _whole_keys(hashes: Sequence[ColumnConditions], sorts: Sequence[ColumnConditions]) -> Access:
    hash_keys, sort_keys = _keys(hashes), _keys(sorts)
    if len(hash_keys) == len(sort_keys) == 1:
        return PointGet(hash_keys[0], sort_keys[0])
    return MultiGet(hash_keys, sort_keys)


def _ranges(
    hashes: Sequence[ColumnConditions], sorts: Sequence[ColumnConditions]
) -> tuple[Access, tuple[Expression, ...]]:
    prefix: list[Expression] = []
    used: list[ColumnConditions] = []
    lower: Bound | None = None
    upper: Bound | None = None
    for one in sorts:
        if one.values is not None and len(one.values) == 1:
            prefix.extend(one.values)
            used.append(one)
            continue
        if one.values is None:
            lower, upper = one.lower, one.upper
            used.append(one)
        break
    hash_keys = _keys(hashes)
    answered = _answered(hashes, used)
    if len(hash_keys) == 1:
        return RangeScan(hash_keys[0], tuple(prefix), lower, upper), answered
    return MultiRange(hash_keys, tuple(prefix), lower, upper), answered
