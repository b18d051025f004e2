"""A real cluster of processes on loopback: one meta server and some replica servers."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.integration.node import START_SECONDS_MAX, STOP_SECONDS_MAX, free_port


class Server:
    """One process, started and killed as a test wants it."""

    def __init__(
        self,
        role: str,
        folder: Path,
        port: int,
        metas: list[str],
        lines: str,
        *,
        public_host: str = "127.0.0.1",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.role = role
        self.folder = folder
        self.port = port
        self.public_host = public_host
        self.environment = {**os.environ, **(environment or {})}
        self.process: subprocess.Popen[bytes] | None = None
        self.config = folder.with_suffix(".toml")
        self.config.write_text(
            f'cluster = "test"\ndata = "{folder.name}"\nport = {port}\nmetas = {metas}\n{lines}'
        )
        self._output = folder.with_suffix(".output")

    @property
    def name(self) -> str:
        """The server's name in the cluster."""
        return f"{self.public_host}:{self.port}"

    def start(self) -> None:
        """Start it and wait until its port accepts."""
        self.launch()
        self.await_port()

    def launch(self) -> None:
        """Start it."""
        with self._output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pegasus_server", self.role, "--config", str(self.config)],
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
        return self._output.read_text(errors="replace")

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


class Cluster:
    """One meta server and ``replicas`` replica servers in a folder."""

    def __init__(self, folder: Path, replicas: int = 3, lines: str = "") -> None:
        ports = [free_port() for _ in range(replicas + 1)]
        metas = [f"127.0.0.1:{ports[0]}"]
        self.meta = Server("meta", folder / "meta", ports[0], metas, "")
        self.replicas = [
            Server("replica", folder / f"replica{number}", port, metas, lines)
            for number, port in enumerate(ports[1:], 1)
        ]

    @property
    def dsn(self) -> str:
        """Where clients find it."""
        return f"pegasus://{self.meta.name}/"

    def server(self, name: str) -> Server:
        """Find a replica server by its name."""
        return next(each for each in self.replicas if each.name == name)

    def printed(self) -> str:
        """Return what all servers printed."""
        servers = [self.meta, *self.replicas]
        return "\n".join(f"--- {each.name}\n{each.printed()}" for each in servers)

    def start(self) -> None:
        """Start all servers and wait until their ports accept."""
        for server in (self.meta, *self.replicas):
            server.launch()
        for server in (self.meta, *self.replicas):
            server.await_port()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for server in (self.meta, *self.replicas):
            with contextlib.suppress(ProcessLookupError):
                if server.process is not None and server.process.poll() is None:
                    server.kill()
