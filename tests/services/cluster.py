"""A cluster of several meta servers, each with its own way to a real ZooKeeper."""

import contextlib
import re
import signal
import time
from pathlib import Path

from pegasus_shell.onebox_server import await_start
from pegasus_shell.zookeeper_server import ZooKeeperServer
from pegasus_tab.wire import codes
from pegasus_tab.wire.messages import QueryConfigResponse
from tests.faults.cluster import LEASE, TABLE, FaultCluster
from tests.faults.network import Network
from tests.faults.proxy import CLIENT, Route
from tests.integration.cluster import Server
from tests.integration.server_process import free_port
from tests.integration.wire_client import WireClient

METAS = 3
SESSION_MS = 4000
"""The shortest that ZooKeeper grants, so that a test waits less."""
LEAD_SECONDS_MAX = 60.0
_ELECTED = re.compile(r"elected to lead, epoch (\d+)")
_LAPSED = "the lease ended"


class MetaCluster(FaultCluster):
    """Three meta servers, three replica servers and a ZooKeeper.

    Args:
        folder: of everything.
        session_ms: session timeout of the meta servers.
        lease: section of every configuration, empty for the defaults.

    Attributes:
        metas: the meta servers.
        keeper: ZooKeeper.
    """

    def __init__(self, folder: Path, session_ms: int = SESSION_MS, lease: str = LEASE) -> None:
        self.folder = folder
        self.shims = []
        self.keeper = ZooKeeperServer("zookeeper", folder, free_port())
        self.keeper.write_config()
        ports = [free_port() for _ in range(METAS)]
        names = [f"127.0.0.1:{port}" for port in ports]
        self.metas = []
        routes: list[Route] = []
        for number, port in enumerate(ports, 1):
            way = f"127.0.3.{number}"
            lines = f'zookeeper = "{way}:{self.keeper.port}"\nzookeeper_session_ms = {session_ms}\n'
            self.metas.append(Server("meta", folder / f"meta{number}", port, names, lines + lease))
            routes.append((_way(port), way, self.keeper.port, "127.0.0.1", f"127.0.4.{number}"))
        self.meta = self.metas[0]
        self.replicas = [
            Server("replica", folder / f"replica{number}", free_port(), names, lease)
            for number in (1, 2, 3)
        ]
        self._all = [*self.metas, *self.replicas]
        self.network = Network(routes, folder / "proxy.output")
        self._stack = contextlib.ExitStack()

    @property
    def dsn(self) -> str:
        """Where clients find it."""
        return f"pegasus://{','.join(each.name for each in self.metas)}/"

    def start(self) -> None:
        """Start all servers and wait until their ports accept."""
        self.start_keeper()
        for server in self._all:
            server.launch()
        for server in self._all:
            server.await_port()

    def start_keeper(self) -> None:
        """Start ZooKeeper and wait until its port accepts."""
        self._keeper_process = self.keeper.start()
        await_start(self.keeper)

    def kill_keeper(self) -> None:
        """End ZooKeeper at once."""
        self._keeper_process.kill()
        self._keeper_process.wait()

    def __exit__(self, *_: object) -> None:
        """End everything."""
        with self._stack:
            self.resume()
            for server in self._all:
                if server.process is not None and server.process.poll() is None:
                    server.kill()
            self.kill_keeper()

    def printed(self) -> str:
        """Return what all servers printed."""
        return "\n".join(
            f"--- {each.folder.name} {each.name}\n{each.printed()}" for each in self._all
        )

    # -- who leads -------------------------------------------------------------------------------

    def leads(self, meta: Server) -> bool:
        """Tell whether a meta server that runs answers questions itself."""
        with WireClient(meta.port) as wire:
            return wire.config(TABLE).err != codes.ERR_FORWARD_TO_OTHERS

    def leader(self, *, other_than: Server | None = None) -> Server:
        """Wait until a meta server leads; return it."""
        deadline = time.monotonic() + LEAD_SECONDS_MAX
        while time.monotonic() < deadline:
            for meta in self.metas:
                runs = meta.process is not None and meta.process.poll() is None
                if runs and meta is not other_than and self.leads(meta):
                    return meta
            time.sleep(0.05)
        raise AssertionError(f"no meta server leads\n{self.printed()}")

    def config(self) -> QueryConfigResponse:
        """Ask the leader who serves the table."""
        with WireClient(self.leader(other_than=self.asleep).port) as wire:
            return wire.config(TABLE)

    asleep: Server | None = None
    """A meta server that is stopped, and must not be asked."""

    def epochs(self, meta: Server) -> list[int]:
        """List the epochs a meta server was elected for."""
        return [int(each) for each in _ELECTED.findall(meta.printed())]

    def lapses(self) -> int:
        """Count how often a replica server's lease ended."""
        return sum(each.printed().count(_LAPSED) for each in self.replicas)

    # -- what is done to it ----------------------------------------------------------------------

    def cut(self, meta: Server) -> None:
        """Let nothing through between a meta server and ZooKeeper."""
        assert self.network is not None
        self.network.both(CLIENT, [_way(meta.port)], "hold")

    def lose_answers(self, meta: Server) -> None:
        """Let requests through to ZooKeeper and swallow its answers."""
        assert self.network is not None
        self.network.link(_way(meta.port), CLIENT, "drop")

    def lose_requests(self, meta: Server) -> None:
        """Reset connections to ZooKeeper as soon as something is asked."""
        assert self.network is not None
        self.network.link(CLIENT, _way(meta.port), "reset", 0)

    def sleep(self, meta: Server) -> None:
        """Stop a meta server's process."""
        assert meta.process is not None
        meta.process.send_signal(signal.SIGSTOP)
        self.asleep = meta

    def wake(self, meta: Server) -> None:
        """Let it go on."""
        assert meta.process is not None
        meta.process.send_signal(signal.SIGCONT)
        self.asleep = None

    def heal(self) -> None:
        """End every fault; start again who is dead."""
        if self.keeper.pid() is None:
            self.start_keeper()
        self.asleep = None
        super().heal()


def _way(port: int) -> str:
    """Name a meta server's way to ZooKeeper in the network."""
    return f"zookeeper for {port}"
