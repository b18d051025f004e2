"""A network that misbehaves on request: a process between every two servers, and their clients.

Every server tells others an address on which this proxy listens, and speaks from an address of its
own, so for each connection the proxy knows who opened it and to whom. What one node says to another
goes over the *link* between the two, in whichever connection, and each link does one of these:

pass      carry everything
hold      carry nothing now, everything later: packets that are lost and sent again
drop      swallow everything; connections that lost bytes are reset at the next change
reset     carry so many bytes of each connection, then reset it
delay     carry everything, so many milliseconds late
throttle  carry so many bytes a second
byte      carry one byte at a time

Usage: ``python -m tests.faults.proxy``. The first line of its input is a JSON list of routes
(``name, public host, port, real host, source``), the others are orders (``speaker, listener, what,
number``). Each line is answered with "ok" once it holds.
"""

import asyncio
import contextlib
import json
import socket
import struct
import sys
from dataclasses import dataclass, field
from typing import TypeAlias

CHUNK_BYTES = 64 * 1024
THROTTLE_SECONDS = 0.05
CLIENT = "client"
"""Whoever speaks from an address that is no server's."""

_RESET_AT_CLOSE = struct.pack("ii", 1, 0)

Route: TypeAlias = tuple[str, str, int, str, str]


@dataclass(eq=False)
class Connection:
    """A connection through the proxy: what one side sent and the other did not get is lost."""

    sides: list[asyncio.StreamWriter] = field(default_factory=list)

    def reset(self) -> None:
        """End it without a farewell."""
        for side in self.sides:
            end = side.get_extra_info("socket")
            if end is not None and not side.is_closing():
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
            side.transport.abort()


class Link:
    """What one node says to another, over all connections between them."""

    def __init__(self) -> None:
        self.what = "pass"
        self.number = 0
        self._changed = asyncio.Event()
        self._torn: set[Connection] = set()
        self._carried: dict[Connection, int] = {}

    def change(self, what: str, number: int) -> None:
        """Do something else from now on."""
        self.what, self.number = what, number
        torn, self._torn = self._torn, set()
        self._carried.clear()
        for connection in torn:
            connection.reset()
        self._changed.set()
        self._changed = asyncio.Event()

    async def carry(
        self, data: bytes, listener: asyncio.StreamWriter, connection: Connection
    ) -> None:
        """Bring what was said to its listener, or not."""
        while self.what == "hold":
            await self._changed.wait()
        match self.what:
            case "drop":
                self._torn.add(connection)
            case "reset":
                await self._carry_and_reset(data, listener, connection)
            case "throttle" | "byte":
                await self._carry_slowly(data, listener)
            case _:
                if self.what == "delay":
                    await asyncio.sleep(self.number / 1000)
                listener.write(data)
                await listener.drain()

    async def _carry_and_reset(
        self, data: bytes, listener: asyncio.StreamWriter, connection: Connection
    ) -> None:
        carried = self._carried.get(connection, 0)
        part = data[: max(0, self.number - carried)]
        self._carried[connection] = carried + len(part)
        listener.write(part)
        await listener.drain()
        if len(part) < len(data):
            # The part is to arrive, or its receiver would not be left in the middle of a frame.
            await asyncio.sleep(THROTTLE_SECONDS)
            connection.reset()

    async def _carry_slowly(self, data: bytes, listener: asyncio.StreamWriter) -> None:
        while data and self.what in ("throttle", "byte"):
            is_throttled = self.what == "throttle"
            size = max(1, int(self.number * THROTTLE_SECONDS)) if is_throttled else 1
            listener.write(data[:size])
            await listener.drain()
            data = data[size:]
            await asyncio.sleep(THROTTLE_SECONDS if is_throttled else 0)
        listener.write(data)
        await listener.drain()


class Network:
    """All links."""

    def __init__(self) -> None:
        self._links: dict[tuple[str, str], Link] = {}
        self._names: dict[str, str] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    def link(self, speaker: str, listener: str) -> Link:
        """Find a link."""
        return self._links.setdefault((speaker, listener), Link())

    async def listen(self, routes: list[Route]) -> None:
        """Stand in for every node."""
        self._names = {source: name for name, _, _, _, source in routes}
        for name, public, port, real, _ in routes:

            async def accept(
                reader: asyncio.StreamReader,
                writer: asyncio.StreamWriter,
                goal: tuple[str, str, int] = (name, real, port),
            ) -> None:
                await self._connect(reader, writer, goal)

            await asyncio.start_server(accept, public, port)

    async def _connect(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        goal: tuple[str, str, int],
    ) -> None:
        caller = self._names.get(writer.get_extra_info("peername")[0], CLIENT)
        called, host, port = goal
        connection = Connection([writer])
        try:
            far_reader, far_writer = await asyncio.open_connection(host, port)
        except OSError:
            connection.reset()
            return
        connection.sides.append(far_writer)
        for side in connection.sides:
            side.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ways = (
            _pump(reader, far_writer, self.link(caller, called), connection),
            _pump(far_reader, writer, self.link(called, caller), connection),
        )
        for way in ways:
            task = asyncio.create_task(way)
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)


async def _pump(
    speaker: asyncio.StreamReader,
    listener: asyncio.StreamWriter,
    link: Link,
    connection: Connection,
) -> None:
    # A side that is gone is what this process is about; the other side then learns it too.
    with contextlib.suppress(OSError):
        while data := await speaker.read(CHUNK_BYTES):
            await link.carry(data, listener, connection)
    connection.reset()


async def main() -> None:
    """Carry until the input ends."""
    network = Network()
    orders = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    await network.listen([tuple(each) for each in json.loads(await orders.readline())])
    print("ok", flush=True)  # noqa: T201 -- the answer to whoever gives the orders
    while line := await orders.readline():
        speaker, listener, what, number = json.loads(line)
        network.link(speaker, listener).change(what, number)
        print("ok", flush=True)  # noqa: T201 -- as above


if __name__ == "__main__":
    asyncio.run(main())
