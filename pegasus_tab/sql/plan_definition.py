"""CREATE, DROP, RECALL and ALTER TABLE: definitions to schemas, options to table envs."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pegasus_tab.base.errors import DataError, NotSupportedError, ProgrammingError
from pegasus_tab.base.limits import (
    PARTITIONS_DEFAULT,
    PARTITIONS_MAX,
    PARTITIONS_MIN,
    REPLICAS_DEFAULT,
    REPLICAS_MAX,
)
from pegasus_tab.sql import ast_definition
from pegasus_tab.sql.catalog import Table
from pegasus_tab.sql.literals import fitted
from pegasus_tab.sql.place import Place, at
from pegasus_tab.sql.plan_nodes import (
    AlterOptions,
    AlterTable,
    CreateTable,
    DropTable,
    RecallTable,
    RenameTable,
)
from pegasus_tab.sql.planning import Planning
from pegasus_tab.sql.suggest import nearest
from pegasus_tab.sql.terms import Constant, Name
from pegasus_tab.tabular.alter import add_column, drop_column, rename_column
from pegasus_tab.tabular.create import ColumnSpec, new_schema
from pegasus_tab.tabular.errors import SchemaError
from pegasus_tab.tabular.schema import Schema

DUPLICATE_COLUMN = "42701"
TTL_SECONDS_MAX = 2**31 - 1
_CREATE_OPTIONS = ("partitions", "replicas", "default_ttl")
_SET_OPTIONS = ("replicas", "default_ttl")
_OPTION_CHARACTERS_MAX = 1024


def plan_definition(
    planning: Planning,
    statement: ast_definition.CreateTable
    | ast_definition.DropTable
    | ast_definition.RecallTable
    | ast_definition.AlterTable,
) -> CreateTable | DropTable | RecallTable | AlterTable | AlterOptions | RenameTable:
    """Plan CREATE, DROP, RECALL and ALTER TABLE.

    Raises:
        ProgrammingError, NotSupportedError, DataError: see the single planners.
    """
    match statement:
        case ast_definition.CreateTable():
            return plan_create(statement)
        case ast_definition.DropTable():
            return plan_drop(planning, statement)
        case ast_definition.RecallTable(table=table, new_name=new_name):
            return RecallTable(table, new_name)  # only the meta server knows the dropped tables
        case ast_definition.AlterTable():
            return plan_alter(planning, statement)


# ---- CREATE -------------------------------------------------------------------------------------


def plan_create(statement: ast_definition.CreateTable) -> CreateTable:
    """Plan CREATE [RAW] TABLE.

    Raises:
        ProgrammingError: 42P16 a definition that cannot be, 42703, 42701, 22023 a bad option.
        DataError: a DEFAULT that does not fit its column.
    """
    partitions, replicas = PARTITIONS_DEFAULT, REPLICAS_DEFAULT
    envs: dict[str, str] = {}
    for option in statement.options:
        match option.name:
            case "partitions":
                partitions = _partitions(option)
            case "replicas":
                replicas = _integer(option, 1, REPLICAS_MAX)
            case _:
                name, value = _env(option, _CREATE_OPTIONS)
                if value is not None:
                    envs[name] = value
    schema = None if statement.raw else _schema(statement)
    return CreateTable(statement.name, schema, statement.if_not_exists, partitions, replicas, envs)


def _schema(statement: ast_definition.CreateTable) -> Schema:
    places = _places(statement)
    try:
        return new_schema(
            [_spec(column) for column in statement.columns],
            [name.column for name in statement.hash_key],
            [(part.name.column, part.descending) for part in statement.sort_key],
            _families(statement.families),
        )
    except SchemaError as error:
        place = places.get(error.name)
        if error.sqlstate == DUPLICATE_COLUMN:
            twice = [one.name.place for one in statement.columns if one.name.column == error.name]
            place = twice[-1]
        raise _placed(error, place or statement.place) from None


def _families(families: Iterable[ast_definition.FamilyDefinition]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for family in families:
        if family.name in found:
            raise ProgrammingError(
                f'family "{family.name}" is defined twice',
                sqlstate="42710",
                **at(family.columns[0].place),
            )
        found[family.name] = [name.column for name in family.columns]
    return found


def _places(statement: ast_definition.CreateTable) -> dict[str, Place]:
    """Return where each name was written last: keys and families are more likely at fault."""
    names: list[Name] = [column.name for column in statement.columns]
    names += statement.hash_key
    names += [part.name for part in statement.sort_key]
    for family in statement.families:
        names += family.columns
    return {name.column: name.place for name in names if name.place is not None}


def _placed(error: SchemaError, place: Place | None) -> SchemaError:
    if place is not None:
        error.position, error.length = place.position, place.length
    return error


def _spec(column: ast_definition.ColumnDefinition) -> ColumnSpec:
    default = column.default
    if default is None:
        return ColumnSpec(column.name.column, column.type, column.not_null)
    if not isinstance(default, Constant):
        raise NotSupportedError(
            f'the DEFAULT of "{column.name.column}" is not a constant',
            hint="give the value in each INSERT",
            **at(column.name.place),
        )
    value = fitted(default.value, column.type, default.place)
    return ColumnSpec(column.name.column, column.type, column.not_null, value)


# ---- options ------------------------------------------------------------------------------------


def _partitions(option: ast_definition.Option) -> int:
    count = _integer(option, PARTITIONS_MIN, PARTITIONS_MAX)
    if count & (count - 1):
        raise _bad_option(option, f"a power of two from {PARTITIONS_MIN} to {PARTITIONS_MAX}")
    return count


def _integer(option: ast_definition.Option, least: int, most: int) -> int:
    value = option.value
    if type(value) is not int or not least <= value <= most:
        raise _bad_option(option, f"a whole number from {least} to {most}")
    return value


def _bad_option(option: ast_definition.Option, accepts: str) -> DataError:
    return DataError(
        f"option {option.name} does not take {option.value!r}",
        sqlstate="22023",
        hint=f"it takes {accepts}",
        **at(option.place),
    )


def _env(option: ast_definition.Option, known: Sequence[str]) -> tuple[str, str | None]:
    """Return the table env of an option; a dotted name is an env of the ancestor, passed through."""
    if option.name in known or "." in option.name:
        if option.value is None:
            return option.name, None
        if option.name == "default_ttl":
            # 0 is the ancestor's way to say "rows live for good".
            return option.name, str(_integer(option, 0, TTL_SECONDS_MAX))
        if option.name in _CREATE_OPTIONS:
            raise _bad_option(option, "a whole number")
        text = str(option.value).lower() if isinstance(option.value, bool) else str(option.value)
        if len(text) > _OPTION_CHARACTERS_MAX:
            raise _bad_option(option, f"at most {_OPTION_CHARACTERS_MAX} characters")
        return option.name, text
    raise ProgrammingError(
        f'there is no table option "{option.name}"',
        sqlstate="22023",
        hint=nearest(option.name, known) or f"options are {', '.join(known)}",
        **at(option.place),
    )


# ---- DROP, RECALL, ALTER ------------------------------------------------------------------------


def plan_drop(planning: Planning, statement: ast_definition.DropTable) -> DropTable:
    """Plan DROP TABLE; the table must exist unless IF EXISTS was written."""
    if not statement.if_exists:
        planning.table(statement.table)
    return DropTable(statement.table.name, statement.if_exists)


def plan_alter(
    planning: Planning, statement: ast_definition.AlterTable
) -> AlterTable | AlterOptions | RenameTable:
    """Plan ALTER TABLE: several column actions make one new schema version together.

    Raises:
        ProgrammingError: 42P01, 42703, 42701, a change that cannot be.
        NotSupportedError: a column change of a raw table.
    """
    table = planning.table(statement.table)
    match statement.actions:
        case (ast_definition.RenameTable(new_name=new_name),):
            return RenameTable(table, new_name)
        case (ast_definition.SetOptions(options=options),):
            return _plan_options(table, options)
        case _:
            pass
    if table.raw:
        raise NotSupportedError(
            f'table "{table.name}" is a raw table and has no columns of its own',
            hint="create a table with columns and copy the rows",
            **at(statement.table.place),
        )
    schema = table.schema
    for action in statement.actions:
        schema = _altered(schema, action)
    if schema is not table.schema:
        schema = replace(schema, version=table.schema.version + 1)
    return AlterTable(table, schema)


def _plan_options(table: Table, options: Sequence[ast_definition.Option]) -> AlterOptions:
    counts = [_integer(one, 1, REPLICAS_MAX) for one in options if one.name == "replicas"]
    envs = dict(_env(one, _SET_OPTIONS) for one in options if one.name != "replicas")
    return AlterOptions(table, envs, counts[0] if counts else None)


def _altered(schema: Schema, action: ast_definition.AlterAction) -> Schema:
    names = {column.name for column in schema.columns}
    name = (
        action.column.name
        if isinstance(action, ast_definition.AddColumn)
        else getattr(action, "name", None)
    )
    place = name.place if isinstance(name, Name) else None
    try:
        match action:
            case ast_definition.AddColumn(
                column=column, if_not_exists=if_not_exists, family=family
            ):
                if if_not_exists and column.name.column in names:
                    return schema
                return add_column(schema, _spec(column), family)
            case ast_definition.DropColumn(name=dropped, if_exists=if_exists):
                if if_exists and dropped.column not in names:
                    return schema
                return drop_column(schema, dropped.column)
            case ast_definition.RenameColumn(name=renamed, new_name=new_name):
                return rename_column(schema, renamed.column, new_name)
            case _:
                raise AssertionError(f"{action} stands alone, the front refuses it here")
    except SchemaError as error:
        if error.sqlstate == "42703" and not error.hint:
            error.hint = nearest(error.name, names)
        raise _placed(error, place) from None
