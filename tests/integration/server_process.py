"""One server of a test in a process of its own: started, killed and stopped as the test wants it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

from pegasus_shell.free_port import free_ports

START_SECONDS_MAX = 30.0
STOP_SECONDS_MAX = 30.0


def free_port() -> int:
    """Return a loopback port for a server; see ``free_ports``."""
    (port,) = free_ports(1)
    return port


class ServerProcess(ABC):
    """A server on one folder and port; what it printed is kept.

    Args:
        role: as ``python -m pegasus_server`` takes it.
        folder: its data folder; what it prints goes beside it.
        port: where it will listen.
        environment: beside this process's own.

    Attributes:
        process: as started last.
    """

    def __init__(
        self, role: str, folder: Path, port: int, environment: Mapping[str, str] | None
    ) -> None:
        self.role = role
        self.folder = folder
        self.port = port
        self.environment = {**os.environ, **(environment or {})}
        self.output = folder.with_suffix(".output")
        self.process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def arguments(self) -> Sequence[str]:
        """Return what follows the role on the command line."""

    def start(self) -> None:
        """Start it and wait until its port accepts."""
        self.launch()
        self.await_port()

    def launch(self) -> None:
        """Start it."""
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pegasus_server", self.role, *self.arguments()],
                stdout=output,
                stderr=output,
                env=self.environment,
            )

    def await_port(self) -> None:
        """Wait until its port accepts."""
        assert self.process is not None
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            code = self.process.poll()
            assert code is None, f"{self.role} server ended with {code}:\n{self.printed()}"
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError(f"{self.role} server did not open its port:\n{self.printed()}")

    def printed(self) -> str:
        """Return everything it printed so far."""
        return self.output.read_text(errors="replace")

    def kill(self) -> None:
        """End it with SIGKILL, at once."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(STOP_SECONDS_MAX)

    def kill_if_running(self) -> None:
        """End it with SIGKILL, unless it ended by itself or never began."""
        with contextlib.suppress(ProcessLookupError):
            if self.process is not None and self.process.poll() is None:
                self.kill()

    def stop(self) -> int:
        """End it with SIGTERM; return its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS_MAX)
