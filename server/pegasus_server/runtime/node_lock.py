"""The lock file of a data folder: who holds the folder, and where that node listens.

The lock is an flock, so the kernel lets go of it whenever the process ends, also by kill -9; what
the file says counts only while the lock is held. Clients read it to join an embedded node.
"""

import errno
import fcntl
import json
import os
import time
from pathlib import Path

from pegasus_server.runtime.startup_fault import EXIT_LOCKED, StartupFault
from pegasus_tab.base.version import VERSION

TRIES_MAX = 20
TRY_SECONDS = 0.05
"""A client that looks whether the lock is held holds it for a moment itself, so one failed try
says nothing; a second of them does."""


class NodeLock:
    """The held lock. Released by ``release`` or by the end of the process."""

    def __init__(self, descriptor: int, started: float) -> None:
        self._descriptor = descriptor
        self._started = started

    @classmethod
    def take(cls, path: Path, started: float) -> "NodeLock":
        """Take the lock, waiting up to a second.

        Args:
            path: the lock file, made when missing.
            started: unix time of the process's start.

        Raises:
            StartupFault: another process holds it.
            OSError: the file cannot be made or written.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        for _ in range(TRIES_MAX):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EACCES):
                    os.close(descriptor)
                    raise
                time.sleep(TRY_SECONDS)
            else:
                lock = cls(descriptor, started)
                lock.publish("", 0)  # at once, over the address of the node before
                return lock
        holder = os.pread(descriptor, 4096, 0).decode("utf-8", "replace").strip()
        os.close(descriptor)
        raise StartupFault(
            EXIT_LOCKED,
            f"data folder {path.parent} is in use by another node ({holder}); connect to that "
            "node, or stop it first",
        )

    def publish(self, host: str, port: int) -> None:
        """Say in the file where this node listens; port 0 means not yet."""
        content = {
            "pid": os.getpid(),
            "host": host,
            "port": port,
            "version": VERSION,
            "started": self._started,
        }
        text = json.dumps(content).encode() + b"\n"
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, text, 0)

    def release(self) -> None:
        """Empty the file and let go."""
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)
