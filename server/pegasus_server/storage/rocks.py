"""The storage engine on RocksDB; rocksdict is imported here and in rocks_options.py.

What rocksdict leaves open, and how it is closed here:
  * ``Rdict.items()`` ends short on a damaged file without an error, so every scan steps a raw
    iterator and asks ``status()`` at its end; stepping one that is not valid crashes the process;
  * an iterator keeps a bare pointer into the bytes of its upper bound, so whoever steps it holds
    them too; ``set_iterate_lower_bound`` sets the upper bound (0.3.29), so it is never called;
  * all errors are bare ``Exception``, so each call turns them into EngineDamaged; the first one
    poisons the engine, for RocksDB's own background errors are sticky as well;
  * RocksDB opens a truncated MANIFEST with rows missing, so ``open`` compares the engine's decree
    with the durable decree of the side file (reference/reliability.md 2.4).
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from rocksdict import (
    AccessType,
    Checkpoint,
    Options,
    Rdict,
    RdictIter,
    ReadOptions,
    WriteBatch,
    WriteOptions,
)

from pegasus_server.storage.checkpoint import write_checkpoint
from pegasus_server.storage.engine import (
    DECREE_KEY,
    ROW_KEYS_END,
    EngineDamaged,
    EngineUnavailable,
    PhysicalBatch,
)
from pegasus_server.storage.rocks_options import RocksMemory, rocks_options
from pegasus_tab.base.ids import Decree

__all__ = ["RocksEngine", "RocksMemory"]

_OUTSIDE_CAUSES = (
    "While lock file",
    "lock hold by",
    "Permission denied",
    "Read-only file system",
    "No space left",
    "Too many open files",
    "File exists",
    "Not a directory",
)
"""Parts of RocksDB's error texts at open that speak of the surroundings, not of the data."""


class RocksEngine:
    """An engine on a RocksDB folder: default column family, write-ahead log off, one writer.

    ``flush`` and ``checkpoint`` may run in another thread than the rest (rocksdict lets go of the
    interpreter meanwhile); everything else belongs to one thread.

    Invariants: the decree in RocksDB equals ``applied_decree`` after every call; once a call has
    raised EngineDamaged every later one does.
    """

    def __init__(self, database: Rdict, path: Path, applied: Decree) -> None:
        self._database = database
        self._path = path
        self._applied = applied
        self._failure: str | None = None
        self._is_checkpoint = False
        self._get: Callable[[bytes], bytes | None] = database.get
        self._write_options = WriteOptions()
        # A property in truth; rocksdict's stub calls it a method.
        self._write_options.disable_wal = True  # type: ignore[method-assign, assignment]

    @classmethod
    def open(
        cls, path: Path, *, durable_decree: Decree, memory: RocksMemory | None = None
    ) -> "RocksEngine":
        """Open the engine in a folder, or make a new one when nothing was durable yet. Blocks.

        Args:
            path: the folder; its parent must exist.
            durable_decree: what the side file says is on disk; 0 for a new replica.
            memory: shared with the other engines of the process; its own when None.

        Raises:
            EngineDamaged: rows that were durable are missing, or RocksDB found damage.
            EngineUnavailable: in use by another process, no permission, no space.
        """
        if durable_decree > 0 and not (path / "CURRENT").exists():
            raise EngineDamaged(_missing_rows(path, Decree(0), durable_decree))
        try:
            database = Rdict(str(path), rocks_options(memory or RocksMemory()))
        except Exception as error:
            raise _open_failure(path, error) from error
        applied = _stored_decree(database, path)
        if applied < durable_decree:
            database.close()
            raise EngineDamaged(_missing_rows(path, applied, durable_decree))
        return cls(database, path, applied)

    @classmethod
    def open_checkpoint(cls, path: Path, memory: RocksMemory) -> "RocksEngine":
        """Open a checkpoint for reading; nothing in its folder changes. Blocks.

        Raises:
            EngineDamaged: RocksDB found damage.
            EngineUnavailable: no permission, or it is gone.
        """
        access = AccessType.read_only(error_if_log_file_exist=False)
        options = rocks_options(memory)
        # Without it rows_estimate is 0; it reads the properties of each file.
        options.set_skip_stats_update_on_db_open(skip=False)
        try:
            database = Rdict(str(path), options, access_type=access)
        except Exception as error:
            raise _open_failure(path, error) from error
        engine = cls(database, path, _stored_decree(database, path))
        engine._is_checkpoint = True
        return engine

    def rows_estimate(self) -> int:
        """Return about how many pairs there are; RocksDB counts overwritten ones too."""
        self._refuse_when_failed()
        estimate = self._database.property_int_value("rocksdb.estimate-num-keys")
        return 0 if estimate is None else int(estimate)

    @property
    def applied_decree(self) -> Decree:
        """Decree of the last applied batch, 0 for a new engine."""
        return self._applied

    def get(self, key: bytes) -> bytes | None:
        """Return the stored value (header included), or None. About 2 us from memory."""
        try:
            stored: bytes | None = self._get(key)
        except Exception as error:  # noqa: BLE001 -- rocksdict raises nothing narrower
            self._fail(error)
        return stored

    def scan(
        self, lower: bytes, upper: bytes, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, stored value) with lower <= key < upper, ascending or descending.

        The rows are those of the moment of the call.
        """
        upper = min(upper, ROW_KEYS_END)
        if lower >= upper:
            return iter(())
        iterator = self._iterator(upper)
        if reverse:
            iterator.seek_to_last()
            return self._rows_down(iterator, lower, upper)
        iterator.seek(lower)
        return self._rows_up(iterator, upper)

    def scan_chunk(
        self, lower: bytes, upper: bytes, rows_max: int, bytes_max: int
    ) -> tuple[list[bytes], list[bytes], bool]:
        """Read one bounded stretch; see ``Engine.scan_chunk``. About 0.6 us a row."""
        assert rows_max >= 1, rows_max
        upper = min(upper, ROW_KEYS_END)
        keys: list[bytes] = []
        values: list[bytes] = []
        if lower >= upper:
            return keys, values, True
        iterator = self._iterator(upper)
        iterator.seek(lower)
        # The loop of bulk scans: every name is local, and key() says None at the end, which saves
        # asking valid() for every row.
        key_of, value_of, step = iterator.key, iterator.value, iterator.next
        add_key, add_value, bytes_left = keys.append, values.append, bytes_max
        for _ in range(rows_max):
            key = key_of()
            if key is None:
                break
            value = value_of()
            add_key(key)
            add_value(value)
            step()
            bytes_left -= len(key) + len(value)
            if bytes_left <= 0:
                break
        exhausted = not iterator.valid()
        self._check(iterator)
        return keys, values, exhausted

    def apply(self, batch: PhysicalBatch, decree: Decree) -> None:
        """Apply a batch atomically and note its decree. About 4 us for one row."""
        assert decree == self._applied + 1, (decree, self._applied)
        changes = WriteBatch(raw_mode=True)
        put = changes.put
        for key, value in batch:
            assert key < ROW_KEYS_END, key
            if value is None:
                changes.delete(key)
            else:
                put(key, value)
        put(DECREE_KEY, decree.to_bytes(8, "big"))
        self._write(changes)
        self._applied = decree

    def discard(self, keys: Sequence[bytes]) -> None:
        """Delete rows that are invisible already (expired); the decree stays."""
        changes = WriteBatch(raw_mode=True)
        for key in keys:
            assert key < ROW_KEYS_END, key
            changes.delete(key)
        self._write(changes)

    def flush(self) -> Decree:
        """Make everything applied so far durable; return a decree that is durable. Blocks."""
        self._refuse_when_failed()
        # Read first: batches applied while RocksDB flushes may or may not be part of it.
        applied = self._applied
        try:
            self._database.flush()
        except Exception as error:  # noqa: BLE001 -- rocksdict raises nothing narrower
            self._fail(error)
        return applied

    def checkpoint(self, path: Path) -> Decree:
        """Write a consistent, durable copy to ``path``; return the decree read back from it. Blocks.

        Raises:
            FileExistsError: ``path`` exists.
            EngineDamaged: RocksDB failed, or the copy holds a decree it cannot hold.
            OSError: the disk refused; ``path`` does not exist.
        """
        self._refuse_when_failed()
        before = self._applied
        decree = write_checkpoint(path, self._copy_to, _read_decree)
        if not before <= decree <= self._applied:
            self._fail(f"checkpoint {path} holds decree {decree}, not {before}..{self._applied}")
        return decree

    def close(self) -> None:
        """Flush and release; further calls fail. A poisoned engine is released without a flush.

        No flush or checkpoint may be running in another thread.

        Raises:
            EngineDamaged: what was applied last is not on disk; the engine is released all the same.
        """
        is_poisoned = self._failure is not None
        try:
            if not is_poisoned and not self._is_checkpoint:
                self.flush()
        finally:
            self._failure = self._failure or f"engine {self._path} is closed; open it again"
            try:
                self._database.close()
            except Exception as error:
                # RocksDB says once more what is known of a poisoned engine; it is closed then.
                if not is_poisoned:
                    raise EngineDamaged(f"engine {self._path} closed badly: {error}") from error

    def _iterator(self, upper: bytes) -> RdictIter:
        """Make an iterator; its user must keep ``upper`` alive as long as it steps the iterator."""
        self._refuse_when_failed()
        bounds = ReadOptions()
        bounds.set_iterate_upper_bound(upper)
        return self._database.iter(bounds)

    def _rows_up(self, iterator: RdictIter, _kept_alive: bytes) -> Iterator[tuple[bytes, bytes]]:
        valid, key, value, step = iterator.valid, iterator.key, iterator.value, iterator.next
        while valid():
            yield key(), value()
            step()
        self._check(iterator)

    def _rows_down(
        self, iterator: RdictIter, lower: bytes, _kept_alive: bytes
    ) -> Iterator[tuple[bytes, bytes]]:
        valid, key, value, step = iterator.valid, iterator.key, iterator.value, iterator.prev
        while valid():
            row_key = key()
            if row_key < lower:
                return
            yield row_key, value()
            step()
        self._check(iterator)

    def _check(self, iterator: RdictIter) -> None:
        try:
            iterator.status()
        except Exception as error:  # noqa: BLE001 -- rocksdict raises nothing narrower
            self._fail(error)

    def _write(self, changes: WriteBatch) -> None:
        self._refuse_when_failed()
        try:
            self._database.write(changes, self._write_options)
        except Exception as error:  # noqa: BLE001 -- rocksdict raises nothing narrower
            self._fail(error)

    def _copy_to(self, path: Path) -> None:
        try:
            Checkpoint(self._database).create_checkpoint(str(path))
        except Exception as error:  # noqa: BLE001 -- rocksdict raises nothing narrower
            self._fail(error)

    def _fail(self, cause: Exception | str) -> NoReturn:
        """Poison the engine: keep the first failure and refuse everything from now on."""
        if self._failure is None:
            self._failure = (
                f"engine {self._path} failed: {cause}; stop serving this replica, keep its folder,"
                " check the disk, then reopen it or relearn it from another copy"
            )
            self._get = self._refuse_get
        raise EngineDamaged(self._failure)

    def _refuse_get(self, key: bytes) -> NoReturn:
        raise EngineDamaged(f"{self._failure} (asked for {key!r})")

    def _refuse_when_failed(self) -> None:
        if self._failure is not None:
            raise EngineDamaged(self._failure)


def _stored_decree(database: Rdict, path: Path) -> Decree:
    try:
        stored: bytes | None = database.get(DECREE_KEY)
    except Exception as error:
        database.close()
        raise _open_failure(path, error) from error
    if stored is None:
        return Decree(0)
    if len(stored) != 8:
        database.close()
        raise EngineDamaged(
            f"engine {path} holds a decree of {len(stored)} bytes, not 8; relearn it"
        )
    return Decree(int.from_bytes(stored, "big"))


def _read_decree(path: Path) -> Decree:
    """Read a checkpoint's decree without changing it."""
    access = AccessType.read_only(error_if_log_file_exist=False)
    try:
        database = Rdict(str(path), Options(raw_mode=True), access_type=access)
    except Exception as error:
        raise _open_failure(path, error) from error
    decree = _stored_decree(database, path)
    database.close()
    return decree


def verify(path: Path) -> int:
    """Read every row of an engine that nobody writes to, so that a damaged block shows. Blocks.

    Args:
        path: a checkpoint; nothing in it is changed.

    Returns:
        How many rows it has.

    Raises:
        EngineDamaged: a block is damaged, or the engine cannot be opened.
        EngineUnavailable: see ``RocksEngine.open``.
    """
    access = AccessType.read_only(error_if_log_file_exist=False)
    try:
        database = Rdict(str(path), Options(raw_mode=True), access_type=access)
    except Exception as error:
        raise _open_failure(path, error) from error
    iterator = database.iter()
    iterator.seek_to_first()
    rows = 0
    step, valid = iterator.next, iterator.valid
    while valid():
        rows += 1
        step()
    try:
        iterator.status()
    except Exception as error:
        raise _open_failure(path, error) from error
    finally:
        database.close()
    return rows


def _open_failure(path: Path, error: Exception) -> EngineDamaged | EngineUnavailable:
    text = str(error)
    is_damage = text.startswith("Corruption")
    if not is_damage and any(cause in text for cause in _OUTSIDE_CAUSES):
        return EngineUnavailable(
            f"engine {path} cannot be opened: {text}; nothing is known to be damaged,"
            " remove the cause and start again"
        )
    return EngineDamaged(
        f"engine {path} is damaged: {text}; keep the folder, relearn this replica from another copy"
    )


def _missing_rows(path: Path, applied: Decree, durable: Decree) -> str:
    return (
        f"engine {path} is damaged: it holds decree {applied}, but decree {durable} was durable, so"
        " rows are missing; keep the folder, relearn this replica from another copy or restore a"
        " backup"
    )
