"""A cluster of processes behind a bad network and with bad disks."""

import contextlib
import hashlib
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from pegasus_server.storage.engine import ROW_KEYS_END
from pegasus_server.storage.rocks import RocksEngine
from pegasus_tab.base.errors import Error
from pegasus_tab.base.ids import Decree, Gpid
from pegasus_tab.kv import connect
from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.messages import QueryConfigResponse
from pegasus_tab.wire.partition_hash import partition_index
from tests.faults.network import Network
from tests.faults.proxy import CLIENT, Route
from tests.faults.shim import Shim
from tests.integration.cluster import Cluster, Server
from tests.integration.server_process import free_port
from tests.integration.wire_client import WireClient

TABLE = "t"
PARTITIONS = 4
LEASE = """
[lease]
beacon_interval_ms = 500
beacon_timeout_ms = 400
lease_ms = 3000
grace_ms = 4000
"""
"""Half of the default, so that a test waits less."""
MARKER = b"marker"


class FaultCluster(Cluster):
    """One meta server and three replica servers that can be made to suffer.

    Args:
        folder: of everything.
        lines: further configuration of the replica servers.
        has_network: a proxy stands between all of them.
        has_shim: rules can be given for system calls of the replica servers.
        lease: section of every configuration, empty for the defaults.
    """

    def __init__(
        self,
        folder: Path,
        lines: str = "",
        *,
        has_network: bool = False,
        has_shim: bool = False,
        lease: str = LEASE,
    ) -> None:
        names = ("meta", "replica1", "replica2", "replica3")
        ports = [free_port() for _ in names]
        hosts = [f"127.0.1.{number}" if has_network else "127.0.0.1" for number in range(1, 5)]
        sources = [f"127.0.2.{number}" for number in range(1, 5)]
        self.folder = folder
        self.shims = [
            Shim(folder / f"{name}.rules", source)
            for name, source in zip(names, sources, strict=True)
            if has_shim or has_network
        ]
        servers = [
            Server(
                "meta" if name == "meta" else "replica",
                folder / name,
                port,
                [f"{hosts[0]}:{ports[0]}"],
                f'advertise = "{host}"\n{"" if name == "meta" else lines}{lease}',
                public_host=host,
                environment=self.shims[number].environment if self.shims else {},
            )
            for number, (name, port, host) in enumerate(zip(names, ports, hosts, strict=True))
        ]
        self.meta, self.replicas = servers[0], servers[1:]
        self._all = servers
        self._labels = dict(zip([each.name for each in servers], names, strict=True))
        routes: list[Route] = [
            (name, host, port, "127.0.0.1", source)
            for name, host, port, source in zip(names, hosts, ports, sources, strict=True)
        ]
        self.network = Network(routes, folder / "proxy.output") if has_network else None
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        if self.network is not None:
            self._stack.enter_context(self.network)
        super().__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        with self._stack:
            self.resume()
            super().__exit__()

    @property
    def meta_servers(self) -> list[Server]:
        """The meta servers."""
        return [each for each in self._all if each.role == "meta"]

    # -- who is who ------------------------------------------------------------------------------

    def label(self, server: Server) -> str:
        """Return a server's name in the network."""
        return self._labels[server.name]

    def everyone_but(self, server: Server) -> list[str]:
        """Return the names of all others in the network, clients included."""
        return [CLIENT, *[self.label(each) for each in self._all if each is not server]]

    def shim(self, server: Server) -> Shim:
        """Return what rules a server's system calls."""
        return self.shims[self._all.index(server)]

    def config(self) -> QueryConfigResponse:
        """Ask the meta server who serves the table, past the proxy."""
        with WireClient(self.meta.port) as wire:
            return wire.config(TABLE)

    def primary(self, partition: int = 0) -> Server:
        """Find the server that serves a partition."""
        return self.server(str(self.config().partitions[partition].primary))

    def secondary(self, partition: int = 0) -> Server:
        """Find a server that follows in a partition."""
        return self.server(str(self.config().partitions[partition].secondaries[0]))

    def is_whole(self) -> bool:
        """Tell whether every partition is where it should be, three times."""
        return all(each.primary and len(each.secondaries) == 2 for each in self.config().partitions)

    def serves_nothing(self, server: Server) -> bool:
        """Tell whether a server is the primary of no partition."""
        primaries = [str(each.primary) for each in self.config().partitions if each.primary]
        return len(primaries) == PARTITIONS and server.name not in primaries

    def follows_nothing(self, server: Server) -> bool:
        """Tell whether a server is in no configuration."""
        members = [
            str(member)
            for each in self.config().partitions
            for member in (each.primary, *each.secondaries)
        ]
        return server.name not in members

    def rests(self, server: Server) -> bool:
        """Tell whether a server gets no new replicas because it was too slow."""
        with connect(self.dsn) as client:
            resting = {str(each.address) for each in client.cluster().nodes() if each.rests_ms > 0}
        return server.name in resting

    def has_servers(self) -> bool:
        """Tell whether the meta server knows all replica servers."""
        with connect(self.dsn) as client:
            return len(client.list_nodes()) == len(self.replicas)

    def has_table(self) -> bool:
        """Make the table, once enough servers have reported to the meta server."""
        with connect(self.dsn) as client:
            try:
                client.create_table(TABLE, PARTITIONS, 3, if_not_exists=True)
            except Error:
                return False
        return True

    # -- the end of all faults -------------------------------------------------------------------

    def resume(self) -> None:
        """Wake those who sleep."""
        for server in self._all:
            if server.process is not None and server.process.poll() is None:
                server.process.send_signal(signal.SIGCONT)

    def heal(self) -> None:
        """End every fault; start again who is dead."""
        for shim in self.shims:
            shim.obey()
        if self.network is not None:
            self.network.heal()
        self.resume()
        for server in self._all:
            if server.process is None or server.process.poll() is not None:
                server.start()

    def mark(self) -> None:
        """Write two rows to each partition: with the second, all members commit the first."""
        with connect(self.dsn) as client:
            table = client.table(TABLE)
            for wanted in range(PARTITIONS):
                hash_key = next(
                    key
                    for key in (b"%s%d" % (MARKER, number) for number in range(10_000))
                    if partition_index(key, b"", PARTITIONS) == wanted
                )
                for sort_key in (b"1", b"2"):
                    table.set(hash_key, sort_key, b"")

    def digests(self) -> Iterator[tuple[Gpid, list[str]]]:
        """Stop all servers; yield each partition with the digests of all its copies."""
        app_id = self.config().app_id
        for meta in self.meta_servers:
            meta.kill()  # so that nobody becomes a primary because others stop
        for server in self.replicas:
            assert server.stop() == 0, server.printed()
        for index in range(PARTITIONS):
            gpid = Gpid(app_id, index)
            paths = [each.folder / "replicas" / str(gpid) / "db" for each in self.replicas]
            yield gpid, [_digest(path) for path in paths]


def _digest(path: Path) -> str:
    """Digest the rows of a store, without the second markers, which may not be committed there."""
    engine = RocksEngine.open(path, durable_decree=Decree(0))
    digest = hashlib.sha256()
    prefix, end = encode_key(MARKER, b"")[2:], b"2"
    for key, value in engine.scan(b"", ROW_KEYS_END):
        if not (key[2:].startswith(prefix) and key.endswith(end)):
            digest.update(b"%d %d " % (len(key), len(value)) + key + value)
    engine.close()
    return digest.hexdigest()
