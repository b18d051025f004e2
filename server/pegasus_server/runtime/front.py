"""What every server of a cluster has towards others: a port, connections, a turn, timers."""

import logging
from collections.abc import Callable
from typing import Any, cast

from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory

from pegasus_server.runtime.clock import wall_us
from pegasus_server.runtime.cluster_config import ServerConfig
from pegasus_server.runtime.connections import SWEEP_SECONDS, Connections
from pegasus_server.runtime.peer_connection import (
    ClusterConnection,
    PeerListener,
    TakeFileRequest,
    TakeMessage,
)
from pegasus_server.runtime.peer_links import PeerLinks
from pegasus_server.runtime.prompt_port import PromptPort
from pegasus_server.runtime.startup_fault import (
    EXIT_PORT_IN_USE,
    StartupFault,
    die_of_torn_turn,
)
from pegasus_server.runtime.timers import Timers
from pegasus_server.runtime.transport import Dispatch
from pegasus_server.runtime.turn import Turn

logger = logging.getLogger(__name__)

LISTEN_BACKLOG = 512


class Front(Factory):
    """The face of one server.

    Args:
        reactor: Twisted's.
        config: of the server.
        take: takes what other servers say.

    Attributes:
        turn: of the server.
        timers: of the server.
        connections: of clients.
        links: to the other servers.
    """

    noisy = False

    def __init__(self, reactor: Any, config: ServerConfig, take: TakeMessage) -> None:
        self.turn = Turn(wall_us)
        self.turn.last_for_rounds_of(reactor, die_of_torn_turn)
        self.timers = Timers(reactor, self.turn)
        self.connections = Connections(
            config.connections_max, config.connections_per_address_max, lambda _: None
        )
        self.links = PeerLinks(config.cluster, config.node, self.turn, reactor, take)
        self._listener = PeerListener(config.cluster, config.node, self.turn, take)
        self._reactor = reactor
        self._config = config
        self._dispatch: Dispatch | None = None
        self._port: PromptPort | None = None

    def listen(self) -> None:
        """Bind the port; connections wait until ``serve``.

        Raises:
            StartupFault: the port cannot be used.
        """
        config = self._config
        port = PromptPort(config.port, self, LISTEN_BACKLOG, config.host, self._reactor)
        try:
            port.startListening()
        except CannotListenError as error:
            raise StartupFault(
                EXIT_PORT_IN_USE,
                f"cannot listen on {config.host}:{config.port} ({error.socketError}); end what "
                "uses the port, or choose another for a server that is new",
            ) from error
        self._port = port

    def serve(self, dispatch: Dispatch) -> None:
        """Begin to serve requests."""
        self._dispatch = dispatch
        self.timers.every(SWEEP_SECONDS, self.connections.sweep)

    def buildProtocol(self, addr: IAddress | None) -> ClusterConnection:  # noqa: N802, ARG002 -- Twisted's name and argument
        """Make the protocol of a new connection."""
        assert self._dispatch is not None, "the reactor runs only after start"
        return ClusterConnection(
            self._dispatch, self.turn, self.connections, self._reactor, self._listener
        )

    def serve_files(self, take: TakeFileRequest) -> None:
        """Begin to serve requests for files."""
        self._listener.take_file_request = take

    def deliver(self, work: Callable[[], object]) -> None:
        """Bring what another thread finished into the reactor's, as a turn. Any thread."""
        self._reactor.callFromThread(self.turn.run, work)

    def stop_listening(self) -> None:
        """Take no new connection."""
        if self._port is not None:
            cast("Any", self._port).stopListening()

    def close(self) -> None:
        """Close all connections once everything has left."""
        self.timers.stop()
        self.connections.lose_all()
        self.links.close()
        self._listener.close()
