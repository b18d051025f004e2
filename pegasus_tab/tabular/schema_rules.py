"""The invariants of a schema, in one list: checked on what comes from outside, asserted on what we make."""

from collections.abc import Callable
from typing import TypeAlias

from pegasus_tab.tabular.layouts import columns_ever
from pegasus_tab.tabular.row_keys import FAMILY_ID_MAX
from pegasus_tab.tabular.schema import Kind, Schema

LAYOUT_ID_MAX = 0xFFFF

_Rule: TypeAlias = Callable[[Schema], bool]


def broken_rule(schema: Schema) -> str | None:
    """Return the first rule that the schema breaks, None when it keeps them all."""
    return next((text for text, holds in _RULES if not holds(schema)), None)


def key_columns(schema: Schema) -> tuple[int, ...]:
    """Return the ids of all key columns in key order, hash key first."""
    return (*schema.hash_key, *(part.column for part in schema.sort_key))


def _ids_are_unique(schema: Schema) -> bool:
    return len(columns_ever(schema)) == len(schema.columns) + len(schema.dropped)


def _ids_are_given_out(schema: Schema) -> bool:
    return all(0 <= id_ < schema.next_column for id_ in columns_ever(schema))


def _names_are_unique(schema: Schema) -> bool:
    return len({column.name for column in schema.columns}) == len(schema.columns)


def _key_columns_exist(schema: Schema) -> bool:
    keys = key_columns(schema)
    living = {column.id for column in schema.columns}
    return bool(schema.hash_key) and len(set(keys)) == len(keys) and living.issuperset(keys)


def _key_columns_are_plain(schema: Schema) -> bool:
    keys = key_columns(schema)
    return all(
        column.type.kind is not Kind.MAP and column.family == 0 and column.not_null
        for column in schema.columns
        if column.id in keys
    )


def _families_exist(schema: Schema) -> bool:
    return (
        0 in schema.families
        and all(0 <= id_ <= FAMILY_ID_MAX for id_ in schema.families)
        and all(column.family in schema.families for column in schema.columns)
    )


def _maps_have_their_own_family(schema: Schema) -> bool:
    maps = [column.family for column in schema.columns if column.type.kind is Kind.MAP]
    others = {column.family for column in schema.columns if column.type.kind is not Kind.MAP}
    return len(set(maps)) == len(maps) and 0 not in maps and not others.intersection(maps)


def _layout_ids_are_unique(schema: Schema) -> bool:
    ids = [layout.id for layout in schema.layouts]
    return len(set(ids)) == len(ids) and all(0 <= id_ <= LAYOUT_ID_MAX for id_ in ids)


def _layouts_hold_scalars(schema: Schema) -> bool:
    ever = columns_ever(schema)
    keys = key_columns(schema)
    return all(
        len(set(layout.columns)) == len(layout.columns)
        and all(
            id_ in ever
            and id_ not in keys
            and ever[id_].family == layout.family
            and ever[id_].type.kind is not Kind.MAP
            for id_ in layout.columns
        )
        for layout in schema.layouts
    )


def _newest_layouts_are_complete(schema: Schema) -> bool:
    keys = key_columns(schema)
    living: dict[int, set[int]] = {0: set()}
    for column in schema.columns:
        if column.id not in keys and column.type.kind is not Kind.MAP:
            living.setdefault(column.family, set()).add(column.id)
    newest = {layout.family: set(layout.columns) for layout in schema.layouts}
    return all(newest.get(family) == columns for family, columns in living.items())


_RULES: tuple[tuple[str, _Rule], ...] = (
    ("the version counts from 1", lambda schema: schema.version >= 1),
    ("a column id is used once", _ids_are_unique),
    ("a column id is below next_column", _ids_are_given_out),
    ("a column name is used once", _names_are_unique),
    ("key columns exist, are used once, and there is a hash key", _key_columns_exist),
    ("key columns are NOT NULL scalars of the main family", _key_columns_are_plain),
    ("every column's family exists", _families_exist),
    ("a MAP column has a family of its own", _maps_have_their_own_family),
    ("a layout id is used once and fits 16 bits", _layout_ids_are_unique),
    ("a layout holds scalars of its family that are no key columns", _layouts_hold_scalars),
    ("a family's newest layout holds exactly its living columns", _newest_layouts_are_complete),
)
