"""Cutting a text into statements at its semicolons: for the shell and for scripts.

Knows only what hides a semicolon: strings ('...', E'...', $tag$...$tag$), quoted names and comments
(-- to the end of the line, /* */ nested), as PostgreSQL 4.1 has them. Never fails: what is not
closed reaches to the end of the text.
"""

import re
from collections.abc import Iterator

_PIECE = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<comment>--[^\n]*)
    | (?P<block>/\*)
    | (?P<escaped>[eE]'(?:[^'\\]|\\.|'')*(?P<escaped_end>'|\Z))
    | (?P<word>[^\W\d][\w$]*)
    | (?P<string>'(?:[^']|'')*(?P<string_end>'|\Z))
    | (?P<name>"(?:[^"]|"")*(?P<name_end>"|\Z))
    | (?P<dollar>\$(?:[^\W\d]\w*)?\$)
    | (?P<semicolon>;)
    | (?P<other>[\w.]+|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_EDGE = re.compile(r"/\*|\*/")


def pieces(text: str) -> Iterator[tuple[str, int, int, bool]]:
    """Yield (kind, start, end, closed) for each piece of a text, covering all of it.

    Kinds: ``space comment block escaped word string name dollar semicolon other``; ``block`` is a
    block comment, ``dollar`` a dollar-quoted string. ``closed`` is False for a string, name or
    comment that reaches the end of the text without its end mark.
    """
    position = 0
    while position < len(text):
        found = _PIECE.match(text, position)
        assert found is not None  # the last alternative takes any character
        kind = found.lastgroup or ""
        kind = kind.removesuffix("_end")
        end, closed = found.end(), True
        if kind == "block":
            end, closed = _block_end(text, position)
        elif kind == "dollar":
            end, closed = _dollar_end(text, found)
        elif kind in ("string", "name", "escaped"):
            closed = bool(found[f"{kind}_end"])
        yield kind, position, end, closed
        position = end


def _block_end(text: str, start: int) -> tuple[int, bool]:
    depth = 0
    for edge in _BLOCK_EDGE.finditer(text, start):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end(), True
    return len(text), False


def _dollar_end(text: str, opening: re.Match[str]) -> tuple[int, bool]:
    closing = text.find(opening[0], opening.end())
    return (len(text), False) if closing < 0 else (closing + len(opening[0]), True)


def split_statements(text: str) -> list[tuple[int, str]]:
    """Cut a text into its statements.

    Returns:
        (start, statement) in text order: the offset of the statement's first character that is
        neither space nor comment, and its text from there, without the semicolon and the space
        before it. Empty statements are left out.
    """
    statements: list[tuple[int, str]] = []
    start: int | None = None
    last = 0
    for kind, begin, end, _ in pieces(text):
        if kind == "semicolon":
            if start is not None:
                statements.append((start, text[start:last]))
            start = None
        elif kind not in ("space", "comment", "block"):
            start = begin if start is None else start
            last = end
    if start is not None:
        statements.append((start, text[start:last]))
    return statements


def is_complete(text: str) -> bool:
    """Tell whether a text ends with a statement's semicolon: Enter may run it.

    Space and comments may follow the semicolon; a text of nothing else is complete too.
    """
    complete = True
    for kind, _, _, closed in pieces(text):
        if not closed:
            return False
        if kind == "semicolon":
            complete = True
        elif kind not in ("space", "comment", "block"):
            complete = False
    return complete


def unclosed(text: str) -> int | None:
    """Return where the first string, quoted name or comment without an end begins, or None."""
    return next((start for _, start, _, closed in pieces(text) if not closed), None)
