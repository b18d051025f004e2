"""A cursor over one statement's tokens: what every front parser reads from.

Placeholders are numbered here, before the stock parser sees them: each occurrence becomes
``$occurrence``, because sqlglot keeps neither their order nor their place.
"""

from sqlglot.tokens import Token, TokenType

from pegasus_tab.base.errors import ProgrammingError
from pegasus_tab.sql.dialect import place_of_token, tokenize
from pegasus_tab.sql.parameters import Numbering
from pegasus_tab.sql.place import Place, at
from pegasus_tab.sql.reserved_words import RESERVED_WORDS
from pegasus_tab.sql.terms import Placeholder

_NOT_NAMES = frozenset(
    (
        TokenType.STRING,
        TokenType.NUMBER,
        TokenType.HEX_STRING,
        TokenType.BYTE_STRING,
        TokenType.HEREDOC_STRING,
        TokenType.PARAMETER,
        TokenType.PLACEHOLDER,
    )
)


class TokenReader:
    """Reads one statement's tokens from left to right.

    Attributes:
        text: the statement.
        tokens: its tokens, placeholders rewritten as ``$occurrence``.
        at_token: index of the next token.
        placeholders: one for each occurrence, in text order.
        parameters: what the statement wants to be given: None for ``?``, the name for ``:name``.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.at_token = 0
        self.tokens, self.placeholders, self.parameters = number_placeholders(tokenize(text))

    # ---- looking ----

    @property
    def done(self) -> bool:
        """True when every token was read."""
        return self.at_token >= len(self.tokens)

    def token(self, ahead: int = 0) -> Token | None:
        """Return the token ``ahead`` places from the next one, or None past the end."""
        index = self.at_token + ahead
        return self.tokens[index] if 0 <= index < len(self.tokens) else None

    def at(self, *words: str) -> bool:
        """Tell whether the next tokens are these words or signs (upper case), none of them quoted."""
        for offset, word in enumerate(words):
            token = self.token(offset)
            if token is None or token.token_type in (TokenType.IDENTIFIER, TokenType.STRING):
                return False
            if token.text.upper() != word:
                return False
        return True

    def place(self) -> Place:
        """Return the place of the next token, or the end of the text."""
        token = self.token()
        return place_of_token(token) if token else Place(len(self.text.rstrip()))

    # ---- reading ----

    def eat(self, *words: str) -> bool:
        """Step over these words when they come next."""
        if self.at(*words):
            self.at_token += len(words)
            return True
        return False

    def need(self, *words: str) -> None:
        """Step over these words; raise ProgrammingError 42601 when something else comes."""
        if not self.eat(*words):
            raise self.error(f"expected {' '.join(words)}")

    def name(self, what: str = "a name") -> str:
        """Read an identifier: lower case unless quoted."""
        return self.name_and_place(what)[0]

    def name_and_place(self, what: str = "a name") -> tuple[str, Place]:
        """Read an identifier and where it stands."""
        token = self.token()
        if token is None or token.token_type in _NOT_NAMES:
            raise self.error(f"expected {what}")
        quoted = token.token_type is TokenType.IDENTIFIER
        if not quoted and not (token.text[:1].isalpha() or token.text[:1] == "_"):
            raise self.error(f"expected {what}")
        if not quoted and token.text.upper() in RESERVED_WORDS:
            raise self.error(
                f"expected {what}", f"{token.text} is a reserved word: as a name, quote it"
            )
        self.at_token += 1
        return (token.text if quoted else token.text.lower()), place_of_token(token)

    def integer(self, what: str = "a whole number") -> int:
        """Read an unsigned integer literal."""
        token = self.token()
        if token is None or token.token_type is not TokenType.NUMBER or not _is_number(token.text):
            raise self.error(f"expected {what}")
        self.at_token += 1
        return int(token.text)

    def group_end(self, start: int | None = None) -> int:
        """Return the index of the parenthesis that closes the one at ``start`` (the next token)."""
        start = self.at_token if start is None else start
        depth = 0
        for index in range(start, len(self.tokens)):
            kind = self.tokens[index].token_type
            depth += (kind in _OPEN) - (kind in _CLOSE)
            if depth == 0:
                return index
        raise ProgrammingError(
            "a parenthesis is not closed", sqlstate="42601", position=self.tokens[start].start
        )

    def find(self, *words: str, until: int | None = None) -> int | None:
        """Return the index of the first such words outside brackets, from the next token on."""
        depth = 0
        saved = self.at_token
        try:
            for index in range(saved, len(self.tokens) if until is None else until):
                kind = self.tokens[index].token_type
                depth += (kind in _OPEN) - (kind in _CLOSE)
                self.at_token = index
                if depth == 0 and self.at(*words):
                    return index
        finally:
            self.at_token = saved
        return None

    def end(self) -> None:
        """Raise ProgrammingError 42601 unless every token was read."""
        if not self.done:
            raise self.error("")

    def error(self, message: str, hint: str | None = None) -> ProgrammingError:
        """Return a syntax error at the next token."""
        token = self.token()
        near = f'at or near "{token.text}"' if token else "at end of statement"
        place = self.place()
        return ProgrammingError(
            f"syntax error {near}" + (f": {message}" if message else ""),
            sqlstate="42601",
            hint=hint,
            position=place.position,
            length=place.length,
        )


_OPEN = frozenset((TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE))
_CLOSE = frozenset((TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE))


def number_placeholders(
    tokens: list[Token],
) -> tuple[list[Token], list[Placeholder], tuple[str | None, ...]]:
    """Rewrite ``?``, ``:name`` and ``$n`` as ``$occurrence``.

    Returns:
        The new tokens, a Placeholder for each occurrence, and the wanted parameters.

    Raises:
        ProgrammingError: 42601 when styles are mixed or a lone $ stands there, 42P02 for a number
            out of range.
    """
    numbering = Numbering()
    result: list[Token] = []
    found: list[Placeholder] = []
    position = 0
    while position < len(tokens):
        token = tokens[position]
        following = tokens[position + 1] if position + 1 < len(tokens) else None
        style, name, width = _placeholder_at(token, following, result[-1] if result else None)
        if style is None:
            if token.token_type is TokenType.PARAMETER:
                raise ProgrammingError(
                    f'syntax error at or near "{token.text}"',
                    sqlstate="42601",
                    hint="parameters are written ?, :name or $1",
                    **at(place_of_token(token)),
                )
            result.append(token)
            position += 1
            continue
        last = tokens[position + width - 1]
        place = Place(token.start, last.end - token.start + 1)
        found.append(Placeholder(numbering.index(style, name, place), place))
        result.extend(_occurrence_tokens(len(found) - 1, token, last))
        position += width
    return result, found, tuple(numbering.wanted)


def _placeholder_at(
    token: Token, following: Token | None, before: Token | None
) -> tuple[str | None, str, int]:
    kind = token.token_type
    if kind is TokenType.PLACEHOLDER:
        return "?", "", 1
    if following is None or following.start != token.end + 1:
        return None, "", 0
    if kind is TokenType.PARAMETER and _is_number(following.text):
        return "$n", following.text, 2
    # In {'a':b} the colon separates a map's key from its value.
    is_name = following.text[:1].isalpha() or following.text[:1] == "_"
    after_key = before is not None and before.token_type is TokenType.STRING
    if kind is TokenType.COLON and is_name and not after_key:
        return ":name", following.text, 2
    return None, "", 0


def _occurrence_tokens(occurrence: int, first: Token, last: Token) -> list[Token]:
    where = {"line": first.line, "col": first.col}
    return [
        Token(TokenType.PARAMETER, "$", start=first.start, end=first.start, **where),
        Token(TokenType.NUMBER, str(occurrence), start=first.start, end=last.end, **where),
    ]


def _is_number(text: str) -> bool:
    # str.isdigit also takes superscripts, which int() does not.
    return text.isascii() and text.isdecimal()
