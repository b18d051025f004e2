"""ALTER TABLE as pure functions: an old schema in, a new one with ``version + 1`` out.

Nothing stored is rewritten. A change of a family's columns adds a layout; rows written with older
layouts stay readable: a column added later reads as its default (as in PostgreSQL), a dropped one is
stepped over. Column, family and layout ids are never used twice, so that a row, a cell or a value
left over from a dropped column can never be taken for another's.
"""

from dataclasses import replace

from pegasus_tab.tabular.create import COLUMNS_MAX, ColumnSpec, check_name, new_column
from pegasus_tab.tabular.errors import SchemaError
from pegasus_tab.tabular.layouts import families_ever
from pegasus_tab.tabular.row_keys import FAMILY_ID_MAX
from pegasus_tab.tabular.schema import Column, Kind, Layout, Schema
from pegasus_tab.tabular.schema_rules import LAYOUT_ID_MAX, key_columns


def add_column(schema: Schema, spec: ColumnSpec, family: str | None = None) -> Schema:
    """Return the schema with one more column at the end.

    Args:
        schema: the schema before.
        spec: the new column; NOT NULL needs a DEFAULT, because rows exist that lack the column.
        family: name of an existing family, None for the main one.

    Raises:
        SchemaError: the column cannot be.
        DataError: the default does not fit.
    """
    _check_new_name(schema, spec.name)
    if len(schema.columns) >= COLUMNS_MAX:
        message = f"a table has at most {COLUMNS_MAX} columns"
        raise SchemaError(message, name=spec.name, sqlstate="54011")
    if spec.type.kind is Kind.MAP:
        return _add_map(schema, spec, family)
    if spec.not_null and spec.default is None:
        raise SchemaError(
            f'column "{spec.name}" is NOT NULL and needs a DEFAULT for the rows that exist',
            name=spec.name,
            sqlstate="23502",
            hint="Write ADD COLUMN ... NOT NULL DEFAULT value.",
        )
    family_id = 0 if family is None else _family_id(schema, family)
    column = new_column(schema.next_column, spec, family_id)
    members = (*_members(schema, family_id), column.id)
    return replace(
        schema,
        version=schema.version + 1,
        columns=(*schema.columns, column),
        layouts=(*schema.layouts, _next_layout(schema, family_id, members)),
        next_column=schema.next_column + 1,
    )


def drop_column(schema: Schema, name: str) -> Schema:
    """Return the schema without a column; its values stay in old rows, unread.

    Raises:
        SchemaError: there is no such column, or it is part of the key.
    """
    column = _existing(schema, name)
    if column.id in key_columns(schema):
        raise SchemaError(
            f'column "{name}" is part of the primary key and cannot be dropped',
            name=name,
            sqlstate="0A000",
            hint="Make a new table with the key you want and copy the rows.",
        )
    changed = replace(
        schema,
        version=schema.version + 1,
        columns=tuple(other for other in schema.columns if other.id != column.id),
        dropped=(*schema.dropped, column),
    )
    if column.type.kind is Kind.MAP:
        kept = {id_: title for id_, title in schema.families.items() if id_ != column.family}
        return replace(changed, families=kept)
    members = tuple(id_ for id_ in _members(schema, column.family) if id_ != column.id)
    layout = _next_layout(schema, column.family, members)
    return replace(changed, layouts=(*schema.layouts, layout))


def rename_column(schema: Schema, name: str, new_name: str) -> Schema:
    """Return the schema with a column renamed; ids and stored rows do not change.

    Raises:
        SchemaError: there is no such column, or the new name is taken or no name.
    """
    column = _existing(schema, name)
    _check_new_name(schema, new_name)
    families = dict(schema.families)
    if column.type.kind is Kind.MAP:
        families[column.family] = new_name
    return replace(
        schema,
        version=schema.version + 1,
        columns=tuple(
            replace(other, name=new_name) if other.id == column.id else other
            for other in schema.columns
        ),
        families=families,
    )


def _add_map(schema: Schema, spec: ColumnSpec, family: str | None) -> Schema:
    if family is not None:
        raise SchemaError(
            f'MAP column "{spec.name}" cannot be in family "{family}"',
            name=spec.name,
            hint="A MAP column is a family of its own.",
        )
    family_id = max(families_ever(schema)) + 1
    if family_id > FAMILY_ID_MAX:
        raise SchemaError(
            f"the table has used up its {FAMILY_ID_MAX} families, dropped ones included",
            name=spec.name,
            sqlstate="54011",
            hint="Make a new table and copy the rows.",
        )
    column = new_column(schema.next_column, spec, family_id)
    return replace(
        schema,
        version=schema.version + 1,
        columns=(*schema.columns, column),
        families={**schema.families, family_id: spec.name},
        next_column=schema.next_column + 1,
    )


def _members(schema: Schema, family: int) -> tuple[int, ...]:
    newest = [layout for layout in schema.layouts if layout.family == family]
    return newest[-1].columns


def _next_layout(schema: Schema, family: int, members: tuple[int, ...]) -> Layout:
    id_ = max(layout.id for layout in schema.layouts) + 1
    if id_ > LAYOUT_ID_MAX:
        raise SchemaError(
            f"the table was altered {LAYOUT_ID_MAX} times and cannot be altered again",
            sqlstate="54011",
            hint="Make a new table and copy the rows.",
        )
    return Layout(id_, family, members)


def _existing(schema: Schema, name: str) -> Column:
    for column in schema.columns:
        if column.name == name:
            return column
    raise SchemaError(f'column "{name}" does not exist', name=name, sqlstate="42703")


def _family_id(schema: Schema, name: str) -> int:
    maps = {column.family for column in schema.columns if column.type.kind is Kind.MAP}
    for id_, title in schema.families.items():
        if title == name and id_ not in maps:
            return id_
    raise SchemaError(f'family "{name}" does not exist', name=name, sqlstate="42704")


def _check_new_name(schema: Schema, name: str) -> None:
    check_name(name)
    if any(column.name == name for column in schema.columns):
        raise SchemaError(f'column "{name}" exists already', name=name, sqlstate="42701")
