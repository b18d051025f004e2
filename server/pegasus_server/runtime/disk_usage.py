"""How much a data folder takes on its disk, and what is free there; measured in the background."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from pegasus_server.runtime.disk_space import free_bytes
from pegasus_tab.base.cluster import DiskUsage

logger = logging.getLogger(__name__)

MEASURE_SECONDS = 10.0
"""Between two measurements; each looks at every file once."""
BLOCK_BYTES = 512
"""Unit of ``st_blocks`` (stat(2))."""


class RunJob(Protocol):
    """Runs something that blocks elsewhere; see ``JobThread.run``."""

    def __call__(
        self,
        job: Callable[[], DiskUsage],
        done: Callable[[DiskUsage], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Have ``job`` run; exactly one of ``done`` and ``failed`` is called afterwards."""


class DiskWatch:
    """Knows the disk usage of a data folder as of a few seconds ago.

    Args:
        folder: the data folder.
        run: runs a measurement in another thread.

    Attributes:
        usage: as measured last, None before that or when it cannot be measured.
    """

    def __init__(self, folder: Path, run: RunJob) -> None:
        self._folder = folder
        self._run = run
        self._is_measuring = False
        self.usage: DiskUsage | None = None

    def measure(self) -> None:
        """Begin a measurement, unless one is under way."""
        if not self._is_measuring:
            self._is_measuring = True
            self._run(lambda: disk_usage(self._folder), self._measured, self._failed)

    def _measured(self, usage: DiskUsage) -> None:
        self._is_measuring = False
        self.usage = usage

    def _failed(self, error: Exception) -> None:
        self._is_measuring = False
        self.usage = None
        logger.warning("how much %s takes cannot be measured: %s", self._folder, error)


def disk_usage(folder: Path) -> DiskUsage:
    """Measure a data folder. Blocks.

    Raises:
        OSError: a folder cannot be read.
    """
    return DiskUsage(stored_bytes(folder), free_bytes(folder))


def stored_bytes(folder: Path) -> int:
    """Add up what the files in a folder take on disk, those with several names once.

    Space that is only reserved, as for the log's next segment, counts; files and folders that
    vanish meanwhile do not.

    Raises:
        OSError: a folder cannot be read.
    """
    total = 0
    seen: set[tuple[int, int]] = set()
    folders = [os.fspath(folder)]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        total += _file_bytes(entry, seen)
        except FileNotFoundError:
            continue
    return total


def _file_bytes(entry: os.DirEntry[str], seen: set[tuple[int, int]]) -> int:
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return 0
    if status.st_nlink > 1:
        identity = status.st_dev, status.st_ino
        if identity in seen:
            return 0
        seen.add(identity)
    return status.st_blocks * BLOCK_BYTES
