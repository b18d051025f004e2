"""``pegasus-tab onebox``: a cluster on one machine, every server a process of its own on loopback.

A folder holds it all: ``onebox.json`` says which servers there are and where they listen, each has
its configuration, its data folder and what it printed. Whether a server runs is told by the lock on
its data folder, which the kernel lets go of however the server ended; so nothing here can be out of
date, and processes of others are never touched.
"""

import contextlib
import fcntl
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

LIST_NAME = "onebox.json"
CLUSTER = "onebox"
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

    def start(self) -> None:
        """Start it in a session of its own, so that it outlives the terminal."""
        with (self.folder / f"{self.name}.output").open("ab") as output:
            subprocess.Popen(
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


class Onebox:
    """A cluster in a folder.

    Args:
        folder: where it is.
        servers: of the cluster, the meta server first.
    """

    def __init__(self, folder: Path, servers: list[Server]) -> None:
        self.folder = folder
        self.servers = servers

    @classmethod
    def open(cls, folder: Path) -> "Onebox":
        """Find the onebox in a folder.

        Raises:
            OneboxError: there is none, or its list is damaged.
        """
        folder = folder.absolute()
        try:
            ports = json.loads((folder / LIST_NAME).read_text())["ports"]
            servers = [Server(str(name), folder, int(port)) for name, port in ports.items()]
        except FileNotFoundError as error:
            raise OneboxError(
                f"there is no onebox in {folder}; make one with: pegasus-tab onebox start"
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise OneboxError(f"{folder / LIST_NAME} is damaged ({error!r})") from error
        return cls(folder, servers)

    @classmethod
    def make(cls, folder: Path, replicas: int) -> "Onebox":
        """Make a new one on free ports; nothing is started.

        Raises:
            OneboxError: the folder holds something else.
        """
        folder = folder.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise OneboxError(f"{folder} is not empty; name a new folder for the onebox")
        names = ["meta1", *[f"replica{number}" for number in range(1, replicas + 1)]]
        ports = dict(zip(names, _free_ports(len(names)), strict=True))
        onebox = cls(folder, [Server(name, folder, port) for name, port in ports.items()])
        for server in onebox.servers:
            server.config.write_text(onebox.config_of(server))
        (folder / LIST_NAME).write_text(json.dumps({"ports": ports}, indent=1) + "\n")
        return onebox

    def config_of(self, server: Server) -> str:
        """Write a server's configuration."""
        lines = [
            f'cluster = "{CLUSTER}"',
            f'data = "{server.name}"',
            f"port = {server.port}",
            f'metas = ["{self.meta.address}"]',
        ]
        if server.role == "replica":
            # Copies of a partition go to different servers although they share the machine.
            lines.append(f'host_label = "{server.name}"')
        return "\n".join(lines) + "\n"

    @property
    def meta(self) -> Server:
        """The meta server."""
        return self.servers[0]

    @property
    def dsn(self) -> str:
        """Where clients find the cluster."""
        return f"pegasus://{self.meta.address}/"

    def find(self, name: str) -> Server:
        """Find a server by its name.

        Raises:
            OneboxError: there is none of that name.
        """
        for server in self.servers:
            if server.name == name:
                return server
        known = ", ".join(server.name for server in self.servers)
        raise OneboxError(f"there is no server {name!r}; there are {known}")

    def start(self) -> None:
        """Start every server that does not run, and wait until all answer.

        Raises:
            OneboxError: one did not come up; says where to look.
        """
        for server in self.servers:
            if server.pid() is None:
                server.start()
        for server in self.servers:
            await_start(server)

    def stop(self) -> int:
        """Stop every server that runs, replica servers first; return how many did.

        Raises:
            OneboxError: one did not end in time.
        """
        stopped = 0
        for servers in (self.servers[1:], self.servers[:1]):
            running = [server for server in servers if server.signal(signal.SIGTERM)]
            for server in running:
                await_end(server)
            stopped += len(running)
        return stopped


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


def has_server_package() -> bool:
    """Tell whether servers can be started from this installation."""
    return importlib.util.find_spec("pegasus_server") is not None


def _free_ports(count: int) -> list[int]:
    """Find loopback ports that nobody uses at present."""
    with contextlib.ExitStack() as sockets:
        probes = [sockets.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
