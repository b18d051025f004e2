"""COPY t (columns) FROM 'file, folder or pattern' (OPTION value, ...)."""

from sqlglot.tokens import TokenType

from pegasus_tab.base.errors import NotSupportedError, ProgrammingError
from pegasus_tab.sql.ast_copy_from import CopyFrom, CopyOption
from pegasus_tab.sql.front_dml import table_reference
from pegasus_tab.sql.front_expression import Expressions
from pegasus_tab.sql.front_options import option_value
from pegasus_tab.sql.place import Place, at
from pegasus_tab.sql.terms import Name
from pegasus_tab.sql.token_reader import TokenReader


def copy_from(expressions: Expressions) -> CopyFrom:
    """Read COPY t [(columns)] FROM 'source' [WITH] [(options)]; COPY is the next token."""
    reader = expressions.reader
    reader.need("COPY")
    table = table_reference(reader, alias=False)
    columns = _columns(expressions)
    reader.need("FROM")
    source = quoted_place(reader, "STDIN", "name a file, or use executemany of the driver")
    reader.eat("WITH")
    options = copy_options(reader) if reader.at("(") else ()
    reader.end()
    return CopyFrom(table, columns, source, options)


def _columns(expressions: Expressions) -> tuple[Name, ...] | None:
    reader = expressions.reader
    if not reader.eat("("):
        return None
    columns = [expressions.column()]
    while reader.eat(","):
        columns.append(expressions.column())
    reader.need(")")
    return tuple(columns)


def quoted_place(reader: TokenReader, stream: str, instead: str) -> str:
    """Read a quoted file, folder, pattern or URL.

    Raises:
        NotSupportedError: ``stream`` (STDIN, STDOUT) is written there; ``instead`` is the hint.
    """
    token = reader.token()
    if reader.at(stream):
        way = "FROM" if stream == "STDIN" else "TO"
        raise NotSupportedError(
            f"COPY {way} {stream} is not supported", hint=instead, **at(reader.place())
        )
    if token is None or token.token_type is not TokenType.STRING:
        raise reader.error("expected a quoted file, folder or pattern")
    reader.at_token += 1
    return str(token.text)


def copy_options(reader: TokenReader) -> tuple[CopyOption, ...]:
    """Read (NAME value, ...); the opening parenthesis comes next."""
    reader.need("(")
    found: list[CopyOption] = []
    while True:
        option = _option(reader)
        if any(option.name == other.name for other in found):
            raise ProgrammingError(
                f"option {option.name.upper()} is given twice",
                sqlstate="42601",
                **at(option.place),
            )
        found.append(option)
        if not reader.eat(","):
            break
    reader.need(")")
    return tuple(found)


def _option(reader: TokenReader) -> CopyOption:
    name, place = _option_name(reader)
    reader.eat("=")
    if name == "mapping":
        return CopyOption(name, _mapping(reader), place)
    if reader.at(",") or reader.at(")"):
        return CopyOption(name, value=True, place=place)  # HEADER alone means HEADER true
    return CopyOption(name, option_value(reader), place)


def _option_name(reader: TokenReader) -> tuple[str, Place]:
    """Read an option's name; NULL is one, although it is a reserved word."""
    place = reader.place()
    for word in ("NULL", "ON_CONFLICT"):
        if reader.eat(word):
            return word.lower(), place
    if reader.eat("ON", "CONFLICT"):
        return "on_conflict", place
    return reader.name_and_place("an option name")


def _mapping(reader: TokenReader) -> tuple[tuple[str, str], ...]:
    """Read ``("file column" = column, ...)``."""
    reader.need("(")
    pairs: list[tuple[str, str]] = []
    while True:
        source = _file_column(reader)
        reader.need("=")
        pairs.append((source, reader.name("a column of the table")))
        if not reader.eat(","):
            break
    reader.need(")")
    return tuple(pairs)


def _file_column(reader: TokenReader) -> str:
    token = reader.token()
    if token is not None and token.token_type is TokenType.STRING:
        reader.at_token += 1
        return str(token.text)
    return reader.name("a column of the file")
