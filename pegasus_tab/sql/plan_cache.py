"""Plans of statements seen before, bounded by count and by bytes of text.

A plan is as large as its text, give or take a factor, so the text's length stands for both. An entry
rests on the tables it was planned with: it counts only while the catalog hands out those very
tables, so a change of one table spoils only the plans that read it.

Threads may share a cache without a lock: an entry that another thread evicts in between is only a
miss, and a lost update of the text count makes the cache forget a little early or late.
"""

from collections import OrderedDict
from typing import TypeAlias

from pegasus_tab.base.record import record
from pegasus_tab.sql.catalog import Catalog, Table
from pegasus_tab.sql.plan_nodes import Statement

PLANS_MAX = 512
TEXT_BYTES_MAX = 1 << 20
"""Text of all entries together; a plan in memory takes some 20 times its text."""
ENTRY_BYTES_MAX = 1 << 14
"""Longer statements are mostly bulk INSERTs, which do not come back."""

Key: TypeAlias = tuple[str, object, int]


@record
class _Entry:
    statement: Statement
    tables: tuple[Table, ...]


class PlanCache:
    """Least recently used plans go first.

    Args:
        plans_max: entries at most.
        text_bytes_max: characters of all statements together at most.
    """

    def __init__(self, plans_max: int = PLANS_MAX, text_bytes_max: int = TEXT_BYTES_MAX) -> None:
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()
        self._plans_max = plans_max
        self._text_bytes_max = text_bytes_max
        self._text_bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key, catalog: Catalog) -> Statement | None:
        """Return the plan of a key, None when there is none or a table of it changed."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        for table in entry.tables:
            if catalog.table(table.name) is not table:
                self._remove(key)
                return None
        try:
            self._entries.move_to_end(key)
        except KeyError:
            return entry.statement  # evicted by another thread just now, and still right
        return entry.statement

    def put(self, key: Key, statement: Statement, tables: tuple[Table, ...]) -> None:
        """Keep a plan; one of a very long text is not kept."""
        size = len(key[0])
        if size > min(ENTRY_BYTES_MAX, self._text_bytes_max):
            return
        if key not in self._entries:
            self._text_bytes += size
        self._entries[key] = _Entry(statement, tables)
        while len(self._entries) > self._plans_max or self._text_bytes > self._text_bytes_max:
            try:
                oldest, _ = self._entries.popitem(last=False)
            except KeyError:
                self._text_bytes = 0  # another thread emptied the cache
                return
            self._text_bytes -= len(oldest[0])

    def clear(self) -> None:
        """Forget every plan."""
        self._entries.clear()
        self._text_bytes = 0

    def _remove(self, key: Key) -> None:
        if self._entries.pop(key, None) is not None:
            self._text_bytes -= len(key[0])
