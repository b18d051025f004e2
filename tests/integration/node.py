"""A real standalone node in a process of its own, for integration tests."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

START_SECONDS_MAX = 30.0
STOP_SECONDS_MAX = 30.0


def free_port() -> int:
    """Return a loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Node:
    """Starts, kills and restarts one node on one folder and port; what it printed is kept."""

    def __init__(
        self, folder: Path, *options: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.options: Sequence[str] = options
        self.environment = {**os.environ, **(environment or {})}
        self.output = folder.with_suffix(".output")
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def dsn(self) -> str:
        """Where clients find it."""
        return f"pegasus://127.0.0.1:{self.port}/"

    def start(self) -> None:
        """Start it and wait until its port accepts."""
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    *("-m", "pegasus_server", "standalone"),
                    *("--data", str(self.folder), "--port", str(self.port)),
                    *self.options,
                ],
                stdout=output,
                stderr=output,
                env=self.environment,
            )
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            code = self.process.poll()
            assert code is None, f"node ended with {code}:\n{self.printed()}"
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError(f"node did not open its port:\n{self.printed()}")

    def printed(self) -> str:
        """Return everything it printed so far."""
        return self.output.read_text(errors="replace")

    def kill(self) -> None:
        """End it with SIGKILL, at once."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(STOP_SECONDS_MAX)

    def stop(self) -> int:
        """End it with SIGTERM; return its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS_MAX)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self.process is not None and self.process.poll() is None:
                self.kill()
