"""BACKUP TABLE, RESTORE TABLE and SHOW BACKUPS."""

from sqlglot.tokens import TokenType

from pegasus_tab.sql.ast_backup import Backup, Restore, ShowBackups
from pegasus_tab.sql.ast_copy_from import CopyOption
from pegasus_tab.sql.front_copy_from import copy_options, quoted_place
from pegasus_tab.sql.front_dml import table_reference
from pegasus_tab.sql.front_expression import Expressions
from pegasus_tab.sql.token_reader import TokenReader


def backup(expressions: Expressions) -> Backup:
    """Read BACKUP TABLE t, ... | ALL TO 'target' [(options)]; BACKUP is the next token."""
    reader = expressions.reader
    reader.need("BACKUP")
    is_named = reader.eat("TABLE")
    tables = []
    if not reader.eat("ALL"):
        if not is_named:
            raise reader.error("expected TABLE or ALL")
        tables.append(table_reference(reader, alias=False))
        while reader.eat(","):
            tables.append(table_reference(reader, alias=False))
    reader.need("TO")
    target = quoted_place(reader, "STDOUT", "name a folder")
    options = _options(reader)
    reader.end()
    return Backup(tuple(tables), target, options)


def restore(expressions: Expressions) -> Restore:
    """Read RESTORE TABLE t FROM 'target' [AS name] [AT 'id'] [(options)]; RESTORE is the next token."""
    reader = expressions.reader
    reader.need("RESTORE")
    reader.need("TABLE")
    place = reader.place()
    source = reader.name("the name of the table that was backed up")
    reader.need("FROM")
    target = quoted_place(reader, "STDIN", "name the folder of the backups")
    name = reader.name("the name of the new table") if reader.eat("AS") else source
    id_ = _id(reader) if reader.eat("AT") else ""
    options = _options(reader)
    reader.end()
    return Restore(source, target, name, id_, options, place)


def _id(reader: TokenReader) -> str:
    token = reader.token()
    if token is None or token.token_type is not TokenType.STRING:
        raise reader.error(
            "expected the quoted id of a backup", "SHOW BACKUPS IN 'folder' has them"
        )
    reader.at_token += 1
    return str(token.text)


def _options(reader: TokenReader) -> tuple[CopyOption, ...]:
    reader.eat("WITH")
    return copy_options(reader) if reader.at("(") else ()


def show_backups(reader: TokenReader) -> ShowBackups:
    """Read IN 'target' behind SHOW BACKUPS."""
    if not reader.eat("FROM"):
        reader.need("IN")
    return ShowBackups(quoted_place(reader, "STDIN", "name the folder of the backups"))
