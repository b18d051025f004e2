"""``WITH (name = value, ...)`` and ``SET (...)``: options of tables and of single writes."""

from sqlglot.tokens import TokenType

from pegasus_tab.base.errors import ProgrammingError
from pegasus_tab.sql.ast_definition import Option
from pegasus_tab.sql.front_expression import Expressions
from pegasus_tab.sql.intervals import interval
from pegasus_tab.sql.place import at
from pegasus_tab.sql.terms import Term
from pegasus_tab.sql.token_reader import TokenReader

_WORDS = {
    **dict.fromkeys(("TRUE", "ON"), True),
    **dict.fromkeys(("FALSE", "OFF"), False),
    **dict.fromkeys(("DEFAULT", "NULL", "NONE")),
}
"""Words that are values of their own; some are reserved, so they are looked for before names."""


def options(reader: TokenReader) -> tuple[Option, ...]:
    """Read a parenthesised option list; the opening parenthesis comes next.

    Raises:
        ProgrammingError: 42601 syntax, or an option named twice.
    """
    reader.need("(")
    found: list[Option] = []
    while True:
        option = _option(reader)
        if any(option.name == other.name for other in found):
            raise ProgrammingError(
                f'option "{option.name}" is given twice', sqlstate="42601", **at(option.place)
            )
        found.append(option)
        if not reader.eat(","):
            break
    reader.need(")")
    return tuple(found)


def _option(reader: TokenReader) -> Option:
    name, place = reader.name_and_place("an option name")
    while reader.eat("."):
        name += "." + reader.name("an option name")
    reader.need("=")
    return Option(name, option_value(reader), place)


def option_value(reader: TokenReader) -> object:
    """Read a number, a string, an interval (its whole seconds), a word, TRUE, FALSE or DEFAULT.

    Returns:
        int, str or bool; None for DEFAULT and NULL.
    """
    token = reader.token()
    if token is None:
        raise reader.error("expected a value")
    if token.token_type is TokenType.INTERVAL:
        return _interval_seconds(reader)
    negative = reader.eat("-")
    if negative or token.token_type is TokenType.NUMBER:
        value = reader.integer()
        return -value if negative else value
    if token.token_type in (TokenType.STRING, TokenType.IDENTIFIER):
        reader.at_token += 1
        return token.text
    if token.text.upper() in _WORDS:
        reader.at_token += 1
        return _WORDS[token.text.upper()]
    return reader.name("a value")


def _interval_seconds(reader: TokenReader) -> int:
    place = reader.place()
    reader.need("INTERVAL")
    token = reader.token()
    if token is None or token.token_type not in (TokenType.STRING, TokenType.NUMBER):
        raise reader.error("expected a quoted interval", "write INTERVAL '7 days'")
    reader.at_token += 1
    following = reader.token()
    unit = None
    if following is not None and following.text[:1].isalpha() and not reader.at("AND"):
        unit = reader.name()
    return int(interval(token.text, unit, place).total_seconds())


def ttl_option(expressions: Expressions) -> Term:
    """Read ``(ttl = value)`` of a single write; the opening parenthesis comes next."""
    reader = expressions.reader
    reader.need("(")
    name, place = reader.name_and_place("an option name")
    if name != "ttl":
        raise ProgrammingError(
            f'unknown option "{name}" of a write',
            sqlstate="42601",
            hint="a write takes WITH (ttl = seconds)",
            **at(place),
        )
    reader.need("=")
    term = expressions.until()
    reader.need(")")
    return term
