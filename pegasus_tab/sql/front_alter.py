"""ALTER TABLE: columns added, dropped and renamed, the table renamed, its options set."""

from pegasus_tab.base.errors import NotSupportedError
from pegasus_tab.sql import ast_definition
from pegasus_tab.sql.ast_policy import AlterPolicy
from pegasus_tab.sql.front_ddl import column_definition
from pegasus_tab.sql.front_dml import table_reference
from pegasus_tab.sql.front_expression import Expressions
from pegasus_tab.sql.front_options import options
from pegasus_tab.sql.front_policy import alter_policy
from pegasus_tab.sql.place import at


def alter(expressions: Expressions) -> ast_definition.AlterTable | AlterPolicy:
    """Read ALTER TABLE t action [, action ...] or ALTER BACKUP POLICY."""
    reader = expressions.reader
    reader.need("ALTER")
    if reader.at("BACKUP"):
        return alter_policy(expressions)
    reader.need("TABLE")
    table = table_reference(reader, alias=False)
    actions = [_action(expressions)]
    while reader.eat(","):
        actions.append(_action(expressions))
    reader.end()
    alone = next(
        (
            one
            for one in actions
            if isinstance(one, ast_definition.RenameTable | ast_definition.SetOptions)
        ),
        None,
    )
    if alone is not None and len(actions) > 1:
        raise NotSupportedError(
            "RENAME TO and SET (...) stand alone in an ALTER TABLE",
            hint="write one ALTER TABLE for each",
            **at(table.place),
        )
    return ast_definition.AlterTable(table, tuple(actions))


def _action(expressions: Expressions) -> ast_definition.AlterAction:
    reader = expressions.reader
    if reader.eat("ADD"):
        return _add(expressions)
    if reader.eat("DROP"):
        reader.eat("COLUMN")
        if_exists = reader.eat("IF", "EXISTS")
        return ast_definition.DropColumn(expressions.column(), if_exists)
    if reader.eat("RENAME"):
        return _rename(expressions)
    if reader.eat("SET"):
        return ast_definition.SetOptions(options(reader))
    if reader.at("ALTER"):
        raise NotSupportedError(
            "ALTER COLUMN is not supported",
            hint="add a column of the new type, copy the values, drop the old one",
            **at(reader.place()),
        )
    raise reader.error("expected ADD, DROP, RENAME or SET")


def _add(expressions: Expressions) -> ast_definition.AddColumn:
    reader = expressions.reader
    reader.eat("COLUMN")
    if_not_exists = reader.eat("IF", "NOT", "EXISTS")
    column, is_key = column_definition(expressions)
    if is_key:
        raise NotSupportedError(
            "the primary key cannot be changed",
            hint="create a table with the new key and copy the rows",
            **at(column.name.place),
        )
    family = reader.name("a family name") if reader.eat("FAMILY") else None
    return ast_definition.AddColumn(column, if_not_exists, family)


def _rename(expressions: Expressions) -> ast_definition.AlterAction:
    reader = expressions.reader
    if reader.eat("TO"):
        return ast_definition.RenameTable(reader.name("the new name"))
    reader.eat("COLUMN")
    column = expressions.column()
    reader.need("TO")
    return ast_definition.RenameColumn(column, reader.name("the new name"))
