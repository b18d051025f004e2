"""What could come next: a pure function from the text before the cursor to suggestions.

A suggestion names kinds of things, not things: the completer fills in the names it knows. Tested at
every prefix of a statement.
"""

import re
from dataclasses import dataclass

from pegasus_shell.vocabulary import TABLE_CONTEXT

WORD = re.compile(r"[A-Za-z_][\w$]*\Z|\\\S*\Z")
NAMES = re.compile(r"[A-Za-z_][\w$]*|\S")
TABLE_BEHIND = re.compile(
    r"\b(?:FROM|JOIN|INTO|UPDATE|TABLE|DESCRIBE)\s+([A-Za-z_][\w$]*)", re.IGNORECASE
)
TEXT_MAX = 20_000
"""Only this many characters before the cursor are looked at."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Which kinds of words fit here.

    Attributes:
        prefix: the word under the cursor, to be replaced.
        metacommands, heads, keywords, tables: whether such words fit.
        columns_of: tables whose columns fit.
    """

    prefix: str
    metacommands: bool = False
    heads: bool = False
    keywords: bool = False
    tables: bool = False
    columns_of: tuple[str, ...] = ()


def suggest(before: str, after: str = "") -> Suggestion | None:
    """Say what fits at the cursor; None inside a string or a comment.

    Args:
        before: the text up to the cursor, all lines.
        after: the text behind it; tables named there count for columns too.
    """
    before = before[-TEXT_MAX:]
    statement = before[before.rfind(";") + 1 :]
    found = WORD.search(statement)
    prefix = found.group() if found else ""
    if statement.lstrip().startswith("\\"):
        return Suggestion(
            prefix, metacommands=" " not in statement.strip(), tables=" " in statement
        )
    if inside_quotes(statement):
        return None
    behind = NAMES.findall(statement[: len(statement) - len(prefix)])
    if not behind:
        return Suggestion(prefix, heads=True, metacommands=not before.strip())
    if behind[-1].upper() in TABLE_CONTEXT:
        return Suggestion(prefix, tables=True)
    whole = statement + after[:TEXT_MAX].partition(";")[0]
    tables = tuple(dict.fromkeys(TABLE_BEHIND.findall(whole)))
    return Suggestion(prefix, keywords=True, columns_of=tables)


def inside_quotes(text: str) -> bool:
    """Whether the end of ``text`` lies in a string literal or a line comment."""
    last_line = text.rpartition("\n")[2]
    return text.count("'") % 2 == 1 or "--" in last_line
