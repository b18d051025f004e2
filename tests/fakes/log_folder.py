"""A log folder in memory that can lose what was not synced, run full, and fail.

tests/unit/mutation_log/test_folder.py runs the same checks on it and on the real one.
"""

import errno
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

SECTOR_BYTES = 512
PAGE_BYTES = 4096


@dataclass
class FakeFile:
    """One file: what the kernel shows of it, and what is on disk."""

    folder: "FakeFolder"
    cached: bytearray = field(default_factory=bytearray)
    on_disk: bytes = b""

    def write(self, parts: Sequence[bytes], offset: int) -> None:
        self.folder.fail("write")
        data = b"".join(parts)
        missing = self.folder.bytes_missing(offset + len(data) - len(self.cached))
        room = max(0, len(data) - missing)
        self.cached[len(self.cached) : offset] = bytes(max(0, offset - len(self.cached)))
        self.cached[offset : offset + room] = data[:room]
        self.folder.note("write")
        if missing:
            raise OSError(errno.ENOSPC, "No space left on device")

    def sync(self) -> None:
        self.folder.fail("sync")
        self.folder.note("sync")
        self.on_disk = bytes(self.cached)

    def cut(self, size: int) -> None:
        self.folder.fail("cut")
        self.cached = self.cached[:size].ljust(size, b"\0")

    def close(self) -> None:
        pass

    def after_power_cut(self, rng: random.Random) -> bytes:
        """Each sector not synced is there, or is as it was before; also the length."""
        if self.cached == self.on_disk:
            return self.on_disk
        size = rng.choice([len(self.cached), len(self.on_disk)])
        before = self.on_disk.ljust(size, b"\0")
        after = bytes(self.cached).ljust(size, b"\0")
        return b"".join(
            rng.choice([before, after])[start : min(start + SECTOR_BYTES, size)]
            for start in range(0, size, SECTOR_BYTES)
        )


class FakeFolder:
    """Holds FakeFiles; ``bytes_max`` bounds their total size, ``faults`` names failing operations."""

    def __init__(self) -> None:
        self.files: dict[str, FakeFile] = {}
        self.bytes_max: int | None = None
        self.faults: dict[str, int] = {}
        self.unreadable: dict[str, set[int]] = {}
        """Numbers of the pages of a file that the disk fails to read."""
        self.events: list[str] = []
        self.on_event: Callable[[str], None] | None = None
        """Called after each event is noted, in the thread that caused it; may block it."""

    def fail(self, operation: str) -> None:
        if operation in self.faults:
            raise OSError(self.faults[operation], f"injected into {operation}")

    def note(self, event: str) -> None:
        self.events.append(event)
        if self.on_event is not None:
            self.on_event(event)

    def bytes_missing(self, growth: int) -> int:
        """Tell how many bytes of ``growth`` find no room."""
        if self.bytes_max is None:
            return 0
        held = sum(len(each.cached) for each in self.files.values())
        return max(0, held + max(0, growth) - self.bytes_max)

    def names(self) -> list[str]:
        return sorted(self.files)

    def read(self, name: str, bytes_max: int = -1, offset: int = 0) -> bytes:
        self.fail("read")
        data = bytes(self.files[name].cached)
        end = len(data) if bytes_max < 0 else min(offset + bytes_max, len(data))
        for page in self.unreadable.get(name, ()):
            if page * PAGE_BYTES < end and offset < (page + 1) * PAGE_BYTES:
                raise OSError(errno.EIO, "Input/output error")
        return data[offset:end]

    def create(self, name: str, size: int) -> FakeFile:
        self.fail("create")
        self.files.pop(name, None)
        file = FakeFile(self)
        if self.bytes_missing(size):
            self.note("no room")
            raise OSError(errno.ENOSPC, "No space left on device")
        file.cached = bytearray(size)
        file.on_disk = bytes(size)
        self.files[name] = file
        return file

    def rename(self, old: str, new: str) -> None:
        self.fail("rename")
        self.files[new] = self.files.pop(old)
        self.note(f"rename {new}")

    def delete(self, names: Sequence[str]) -> None:
        self.fail("delete")
        for name in names:
            del self.files[name]
            self.note(f"delete {name}")

    def trim(self, name: str, size: int) -> None:
        self.fail("trim")
        del self.files[name].cached[size:]

    def power_cut(self, seed: int) -> None:
        """Lose the page cache: go on with what reached the disk."""
        rng = random.Random(seed)
        for file in self.files.values():
            file.on_disk = file.after_power_cut(rng)
            file.cached = bytearray(file.on_disk)

    def flip_bit(self, name: str, bit: int) -> None:
        """Damage one bit of a file, in cache and on disk."""
        file = self.files[name]
        file.cached[bit // 8] ^= 1 << bit % 8
        file.on_disk = bytes(file.cached)
