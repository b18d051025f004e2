"""COPY: which way the rows go decides who reads the statement."""

from pegasus_tab.base.errors import NotSupportedError
from pegasus_tab.sql import ast
from pegasus_tab.sql.front_copy_from import copy_from
from pegasus_tab.sql.front_expression import Expressions
from pegasus_tab.sql.place import at


def copy(expressions: Expressions) -> ast.Statement:
    """Read COPY t FROM ...; COPY is the next token.

    Raises:
        NotSupportedError: the rows are to go the other way.
    """
    reader = expressions.reader
    if reader.find("FROM") is None and reader.find("TO") is not None:
        raise NotSupportedError(
            "COPY ... TO is not supported",
            hint="use SELECT with the shell's output formats",
            **at(reader.place()),
        )
    return copy_from(expressions)
