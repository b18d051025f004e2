"""COPY: which way the rows go decides who reads the statement."""

from pegasus_tab.sql import ast
from pegasus_tab.sql.front_copy_from import copy_from
from pegasus_tab.sql.front_copy_to import copy_query, copy_to, goes_out
from pegasus_tab.sql.front_expression import Expressions


def copy(expressions: Expressions) -> ast.Statement:
    """Read COPY t FROM ..., COPY t TO ... or COPY (query) TO ...; COPY is the next token."""
    reader = expressions.reader
    if reader.at("COPY", "("):
        return copy_query(expressions)
    return copy_to(expressions) if goes_out(reader) else copy_from(expressions)
