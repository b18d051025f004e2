"""COPY t TO 'target', COPY (query) TO 'target', EXPORT TABLE t TO 'target', and what goes with them."""

from pegasus_tab.base.errors import NotSupportedError
from pegasus_tab.sql.ast_copy_from import CopyOption
from pegasus_tab.sql.ast_transfer import CancelJob, CopyQueryTo, CopyTo, VerifyExport
from pegasus_tab.sql.front_copy_from import copy_options, quoted_place
from pegasus_tab.sql.front_dml import table_reference
from pegasus_tab.sql.front_expression import Expressions
from pegasus_tab.sql.front_query import query
from pegasus_tab.sql.place import Place, at
from pegasus_tab.sql.token_reader import TokenReader


def copy_to(expressions: Expressions) -> CopyTo:
    """Read COPY t TO 'target' [WITH] [(options)]; COPY is the next token."""
    reader = expressions.reader
    reader.need("COPY")
    return _table_to(expressions)


def export(expressions: Expressions) -> CopyTo:
    """Read EXPORT TABLE t TO 'target' [WITH] [(options)]; EXPORT is the next token."""
    reader = expressions.reader
    reader.need("EXPORT")
    reader.need("TABLE")
    return _table_to(expressions)


def _table_to(expressions: Expressions) -> CopyTo:
    reader = expressions.reader
    table = table_reference(reader, alias=False)
    if reader.at("("):
        raise NotSupportedError(
            "COPY ... TO writes all columns of a table",
            hint="COPY (SELECT columns FROM t) TO 'file' writes some of them",
            **at(reader.place()),
        )
    target, options, place = _target(expressions)
    return CopyTo(table, target, options, place)


def copy_query(expressions: Expressions) -> CopyQueryTo:
    """Read COPY (query) TO 'target' [WITH] [(options)]; COPY is the next token."""
    reader = expressions.reader
    reader.need("COPY")
    end = reader.group_end(reader.at_token)
    reader.need("(")
    found = query(expressions, end)
    reader.need(")")
    target, options, place = _target(expressions)
    return CopyQueryTo(found, target, options, place)


def _target(expressions: Expressions) -> tuple[str, tuple[CopyOption, ...], Place]:
    reader = expressions.reader
    reader.need("TO")
    place = reader.place()
    target = quoted_place(reader, "STDOUT", "use SELECT with the shell's output formats")
    reader.eat("WITH")
    options = copy_options(reader) if reader.at("(") else ()
    reader.end()
    return target, options, place


def cancel(expressions: Expressions) -> CancelJob:
    """Read CANCEL JOB n; CANCEL is the next token."""
    reader = expressions.reader
    reader.need("CANCEL")
    reader.need("JOB")
    place = reader.place()
    job = reader.integer()
    reader.end()
    return CancelJob(job, place)


def verify(expressions: Expressions) -> VerifyExport:
    """Read VERIFY EXPORT | BACKUP 'target'; VERIFY is the next token."""
    reader = expressions.reader
    reader.need("VERIFY")
    if not reader.eat("BACKUP"):
        reader.need("EXPORT")
    target = quoted_place(reader, "STDOUT", "name a folder")
    reader.end()
    return VerifyExport(target)


def goes_out(reader: TokenReader) -> bool:
    """Tell whether a COPY writes files: TO comes before FROM; COPY is the next token."""
    to, source = reader.find("TO"), reader.find("FROM")
    return to is not None and (source is None or to < source)
