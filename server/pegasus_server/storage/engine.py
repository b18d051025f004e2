"""The storage engine as the rest of the server sees it, and what a write to it consists of.

Two implementations: ``rocks.py`` (RocksDB, production) and ``memory.py`` (the simulator, and the
twin that property tests compare with).

Rules every engine keeps (reference/reliability.md 2.4):
  * one column family; the applied decree is a reserved key written in the same batch as the data;
  * the reserved key begins with FF FF: the hash key length 0xFFFF is reserved, so no row's key can
    equal it, it sorts above every row, and a scan (upper bound at most FF FF) never meets it;
  * a scan that meets damage raises EngineDamaged; it never ends early in silence.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

from pegasus_tab.base.ids import Decree

DECREE_KEY = b"\xff\xffpegasus_tab.decree"
ROW_KEYS_END = b"\xff\xff"
"""Exclusive upper bound of every row key; scans are clamped to it."""

Change: TypeAlias = tuple[bytes, bytes | None]
"""(key, stored value with its header) for a put, (key, None) for a delete."""

PhysicalBatch: TypeAlias = Sequence[Change]
"""Changes in order; a later change to the same key wins. May be empty (a NOOP still moves the decree)."""


class EngineDamaged(Exception):  # noqa: N818 -- says what is the case
    """The engine found damage or its disk failed; the replica must stop serving (poisoned until reopened)."""


class EngineUnavailable(Exception):  # noqa: N818 -- says what is the case
    """The engine could not be opened for a reason outside its data: in use, no permission, no space."""


class Engine(Protocol):
    """An ordered map from bytes to bytes that knows which decree it has applied."""

    @property
    def applied_decree(self) -> Decree:
        """Decree of the last applied batch, 0 for a new engine."""

    def get(self, key: bytes) -> bytes | None:
        """Return the stored value (header included), or None."""

    def scan(
        self, lower: bytes, upper: bytes, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, stored value) with lower <= key < upper, ascending or descending."""

    def scan_chunk(
        self, lower: bytes, upper: bytes, rows_max: int, bytes_max: int
    ) -> tuple[list[bytes], list[bytes], bool]:
        """Read one bounded stretch in a tight loop, for bulk scans.

        Args:
            lower: first key, inclusive.
            upper: end of the range, exclusive.
            rows_max: stop after this many rows, >= 1.
            bytes_max: stop once keys and values reach this many bytes; at least one row is read.

        Returns:
            Keys, stored values (same length, ascending), and True when the range is exhausted.
        """

    def apply(self, batch: PhysicalBatch, decree: Decree) -> None:
        """Apply a batch atomically and note its decree.

        Asserts decree == applied_decree + 1 (A2 of reference/reliability.md 2.1).
        """

    def discard(self, keys: Sequence[bytes]) -> None:
        """Delete rows that are invisible already (expired); the decree stays. Not replicated."""

    def flush(self) -> Decree:
        """Make everything applied so far durable; return a decree that is durable. Blocks."""

    def checkpoint(self, path: Path) -> Decree:
        """Write a consistent copy to ``path`` (must not exist); return the decree read back from it. Blocks."""

    def close(self) -> None:
        """Flush and release; further calls fail."""
