"""The words the shell colours and completes; the dialect's own lists, in the shell's groups."""

from pegasus_tab.sql import statement_heads
from pegasus_tab.sql.column_types import TYPE_NAMES
from pegasus_tab.sql.function_names import FUNCTION_NAMES

TYPES = frozenset(TYPE_NAMES)
KEYWORDS = statement_heads.KEYWORDS - TYPES
FUNCTIONS = FUNCTION_NAMES

_LONGER_HEADS = (
    *("INSERT INTO", "UPSERT INTO", "DELETE FROM", "SHOW TABLES", "SHOW DROPPED TABLES"),
    *("SHOW PARTITIONS OF", "SHOW CREATE TABLE", "CREATE TABLE", "CREATE RAW TABLE", "ALTER TABLE"),
    *("DROP TABLE", "RECALL TABLE", "BACKUP TABLE", "BACKUP ALL", "RESTORE TABLE"),
    *("SHOW JOBS", "SHOW BACKUPS IN", "SHOW BACKUP POLICIES", "VERIFY EXPORT", "VERIFY BACKUP"),
    *("CREATE BACKUP POLICY", "ALTER BACKUP POLICY", "DROP BACKUP POLICY"),
)
_LONGER_FIRST_WORDS = frozenset(head.split()[0] for head in _LONGER_HEADS)
STATEMENT_HEADS = (
    *(h for h in statement_heads.STATEMENT_HEADS if h not in _LONGER_FIRST_WORDS),
    *_LONGER_HEADS,
)
"""Beginnings of statements, with the word that always follows."""

TABLE_CONTEXT = frozenset({"FROM", "JOIN", "INTO", "UPDATE", "TABLE", "OF", "DESCRIBE"})
"""Behind these words a table's name comes next."""
