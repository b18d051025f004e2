"""``pegasus-tab onebox``: a cluster on one machine, every server a process of its own on loopback.

A folder holds it all: ``onebox.json`` says which servers there are and where they listen, each has
its configuration, its data folder and what it printed.
"""

import importlib.util
import json
import signal
from dataclasses import dataclass
from pathlib import Path

from pegasus_shell.free_port import free_ports
from pegasus_shell.onebox_server import OneboxError, Server, await_end, await_start
from pegasus_shell.zookeeper_server import ZooKeeperServer, require_zookeeper

LIST_NAME = "onebox.json"
CLUSTER = "onebox"
ZOOKEEPER = "zookeeper"


@dataclass(frozen=True, slots=True)
class Shape:
    """How many servers a onebox has.

    Attributes:
        metas: meta servers; more than one need ZooKeeper.
        replicas: replica servers.
        has_zookeeper: the meta servers keep their state in a ZooKeeper of the onebox.
    """

    metas: int
    replicas: int
    has_zookeeper: bool

    def names(self) -> list[str]:
        """Name the servers, in the order they are started."""
        metas = [f"meta{number}" for number in range(1, self.metas + 1)]
        replicas = [f"replica{number}" for number in range(1, self.replicas + 1)]
        return [*([ZOOKEEPER] if self.has_zookeeper else []), *metas, *replicas]


class Onebox:
    """A cluster in a folder.

    Args:
        folder: where it is.
        servers: of the cluster, in the order they are started.
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
            servers = [_server(str(name), folder, int(port)) for name, port in ports.items()]
        except FileNotFoundError as error:
            raise OneboxError(
                f"there is no onebox in {folder}; make one with: pegasus-tab onebox start"
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise OneboxError(f"{folder / LIST_NAME} is damaged ({error!r})") from error
        return cls(folder, servers)

    @classmethod
    def make(cls, folder: Path, shape: Shape) -> "Onebox":
        """Make a new one on free ports; nothing is started.

        Raises:
            OneboxError: the folder holds something else, several meta servers shall do without
                ZooKeeper, or ZooKeeper is not installed.
        """
        if shape.metas > 1 and not shape.has_zookeeper:
            raise OneboxError(
                f"{shape.metas} meta servers must share their state; add --zookeeper, or start one"
            )
        if shape.has_zookeeper:
            require_zookeeper()
        folder = folder.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise OneboxError(f"{folder} is not empty; name a new folder for the onebox")
        names = shape.names()
        ports = dict(zip(names, free_ports(len(names)), strict=True))
        onebox = cls(folder, [_server(name, folder, port) for name, port in ports.items()])
        for server in onebox.servers:
            onebox.write_config(server)
        onebox.save()
        return onebox

    def save(self) -> None:
        """Write the list of servers."""
        ports = {server.name: server.port for server in self.servers}
        whole = self.folder / f"{LIST_NAME}.new"
        whole.write_text(json.dumps({"ports": ports}, indent=1) + "\n")
        whole.replace(self.folder / LIST_NAME)

    def add_replica(self) -> Server:
        """Add a replica server on a free port; it is not started."""
        numbers = [int(server.name.removeprefix("replica")) for server in self.replicas]
        server = _server(f"replica{max(numbers) + 1}", self.folder, free_ports(1)[0])
        self.servers.append(server)
        self.write_config(server)
        self.save()
        return server

    def write_config(self, server: Server) -> None:
        """Write a server's configuration."""
        if isinstance(server, ZooKeeperServer):
            server.write_config()
            return
        metas = ", ".join(f'"{meta.address}"' for meta in self.metas)
        lines = [
            f'cluster = "{CLUSTER}"',
            f'data = "{server.name}"',
            f"port = {server.port}",
            f"metas = [{metas}]",
        ]
        zookeepers = [each for each in self.servers if each.role == ZOOKEEPER]
        if server.role == "meta" and zookeepers:
            lines.append(f'zookeeper = "{zookeepers[0].address}"')
        if server.role == "replica":
            # Copies of a partition go to different servers although they share the machine.
            lines.append(f'host_label = "{server.name}"')
        server.config.write_text("\n".join(lines) + "\n")

    @property
    def metas(self) -> list[Server]:
        """The meta servers."""
        return [server for server in self.servers if server.role == "meta"]

    @property
    def replicas(self) -> list[Server]:
        """The replica servers."""
        return [server for server in self.servers if server.role == "replica"]

    @property
    def dsn(self) -> str:
        """Where clients find the cluster."""
        return f"pegasus://{','.join(meta.address for meta in self.metas)}/"

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
        """Stop every server that runs, last started first; return how many did.

        Raises:
            OneboxError: one did not end in time.
        """
        stopped = 0
        others = [each for each in self.servers if each.role == ZOOKEEPER]
        for servers in (self.replicas, self.metas, others):
            running = [server for server in servers if server.signal(signal.SIGTERM)]
            for server in running:
                await_end(server)
            stopped += len(running)
        return stopped


def has_server_package() -> bool:
    """Tell whether servers can be started from this installation."""
    return importlib.util.find_spec("pegasus_server") is not None


def _server(name: str, folder: Path, port: int) -> Server:
    kind = ZooKeeperServer if name == ZOOKEEPER else Server
    return kind(name, folder, port)
