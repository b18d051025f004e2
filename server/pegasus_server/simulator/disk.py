"""The disk of one machine: a page cache over sectors, and a log folder on it.

A write lands in the page cache. A sync makes it durable; a power cut keeps a random part of the
sectors that were not synced (512 bytes each, so a block may be torn), the death of a process loses
nothing. A failed sync leaves its pages marked clean, as kernels do: the bytes can still be read,
and are gone after a power cut (reliability reference 1, 5.4).

Names are durable when the folder says so (``LogFolder``); a file that was only created may vanish.
"""

import errno
from collections.abc import Sequence
from dataclasses import dataclass, field

from pegasus_server.simulator.entropy import Stream

SECTOR_BYTES = 512


@dataclass
class DiskFault:
    """What the disk does wrong at present.

    Attributes:
        fails_sync: every sync fails with EIO.
        is_full: nothing can be created or grow.
        latency_us: added to every sync.
        astray_bytes: writes land so far from where they should.
    """

    fails_sync: bool = False
    is_full: bool = False
    latency_us: int = 0
    astray_bytes: int = 0


@dataclass
class SimulatedFile:
    """One file. Also the LogFile that writes it.

    Attributes:
        disk: where it is.
        cached: what a reader sees.
        durable: what a power cut leaves.
        dirty: sectors written since the last sync.
        is_named: its name is durable.
    """

    disk: "SimulatedDisk"
    cached: bytearray
    durable: bytearray
    dirty: set[int] = field(default_factory=set)
    is_named: bool = False

    def write(self, parts: Sequence[bytes], offset: int) -> None:
        """Write into the page cache."""
        data = b"".join(parts)
        offset = max(offset + self.disk.fault.astray_bytes, 0)
        end = offset + len(data)
        if end > len(self.cached):
            self.disk.refuse_when_full()
            self.cached.extend(bytes(end - len(self.cached)))
        self.cached[offset:end] = data
        self.dirty.update(range(offset // SECTOR_BYTES, -(-end // SECTOR_BYTES)))

    def sync(self) -> None:
        """Make everything written durable, or fail and forget that it was not."""
        self.disk.syncs += 1
        if self.disk.fault.fails_sync:
            self.dirty.clear()
            raise OSError(errno.EIO, "injected into sync")
        if len(self.durable) != len(self.cached):
            self.durable = bytearray(self.cached)
        else:
            for sector in self.dirty:
                self._settle(sector)
        self.dirty.clear()

    def cut(self, size: int) -> None:
        """Remove all bytes from ``size`` on, and fill up to it."""
        self.cached = self.cached[:size].ljust(size, b"\0")

    def close(self) -> None:
        """Release the file; nothing is synced."""

    def lose_power(self, stream: Stream) -> None:
        """Keep each sector that was not synced, or its state before."""
        size = len(self.durable)
        # A size that was not synced is kept or not as a whole.
        if len(self.cached) != size and stream.chance(0.5):
            size = len(self.cached)
            self.durable = self.durable[:size].ljust(size, b"\0")
        kept_share = stream.fraction()
        for sector in sorted(self.dirty):
            if stream.chance(kept_share):
                self._settle(sector)
        self.cached = bytearray(self.durable)
        self.dirty.clear()

    def flip_bit(self, bit: int) -> None:
        """Damage one bit in the cache and on the disk."""
        for image in (self.cached, self.durable):
            if bit // 8 < len(image):
                image[bit // 8] ^= 1 << bit % 8

    def _settle(self, sector: int) -> None:
        start = sector * SECTOR_BYTES
        end = min(start + SECTOR_BYTES, len(self.durable), len(self.cached))
        if start < end:
            self.durable[start:end] = self.cached[start:end]


class SimulatedDisk:
    """A LogFolder on a simulated disk.

    Attributes:
        fault: what it does wrong.
        syncs: how many there were.
    """

    def __init__(self) -> None:
        self.fault = DiskFault()
        self.syncs = 0
        self._files: dict[str, SimulatedFile] = {}

    @property
    def bytes_held(self) -> int:
        """Bytes of all files."""
        return sum(len(each.cached) for each in self._files.values())

    def names(self) -> list[str]:
        """List the files, in order of name."""
        return sorted(self._files)

    def file(self, name: str) -> SimulatedFile:
        """Give a file, to damage it."""
        return self._files[name]

    def read(self, name: str, bytes_max: int = -1, offset: int = 0) -> bytes:
        """Read a file from ``offset`` on, up to ``bytes_max`` bytes; -1 for all."""
        data = bytes(self._files[name].cached[offset:])
        return data if bytes_max < 0 else data[:bytes_max]

    def create(self, name: str, size: int) -> SimulatedFile:
        """Make a file of zeros, whose name may be lost until it is renamed."""
        self._files.pop(name, None)
        self.refuse_when_full()
        file = SimulatedFile(self, bytearray(size), bytearray(size))
        self._files[name] = file
        return file

    def rename(self, old: str, new: str) -> None:
        """Rename a file; durable on return."""
        file = self._files.pop(old)
        file.is_named = True
        self._files[new] = file

    def delete(self, names: Sequence[str]) -> None:
        """Delete files; durable on return."""
        for name in names:
            del self._files[name]

    def trim(self, name: str, size: int) -> None:
        """Remove all bytes from ``size`` on, if any."""
        file = self._files[name]
        if len(file.cached) > size:
            file.cut(size)

    def refuse_when_full(self) -> None:
        """Raise what the kernel raises on a full disk.

        Raises:
            OSError: ENOSPC, while the fault says so.
        """
        if self.fault.is_full:
            raise OSError(errno.ENOSPC, "injected: no space left on device")

    def lose_files(self) -> None:
        """Lose every file."""
        self._files.clear()

    def lose_power(self, stream: Stream) -> None:
        """Lose the page cache."""
        for name, file in sorted(self._files.items()):
            if not file.is_named and stream.chance(0.5):
                del self._files[name]
            else:
                file.lose_power(stream)
