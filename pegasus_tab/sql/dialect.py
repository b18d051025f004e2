"""The one door to sqlglot's tokenizer and parser: a Postgres dialect with no opaque commands.

Parser, Generator and Expression are never subclassed: with sqlglotc installed such subclasses fail
at the first query (reference/sql-peers.md 0.1). A Tokenizer subclass is safe in both builds.
"""

import re
from datetime import timedelta
from itertools import pairwise, zip_longest
from typing import Any

from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokens import Token, TokenType

from pegasus_tab.base.errors import ProgrammingError
from pegasus_tab.sql.intervals import interval
from pegasus_tab.sql.place import Place, at
from pegasus_tab.sql.split import unclosed

NESTING_MAX = 32
"""Open brackets, CASEs and stacked prefix operators at one place; sqlglot recurses for each."""


class _Dialect(Postgres):  # type: ignore[misc]  # sqlglot is untyped for us
    class Tokenizer(Postgres.Tokenizer):  # type: ignore[misc]  # the same
        # SHOW, EXPLAIN ... stay tokens instead of swallowing the rest of the text as one string.
        COMMANDS: set[TokenType] = set()  # noqa: RUF012 -- sqlglot reads it as a class attribute
        # Signs such as ?:: and ?| are operators elsewhere; here ? is a placeholder, then :: a cast.
        KEYWORDS = {  # noqa: RUF012 -- the same
            sign: kind
            for sign, kind in Postgres.Tokenizer.KEYWORDS.items()
            if not sign.startswith("?")
        }


_DIALECT = _Dialect()

_OPENING = frozenset((TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE))
_CLOSING = frozenset((TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END))
_AFTER_NO_COMMA = _CLOSING | {
    TokenType.COMMA,
    TokenType.FROM,
    TokenType.WHERE,
    TokenType.GROUP_BY,
    TokenType.ORDER_BY,
    TokenType.HAVING,
    TokenType.LIMIT,
    TokenType.OFFSET,
    TokenType.UNION,
    TokenType.SEMICOLON,
}
_SHOWN_MAX = 20
_PREFIX = frozenset((TokenType.NOT, TokenType.DASH, TokenType.PLUS, TokenType.TILDE))


def tokenize(text: str) -> list[Token]:
    """Split one statement into sqlglot tokens.

    Raises:
        ProgrammingError: 42601, for an unterminated string or comment, an unknown character, or
            nesting deeper than NESTING_MAX (54001).
    """
    if "\0" in text:
        raise ProgrammingError(
            "the statement holds a zero character", sqlstate="42601", position=text.index("\0")
        )
    open_at = unclosed(text)
    if open_at is not None:
        raise ProgrammingError(
            "a string, quoted name or comment is not closed", sqlstate="42601", position=open_at
        )
    try:
        tokens: list[Token] = _DIALECT.tokenize(text)
    except TokenError:
        raise ProgrammingError(
            f"cannot read the statement near {text[-_SHOWN_MAX:]!r}", sqlstate="42601"
        ) from None
    _check_nesting(tokens)
    _check_commas(tokens)
    return tokens


def _check_nesting(tokens: list[Token]) -> None:
    depth = prefixes = 0
    for token in tokens:
        kind = token.token_type
        if kind in _PREFIX:
            prefixes += 1
        else:
            prefixes = 0
            depth += (kind in _OPENING) - (kind in _CLOSING)
        if depth + prefixes > NESTING_MAX:
            raise ProgrammingError(
                "the statement is nested too deeply",
                sqlstate="54001",
                hint=f"at most {NESTING_MAX} brackets may be open at one place",
                position=token.start,
            )


def _check_commas(tokens: list[Token]) -> None:
    # sqlglot skips a comma too many; PostgreSQL does not, and it may hide a forgotten column.
    for comma, after in zip_longest(tokens, tokens[1:]):
        if comma.token_type is not TokenType.COMMA:
            continue
        if after is None or after.token_type in _AFTER_NO_COMMA:
            near = comma if after is None else after
            raise ProgrammingError(
                f'syntax error at or near "{near.text}"',
                sqlstate="42601",
                **at(place_of_token(near)),
            )


def place_of_token(token: Token) -> Place:
    """Return where a token stands."""
    return Place(token.start, token.end - token.start + 1)


def parse_core(tokens: list[Token], text: str) -> Any:
    """Parse a whole query (SELECT, WITH, VALUES, set operations) with the stock parser.

    Args:
        tokens: the query's tokens, none before, none after it.
        text: the statement they came from.

    Returns:
        sqlglot's tree; identifiers, literals and functions carry their place in ``meta``.

    Raises:
        ProgrammingError: 42601, with the place sqlglot stumbled over.
    """
    try:
        trees = _DIALECT.parser().parse(_with_plain_intervals(tokens), text)
    except ParseError as error:
        raise _syntax_error(error, tokens, text) from None
    except RecursionError:
        raise ProgrammingError("the statement is nested too deeply", sqlstate="54001") from None
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        # sqlglot stumbles over some malformed texts with errors that were not meant for users.
        raise ProgrammingError(
            "the statement cannot be parsed", sqlstate="42601", position=tokens[0].start
        ) from None
    if len(trees) != 1 or trees[0] is None:
        raise ProgrammingError(
            "expected a query", sqlstate="42601", position=tokens[0].start if tokens else len(text)
        )
    return trees[0]


_PLAIN_INTERVAL = re.compile(r"\s*[+-]?(?:\d+(?:\.\d+)?|\d+\s*[a-z]+)\s*", re.ASCII | re.IGNORECASE)


def _with_plain_intervals(tokens: list[Token]) -> list[Token]:
    """Write intervals of several parts as one: sqlglot takes '1 day 02:30' for one day."""
    result = list(tokens)
    for index, (before, token) in enumerate(pairwise(tokens), 1):
        if before.token_type is not TokenType.INTERVAL or token.token_type is not TokenType.STRING:
            continue
        if _PLAIN_INTERVAL.fullmatch(token.text):
            continue
        span = interval(token.text, None, place_of_token(token))
        amount, rest = divmod(span, timedelta(seconds=1))
        unit = "second"
        if rest:
            amount, unit = span // timedelta(microseconds=1), "microsecond"
        where = {"line": token.line, "col": token.col, "start": token.start, "end": token.end}
        result[index] = Token(TokenType.STRING, f"{amount} {unit}", **where)
    return result


def _syntax_error(error: ParseError, tokens: list[Token], text: str) -> ProgrammingError:
    place = _place_of_error(error, tokens)
    near = text[place.position : place.position + place.length] if place else ""
    return ProgrammingError(
        f'syntax error at or near "{near}"' if near else "syntax error at end of statement",
        sqlstate="42601",
        position=place.position if place else len(text.rstrip()),
        length=place.length if place else 1,
    )


def _place_of_error(error: ParseError, tokens: list[Token]) -> Place | None:
    if not error.errors:
        return None
    line, column = error.errors[0].get("line"), error.errors[0].get("col")
    for index, token in enumerate(tokens):
        if (token.line, token.col) == (line, column):
            # A missing argument is blamed on the last token read: the fault is behind it.
            if index == len(tokens) - 1 and "Required keyword" in str(error):
                return None
            return place_of_token(token)
    return None


def column_type_tree(text: str) -> Any:
    """Parse a type name such as ``DECIMAL(10, 2)`` or ``MAP<TEXT, INT>``; None when it is none."""
    from sqlglot import exp

    try:
        return exp.DataType.build(text, dialect=_DIALECT)
    except (ParseError, TokenError, ValueError, AttributeError, TypeError):
        return None
