"""Colours for SQL while it is typed: text to styled runs, by one regular expression."""

import re
from collections.abc import Callable, Iterator

from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.lexers import Lexer

from pegasus_shell.vocabulary import KEYWORDS, TYPES

STYLES = {
    "comment": "class:sql.comment",
    "string": "class:sql.string",
    "number": "class:sql.number",
    "keyword": "class:sql.keyword",
    "type": "class:sql.type",
    "parameter": "class:sql.parameter",
    "meta": "class:sql.meta",
}

TOKEN = re.compile(
    r"""(?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))
      | (?P<string>'(?:[^']|'')*(?:'|\Z)|"(?:[^"]|"")*(?:"|\Z))
      | (?P<meta>\A\\\S*)
      | (?P<number>\b\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b)
      | (?P<parameter>\?|(?<!:):[A-Za-z_]\w*)
      | (?P<word>[A-Za-z_]\w*)
      | (?P<other>\s+|.)""",
    re.VERBOSE | re.DOTALL,
)


def runs(text: str) -> Iterator[tuple[str, str]]:
    """Yield (style, text) for every token; joined they give the text again."""
    for match in TOKEN.finditer(text):
        kind = match.lastgroup or "other"
        if kind == "word":
            word = match.group().upper()
            kind = "keyword" if word in KEYWORDS else "type" if word in TYPES else "other"
        yield STYLES.get(kind, ""), match.group()


class SqlLexer(Lexer):
    """Colours the whole text and hands it out by line, so that strings over lines stay strings."""

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        """Return a function from line number to styled runs (prompt-toolkit's contract)."""
        lines: list[StyleAndTextTuples] = [[]]
        for style, text in runs(document.text):
            first, *more = text.split("\n")
            lines[-1].append((style, first))
            lines.extend([(style, part)] for part in more)
        return lambda number: lines[number] if number < len(lines) else []
