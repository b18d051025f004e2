"""New schemas, and the rules that every schema keeps (DESIGN.md 2)."""

from collections.abc import Mapping, Sequence

from pegasus_tab.base.record import record
from pegasus_tab.tabular.errors import SchemaError
from pegasus_tab.tabular.number_value import DECIMAL_PRECISION_MAX
from pegasus_tab.tabular.row_keys import FAMILY_ID_MAX
from pegasus_tab.tabular.schema import Column, ColumnType, Kind, Layout, Schema, SortColumn
from pegasus_tab.tabular.value import coerce_column

COLUMNS_MAX = 1000
NAME_CHARACTERS_MAX = 63


@record
class ColumnSpec:
    """A column as CREATE TABLE or ADD COLUMN states it.

    Attributes:
        name: lower case unless it was quoted.
        type: its type.
        not_null: declared NOT NULL (key columns are NOT NULL in any case).
        default: value of DEFAULT in a form the type accepts, None without one.
    """

    name: str
    type: ColumnType
    not_null: bool = False
    default: object = None


def new_schema(
    columns: Sequence[ColumnSpec],
    hash_key: Sequence[str],
    sort_key: Sequence[tuple[str, bool]] = (),
    families: Mapping[str, Sequence[str]] | None = None,
) -> Schema:
    """Return version 1 of a table's schema.

    Args:
        columns: all columns in declaration order, key columns included.
        hash_key: names of the hash key's columns, at least one.
        sort_key: names of the sort key's columns, each with True for DESC.
        families: family name -> names of its columns; columns not named are in the main family.

    Raises:
        SchemaError: the definition cannot be; ``name`` says which column or family is at fault.
        DataError: a DEFAULT does not fit its column.
    """
    families = families or {}
    ids = _column_ids(columns)
    keys = [*hash_key, *(name for name, _ in sort_key)]
    _check_keys(columns, ids, hash_key, keys)
    family_names, family_of = _number_families(columns, ids, keys, families)
    made = tuple(
        new_column(ids[spec.name], spec, family_of.get(spec.name, 0), in_key=spec.name in keys)
        for spec in columns
    )
    return Schema(
        version=1,
        columns=made,
        hash_key=tuple(ids[name] for name in hash_key),
        sort_key=tuple(SortColumn(ids[name], descending) for name, descending in sort_key),
        families=family_names,
        layouts=_first_layouts(made, {ids[name] for name in keys}),
        next_column=len(columns),
    )


def new_column(id_: int, spec: ColumnSpec, family: int, *, in_key: bool = False) -> Column:
    """Return the column of a definition, its type and default checked.

    Raises:
        SchemaError: the type cannot be, or the type has no such clause.
        DataError: the default does not fit the type.
    """
    check_type(spec.name, spec.type)
    if spec.type.kind is Kind.MAP and (spec.not_null or spec.default is not None):
        raise SchemaError(
            f'MAP column "{spec.name}" takes neither NOT NULL nor DEFAULT',
            name=spec.name,
            hint="An empty MAP is NULL.",
        )
    column = Column(id_, spec.name, spec.type, spec.not_null or in_key, None, family)
    default = coerce_column(column, spec.default)
    return Column(id_, spec.name, spec.type, spec.not_null or in_key, default, family)


def check_type(name: str, type_: ColumnType) -> None:
    """Check a column's type.

    Raises:
        SchemaError: precision or scale out of range, or a MAP of something that is no scalar.
    """
    if type_.kind is Kind.MAP:
        if type_.value is None or type_.value.kind is Kind.MAP:
            message = f'column "{name}": the values of a MAP are of a scalar type'
            raise SchemaError(message, name=name)
        check_type(name, type_.value)
    elif type_.kind is Kind.DECIMAL and not (
        1 <= type_.precision <= DECIMAL_PRECISION_MAX and 0 <= type_.scale <= type_.precision
    ):
        raise SchemaError(
            f'column "{name}": DECIMAL({type_.precision},{type_.scale}) needs '
            f"1 <= precision <= {DECIMAL_PRECISION_MAX} and 0 <= scale <= precision",
            name=name,
            sqlstate="22023",
        )


def check_name(name: str) -> None:
    """Check a column's or family's name: 1 to 63 characters of Unicode without control characters.

    Raises:
        SchemaError: it is none.
    """
    if not 1 <= len(name) <= NAME_CHARACTERS_MAX:
        raise SchemaError(
            f'name "{name[:NAME_CHARACTERS_MAX]}" has {len(name)} characters, '
            f"a name has 1 to {NAME_CHARACTERS_MAX}",
            name=name,
            sqlstate="42622",
        )
    if not name.isprintable():
        raise SchemaError(f"name {name!r} has unprintable characters", name=name, sqlstate="42602")


def _column_ids(columns: Sequence[ColumnSpec]) -> dict[str, int]:
    if len(columns) > COLUMNS_MAX:
        message = f"{len(columns)} columns, a table has at most {COLUMNS_MAX}"
        raise SchemaError(message, name=columns[COLUMNS_MAX].name, sqlstate="54011")
    ids: dict[str, int] = {}
    for id_, spec in enumerate(columns):
        check_name(spec.name)
        if spec.name in ids:
            message = f'column "{spec.name}" is defined twice'
            raise SchemaError(message, name=spec.name, sqlstate="42701")
        ids[spec.name] = id_
    return ids


def _check_keys(
    columns: Sequence[ColumnSpec],
    ids: Mapping[str, int],
    hash_key: Sequence[str],
    keys: Sequence[str],
) -> None:
    if not hash_key:
        raise SchemaError(
            "a table needs a hash key", hint="Write PRIMARY KEY ((a), b) or PRIMARY KEY (a, b)."
        )
    for place, name in enumerate(keys):
        if name not in ids:
            message = f'key column "{name}" does not exist'
            raise SchemaError(message, name=name, sqlstate="42703")
        if name in keys[:place]:
            raise SchemaError(f'column "{name}" is twice in the primary key', name=name)
        if columns[ids[name]].type.kind is Kind.MAP:
            message = f'MAP column "{name}" cannot be part of a key'
            raise SchemaError(message, name=name)


def _number_families(
    columns: Sequence[ColumnSpec],
    ids: Mapping[str, int],
    keys: Sequence[str],
    families: Mapping[str, Sequence[str]],
) -> tuple[dict[int, str], dict[str, int]]:
    """Return family id -> name, and column name -> family id for columns outside family 0."""
    names = {0: "main"}
    family_of: dict[str, int] = {}
    for family, members in families.items():
        check_name(family)
        if family in names.values():
            raise SchemaError(f'family "{family}" is defined twice', name=family, sqlstate="42710")
        names[len(names)] = family
        for name in members:
            _check_member(columns, ids, keys, family, name)
            if name in family_of:
                raise SchemaError(f'column "{name}" is in two families', name=name)
            family_of[name] = len(names) - 1
    for spec in columns:
        if spec.type.kind is Kind.MAP:
            if spec.name in names.values():
                message = f'family "{spec.name}" has the name of a MAP column'
                raise SchemaError(message, name=spec.name, sqlstate="42710")
            family_of[spec.name] = len(names)
            names[len(names)] = spec.name
    if len(names) - 1 > FAMILY_ID_MAX:
        raise SchemaError(
            f"{len(names) - 1} families and MAP columns, a table has at most {FAMILY_ID_MAX}",
            name=names[FAMILY_ID_MAX + 1],
            sqlstate="54011",
        )
    return names, family_of


def _check_member(
    columns: Sequence[ColumnSpec],
    ids: Mapping[str, int],
    keys: Sequence[str],
    family: str,
    name: str,
) -> None:
    if name not in ids:
        message = f'column "{name}" of family "{family}" does not exist'
        raise SchemaError(message, name=name, sqlstate="42703")
    if name in keys:
        message = f'key column "{name}" cannot be in family "{family}"'
        raise SchemaError(message, name=name, hint="Key columns live in the key.")
    if columns[ids[name]].type.kind is Kind.MAP:
        message = f'MAP column "{name}" cannot be in family "{family}"'
        raise SchemaError(message, name=name, hint="A MAP column is a family of its own.")


def _first_layouts(columns: Sequence[Column], keys: set[int]) -> tuple[Layout, ...]:
    """Return one layout per family of scalars; family 0 has one even without columns."""
    members: dict[int, list[int]] = {0: []}
    for column in columns:
        if column.id not in keys and column.type.kind is not Kind.MAP:
            members.setdefault(column.family, []).append(column.id)
    return tuple(
        Layout(id_, family, tuple(members[family])) for id_, family in enumerate(sorted(members))
    )
