"""The sockets of one session: carries out its orders and hands it what happens on them.

Decides nothing about calls. One thread at a time may be in any method but ``poll``, which another
thread may wait in meanwhile; ``ring`` wakes that one.
"""

import contextlib
import select
import socket
from collections.abc import Callable, Sequence
from typing import Final

from pegasus_tab.base.errors import Error
from pegasus_tab.kv.channel import Channel, ChannelLost
from pegasus_tab.kv.session import Session
from pegasus_tab.wire.address import Address

Event = tuple[int, int]
"""File number and poll flags."""

_BELL_BYTES: Final = 4096


class Wires:
    """See the module's text.

    Args:
        session: whose orders to carry out.
        find_metas: asked for new meta addresses when a connection cannot be opened, None when they
            never change; raises ``Error`` when there are none.
    """

    def __init__(
        self, session: Session, find_metas: Callable[[], Sequence[Address]] | None
    ) -> None:
        self._session = session
        self._find_metas = find_metas
        self._channels: dict[Address, Channel] = {}
        self._by_number: dict[int, Channel] = {}
        self._poll = select.poll()
        self._alarm, self._bell = socket.socketpair()
        self._alarm.setblocking(False)
        self._bell.setblocking(False)
        self._poll.register(self._alarm, select.POLLIN)
        self.changed = False

    def poll(self, wait_ms: int) -> list[Event]:
        """Wait for something to happen, at most so many milliseconds."""
        return self._poll.poll(wait_ms)

    def ring(self) -> None:
        """Make a ``poll`` under way return."""
        with contextlib.suppress(BlockingIOError):  # enough rings are on their way already
            self._bell.send(b"!")

    def take_in(self, events: Sequence[Event], now: float) -> None:
        """Hand events to the session, then the time: what arrived in time counts.

        Args:
            events: from ``poll``.
            now: monotonic seconds.
        """
        for number, flags in events:
            channel = self._by_number.get(number)
            if channel is not None:
                self._take_in_channel(channel, flags, now)
            elif number == self._alarm.fileno():
                with contextlib.suppress(BlockingIOError):
                    self._alarm.recv(_BELL_BYTES)
        if self._session.next_deadline() <= now:
            self._session.tick(now)
        self._session.take_completed()
        self.flush(now)

    def flush(self, now: float) -> None:
        """Carry out the session's orders; one that fails can lead to others.

        Args:
            now: monotonic seconds.
        """
        session = self._session
        while True:
            closes = session.take_closes()
            for address in closes:
                self._drop(address)
            connects = session.take_connects()
            for address in connects:
                self._connect(address, now)
            lost = False
            for address, data in session.take_output(now):
                lost |= not self._send(self._channels[address], data, now)
            if not (closes or connects or lost):
                return

    def close(self) -> None:
        """Close every socket."""
        for address in list(self._channels):
            self._drop(address)
        self.ring()
        self._bell.close()
        self._alarm.close()

    def _take_in_channel(self, channel: Channel, flags: int, now: float) -> None:
        try:
            if not channel.is_open:
                self._open(channel)
                return
            if flags & select.POLLOUT:
                channel.send_rest()
                self._watch(channel)
            if flags & ~select.POLLOUT:
                data = channel.receive()
                if data:
                    self._session.received(channel.address, data, now)
        except ChannelLost as lost:
            self._lost(channel.address, lost, now)

    def _open(self, channel: Channel) -> None:
        self._forget(channel)  # the next attempt may have another number
        if channel.opened():
            self._session.connected(channel.address)
        self._watch(channel)

    def _connect(self, address: Address, now: float) -> None:
        try:
            channel = Channel(address)
        except ChannelLost as lost:
            self._lost(address, lost, now)
            return
        self._channels[address] = channel
        self._watch(channel)

    def _send(self, channel: Channel, data: bytes, now: float) -> bool:
        try:
            channel.send(data)
        except ChannelLost as lost:
            self._lost(channel.address, lost, now)
            return False
        if channel.unsent:
            self._watch(channel)
        return True

    def _lost(self, address: Address, lost: ChannelLost, now: float) -> None:
        channel = self._drop(address)
        reason = str(lost)
        if self._find_metas is not None and (channel is None or not channel.is_open):
            try:
                self._session.replace_metas(self._find_metas())
            except Error as fault:
                reason = f"{reason}; {fault.message}"
        self._session.disconnected(address, reason, now, by_peer=lost.by_peer)

    def _watch(self, channel: Channel) -> None:
        number = channel.socket.fileno()
        self._by_number[number] = channel
        self._poll.register(number, channel.interest)
        self.changed = True

    def _forget(self, channel: Channel) -> None:
        number = channel.socket.fileno()
        if self._by_number.pop(number, None) is not None:
            self._poll.unregister(number)

    def _drop(self, address: Address) -> Channel | None:
        channel = self._channels.pop(address, None)
        if channel is not None:
            self._forget(channel)
            channel.close()
        return channel
