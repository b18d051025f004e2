"""A table as the CREATE TABLE statement that makes one like it."""

from collections.abc import Iterator

from pegasus_tab.sql.catalog import Table
from pegasus_tab.sql.render import literal, quoted
from pegasus_tab.tabular.schema import Column, Kind, Schema


def create_table_text(table: Table, replicas: int) -> str:
    """Return the statement, ready to be executed again.

    Args:
        table: the table.
        replicas: its number of replicas, which the catalog does not keep.
    """
    options = {"partitions": str(table.partition_count), "replicas": str(replicas)}
    options.update(
        (name, value if value.isdecimal() else literal(value)) for name, value in table.envs
    )
    spelled = ", ".join(f"{_option_name(name)} = {value}" for name, value in options.items())
    if table.raw:
        return f"CREATE RAW TABLE {quoted(table.name)} WITH ({spelled})"
    lines = ",\n".join(f"    {line}" for line in _definitions(table.schema))
    return f"CREATE TABLE {quoted(table.name)} (\n{lines}\n) WITH ({spelled})"


def _option_name(name: str) -> str:
    return ".".join(quoted(part) for part in name.split("."))


def _option_value(value: str) -> str:
    return value if value.isascii() and value.isdigit() else literal(value)


def _definitions(schema: Schema) -> Iterator[str]:
    names = {column.id: quoted(column.name) for column in schema.columns}
    keys = {*schema.hash_key, *(part.column for part in schema.sort_key)}
    for column in schema.columns:
        yield _column_text(column, in_key=column.id in keys)
    yield _primary_key(schema, names)
    maps = {column.family for column in schema.columns if column.type.kind is Kind.MAP}
    for family, name in sorted(schema.families.items()):
        members = [names[column.id] for column in schema.columns if column.family == family]
        if family and family not in maps and members:
            yield f"FAMILY {quoted(name)} ({', '.join(members)})"


def _column_text(column: Column, *, in_key: bool) -> str:
    text = f"{quoted(column.name)} {column.type}"
    if column.not_null and not in_key:
        text += " NOT NULL"
    if column.default is not None:
        text += f" DEFAULT {literal(column.default)}"
    return text


def _primary_key(schema: Schema, names: dict[int, str]) -> str:
    hash_part = "(" + ", ".join(names[id_] for id_ in schema.hash_key) + ")"
    sort_parts = [
        names[part.column] + (" DESC" if part.descending else "") for part in schema.sort_key
    ]
    return f"PRIMARY KEY ({', '.join([hash_part, *sort_parts])})"
