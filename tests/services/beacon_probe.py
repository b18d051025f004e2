"""A replica server that does nothing but send beacons to one meta server, and keeps the answers."""

import contextlib
import socket
import threading
import time
from typing import Self

from pegasus_server.runtime.carried_batch import BatchEncoder
from pegasus_server.runtime.peer_frame import NO_PARTITION, PeerFrameReader
from pegasus_server.runtime.peer_messages import (
    Hello,
    decode_message,
    encode_hello,
    encode_message,
)
from pegasus_tab.base.cluster import Beacon, BeaconAck
from pegasus_tab.base.ids import NodeName
from tests.integration.cluster import Server

BEACON_SECONDS = 0.05


class BeaconProbe:
    """Sends beacons as long as it is open.

    Args:
        meta: whom to.

    Attributes:
        acks: the answers, in the order they came.
    """

    def __init__(self, meta: Server) -> None:
        self.acks: list[BeaconAck] = []
        self._meta = meta
        self._is_over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._node = NodeName(f"127.0.0.1:{self._listener.getsockname()[1]}")
        self._threads = [
            threading.Thread(target=self._speak),
            threading.Thread(target=self._listen),
        ]

    @property
    def granted(self) -> int:
        """Count the answers that extend a lease."""
        return sum(ack.is_leader for ack in tuple(self.acks))

    @property
    def refused(self) -> int:
        """Count the answers that do not."""
        return sum(not ack.is_leader for ack in tuple(self.acks))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _speak(self) -> None:
        with socket.create_connection(("127.0.0.1", self._meta.port)) as speaker:
            speaker.sendall(encode_hello(Hello("test", self._node, NodeName(self._meta.name))))
            while not self._is_over.wait(BEACON_SECONDS):
                sent_us = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
                beacon = Beacon(self._node, 1, sent_us, "probe")
                speaker.sendall(encode_message(beacon, NO_PARTITION, BatchEncoder()))

    def _listen(self) -> None:
        while not self._is_over.is_set():
            with contextlib.suppress(OSError):
                connection, _ = self._listener.accept()
                self._hear(connection)

    def _hear(self, connection: socket.socket) -> None:
        reader = PeerFrameReader()
        connection.settimeout(BEACON_SECONDS)
        with connection:
            while not self._is_over.is_set():
                try:
                    data = connection.recv(65536)
                except TimeoutError:
                    continue
                if not data:
                    return
                messages = [decode_message(frame) for frame in reader.feed(data)]
                self.acks += [each for each in messages if isinstance(each, BeaconAck)]
