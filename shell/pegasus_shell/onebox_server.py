"""One server of a onebox: a process on loopback, known by the lock on its data folder.

The kernel lets go of the lock however the server ended, so what it tells is never out of date, and
processes of others are never touched.
"""

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

START_SECONDS_MAX = 30.0
STOP_SECONDS_MAX = 30.0
LOOK_SECONDS = 0.05


class OneboxError(Exception):
    """What was asked for cannot be done; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Server:
    """One server of a onebox.

    Attributes:
        name: "meta1", "replica1" and so on.
        folder: of the onebox.
        port: where it listens on 127.0.0.1.
    """

    name: str
    folder: Path
    port: int

    @property
    def role(self) -> str:
        """What kind of server it is."""
        return self.name.rstrip("0123456789")

    @property
    def address(self) -> str:
        """Where it listens, which is its name in the cluster."""
        return f"127.0.0.1:{self.port}"

    @property
    def config(self) -> Path:
        """Its configuration file."""
        return self.folder / f"{self.name}.toml"

    def pid(self) -> int | None:
        """Return the id of its process, None if it does not run."""
        try:
            with (self.folder / self.name / "node.lock").open("rb") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    return int(json.loads(lock.read())["pid"])
        except (FileNotFoundError, ValueError, KeyError):
            # It is being written just now, or never was.
            return None
        return None

    def start(self) -> subprocess.Popen[bytes]:
        """Start it in a session of its own, so that it outlives the terminal."""
        with (self.folder / f"{self.name}.output").open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "pegasus_server", self.role, "--config", str(self.config)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def signal(self, number: signal.Signals) -> bool:
        """Send its process a signal; False if it does not run."""
        pid = self.pid()
        if pid is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        return True

    def answers(self) -> bool:
        """Tell whether its port accepts connections."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def await_start(server: Server) -> None:
    """Wait until a server that was started answers.

    Raises:
        OneboxError: it does not; says where to look.
    """
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        if server.pid() is not None and server.answers():
            return
        time.sleep(LOOK_SECONDS)
    raise OneboxError(
        f"{server.name} did not begin to serve within {START_SECONDS_MAX:.0f} s; look at "
        f"{server.folder / server.name}.output"
    )


def await_end(server: Server) -> None:
    """Wait until a server that was told to end has ended.

    Raises:
        OneboxError: it runs on.
    """
    deadline = time.monotonic() + STOP_SECONDS_MAX
    while time.monotonic() < deadline:
        if server.pid() is None:
            return
        time.sleep(LOOK_SECONDS)
    raise OneboxError(
        f"{server.name} still runs after {STOP_SECONDS_MAX:.0f} s; end it with: "
        f"pegasus-tab onebox kill {server.name}"
    )
