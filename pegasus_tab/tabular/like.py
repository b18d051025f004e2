"""LIKE patterns: ``%`` any text, ``_`` any one character, backslash takes the next as it is.

One parser for both evaluators (filter_rows.py, arrow_filter.py). Matching never backtracks: the text
pieces between two ``%`` are found leftmost one after the other, so the cost is at most the text's
length times the pattern's.

ILIKE compares both sides in lower case, character by character, as PostgreSQL and DuckDB do (no
full case folding: 'ss' does not match the sharp s).
"""

import re
from functools import lru_cache

from pegasus_tab.base.errors import DataError
from pegasus_tab.base.record import record

_DOTTED_CAPITAL_I = "\u0130"
_CAPITAL_SIGMA = "\u03a3"
_SMALL_SIGMA = "\u03c3"


@record
class LikePattern:
    """A parsed pattern.

    Attributes:
        pieces: the pattern cut at each ``%``; a piece is a list of characters, None for ``_``.
            One piece means the pattern has no ``%``.
    """

    pieces: tuple[tuple[str | None, ...], ...]

    def literal(self) -> "tuple[str, ...] | None":
        """Return the pieces as texts when none holds a ``_``, else None."""
        if any(None in piece for piece in self.pieces):
            return None
        return tuple("".join(character or "" for character in piece) for piece in self.pieces)


@lru_cache(maxsize=256)
def parse_pattern(pattern: str) -> LikePattern:
    """Parse a LIKE pattern.

    Raises:
        DataError: it ends with a lone backslash (SQLSTATE 22025).
    """
    pieces: list[list[str | None]] = [[]]
    characters = iter(pattern)
    for character in characters:
        if character == "%":
            pieces.append([])
        elif character == "_":
            pieces[-1].append(None)
        elif character == "\\":
            taken = next(characters, None)
            if taken is None:
                raise DataError(
                    "LIKE pattern ends with its escape character",
                    sqlstate="22025",
                    hint="Write two backslashes for one.",
                )
            pieces[-1].append(taken)
        else:
            pieces[-1].append(character)
    return LikePattern(tuple(tuple(piece) for piece in pieces))


def lower_case(text: str) -> str:
    """Return the text in lower case, each character by itself and to one character.

    str.lower alone would make two characters of the dotted capital I and look at the word's end
    for a sigma; the columnar evaluator does neither.
    """
    if text.isascii():
        return text.lower()
    return text.replace(_DOTTED_CAPITAL_I, "i").replace(_CAPITAL_SIGMA, _SMALL_SIGMA).lower()


@lru_cache(maxsize=256)
def matcher(pattern: str, *, ignore_case: bool) -> "Matcher":
    """Return the compiled matcher of a pattern; raises as ``parse_pattern``."""
    return Matcher(parse_pattern(lower_case(pattern) if ignore_case else pattern), ignore_case)


class Matcher:
    """Tells whether a text matches a pattern."""

    def __init__(self, pattern: LikePattern, ignore_case: bool) -> None:
        self._ignore_case = ignore_case
        self._pieces = [re.compile(_expression(piece), re.DOTALL) for piece in pattern.pieces]
        self._lengths = [len(piece) for piece in pattern.pieces]

    def matches(self, text: str) -> bool:
        """Return whether the whole text matches."""
        if self._ignore_case:
            text = lower_case(text)
        if len(self._pieces) == 1:
            return self._pieces[0].fullmatch(text) is not None
        first, *middle, last = self._pieces
        if first.match(text) is None:
            return False
        position, end = self._lengths[0], len(text) - self._lengths[-1]
        for piece in middle:
            found = piece.search(text, position)
            if found is None:
                return False
            position = found.end()
        return position <= end and last.fullmatch(text, end) is not None


def _expression(piece: tuple[str | None, ...]) -> str:
    return "".join("." if character is None else re.escape(character) for character in piece)
