"""Expressions inside statements that we parse ourselves: a slice of tokens to one term."""

from typing import Any

from sqlglot import exp
from sqlglot.tokens import Token, TokenType

from pegasus_tab.base.errors import ProgrammingError
from pegasus_tab.sql.dialect import parse_core, place_of_token
from pegasus_tab.sql.literals import number
from pegasus_tab.sql.place import Place
from pegasus_tab.sql.terms import Constant, Default, Name, Term
from pegasus_tab.sql.token_reader import TokenReader
from pegasus_tab.sql.translate import translation
from pegasus_tab.sql.translation import Translation, nearest_place

_SELECT = Token(TokenType.SELECT, "SELECT")
_COMMA = TokenType.COMMA
_OPEN = frozenset((TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE))
_CLOSE = frozenset((TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END))


class Expressions:
    """Reads terms from a reader's tokens, sharing its placeholders."""

    def __init__(self, reader: TokenReader) -> None:
        self.reader = reader
        self.translation: Translation = translation(reader.text, reader.placeholders)

    def until(self, *stops: str) -> Term:
        """Read one expression up to a comma or closing parenthesis outside brackets, or a stop word.

        Args:
            stops: clause openings, each as words with single spaces (``USING TTL``).

        Raises:
            ProgrammingError: 42601, no expression there, or none that parses.
        """
        end = self.end_of_expression(stops)
        term = self.between(self.reader.at_token, end)
        self.reader.at_token = end
        return term

    def end_of_expression(self, stops: tuple[str, ...]) -> int:
        """Return the index of the token that ends the expression beginning at the next token."""
        reader = self.reader
        words = [stop.split() for stop in stops]
        depth = 0
        start = reader.at_token
        try:
            for index in range(start, len(reader.tokens)):
                kind = reader.tokens[index].token_type
                if depth == 0:
                    reader.at_token = index
                    if kind is _COMMA or kind in _CLOSE or any(reader.at(*one) for one in words):
                        return index
                depth += (kind in _OPEN) - (kind in _CLOSE)
        finally:
            reader.at_token = start
        return len(reader.tokens)

    def between(self, start: int, end: int) -> Term:
        """Return the term that the tokens ``start`` .. ``end`` make."""
        tokens = self.reader.tokens[start:end]
        if not tokens:
            self.reader.at_token = start
            raise self.reader.error("expected an expression")
        simple = self._simple(tokens)
        return self.translation.term(self._tree(tokens)) if simple is None else simple

    def _simple(self, tokens: list[Token]) -> Term | None:
        # VALUES rows are mostly literals; the stock parser would cost them 20 us each.
        first = tokens[0]
        if len(tokens) == 1:
            place = place_of_token(first)
            match first.token_type:
                case TokenType.STRING:
                    return Constant(first.text, place)
                case TokenType.NUMBER:
                    return Constant(number(first.text, place), place)
                case TokenType.NULL:
                    return Constant(None, place)
                case TokenType.DEFAULT:
                    return Default(place)
                case _:
                    return None
        if len(tokens) == 2 and first.token_type is TokenType.PARAMETER:
            return self.reader.placeholders[int(tokens[1].text)]
        return None

    def _tree(self, tokens: list[Token]) -> Any:
        tree = parse_core([_SELECT, *tokens], self.reader.text)
        rest = [name for name, value in tree.args.items() if value and name != "expressions"]
        if not isinstance(tree, exp.Select) or rest or len(tree.expressions) != 1:
            raise self._fault(tokens[0])
        expression = tree.expressions[0]
        if isinstance(expression, exp.Alias | exp.Star | exp.Aliases):
            place = nearest_place(expression.args.get("alias") or expression)
            near = place or place_of_token(tokens[-1])
            raise ProgrammingError(
                f'syntax error at or near "{self._shown(near.position, near.length)}"',
                sqlstate="42601",
                position=near.position,
                length=near.length,
            )
        return expression

    def _fault(self, token: Token) -> ProgrammingError:
        place = place_of_token(token)
        return ProgrammingError(
            f'"{token.text}" does not begin an expression that can stand here',
            sqlstate="42601",
            position=place.position,
            length=place.length,
        )

    def _shown(self, position: int, length: int) -> str:
        return self.reader.text[position : position + length]

    def column(self) -> Name:
        """Read a column name, perhaps with its table before a dot."""
        reader = self.reader
        name, place = reader.name_and_place("a column name")
        if reader.eat("."):
            column, last = reader.name_and_place("a column name")
            end = last.position + last.length
            return Name(column, name, Place(place.position, end - place.position))
        return Name(name, None, place)
