"""Scalar functions on TEXT (and BLOB where it makes sense): names, meaning, and NULL rules.

PostgreSQL's meaning (section 9.4); letter case maps one character to one character, as DuckDB
does, so that a query gives the same text whether we or the residual engine finish it.
"""

from collections.abc import Callable
from typing import Any

from pegasus_tab.base.errors import DataError
from pegasus_tab.execute.casts import cast_to_text
from pegasus_tab.tabular.like import lower_case


def _upper(text: str) -> str:
    if text.isascii():
        return text.upper()
    return "".join(map(_upper_character, text))


def _upper_character(character: str) -> str:
    if character == "\N{LATIN SMALL LETTER SHARP S}":
        return "\N{LATIN CAPITAL LETTER SHARP S}"
    forms = (character.upper(), character.title(), character)
    return next(form for form in forms if len(form) == 1)


def _substring(text: Any, start: int, length: int | None = None) -> Any:
    # PostgreSQL counts from 1 and lets the window begin before the text.
    if length is None:
        return text[max(start - 1, 0) :]
    if length < 0:
        raise DataError("negative substring length", sqlstate="22011")
    return text[max(start - 1, 0) : max(start - 1 + length, 0)]


def _left(text: str, count: int) -> str:
    return text[:count]


def _right(text: str, count: int) -> str:
    if count >= 0:
        return text[max(len(text) - count, 0) :]
    return text[-count:]


def _replace(text: str, old: str, new: str) -> str:
    return text.replace(old, new) if old else text


def concatenate(left: Any, right: Any) -> Any:
    """``left || right``: bytes stay bytes, anything else becomes text. Strict."""
    if isinstance(left, bytes) and isinstance(right, bytes):
        return left + right
    return cast_to_text(left) + cast_to_text(right)


STRICT: dict[str, Callable[..., Any]] = {
    "upper": _upper,
    "lower": lower_case,
    "length": len,
    "trim": lambda text, characters=" ": text.strip(characters),
    "ltrim": lambda text, characters=" ": text.lstrip(characters),
    "rtrim": lambda text, characters=" ": text.rstrip(characters),
    "substr": _substring,
    "left": _left,
    "right": _right,
    "replace": _replace,
    "reverse": lambda text: text[::-1],
    "strpos": lambda text, part: text.find(part) + 1,
    "starts_with": str.startswith,
}


def _concat(*values: Any) -> str:
    return "".join(cast_to_text(value) for value in values if value is not None)


LENIENT: dict[str, Callable[..., Any]] = {
    "concat": _concat,
}
