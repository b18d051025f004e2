"""The schema as JSON, kept in the table env ``tab.schema``.

The text carries a format number; a driver refuses one that is newer than it knows, and reads every
older one.
"""

import json
from collections.abc import Mapping
from typing import TypeAlias, TypeVar

from pegasus_tab.base.errors import DataError, InternalError, NotSupportedError
from pegasus_tab.tabular.create import check_name, check_type
from pegasus_tab.tabular.errors import SchemaError
from pegasus_tab.tabular.schema import Column, ColumnType, Kind, Layout, Schema, SortColumn
from pegasus_tab.tabular.schema_rules import broken_rule
from pegasus_tab.tabular.value_json import parse_json, value_from_json, value_to_json

FORMAT = 1
SCHEMA_CHARACTERS_MAX = 1 << 20

_Object: TypeAlias = Mapping[str, object]
_T = TypeVar("_T")


def to_json(schema: Schema) -> str:
    """Return the schema as one line of JSON, the same text for equal schemas."""
    return json.dumps(
        {
            "format": FORMAT,
            "version": schema.version,
            "columns": [_column_to_json(column) for column in schema.columns],
            "hash_key": list(schema.hash_key),
            "sort_key": [[part.column, part.descending] for part in schema.sort_key],
            "families": [[id_, name] for id_, name in sorted(schema.families.items())],
            "layouts": [
                [layout.id, layout.family, list(layout.columns)] for layout in schema.layouts
            ],
            "dropped": [_column_to_json(column) for column in schema.dropped],
            "next_column": schema.next_column,
        },
        separators=(",", ":"),
        ensure_ascii=False,
    )


def from_json(text: str) -> Schema:
    """Return the schema of ``to_json``'s text.

    Raises:
        NotSupportedError: the text is of a newer format.
        InternalError: the text is no schema, or one that contradicts itself.
    """
    try:
        return _parse(text)
    except (DataError, SchemaError, _MalformedError) as error:
        raise InternalError(
            f"the table's schema cannot be read: {error.args[0]}",
            sqlstate="XX001",
            hint="Look at the table env tab.schema; it was changed by hand or is damaged.",
        ) from error


class _MalformedError(Exception):
    """The text is JSON, but no schema."""


def _parse(text: str) -> Schema:
    fields = _object(parse_json(text, "schema", SCHEMA_CHARACTERS_MAX))
    format_ = _integer(fields, "format")
    if format_ > FORMAT:
        raise NotSupportedError(
            f"the table's schema has format {format_}, this driver knows up to {FORMAT}",
            hint="Upgrade pegasus-tab.",
        )
    schema = Schema(
        version=_integer(fields, "version"),
        columns=tuple(_column_from_json(item) for item in _list(fields, "columns")),
        hash_key=tuple(_checked(item, int) for item in _list(fields, "hash_key")),
        sort_key=tuple(_sort_column(item) for item in _list(fields, "sort_key")),
        families=dict(_family(item) for item in _list(fields, "families")),
        layouts=tuple(_layout(item) for item in _list(fields, "layouts")),
        dropped=tuple(_column_from_json(item) for item in _list(fields, "dropped")),
        next_column=_integer(fields, "next_column"),
    )
    rule = broken_rule(schema)
    if rule is not None:
        raise _MalformedError(f"it breaks the rule that {rule}")
    return schema


def _column_to_json(column: Column) -> dict[str, object]:
    fields: dict[str, object] = {
        "id": column.id,
        "name": column.name,
        "type": _type_to_json(column.type),
    }
    if column.not_null:
        fields["not_null"] = True
    if column.default is not None:
        fields["default"] = value_to_json(column.type, column.default)
    if column.family:
        fields["family"] = column.family
    return fields


def _type_to_json(type_: ColumnType) -> object:
    match type_.kind:
        case Kind.DECIMAL:
            return [type_.kind.value, type_.precision, type_.scale]
        case Kind.MAP:
            assert type_.value is not None
            return [type_.kind.value, _type_to_json(type_.value)]
        case kind:
            return kind.value


def _column_from_json(item: object) -> Column:
    fields = _object(item)
    name = _checked(fields.get("name"), str)
    type_ = _type_from_json(fields.get("type"))
    check_name(name)
    check_type(name, type_)
    return Column(
        id=_integer(fields, "id"),
        name=name,
        type=type_,
        not_null=_checked(fields.get("not_null", False), bool),
        default=value_from_json(type_, fields.get("default")),
        family=_checked(fields.get("family", 0), int),
    )


def _type_from_json(item: object) -> ColumnType:
    match item:
        case str() if item in Kind.__members__ and item not in {"DECIMAL", "MAP"}:
            return ColumnType(Kind[item])
        case ["DECIMAL", int(precision), int(scale)]:
            return ColumnType(Kind.DECIMAL, precision, scale)
        case ["MAP", value] if not isinstance(value, list) or value[:1] != ["MAP"]:
            return ColumnType(Kind.MAP, value=_type_from_json(value))
        case _:
            raise _MalformedError(f"{str(item)[:80]} is no type")


def _sort_column(item: object) -> SortColumn:
    match item:
        case [int(column), bool(descending)]:
            return SortColumn(column, descending)
        case _:
            raise _MalformedError("a sort key entry is not [column, descending]")


def _family(item: object) -> tuple[int, str]:
    match item:
        case [int(id_), str(name)]:
            return id_, name
        case _:
            raise _MalformedError("a families entry is not [id, name]")


def _layout(item: object) -> Layout:
    match item:
        case [int(id_), int(family), list(columns)]:
            return Layout(id_, family, tuple(_checked(column, int) for column in columns))
        case _:
            raise _MalformedError("a layouts entry is not [id, family, [columns]]")


def _object(item: object) -> _Object:
    if not isinstance(item, dict):
        raise _MalformedError("a JSON object is missing")
    return item


def _list(fields: _Object, name: str) -> list[object]:
    return _checked(fields.get(name), list)


def _integer(fields: _Object, name: str) -> int:
    return _checked(fields.get(name), int)


def _checked(item: object, type_: type[_T]) -> _T:
    if not isinstance(item, type_) or (type_ is int and isinstance(item, bool)):
        raise _MalformedError(f"{str(item)[:80]} is not of type {type_.__name__}")
    return item
