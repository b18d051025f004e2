"""INSERT, UPSERT, UPDATE and DELETE: values checked against columns, rows found by access path."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pegasus_tab.base.errors import IntegrityError, NotSupportedError, ProgrammingError
from pegasus_tab.sql import ast
from pegasus_tab.sql.bind_expression import seconds
from pegasus_tab.sql.bind_functions import binder_for
from pegasus_tab.sql.catalog import Table
from pegasus_tab.sql.expression import Expression, Literal
from pegasus_tab.sql.place import Place, at
from pegasus_tab.sql.plan_nodes import (
    Assignment,
    CountRows,
    Delete,
    Insert,
    Query,
    ResidualQuery,
    Source,
    Update,
)
from pegasus_tab.sql.planning import Planning, in_schema_order
from pegasus_tab.sql.scope import Scope
from pegasus_tab.sql.terms import Default, Item, Term, place_of
from pegasus_tab.sql.tree import columns_of
from pegasus_tab.sql.type_rules import common_type
from pegasus_tab.tabular.schema import Column, ColumnType, Kind, Schema


def key_ids(schema: Schema) -> set[int]:
    """Return the ids of the key columns."""
    return {*schema.hash_key, *(part.column for part in schema.sort_key)}


# ---- INSERT and UPSERT --------------------------------------------------------------------------


def plan_insert(planning: Planning, statement: ast.Insert) -> Insert:
    """Plan INSERT, UPSERT and their spellings.

    Raises:
        ProgrammingError: 42703, 42701 a column named twice, 42601 wrong number of values, 42804.
        IntegrityError: 23502, a NOT NULL column without value and default.
        DataError: a literal that does not fit its column.
    """
    table = planning.table(statement.table)
    scope = Scope(table, statement.table.alias)
    columns, places = _listed(scope, table, statement)
    merge = statement.mode == "upsert" and merges(table.schema, columns)
    missing = [column for column in table.schema.columns if column not in columns]
    _check_missing(table, missing, merge=merge, place=statement.table.place)
    defaults = () if merge else tuple(one for one in missing if one.default is not None)
    ttl = (
        None
        if statement.ttl is None
        else planning.finished(seconds(binder_for(Scope()), statement.ttl))
    )
    query = None
    if statement.query is not None:
        query = _source_query(planning, statement.query, columns, places)
    return Insert(
        table,
        statement.mode,
        tuple(column.id for column in (*columns, *defaults)),
        tuple(_row(row, columns) for row in statement.rows),
        query,
        ttl,
        merge,
        tuple(column.default for column in defaults),
    )


def _listed(
    scope: Scope, table: Table, statement: ast.Insert
) -> tuple[list[Column], list[Place | None]]:
    if statement.columns is None:
        return list(table.schema.columns), [statement.table.place] * len(table.schema.columns)
    columns: list[Column] = []
    for name in statement.columns:
        column = scope.column(name)
        if column in columns:
            raise ProgrammingError(
                f'column "{column.name}" is named twice', sqlstate="42701", **at(name.place)
            )
        columns.append(column)
    return columns, [name.place for name in statement.columns]


def merges(schema: Schema, columns: Sequence[Column]) -> bool:
    """Tell whether an UPSERT of these columns must keep what is there (see plan_nodes.Insert)."""
    listed = {column.id for column in columns}
    touched = {column.family for column in columns} | {0}
    keys = key_ids(schema)
    for column in schema.columns:
        if column.type.kind is Kind.MAP:
            if column.id in listed:
                return True
        elif column.family in touched and column.id not in listed and column.id not in keys:
            return True
    return False


def _check_missing(
    table: Table, missing: Iterable[Column], *, merge: bool, place: Place | None
) -> None:
    keys = key_ids(table.schema)
    for column in missing:
        if column.id in keys or (column.not_null and column.default is None and not merge):
            what = "key column" if column.id in keys else "NOT NULL column"
            raise IntegrityError(
                f'{what} "{column.name}" of table "{table.name}" has no value',
                sqlstate="23502",
                hint=f"add {column.name} to the column list",
                **at(place),
            )


def _row(row: Sequence[Term], columns: Sequence[Column]) -> tuple[Expression, ...]:
    if len(row) != len(columns):
        surplus = row[len(columns)] if len(row) > len(columns) else row[-1]
        raise ProgrammingError(
            f"{len(columns)} columns, but {len(row)} values",
            sqlstate="42601",
            hint=f"the columns are {', '.join(column.name for column in columns)}",
            **at(place_of(surplus)),
        )
    return tuple(_stored(term, column) for term, column in zip(row, columns, strict=True))


def _stored(term: Term, column: Column, scope: Scope | None = None) -> Expression:
    """Return the expression of a value to store in a column."""
    if isinstance(term, Default):
        bound: Expression = Literal(column.default, column.type)
    else:
        bound = binder_for(scope or Scope()).assigned(term, column.type, column.name)
    if column.not_null and isinstance(bound, Literal) and bound.value is None:
        raise IntegrityError(
            f'column "{column.name}" must not be NULL', sqlstate="23502", **at(place_of(term))
        )
    return bound


def _source_query(
    planning: Planning,
    statement: ast.Query,
    columns: Sequence[Column],
    places: Sequence[Place | None],
) -> Query:
    from pegasus_tab.sql.plan import plan_query

    query = plan_query(planning, statement)
    if isinstance(query, ResidualQuery | CountRows):
        return query  # types and number of its columns show at execution
    if len(query.output) != len(columns):
        raise ProgrammingError(
            f"{len(columns)} columns, but the query has {len(query.output)}",
            sqlstate="42601",
            hint=f"the columns are {', '.join(column.name for column in columns)}",
            **at(places[0] if places else None),
        )
    for output, column, place in zip(query.output, columns, places, strict=True):
        _check_assignable(output.type, column, place)
    return query


def _check_assignable(found: ColumnType | None, column: Column, place: Place | None) -> None:
    if found is None or found.kind is column.type.kind:
        return
    if common_type(found, column.type) is None:
        raise ProgrammingError(
            f'column "{column.name}" is of type {column.type}, the query gives {found}',
            sqlstate="42804",
            hint=f"write CAST(... AS {column.type}) in the query",
            **at(place),
        )


# ---- UPDATE -------------------------------------------------------------------------------------


def plan_update(planning: Planning, statement: ast.Update) -> Update:
    """Plan UPDATE; key columns cannot be assigned.

    Raises:
        NotSupportedError: an assignment to a key column.
        ProgrammingError: names, types, a column assigned twice; a full scan the session refuses.
    """
    planning.scan_allowed = planning.scan_allowed or statement.allow_filtering
    table = planning.table(statement.table)
    scope = Scope(table, statement.table.alias)
    source = planning.source(table, planning.predicate(scope, statement.where), statement.table)
    assignments = tuple(_assignment(planning, scope, item) for item in statement.assignments)
    _check_twice(assignments, statement)
    ttl = (
        None
        if statement.ttl is None
        else planning.finished(seconds(binder_for(Scope()), statement.ttl))
    )
    return Update(_with_columns(source, _update_columns(table, assignments)), assignments, ttl)


def _assignment(planning: Planning, scope: Scope, item: ast.SetItem) -> Assignment:
    binder = binder_for(scope)
    if isinstance(item.target, Item):
        target = binder.map_item(item.target)
        key = planning.finished(target.key)
        if isinstance(item.value, Default):
            return Assignment(target.column, None, key)
        value = planning.finished(binder.assigned(item.value, target.type, item.target.base.column))
        is_null = isinstance(value, Literal) and value.value is None
        return Assignment(target.column, None if is_null else value, key)
    column = scope.column(item.target)
    table = scope.table
    assert table is not None  # UPDATE names its table
    if column.id in key_ids(table.schema):
        raise NotSupportedError(
            f'key column "{column.name}" cannot be changed',
            hint="INSERT the row under its new key and DELETE the old one",
            **at(item.target.place),
        )
    return Assignment(column.id, planning.finished(_stored(item.value, column, scope)))


def _check_twice(assignments: Sequence[Assignment], statement: ast.Update) -> None:
    seen: list[tuple[int, Expression | None]] = []
    for assignment, item in zip(assignments, statement.assignments, strict=True):
        target = (assignment.column, assignment.map_key)
        clashes = [
            key for column, key in seen if column == assignment.column and None in (key, target[1])
        ]
        if target in seen or clashes:
            place = item.target.place
            raise ProgrammingError("a column is assigned twice", sqlstate="42601", **at(place))
        seen.append(target)


def _update_columns(table: Table, assignments: Sequence[Assignment]) -> set[int]:
    """Key, every scalar column of the families that change, and what the values read."""
    changed = {assignment.column for assignment in assignments}
    families = {0} | {column.family for column in table.schema.columns if column.id in changed}
    wanted = key_ids(table.schema)
    for column in table.schema.columns:
        if column.family in families and column.type.kind is not Kind.MAP:
            wanted.add(column.id)
    for assignment in assignments:
        if assignment.map_key is not None:
            wanted |= columns_of(assignment.map_key)
        else:
            wanted.add(assignment.column)
        if assignment.value is not None:
            wanted |= columns_of(assignment.value)
    return wanted


def _with_columns(source: Source, wanted: set[int]) -> Source:
    ids = wanted.union(source.columns)
    return replace(source, columns=in_schema_order(source.table, ids))


# ---- DELETE -------------------------------------------------------------------------------------


def plan_delete(planning: Planning, statement: ast.Delete) -> Delete:
    """Plan DELETE of rows, or of map items.

    Raises:
        ProgrammingError: names, types; a full scan the session refuses.
    """
    planning.scan_allowed = planning.scan_allowed or statement.allow_filtering
    table = planning.table(statement.table)
    scope = Scope(table, statement.table.alias)
    source = planning.source(table, planning.predicate(scope, statement.where), statement.table)
    cells = []
    wanted = key_ids(table.schema)
    for item in statement.cells:
        target = binder_for(scope).map_item(item)
        key = planning.finished(target.key)
        wanted |= columns_of(key)
        cells.append(Assignment(target.column, None, key))
    return Delete(_with_columns(source, wanted), tuple(cells))
