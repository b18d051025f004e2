"""The connections of a session by address, and what their driver is to do about them."""

from pegasus_tab.kv.call import Pending
from pegasus_tab.kv.connection import Connection, Phase
from pegasus_tab.wire.address import Address


class Switchboard:
    """Opens a connection when the first call needs it and gathers the driver's orders.

    Invariants: one ``Connection`` per address, the same for the session's life; a connection with
    queued calls is CONNECTING, or OPEN and noted in the coming output.

    Args:
        connect_seconds: longest wait for a connection to open.
    """

    def __init__(self, connect_seconds: float) -> None:
        self.connections: dict[Address, Connection] = {}
        self._connect_seconds = connect_seconds
        self._with_output: list[Connection] = []
        self._connects: list[Address] = []
        self._closes: list[Address] = []

    def connection(self, address: Address) -> Connection:
        """Find or make the connection to an address, without opening it."""
        connection = self.connections.get(address)
        if connection is None:
            connection = self.connections[address] = Connection(address)
        return connection

    def enqueue(self, pending: Pending, connection: Connection, now: float) -> None:
        """Queue a call, opening the connection if need be."""
        if not connection.queue:
            if connection.phase is Phase.OPEN:
                self._with_output.append(connection)
            elif connection.phase is Phase.IDLE:
                connection.phase = Phase.CONNECTING
                connection.open_until = now + self._connect_seconds
                self._connects.append(connection.address)
        connection.queue.append(pending)

    def opened(self, address: Address) -> None:
        """Note that a connection is open."""
        connection = self.connections[address]
        assert connection.phase is Phase.CONNECTING
        connection.phase = Phase.OPEN
        self._with_output.append(connection)

    def close(self, connection: Connection) -> None:
        """Order a connection to be closed."""
        self._closes.append(connection.address)

    def take_connects(self) -> list[Address]:
        """Return the addresses to connect to, each once."""
        connects, self._connects = self._connects, []
        return connects

    def take_closes(self) -> list[Address]:
        """Return the addresses whose connection is to be closed."""
        closes, self._closes = self._closes, []
        return closes

    def take_with_output(self) -> list[Connection]:
        """Return the open connections that may have queued calls, some maybe twice."""
        connections, self._with_output = self._with_output, []
        return connections
