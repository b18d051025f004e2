"""Completes keywords, tables and columns; names come from the connection's catalog, never blocking a key."""

from collections.abc import Callable, Iterable, Iterator

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from pegasus_shell.metacommand import METACOMMANDS
from pegasus_shell.suggest import Suggestion, suggest
from pegasus_shell.vocabulary import FUNCTIONS, KEYWORDS, STATEMENT_HEADS, TYPES

WORDS = (*sorted(KEYWORDS | TYPES), *FUNCTIONS)


class SqlCompleter(Completer):
    """Fills suggestions with names.

    Args:
        tables: returns the names of the tables.
        columns: returns the columns of one table, empty when it is not there.
    """

    def __init__(
        self, tables: Callable[[], list[str]], columns: Callable[[str], list[str]]
    ) -> None:
        self.tables = tables
        self.columns = columns

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        """Yield completions for the cursor (prompt-toolkit's contract)."""
        del complete_event
        found = suggest(document.text_before_cursor, document.text_after_cursor)
        if found is None or (not found.prefix and not (found.tables or found.heads)):
            return
        for text, kind in self.candidates(found):
            if text.lower().startswith(found.prefix.lower()):
                shown = (
                    spelled_like(text, found.prefix) if kind in {"keyword", "statement"} else text
                )
                yield Completion(shown, -len(found.prefix), display_meta=kind)

    def candidates(self, found: Suggestion) -> Iterator[tuple[str, str]]:
        """Yield every (word, kind) that the suggestion allows, nearest kind first."""
        if found.metacommands:
            yield from (("\\" + name, "command") for name in METACOMMANDS)
        if found.tables:
            yield from ((name, "table") for name in self.tables())
        for table in found.columns_of:
            yield from ((name, f"column of {table}") for name in self.columns(table))
        if found.heads:
            yield from ((head, "statement") for head in STATEMENT_HEADS)
        if found.keywords:
            yield from ((word, "keyword") for word in WORDS)


def spelled_like(word: str, prefix: str) -> str:
    """Follow the user's case: who types ``sel`` gets ``select``."""
    return word.lower() if prefix and prefix.islower() else word
