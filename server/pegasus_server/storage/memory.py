"""The storage engine in memory: the twin of ``rocks.py`` for tests and for the simulator.

A dict holds the rows and a sorted list holds their keys, so that a scan is a slice. A scan sees
the rows as they were when it was started, as a RocksDB iterator does, and pays for that with a
copy of its range.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from pathlib import Path

from pegasus_server.storage.engine import ROW_KEYS_END, EngineDamaged, PhysicalBatch
from pegasus_tab.base.ids import Decree


class MemoryEngine:
    """An engine that keeps everything in memory.

    Invariants: the key list is sorted and holds exactly the keys of the rows; no key is at or
    above ``ROW_KEYS_END``; the applied decree never falls.

    Args:
        checkpoints: where checkpoints are kept, by path; its own when None. Handing the same
            mapping to several engines gives them one "disk".
    """

    def __init__(self, checkpoints: "dict[Path, MemoryEngine] | None" = None) -> None:
        self._rows: dict[bytes, bytes] = {}
        self._keys: list[bytes] = []
        self._applied = Decree(0)
        self._closed = False
        self.checkpoints = {} if checkpoints is None else checkpoints

    @property
    def applied_decree(self) -> Decree:
        """Decree of the last applied batch, 0 for a new engine."""
        return self._applied

    def get(self, key: bytes) -> bytes | None:
        """Return the stored value (header included), or None."""
        self._refuse_when_closed()
        return self._rows.get(key)

    def scan(
        self, lower: bytes, upper: bytes, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, stored value) with lower <= key < upper, ascending or descending."""
        self._refuse_when_closed()
        keys = self._keys[bisect_left(self._keys, lower) : bisect_left(self._keys, upper)]
        if reverse:
            keys.reverse()
        return iter([(key, self._rows[key]) for key in keys])

    def scan_chunk(
        self, lower: bytes, upper: bytes, rows_max: int, bytes_max: int
    ) -> tuple[list[bytes], list[bytes], bool]:
        """Read one bounded stretch; see ``Engine.scan_chunk``."""
        assert rows_max >= 1, rows_max
        self._refuse_when_closed()
        first, end = bisect_left(self._keys, lower), bisect_left(self._keys, upper)
        size, last = 0, first
        while last < end and last - first < rows_max and (last == first or size < bytes_max):
            key = self._keys[last]
            size += len(key) + len(self._rows[key])
            last += 1
        keys = self._keys[first:last]
        return keys, [self._rows[key] for key in keys], last >= end

    def apply(self, batch: PhysicalBatch, decree: Decree) -> None:
        """Apply a batch atomically and note its decree."""
        assert decree == self._applied + 1, (decree, self._applied)
        self._refuse_when_closed()
        for key, value in batch:
            assert key < ROW_KEYS_END, key
            if value is None:
                self._delete(key)
            else:
                self._put(key, value)
        self._applied = decree

    def discard(self, keys: Sequence[bytes]) -> None:
        """Delete rows that are invisible already (expired); the decree stays."""
        self._refuse_when_closed()
        for key in keys:
            assert key < ROW_KEYS_END, key
            self._delete(key)

    def flush(self) -> Decree:
        """Return the applied decree: memory is as durable as this engine gets."""
        self._refuse_when_closed()
        return self._applied

    def checkpoint(self, path: Path) -> Decree:
        """Keep a copy under ``path`` in ``checkpoints``; return its decree.

        Raises:
            FileExistsError: there is one under this path already.
        """
        self._refuse_when_closed()
        if path in self.checkpoints:
            raise FileExistsError(f"checkpoint {path} exists")
        copy = MemoryEngine(self.checkpoints)
        copy._rows, copy._keys, copy._applied = dict(self._rows), self._keys.copy(), self._applied
        self.checkpoints[path] = copy
        return self._applied

    def close(self) -> None:
        """Release; further calls fail."""
        self._closed = True

    def _put(self, key: bytes, value: bytes) -> None:
        if key not in self._rows:
            insort(self._keys, key)
        self._rows[key] = value

    def _delete(self, key: bytes) -> None:
        if self._rows.pop(key, None) is not None:
            del self._keys[bisect_left(self._keys, key)]

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise EngineDamaged("the engine is closed; open it again")
