"""CREATE, DROP, RECALL and ALTER TABLE, in the spellings of reference/sql-peers.md 3.5."""

from dataclasses import dataclass, field

from sqlglot.tokens import TokenType

from pegasus_tab.base.errors import NotSupportedError, ProgrammingError
from pegasus_tab.sql import ast_definition
from pegasus_tab.sql.ast_policy import CreatePolicy, DropPolicy
from pegasus_tab.sql.column_types import map_type, named_type
from pegasus_tab.sql.front_dml import table_reference
from pegasus_tab.sql.front_expression import Expressions
from pegasus_tab.sql.front_options import options
from pegasus_tab.sql.front_policy import create_policy, drop_policy
from pegasus_tab.sql.place import Place, at
from pegasus_tab.sql.terms import Name
from pegasus_tab.sql.token_reader import TokenReader
from pegasus_tab.tabular.schema import ColumnType

_TWO_WORD_TYPES = (("DOUBLE", "PRECISION"), ("CHARACTER", "VARYING"))
_ZONES = (("WITH", "TIME", "ZONE"), ("WITHOUT", "TIME", "ZONE"))
_DEFAULT_STOPS = ("NOT NULL", "NULL", "PRIMARY KEY", "PRIMARY", "FAMILY")
_REFUSED_CONSTRAINTS = {
    "UNIQUE": "only the primary key is unique",
    "REFERENCES": "there are no foreign keys",
    "FOREIGN": "there are no foreign keys",
    "CHECK": "check values before writing them",
    "INDEX": "choose the sort key so that queries become range scans",
    "COLLATE": "text is ordered by code point",
    "GENERATED": "write the value with the row",
    "AUTO_INCREMENT": "write the value with the row",
    "LIKE": "list the columns",
}


@dataclass(slots=True)
class _Parts:
    columns: list[ast_definition.ColumnDefinition] = field(default_factory=list)
    hash_key: tuple[Name, ...] | None = None
    sort_key: tuple[ast_definition.KeyPart, ...] = ()
    families: list[ast_definition.FamilyDefinition] = field(default_factory=list)


def create(expressions: Expressions) -> ast_definition.CreateTable | CreatePolicy:
    """Read CREATE [RAW] TABLE or CREATE BACKUP POLICY; any other CREATE is refused by name."""
    reader = expressions.reader
    reader.need("CREATE")
    if reader.at("BACKUP"):
        return create_policy(expressions)
    raw = reader.eat("RAW")
    if not reader.at("TABLE"):
        token = reader.token()
        what = token.text.upper() if token else ""
        raise NotSupportedError(
            f"CREATE {what} is not supported".replace("  ", " "),
            hint="there are CREATE TABLE, CREATE RAW TABLE and CREATE BACKUP POLICY",
            **at(reader.place()),
        )
    reader.need("TABLE")
    if_not_exists = reader.eat("IF", "NOT", "EXISTS")
    table = table_reference(reader, alias=False)
    parts = _Parts()
    _refuse_query(reader)
    if not raw:
        _definitions(expressions, table.name, parts)
    elif reader.at("("):
        raise reader.error(
            "a raw table has the fixed columns hash_key, sort_key and value",
            "leave the column list out",
        )
    given = options(reader) if reader.eat("WITH") else ()
    _refuse_query(reader)
    reader.end()
    return ast_definition.CreateTable(
        table.name,
        if_not_exists,
        raw,
        tuple(parts.columns),
        parts.hash_key or (),
        parts.sort_key,
        tuple(parts.families),
        given,
        table.place,
    )


def _refuse_query(reader: TokenReader) -> None:
    if reader.at("AS") or reader.at("SELECT"):
        raise NotSupportedError(
            "CREATE TABLE ... AS is not supported",
            hint="use CREATE TABLE and INSERT INTO ... SELECT",
            **at(reader.place()),
        )


def _definitions(expressions: Expressions, table: str, parts: _Parts) -> None:
    reader = expressions.reader
    place = reader.place()
    reader.need("(")
    while True:
        _definition(expressions, parts)
        if not reader.eat(","):
            break
    reader.need(")")
    if parts.hash_key is None:
        first = parts.columns[0].name.column if parts.columns else "id"
        raise ProgrammingError(
            f'table "{table}" has no primary key',
            sqlstate="42P16",
            hint=f"add PRIMARY KEY (({first})), or ((hash columns), sort columns)",
            **at(place),
        )


def _definition(expressions: Expressions, parts: _Parts) -> None:
    reader = expressions.reader
    if reader.at("CONSTRAINT"):
        reader.need("CONSTRAINT")
        reader.name("a constraint name")
    if at_primary_key(reader):
        place = reader.place()
        eat_primary_key(reader)
        _set_key(parts, *_primary_key(expressions), place)
    elif _at_family(reader):
        reader.need("FAMILY")
        name = reader.name("a family name")
        parts.families.append(ast_definition.FamilyDefinition(name, _names(expressions)))
    else:
        _refuse_constraint(reader, opening=True)
        place = reader.place()
        column, is_key = column_definition(expressions)
        parts.columns.append(column)
        if is_key:
            _set_key(parts, (column.name,), (), place)


def _set_key(
    parts: _Parts,
    hash_key: tuple[Name, ...],
    sort_key: tuple[ast_definition.KeyPart, ...],
    place: Place,
) -> None:
    if parts.hash_key is not None:
        raise ProgrammingError("a table has one primary key", sqlstate="42P16", **at(place))
    parts.hash_key, parts.sort_key = hash_key, sort_key


def at_primary_key(reader: TokenReader) -> bool:
    """Tell whether PRIMARY KEY comes next; sqlglot reads it as one token or as two."""
    token = reader.token()
    if token is not None and token.token_type is TokenType.PRIMARY_KEY:
        return True
    return reader.at("PRIMARY", "KEY")


def eat_primary_key(reader: TokenReader) -> None:
    """Step over PRIMARY KEY."""
    reader.at_token += 2 if reader.at("PRIMARY", "KEY") else 1


def _at_family(reader: TokenReader) -> bool:
    # "family DECIMAL(10, 2)" is a column of that name; FAMILY f (a, b) lists columns.
    third, fourth = reader.token(2), reader.token(3)
    return (
        reader.at("FAMILY")
        and third is not None
        and third.token_type is TokenType.L_PAREN
        and fourth is not None
        and fourth.token_type is not TokenType.NUMBER
    )


def _primary_key(
    expressions: Expressions,
) -> tuple[tuple[Name, ...], tuple[ast_definition.KeyPart, ...]]:
    reader = expressions.reader
    reader.need("(")
    if reader.at("HASH", "("):
        reader.need("HASH")
        hash_key = _names(expressions)
    elif reader.at("("):
        hash_key = _names(expressions)
        reader.eat("HASH")
    else:
        hash_key = (expressions.column(),)
        reader.eat("HASH")
    sort_key = []
    while reader.eat(","):
        name = expressions.column()
        descending = reader.eat("DESC")
        if not descending:
            reader.eat("ASC")
        sort_key.append(ast_definition.KeyPart(name, descending))
    reader.need(")")
    return hash_key, tuple(sort_key)


def _names(expressions: Expressions) -> tuple[Name, ...]:
    reader = expressions.reader
    reader.need("(")
    names = [expressions.column()]
    while reader.eat(","):
        names.append(expressions.column())
    reader.need(")")
    return tuple(names)


def column_definition(expressions: Expressions) -> tuple[ast_definition.ColumnDefinition, bool]:
    """Read ``name type [NOT NULL] [DEFAULT constant] [PRIMARY KEY]``; the flag tells of the last."""
    reader = expressions.reader
    name = expressions.column()
    type_ = column_type(reader)
    not_null, is_key, default = False, False, None
    while True:
        if reader.eat("NOT", "NULL"):
            not_null = True
        elif reader.eat("DEFAULT"):
            default = expressions.until(*_DEFAULT_STOPS)
        elif at_primary_key(reader):
            eat_primary_key(reader)
            is_key = True
        elif not reader.eat("NULL"):
            break
    _refuse_constraint(reader, opening=False)
    return ast_definition.ColumnDefinition(name, type_, not_null, default), is_key


def _refuse_constraint(reader: TokenReader, *, opening: bool) -> None:
    for word, hint in _REFUSED_CONSTRAINTS.items():
        if not reader.at(word) or (opening and not _opens_constraint(reader)):
            continue
        raise NotSupportedError(f"{word} is not supported", hint=hint, **at(reader.place()))


def _opens_constraint(reader: TokenReader) -> bool:
    # A column may be called "index" or "check": then its type follows.
    if reader.at("FOREIGN", "KEY") or reader.at("INDEX") or reader.at("LIKE"):
        after = reader.token(2)
        return reader.at("FOREIGN") or (after is not None and after.text == "(")
    following = reader.token(1)
    return following is not None and following.token_type is TokenType.L_PAREN


def column_type(reader: TokenReader) -> ColumnType:
    """Read a type: a name, perhaps of several words, its numbers, or MAP<TEXT, type>."""
    place = reader.place()
    name = reader.name("a type").upper()
    if name == "MAP":
        return _map_type(reader, place)
    for first, second in _TWO_WORD_TYPES:
        if name == first and reader.eat(second):
            name = f"{first} {second}"
    arguments: tuple[int, ...] = ()
    if reader.at("("):
        arguments = _type_arguments(reader)
    for words in _ZONES:
        if name == "TIMESTAMP":
            reader.eat(*words)
    if reader.at("["):
        raise NotSupportedError(
            "arrays are not supported", hint="use a MAP, or a row for each item", **at(place)
        )
    return named_type(name, arguments, place)


def _type_arguments(reader: TokenReader) -> tuple[int, ...]:
    reader.need("(")
    numbers = [reader.integer()]
    while reader.eat(","):
        numbers.append(reader.integer())
    reader.need(")")
    return tuple(numbers)


def _map_type(reader: TokenReader, place: Place) -> ColumnType:
    closing = ">" if reader.at("<") else ")"
    reader.need("<" if closing == ">" else "(")
    key = column_type(reader)
    reader.need(",")
    value = column_type(reader)
    reader.need(closing)
    return map_type(key, value, place)


# ---- the other definitions ----------------------------------------------------------------------


def drop(
    expressions: Expressions,
) -> ast_definition.DropTable | ast_definition.AlterTable | DropPolicy:
    """Read DROP TABLE [IF EXISTS] t or DROP BACKUP POLICY p."""
    reader = expressions.reader
    reader.need("DROP")
    if reader.at("BACKUP"):
        return drop_policy(expressions)
    if not reader.eat("TABLE"):
        token = reader.token()
        raise NotSupportedError(
            f"DROP {token.text.upper() if token else ''} is not supported",
            hint="there are DROP TABLE, DROP BACKUP POLICY and ALTER TABLE ... DROP COLUMN",
            **at(reader.place()),
        )
    if_exists = reader.eat("IF", "EXISTS")
    table = table_reference(reader, alias=False)
    if reader.at(","):
        raise reader.error("one table at a time")
    reader.eat("CASCADE")
    reader.eat("RESTRICT")
    reader.end()
    return ast_definition.DropTable(table, if_exists)


def recall(expressions: Expressions) -> ast_definition.RecallTable:
    """Read RECALL TABLE id-or-name [AS new_name]; UNDROP TABLE is the same."""
    reader = expressions.reader
    if not reader.eat("RECALL"):
        reader.need("UNDROP")
    reader.need("TABLE")
    token = reader.token()
    is_id = token is not None and token.token_type is TokenType.NUMBER
    table: int | str = reader.integer("a table id") if is_id else reader.name("a table id or name")
    new_name = reader.name("the new name") if reader.eat("AS") else None
    reader.end()
    return ast_definition.RecallTable(table, new_name)
