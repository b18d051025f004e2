"""A real cluster of processes on loopback: one meta server and some replica servers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.integration.server_process import ServerProcess, free_port


class Server(ServerProcess):
    """One server of a cluster, with its configuration file."""

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
        super().__init__(role, folder, port, environment)
        self.public_host = public_host
        self.config = folder.with_suffix(".toml")
        self.config.write_text(
            f'cluster = "test"\ndata = "{folder.name}"\nport = {port}\nmetas = {metas}\n{lines}'
        )

    @property
    def name(self) -> str:
        """The server's name in the cluster."""
        return f"{self.public_host}:{self.port}"

    def arguments(self) -> Sequence[str]:
        """Return what follows the role on the command line."""
        return ["--config", str(self.config)]


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
            server.kill_if_running()
