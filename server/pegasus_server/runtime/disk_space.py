"""Whether the disk has room for writes; looked at now and then, never per request."""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

from pegasus_tab.base.limits import MIB

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
RESUME_FACTOR = 1.25
"""Writes resume only when this many times the minimum is free, so that they do not flap."""
LOW_FACTOR = 4
"""Room counts as low below this many times the minimum: time to shrink the log."""
FLUSH_BYTES_MIN = 48 * MIB
"""Room one engine's flush must find, its largest write buffer and a bit."""


def free_bytes(folder: Path) -> int:
    """Return the room left for a data folder: on its disk, or those of its log and its replicas."""
    parts = (folder, folder / "log", folder / "replicas")
    return min([shutil.disk_usage(each).free for each in parts if each.exists()])


class DiskSpace:
    """Tells when writes must stop for lack of room, and when they may go on.

    Refusing while some room is left keeps the log's preallocation and RocksDB's background work
    out of ENOSPC, which RocksDB does not get over (reliability reference 2.3, "disk full").

    Args:
        folder: the data folder.
        free_bytes_min: refuse below this.
        free_bytes: reads the room left for a folder.
    """

    def __init__(
        self,
        folder: Path,
        free_bytes_min: int,
        free_bytes: Callable[[Path], int] = free_bytes,
    ) -> None:
        self._folder = folder
        self._free_bytes_min = free_bytes_min
        self._free_bytes = free_bytes
        self.is_short = False
        self._free = free_bytes(folder)

    @property
    def is_low(self) -> bool:
        """Tell whether the last look found little room."""
        return self._free < self._free_bytes_min * LOW_FACTOR

    def has_room_to_flush(self) -> bool:
        """Look whether an engine can be flushed now; a flush that fails costs its replica. Any thread."""
        return self._free_bytes(self._folder) >= FLUSH_BYTES_MIN

    def look(self) -> bool:
        """Look at the disk; return True while writes must be refused."""
        free = self._free = self._free_bytes(self._folder)
        if not self.is_short and free < self._free_bytes_min:
            self.is_short = True
            logger.error(
                "%s has %d bytes free, less than %d: writes are refused until there is more room; "
                "reads go on",
                self._folder,
                free,
                self._free_bytes_min,
            )
        elif self.is_short and free >= self._free_bytes_min * RESUME_FACTOR:
            self.is_short = False
            logger.info("%s has room again: writes resume", self._folder)
        return self.is_short
