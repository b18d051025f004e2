"""Joins the embedded node of a data folder, or starts it (DESIGN.md 4).

Whoever holds the lock on ``node.lock`` serves the folder, and the file then says on which port. A node
outlives the process that started it and ends by itself when its last client has gone. Two processes
may start a node at the same moment: the loser ends with code 75 and its client joins the winner.
"""

import contextlib
import fcntl
import importlib.util
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, Final

from pegasus_tab.base.errors import InterfaceError, NotSupportedError, OperationalError
from pegasus_tab.wire.address import Address

START_SECONDS_MAX: Final = 20.0
_LOOK_SECONDS: Final = 0.01
_LOCK_BYTES_MAX: Final = 4096
_SAID_BYTES_MAX: Final = 64 * 1024

_EXIT_LOCKED: Final = os.EX_TEMPFAIL
_EXIT_HINTS: Final = {
    os.EX_CONFIG: "the data folder is damaged, read-only, or of a newer version",
    os.EX_UNAVAILABLE: "its port is in use",
}


def open_embedded(folder: Path) -> Address:
    """Find the embedded node of a folder, starting it when there is none.

    Args:
        folder: data folder; made when missing.

    Returns:
        Where the node listens; it waits a while for its first client.

    Raises:
        OperationalError: the node does not start; says why.
        NotSupportedError: the server is not installed.
        InterfaceError: the folder cannot be used.
    """
    folder = folder.absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _join_or_start(folder)
    except OSError as fault:
        raise InterfaceError(
            f"data folder {folder} cannot be used: {fault.strerror or fault}",
            sqlstate="58030",
            hint="name a folder that you may write to",
        ) from fault


def _join_or_start(folder: Path) -> Address:
    give_up = time.monotonic() + START_SECONDS_MAX
    with contextlib.ExitStack() as files:
        started: _Start | None = None
        while time.monotonic() < give_up:
            address = _listening(folder)
            if address:
                return address
            if started is not None and started.lost_the_race():
                started = None
            if started is None and not _is_held(folder):
                started = _Start(folder, files.enter_context(tempfile.TemporaryFile()))
            time.sleep(_LOOK_SECONDS)
    raise OperationalError(
        f"the embedded node of {folder} did not open its port within "
        f"{START_SECONDS_MAX:.0f} seconds",
        hint=f"look at {folder / 'node.log'}",
        retryable=True,
    )


def _is_held(folder: Path) -> bool:
    """Tell whether a process holds the folder's lock, by taking it for a moment."""
    try:
        with (folder / "node.lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _listening(folder: Path) -> Address | None:
    """Read where the folder's node listens; None when there is none or it does not answer yet."""
    if not _is_held(folder):
        return None  # what the file says is about a node that is gone
    with (folder / "node.lock").open("rb") as lock:
        text = lock.read(_LOCK_BYTES_MAX)
    try:
        said = json.loads(text)
        address = Address(str(said["host"]), int(said["port"]))
    except (ValueError, KeyError, TypeError):
        return None  # it is being written just now
    if not address:
        return None
    try:
        socket.create_connection((address.host, address.port), timeout=1).close()
    except OSError:
        return None
    return address


class _Start:
    """A node process on its way up; what it says goes to a file that is gone once it is up."""

    def __init__(self, folder: Path, said: IO[bytes]) -> None:
        if importlib.util.find_spec("pegasus_server") is None or not sys.executable:
            raise NotSupportedError(
                "an embedded node needs the server, which is not installed",
                hint='run: pip install "pegasus-tab[server]"',
            )
        self._folder = folder
        self._said = said
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-P", "-m", "pegasus_server", "standalone"),
                *("--data", str(folder), "--port", "0", "--embedded"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            start_new_session=True,
        )
        # Collects the exit code whenever that comes, so that no dead process is left behind.
        threading.Thread(target=self._process.wait, daemon=True).start()

    def lost_the_race(self) -> bool:
        """Tell whether the process ended because another node holds the folder.

        Raises:
            OperationalError: it ended for another reason.
        """
        code = self._process.poll()
        if code is None:
            return False
        if code == _EXIT_LOCKED:
            return True
        raise OperationalError(
            f"the embedded node of {self._folder} does not start: {self._last_words(code)}",
            sqlstate="08001",
            hint=f"look at {self._folder / 'node.log'}",
        )

    def _last_words(self, code: int) -> str:
        self._said.seek(0)
        lines = self._said.read(_SAID_BYTES_MAX).decode("utf-8", "replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        if said:
            return said[-1].removeprefix("pegasus-tab: ")
        return _EXIT_HINTS.get(code, f"it ended with code {code}")
