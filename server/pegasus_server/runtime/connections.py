"""All client connections of a node: how many there may be, and which have outstayed their time.

A client may keep an idle connection as long as it likes while there is room (Pegasus clients open
theirs long before they use them, and Python's ignores a lost one); what is bounded is the number,
and the time a begun frame may take to arrive.
"""

from collections import Counter
from collections.abc import Callable
from ipaddress import ip_address

from pegasus_server.runtime.transport import ClientConnection

SWEEP_SECONDS = 10.0
FRAME_SWEEPS_MAX = 6
"""A frame that is not complete after this many sweeps costs its connection, however it trickles."""
IDLE_SWEEPS_MIN = 30
"""An idle connection may be closed in favour of a new one after this many sweeps."""


class _Watch:
    """What the last sweeps saw of one connection."""

    __slots__ = ("activity", "idle_sweeps", "partial_sweeps")

    def __init__(self) -> None:
        self.activity = 0
        self.idle_sweeps = 0
        self.partial_sweeps = 0


class Connections:
    """The connections that are open.

    Args:
        connections_max: at a time, >= 1.
        per_address_max: at a time from one IP address; loopback is exempt, since all local
            programs share it.
        on_count: told the number of connections whenever it changes.
    """

    def __init__(
        self, connections_max: int, per_address_max: int, on_count: Callable[[int], None]
    ) -> None:
        self._connections_max = connections_max
        self._per_address_max = per_address_max
        self._on_count = on_count
        self._open: dict[ClientConnection, _Watch] = {}
        self._per_address: Counter[str] = Counter()
        self._requests_of_gone = 0

    def __len__(self) -> int:
        """Count the open connections."""
        return len(self._open)

    @property
    def requests(self) -> int:
        """How many requests came on all connections so far."""
        return self._requests_of_gone + sum([each.activity for each in self._open])

    def connected(self, connection: ClientConnection) -> bool:
        """Note a new connection; return False if it is one too many."""
        self._open[connection] = _Watch()
        self._per_address[connection.host] += 1
        self._on_count(len(self._open))
        from_there = self._per_address[connection.host]
        if from_there > self._per_address_max and not _is_loopback(connection.host):
            return False
        return len(self._open) <= self._connections_max or self._close_idlest()

    def disconnected(self, connection: ClientConnection) -> None:
        """Note that a connection has gone."""
        if self._open.pop(connection, None) is None:
            return
        self._requests_of_gone += connection.activity
        self._per_address[connection.host] -= 1
        if not self._per_address[connection.host]:
            del self._per_address[connection.host]
        self._on_count(len(self._open))

    def sweep(self) -> None:
        """Close connections whose frames do not arrive; call every SWEEP_SECONDS."""
        for connection, watch in list(self._open.items()):
            is_silent = connection.activity == watch.activity
            watch.activity = connection.activity
            watch.idle_sweeps = watch.idle_sweeps + 1 if is_silent else 0
            is_stuck = is_silent and connection.is_inside_frame
            watch.partial_sweeps = watch.partial_sweeps + 1 if is_stuck else 0
            if watch.partial_sweeps >= FRAME_SWEEPS_MAX:
                connection.abort()

    def lose_all(self) -> None:
        """Close every connection once its replies have left."""
        for connection in list(self._open):
            connection.lose()

    def _close_idlest(self) -> bool:
        """Make room for a new connection if one has been idle long enough."""
        connection, watch = max(self._open.items(), key=lambda item: item[1].idle_sweeps)
        if watch.idle_sweeps < IDLE_SWEEPS_MIN:
            return False
        connection.abort()
        return True


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
