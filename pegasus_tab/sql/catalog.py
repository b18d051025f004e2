"""What the binder knows of tables: a catalog protocol and the table value it hands out."""

from typing import Protocol

from pegasus_tab.base.record import record
from pegasus_tab.tabular.schema import Schema


@record
class Table:
    """A table as the catalog saw it.

    Attributes:
        name: as typed at creation (lower case unless quoted).
        app_id: the server's table id; a table dropped and made again has another.
        partition_count: a power of two >= 2.
        schema: its columns; for a raw table the fixed (hash_key, sort_key, value) schema.
        raw: True for a key-value table without ``tab.schema``: keys and values are stored as they are.
        envs: the table's other environment entries (``default_ttl`` ...).
    """

    name: str
    app_id: int
    partition_count: int
    schema: Schema
    raw: bool
    envs: tuple[tuple[str, str], ...] = ()


class Catalog(Protocol):
    """Looks tables up by name; implementations may cache."""

    def table(self, name: str) -> Table | None:
        """Return the living table of that name, or None."""

    def names(self) -> list[str]:
        """Return the names of all living tables, sorted (for did-you-mean and completion)."""
