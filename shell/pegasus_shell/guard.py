"""The question before a statement that changes a whole table: what to ask, and what counts as yes."""

from pegasus_tab.base.errors import Error
from pegasus_tab.sql import ast
from pegasus_tab.sql.prepare import parse

HEADS = ("DELETE", "UPDATE", "EXPLAIN")
"""Other statements are not even parsed."""


def question(sql: str) -> str | None:
    """Return what to ask before a statement runs.

    Args:
        sql: one statement.

    Returns:
        The question, with a blank behind it; None for a statement that needs none, also for one that
        cannot be read, which fails by itself.
    """
    if not sql.upper().startswith(HEADS):
        return None
    try:
        statement = parse(sql).statement
    except Error:
        return None
    if isinstance(statement, ast.Explain) and statement.analyze:
        statement = statement.statement
    if not isinstance(statement, ast.Delete | ast.Update) or statement.where is not None:
        return None
    verb = "DELETE" if isinstance(statement, ast.Delete) else "UPDATE"
    return f"{verb} without WHERE changes every row of {statement.table.name}. Go on? [y/N] "


def is_yes(answer: str) -> bool:
    """Tell whether an answer means that the statement is to run."""
    return answer.strip().lower() in {"y", "yes"}
