"""The quick front: the simplest statements, read without sqlglot into the same ``ast`` values.

Importing sqlglot costs 100 ms and parsing by it 200 us; these are the statements for which that
is most of the time: SELECT of plain columns WHERE columns are compared with values, INSERT and
UPSERT of VALUES, UPDATE and DELETE by such a WHERE. Whatever is not exactly of these forms, wrong
statements included, is left to the slow front (``None``), so there is one source of errors.
"""

import re
from typing import Literal

from pegasus_tab.base.errors import Error
from pegasus_tab.sql import ast
from pegasus_tab.sql.literals import number
from pegasus_tab.sql.parameters import Numbering
from pegasus_tab.sql.place import Place
from pegasus_tab.sql.reserved_words import RESERVED_WORDS
from pegasus_tab.sql.terms import Apply, Constant, Name, Placeholder, Term

TEXT_MAX = 1 << 16

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<word>[A-Za-z_]\w*(?![\w$"'.\[(]))
    | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.$]))
    | (?P<string>'(?:[^']|'')*'(?!'))
    | (?P<placeholder>\?|:[A-Za-z_]\w*|\$\d+)(?!\w)
    | (?P<sign><=|>=|<>|!=|[(),=<>*;-])
    )""",
    re.VERBOSE | re.ASCII,
)
_END = ""
_COMPARISONS = {"=": "=", "<": "<", "<=": "<=", ">": ">", ">=": ">=", "<>": "<>", "!=": "<>"}
_CONSTANTS = {"NULL": None, "TRUE": True, "FALSE": False}


def parse_quickly(text: str) -> ast.Parsed | None:
    """Return the statement when it is of the simple forms, None when the slow front must look."""
    if len(text) > TEXT_MAX or text[:8].lstrip()[:2].upper() not in _OPENINGS:
        return None
    tokens = _tokenize(text)
    if tokens is None:
        return None
    reader = _QuickReader(tokens)
    try:
        statement = reader.statement()
    except (_NotQuickError, Error):
        return None
    return ast.Parsed(statement, tuple(reader.numbering.wanted), tuple(reader.placeholders))


_OPENINGS = frozenset(("SE", "IN", "UP", "DE"))


class _NotQuickError(Exception):
    """The statement is not of the simple forms."""


_Token = tuple[str, str, int, int]


def _tokenize(text: str) -> list[_Token] | None:
    tokens: list[_Token] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        found = _TOKEN.match(text, position)
        if found is None or found.lastgroup is None:
            return None
        kind = found.lastgroup
        tokens.append((kind, found[kind], found.start(kind), found.end(kind)))
        position = found.end()
    while tokens and tokens[-1][1] == ";":
        tokens.pop()
    return tokens


class _QuickReader:
    """Reads one statement's tokens; raises _NotQuickError at the first thing out of the ordinary."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = [*tokens, (_END, _END, 0, 0)]
        self._next = 0
        self.numbering = Numbering()
        self.placeholders: list[Placeholder] = []

    # ---- tokens ----

    def _eat(self, *words: str) -> bool:
        for ahead, word in enumerate(words):
            kind, text, _, _ = self._tokens[min(self._next + ahead, len(self._tokens) - 1)]
            if kind not in ("word", "sign") or (text != word and text.upper() != word):
                return False
        self._next += len(words)
        return True

    def _need(self, *words: str) -> None:
        if not self._eat(*words):
            raise _NotQuickError

    def _name(self) -> Name:
        kind, text, start, end = self._tokens[self._next]
        if kind != "word" or text.upper() in RESERVED_WORDS:
            raise _NotQuickError
        self._next += 1
        return Name(text.lower(), None, Place(start, end - start))

    def _table(self) -> ast.TableName:
        name = self._name()
        return ast.TableName(name.column, None, name.place)

    def _value(self) -> Term:
        kind, text, start, end = self._tokens[self._next]
        self._next += 1
        place = Place(start, end - start)
        if kind == "placeholder":
            return self._placeholder(text, place)
        if kind == "string":
            return Constant(text[1:-1].replace("''", "'"), place)
        if kind == "number":
            return Constant(number(text, place), place)
        if kind == "word" and text.upper() in _CONSTANTS:
            return Constant(_CONSTANTS[text.upper()], place)
        following, digits, start, end = self._tokens[min(self._next, len(self._tokens) - 1)]
        if text == "-" and following == "number":
            self._next += 1
            place = Place(start, end - start)
            return Constant(-number(digits, place), place)
        raise _NotQuickError

    def _placeholder(self, text: str, place: Place) -> Placeholder:
        style = {"?": "?", ":": ":name", "$": "$n"}[text[0]]
        made = Placeholder(self.numbering.index(style, text[1:], place), place)
        self.placeholders.append(made)
        return made

    # ---- statements ----

    def statement(self) -> ast.Statement:
        """Read the whole statement."""
        made: ast.Statement
        if self._eat("SELECT"):
            made = self._select()
        elif self._eat("INSERT", "INTO"):
            made = self._insert("insert")
        elif self._eat("UPSERT", "INTO"):
            made = self._insert("upsert")
        elif self._eat("UPDATE"):
            made = self._update()
        else:
            self._need("DELETE", "FROM")
            made = ast.Delete(self._table(), (), self._where())
        if self._tokens[self._next][0] != _END:
            raise _NotQuickError
        return made

    def _select(self) -> ast.Select:
        items = self._items()
        self._need("FROM")
        table = self._table()
        where = self._where()
        order = self._order() if self._eat("ORDER", "BY") else ()
        limit = self._value() if self._eat("LIMIT") else None
        return ast.Select(items, table, where, order, limit=limit)

    def _items(self) -> tuple[ast.SelectItem, ...]:
        _, _, start, end = self._tokens[self._next]
        if self._eat("*"):
            return (ast.SelectItem(ast.Star(None, Place(start, end - start))),)
        items = [self._item()]
        while self._eat(","):
            items.append(self._item())
        return tuple(items)

    def _item(self) -> ast.SelectItem:
        name = self._name()
        return ast.SelectItem(name, self._name().column if self._eat("AS") else None)

    def _where(self) -> Term | None:
        if not self._eat("WHERE"):
            return None
        parts = [self._comparison()]
        while self._eat("AND"):
            parts.append(self._comparison())
        return parts[0] if len(parts) == 1 else Apply("and", tuple(parts))

    def _comparison(self) -> Term:
        name = self._name()
        kind, sign, _, _ = self._tokens[self._next]
        if kind != "sign" or sign not in _COMPARISONS:
            raise _NotQuickError
        self._next += 1
        return Apply(_COMPARISONS[sign], (name, self._value()), name.place)

    def _order(self) -> tuple[ast.OrderItem, ...]:
        items: list[ast.OrderItem] = []
        while not items or self._eat(","):
            name = self._name()
            descending = self._eat("DESC")
            if not descending:
                self._eat("ASC")
            # PostgreSQL sorts NULLs as if they were above every value.
            items.append(ast.OrderItem(name, descending, nulls_first=descending))
        return tuple(items)

    def _insert(self, mode: Literal["insert", "upsert"]) -> ast.Insert:
        table = self._table()
        columns = self._columns() if self._eat("(") else None
        self._need("VALUES")
        rows: list[tuple[Term, ...]] = []
        while not rows or self._eat(","):
            self._need("(")
            row = [self._value()]
            while self._eat(","):
                row.append(self._value())
            self._need(")")
            rows.append(tuple(row))
        ttl = self._value() if self._eat("USING", "TTL") else None
        return ast.Insert(mode, table, columns, tuple(rows), None, ttl)

    def _columns(self) -> tuple[Name, ...]:
        columns = [self._name()]
        while self._eat(","):
            columns.append(self._name())
        self._need(")")
        return tuple(columns)

    def _update(self) -> ast.Update:
        table = self._table()
        self._need("SET")
        assignments: list[ast.SetItem] = []
        while not assignments or self._eat(","):
            target = self._name()
            self._need("=")
            assignments.append(ast.SetItem(target, self._value()))
        return ast.Update(table, tuple(assignments), self._where())
