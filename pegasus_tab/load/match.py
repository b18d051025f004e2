"""A file's columns matched with a table's by name, and their types checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from pegasus_tab.base.errors import DataError, IntegrityError, ProgrammingError
from pegasus_tab.tabular.arrow_input import check_type
from pegasus_tab.tabular.schema import Column, Schema
from pegasus_tab.tabular.schema_rules import key_columns


@dataclass(frozen=True, slots=True)
class Match:
    """Which column of a file fills which of the table.

    Attributes:
        names: columns of the file, in the file's order.
        columns: the table's column for each.
    """

    names: tuple[str, ...]
    columns: tuple[Column, ...]


def match_columns(
    schema: Schema,
    names: Sequence[str],
    listed: Sequence[str] | None,
    mapping: Mapping[str, str],
) -> Match:
    """Match the names of a file's columns with a table's.

    A name means the column it is mapped to, else the one of that very name, else the one of that
    name in lower case, as SQL reads names without quotes.

    Args:
        schema: the table's.
        names: the file's columns.
        listed: the table's columns to fill; the file's others are left out. None for all columns of
            the file, each of which the table must then have.
        mapping: name in the file -> name in the table.

    Raises:
        ProgrammingError: 42P10, a column that is missing here or there; 42701, one that is there
            twice.
        IntegrityError: 23502, a column that needs a value has none.
    """
    by_name = {column.name: column for column in schema.columns}
    found: dict[str, str] = {}
    for name in names:
        target = _target(name, by_name, mapping)
        if target is None and listed is None:
            raise _unknown(name, by_name)
        if target is None or (listed is not None and target not in listed):
            continue
        if target in found:
            raise ProgrammingError(
                f'two columns of the file are for column "{target}": '
                f'"{found[target]}" and "{name}"',
                sqlstate="42701",
            )
        found[target] = name
    _check_present(found, [*(listed or ()), *mapping.values()])
    _check_needed(schema, found)
    return Match(tuple(found.values()), tuple(by_name[target] for target in found))


def check_types(match: Match, schema: pa.Schema) -> None:
    """Check that a file's types fit the table's columns.

    Raises:
        DataError: 42804, one does not.
    """
    for name, column in zip(match.names, match.columns, strict=True):
        type_ = schema.field(name).type
        if pa.types.is_dictionary(type_):
            type_ = type_.value_type
        if isinstance(type_, pa.BaseExtensionType):
            type_ = type_.storage_type
        try:
            check_type(column, type_)
        except DataError as error:
            if name != column.name:
                error.message = f'column "{name}" of the file for {error.message}'
            raise


def _target(name: str, by_name: Mapping[str, Column], mapping: Mapping[str, str]) -> str | None:
    if name in mapping:
        return mapping[name]
    if name in by_name:
        return name
    return name.lower() if name.lower() in by_name else None


def _unknown(name: str, by_name: Mapping[str, Column]) -> ProgrammingError:
    return ProgrammingError(
        f'the table has no column "{name}"',
        sqlstate="42P10",
        hint=f"the table's columns are {', '.join(by_name)}; list those to fill, or use MAPPING",
    )


def _check_present(found: Mapping[str, str], wanted: Sequence[str]) -> None:
    for target in wanted:
        if target not in found:
            raise ProgrammingError(
                f'the file has no column for column "{target}" of the table', sqlstate="42P10"
            )


def _check_needed(schema: Schema, found: Mapping[str, str]) -> None:
    keys = key_columns(schema)
    for column in schema.columns:
        if column.name in found:
            continue
        if column.id in keys or (column.not_null and column.default is None):
            what = "key" if column.id in keys else "NOT NULL"
            raise IntegrityError(
                f'the file has no column for {what} column "{column.name}" of the table',
                sqlstate="23502",
            )
