"""The slow front: text to a statement, by recursive descent over sqlglot's tokens.

The head of a statement decides who reads it; the stock parser sees only query cores and
expressions, so that a statement it would take for something else (FAMILY lists, START TRANSACTION)
never reaches it (reference/sql-peers.md 3.2).
"""

from collections.abc import Callable

from pegasus_tab.base.errors import NotSupportedError, ProgrammingError
from pegasus_tab.sql import (
    ast,
    front_alter,
    front_backup,
    front_copy,
    front_copy_to,
    front_ddl,
    front_dml,
    front_query,
    front_session,
)
from pegasus_tab.sql.front_expression import Expressions
from pegasus_tab.sql.place import at
from pegasus_tab.sql.statement_heads import REFUSED, STATEMENT_HEADS
from pegasus_tab.sql.suggest import nearest
from pegasus_tab.sql.token_reader import TokenReader


def parse(text: str) -> ast.Parsed:
    """Parse one statement.

    Args:
        text: the statement; semicolons at its end are fine.

    Raises:
        ProgrammingError: 42601 syntax, 54001 nested too deeply, 42P02 bad placeholder number.
        NotSupportedError: understood and refused by name, with a hint.
        DataError: a literal that has no value (an interval, a number out of range).
    """
    reader = TokenReader(text)
    while reader.tokens and reader.tokens[-1].text == ";":
        reader.tokens.pop()
    if not reader.tokens:
        raise ProgrammingError("the statement is empty", sqlstate="42601", position=0)
    second = reader.find(";")
    if second is not None and reader.tokens[second].text == ";":
        reader.at_token = second + 1
        raise reader.error("one statement at a time", "the shell splits a text at its semicolons")
    expressions = Expressions(reader)
    statement = _statement(expressions)
    reader.end()
    return ast.Parsed(statement, reader.parameters, tuple(reader.placeholders))


def _statement(expressions: Expressions) -> ast.Statement:
    reader = expressions.reader
    token = reader.token()
    head = token.text.upper() if token else ""
    if head == "EXPLAIN":
        return front_session.explain(expressions, _statement)
    read = _HEADS.get(head)
    if read is not None:
        return read(expressions)
    if head in REFUSED:
        raise NotSupportedError(
            f"{head} is not supported", hint=REFUSED[head], **at(reader.place())
        )
    raise reader.error("", nearest(head, STATEMENT_HEADS) or "no statement begins like this")


_HEADS: dict[str, Callable[[Expressions], ast.Statement]] = {
    "SELECT": front_query.query,
    "WITH": front_query.query,
    "VALUES": front_query.query,
    "(": front_query.query,
    "INSERT": front_dml.insert,
    "UPSERT": front_dml.insert,
    "REPLACE": front_dml.insert,
    "UPDATE": front_dml.update,
    "DELETE": front_dml.delete,
    "COPY": front_copy.copy,
    "EXPORT": front_copy_to.export,
    "CANCEL": front_copy_to.cancel,
    "VERIFY": front_copy_to.verify,
    "BACKUP": front_backup.backup,
    "RESTORE": front_backup.restore,
    "CREATE": front_ddl.create,
    "DROP": front_ddl.drop,
    "RECALL": front_ddl.recall,
    "UNDROP": front_ddl.recall,
    "ALTER": front_alter.alter,
    "SHOW": front_session.show,
    "BALANCE": front_session.balance,
    "DESCRIBE": front_session.describe,
    "DESC": front_session.describe,
    "SET": front_session.set_option,
    "RESET": front_session.set_option,
}
