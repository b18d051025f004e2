"""INSERT, UPSERT, REPLACE, UPDATE and DELETE: their shapes are ours, expressions are sqlglot's."""

from typing import Literal

from sqlglot.tokens import TokenType

from pegasus_tab.base.errors import NotSupportedError, ProgrammingError
from pegasus_tab.sql import ast
from pegasus_tab.sql.front_expression import Expressions
from pegasus_tab.sql.front_options import ttl_option
from pegasus_tab.sql.front_query import query
from pegasus_tab.sql.place import at
from pegasus_tab.sql.terms import Item, Name, Term
from pegasus_tab.sql.token_reader import TokenReader

Mode = Literal["insert", "upsert", "ignore"]

_TRAILERS = ("ON CONFLICT", "USING TTL", "WITH (", "RETURNING", "IF NOT EXISTS")
_UPDATE_STOPS = ("WHERE", "USING TTL", "WITH (", "FROM", "RETURNING", "ALLOW FILTERING", "IF")
_WHERE_STOPS = ("USING TTL", "WITH (", "RETURNING", "ALLOW FILTERING", "IF EXISTS")


def insert(expressions: Expressions) -> ast.Insert:
    """Read INSERT [OR REPLACE] INTO, REPLACE INTO or UPSERT INTO; the head is the next token."""
    reader = expressions.reader
    mode: Mode = "insert"
    if reader.eat("UPSERT") or reader.eat("REPLACE"):
        mode = "upsert"
    else:
        reader.need("INSERT")
        if reader.eat("OR"):
            reader.need("REPLACE")
            mode = "upsert"
    reader.need("INTO")
    table = table_reference(reader, alias=True)
    columns = _column_list(expressions)
    rows: tuple[tuple[Term, ...], ...] = ()
    source = None
    if reader.eat("VALUES"):
        rows = _rows(expressions)
    elif reader.at("DEFAULT", "VALUES"):
        raise _unsupported(reader, "DEFAULT VALUES", "a row needs its key: list the columns")
    else:
        source = _source(expressions)
    return _with_trailers(expressions, ast.Insert(mode, table, columns, rows, source))


def table_reference(reader: TokenReader, *, alias: bool) -> ast.TableName:
    """Read a table name and, where allowed, [AS] alias."""
    name, place = reader.name_and_place("a table name")
    if reader.at("."):
        raise ProgrammingError(
            f'schema "{name}" does not exist',
            sqlstate="3F000",
            hint="tables have no schema here: write the name alone",
            **at(place),
        )
    other = reader.name("an alias") if alias and reader.eat("AS") else None
    return ast.TableName(name, other, place)


def _column_list(expressions: Expressions) -> tuple[Name, ...] | None:
    reader = expressions.reader
    if not reader.at("(") or reader.at("(", "SELECT") or reader.at("(", "WITH"):
        return None
    reader.need("(")
    columns = [expressions.column()]
    while reader.eat(","):
        columns.append(expressions.column())
    reader.need(")")
    return tuple(columns)


def _rows(expressions: Expressions) -> tuple[tuple[Term, ...], ...]:
    reader = expressions.reader
    rows = []
    while True:
        reader.need("(")
        row = [expressions.until()]
        while reader.eat(","):
            row.append(expressions.until())
        reader.need(")")
        rows.append(tuple(row))
        if not reader.eat(","):
            return tuple(rows)


def _source(expressions: Expressions) -> ast.Query:
    reader = expressions.reader
    if not (reader.at("SELECT") or reader.at("WITH") or reader.at("(")):
        raise reader.error("expected VALUES or SELECT")
    cuts = [cut for words in _TRAILERS if (cut := reader.find(*words.split())) is not None]
    return query(expressions, min((cut for cut in cuts if cut > reader.at_token), default=None))


def _with_trailers(expressions: Expressions, statement: ast.Insert) -> ast.Insert:
    reader = expressions.reader
    mode, ttl = statement.mode, None
    while not reader.done:
        if reader.at("ON", "CONFLICT"):
            mode = _on_conflict(reader, mode)
        elif reader.at("IF", "NOT", "EXISTS"):
            raise _unsupported(reader, "IF NOT EXISTS", "use ON CONFLICT DO NOTHING")
        elif (found := time_to_live(expressions)) is not None:
            ttl = found
        elif reader.at("RETURNING"):
            raise _unsupported(reader, "RETURNING", "SELECT the rows by their key afterwards")
        else:
            raise reader.error("")
    return ast.Insert(
        mode, statement.table, statement.columns, statement.rows, statement.query, ttl
    )


def _on_conflict(reader: TokenReader, mode: Mode) -> Mode:
    reader.need("ON", "CONFLICT")
    if reader.at("("):
        reader.at_token = reader.group_end() + 1
    reader.need("DO")
    if mode == "upsert":
        raise reader.error("UPSERT always overwrites; use INSERT with ON CONFLICT")
    if reader.at("UPDATE"):
        raise _unsupported(reader, "ON CONFLICT DO UPDATE", "use UPSERT INTO, or UPDATE")
    reader.need("NOTHING")
    return "ignore"


def time_to_live(expressions: Expressions) -> Term | None:
    """Read ``USING TTL value`` or ``WITH (ttl = value)`` when it comes next."""
    reader = expressions.reader
    if reader.eat("USING", "TTL"):
        return expressions.until(*_UPDATE_STOPS, "SET", "ON CONFLICT")
    if reader.at("WITH", "("):
        reader.need("WITH")
        return ttl_option(expressions)
    return None


def update(expressions: Expressions) -> ast.Update:
    """Read UPDATE t [USING TTL n] SET ... [WHERE ...] [USING TTL n] [ALLOW FILTERING]."""
    reader = expressions.reader
    reader.need("UPDATE")
    table = table_reference(reader, alias=True)
    ttl = time_to_live(expressions)
    reader.need("SET")
    assignments = [_assignment(expressions)]
    while reader.eat(","):
        assignments.append(_assignment(expressions))
    if reader.at("FROM"):
        raise _unsupported(reader, "UPDATE ... FROM", "update row by row from a SELECT")
    where = expressions.until(*_WHERE_STOPS) if reader.eat("WHERE") else None
    late_ttl, allow = _write_trailers(expressions)
    return ast.Update(table, tuple(assignments), where, late_ttl or ttl, allow)


def _assignment(expressions: Expressions) -> ast.SetItem:
    reader = expressions.reader
    if reader.at("("):
        raise _unsupported(reader, "SET (a, b) = ...", "assign the columns one by one")
    column = expressions.column()
    target: Name | Item = _item(expressions, column) if reader.at("[") else column
    reader.need("=")
    return ast.SetItem(target, expressions.until(*_UPDATE_STOPS))


def _item(expressions: Expressions, base: Name) -> Item:
    reader = expressions.reader
    reader.need("[")
    token = reader.token()
    if token is not None and token.token_type is TokenType.NUMBER:
        raise reader.error("a MAP has TEXT keys", f"write {base.column}['key']")
    key = expressions.until()
    reader.need("]")
    return Item(base, key, base.place)


def _write_trailers(expressions: Expressions) -> tuple[Term | None, bool]:
    reader = expressions.reader
    ttl, allow = None, False
    while not reader.done:
        if reader.eat("ALLOW", "FILTERING"):
            allow = True
        elif (found := time_to_live(expressions)) is not None:
            ttl = found
        elif reader.at("RETURNING"):
            raise _unsupported(reader, "RETURNING", "SELECT the rows by their key")
        elif reader.at("IF"):
            raise _unsupported(
                reader, "IF", "put the condition into WHERE: UPDATE is atomic per row"
            )
        else:
            raise reader.error("")
    return ttl, allow


def delete(expressions: Expressions) -> ast.Delete:
    """Read DELETE [attrs['x'], ...] FROM t [WHERE ...] [ALLOW FILTERING]."""
    reader = expressions.reader
    reader.need("DELETE")
    cells: list[Item] = []
    while not reader.at("FROM"):
        column = expressions.column()
        if not reader.at("["):
            raise reader.error(
                "DELETE takes whole rows or map items", "write DELETE FROM t, or attrs['x']"
            )
        cells.append(_item(expressions, column))
        if not reader.eat(","):
            break
    reader.need("FROM")
    table = table_reference(reader, alias=True)
    if reader.at("USING") and not reader.at("USING", "TTL"):
        raise _unsupported(reader, "DELETE ... USING", "delete by keys from a SELECT")
    where = expressions.until(*_WHERE_STOPS) if reader.eat("WHERE") else None
    if reader.at("USING", "TTL"):
        raise _unsupported(reader, "USING TTL in DELETE", "a deleted row has no time to live")
    _, allow = _write_trailers(expressions)
    return ast.Delete(table, tuple(cells), where, allow)


def _unsupported(reader: TokenReader, what: str, hint: str) -> NotSupportedError:
    return NotSupportedError(f"{what} is not supported", hint=hint, **at(reader.place()))
