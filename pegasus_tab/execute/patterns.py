r"""LIKE and ILIKE on Python text: ``%`` any run, ``_`` one character, backslash escapes the next."""

import re
from collections.abc import Callable
from functools import lru_cache

from pegasus_tab.base.errors import DataError

Matcher = Callable[[str], bool]


@lru_cache(maxsize=256)
def like_matcher(pattern: str, *, ignore_case: bool = False) -> Matcher:
    """Return a predicate on text for one LIKE pattern.

    Patterns with a single run of plain characters (``abc%``, ``%abc``, ``%abc%``, ``abc``) become
    plain string methods, which are several times faster than a regular expression.

    Args:
        pattern: the pattern; backslash is the escape character (PostgreSQL 9.7.1).
        ignore_case: True for ILIKE.

    Raises:
        DataError: 22025, the pattern ends in a lone backslash.
    """
    parts = _parts(pattern)
    if not ignore_case:
        plain = _plain_matcher(parts)
        if plain is not None:
            return plain
    expression = "".join(_EXPRESSIONS.get(part) or re.escape(part[1:]) for part in parts)
    flags = re.DOTALL | (re.IGNORECASE if ignore_case else 0)
    match = re.compile(expression, flags).fullmatch
    return lambda text: match(text) is not None


_ANY, _ONE = "%", "_"
_EXPRESSIONS = {_ANY: ".*", _ONE: "."}


def _parts(pattern: str) -> list[str]:
    # A run of plain characters is marked by a leading "=", so that an escaped % is no wildcard.
    parts: list[str] = []
    characters = iter(pattern)
    for character in characters:
        if character in _EXPRESSIONS:
            if not (character == _ANY and parts[-1:] == [_ANY]):
                parts.append(character)
            continue
        plain = next(characters, "") if character == "\\" else character
        if not plain:
            raise DataError("LIKE pattern must not end with a backslash", sqlstate="22025")
        if parts and parts[-1].startswith("="):
            parts[-1] += plain
        else:
            parts.append("=" + plain)
    return parts


def _plain_matcher(parts: list[str]) -> Matcher | None:
    match parts:
        case []:
            return lambda text: not text
        case ["%"]:
            return lambda text: True  # noqa: ARG005 -- a matcher takes the text
        case [word] if word.startswith("="):
            return word[1:].__eq__
        case [word, "%"] if word.startswith("="):
            prefix = word[1:]
            return lambda text: text.startswith(prefix)
        case ["%", word] if word.startswith("="):
            suffix = word[1:]
            return lambda text: text.endswith(suffix)
        case ["%", word, "%"] if word.startswith("="):
            middle = word[1:]
            return lambda text: middle in text
        case _:
            return None
