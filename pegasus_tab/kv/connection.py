"""One connection of a session: numbering requests and pairing replies; knows no socket.

A call goes through two rooms. In ``queue`` it has no number and its bytes have not left, so it can
be sent elsewhere without any doubt. ``take`` numbers it and moves it to ``outstanding``: from then on
the server may have carried it out.
"""

from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from pegasus_tab.base.limits import RESPONSE_FRAME_BYTES_MAX
from pegasus_tab.kv.call import Pending
from pegasus_tab.wire.address import Address
from pegasus_tab.wire.errors import RemoteProtocolError
from pegasus_tab.wire.frame import ResponseFrame, ResponseReader, encode_request

SEQID_MAX: Final = 0x7FFF_FFFF
"""Numbers travel as a signed 32-bit integer and start again at 1 (protocol reference 1.5)."""


class Phase(Enum):
    """Life of a connection as the session sees it."""

    IDLE = auto()
    CONNECTING = auto()
    OPEN = auto()


class Connection:
    """Requests and replies between the session and one server address.

    Invariants: a pending call is in ``queue`` or in ``outstanding`` of at most one connection;
    ``outstanding`` is empty unless the phase is OPEN; ``sent`` is True exactly for the calls in
    ``outstanding``.

    Attributes:
        address: the server's.
        phase: IDLE until a call needs it; back to IDLE when it is lost.
        queue: calls in the order they will leave.
        outstanding: calls whose reply is awaited, by seqid, oldest first.
        open_until: monotonic seconds at which CONNECTING is given up.
        unanswered_since: when a request left with nothing received since, None if there is none.
        doubt_at: when to ask whether this is still the right server, if nothing comes until then.
    """

    __slots__ = (
        "_reader",
        "_seqid",
        "address",
        "doubt_at",
        "open_until",
        "outstanding",
        "phase",
        "queue",
        "unanswered_since",
    )

    def __init__(self, address: Address) -> None:
        self.address = address
        self.phase = Phase.IDLE
        self.queue: list[Pending] = []
        self.outstanding: dict[int, Pending] = {}
        self.open_until = 0.0
        self.unanswered_since: float | None = None
        self.doubt_at = 0.0
        self._reader = ResponseReader(RESPONSE_FRAME_BYTES_MAX)
        self._seqid = 0

    def take(self, now: float) -> tuple[bytes, list[Pending]]:
        """Number and encode every queued call.

        Args:
            now: monotonic seconds.

        Returns:
            (bytes to send, calls that get no reply and are over with this).
        """
        assert self.phase is Phase.OPEN
        frames: list[bytes] = []
        unanswered: list[Pending] = []
        outstanding = self.outstanding
        seqid = self._seqid
        for pending in self.queue:
            call = pending.call
            method = call.method
            seqid = seqid + 1 if seqid < SEQID_MAX else 1
            frames.append(
                encode_request(
                    method.name,
                    seqid,
                    pending.gpid,
                    call.partition_hash,
                    pending.timeout_ms,
                    call.arguments,
                )
            )
            pending.sent = True
            if method.decode is None:
                unanswered.append(pending)
            else:
                outstanding[seqid] = pending
        self._seqid = seqid
        self.queue.clear()
        if self.unanswered_since is None and outstanding:
            self.unanswered_since = now
        return b"".join(frames), unanswered

    def feed(self, data: bytes) -> list[ResponseFrame]:
        """Cut received bytes into replies; look at ``fault`` afterwards.

        Returns:
            The complete replies, those before a fault included.
        """
        self.unanswered_since = None
        try:
            return self._reader.feed(data)
        except RemoteProtocolError:
            return []

    def silent_since(self, moment: float) -> bool:
        """Tell whether a request left before a moment and nothing was received since."""
        return self.unanswered_since is not None and self.unanswered_since <= moment

    def withdraw(self, is_wanted: Callable[[Pending], bool]) -> list[Pending]:
        """Take calls out of ``outstanding``; replies to them are dropped when they come.

        Args:
            is_wanted: tells which.

        Returns:
            The calls, oldest first.
        """
        wanted = [seqid for seqid, pending in self.outstanding.items() if is_wanted(pending)]
        withdrawn = [self.outstanding.pop(seqid) for seqid in wanted]
        for pending in withdrawn:
            pending.sent = False
        if not self.outstanding:
            self.unanswered_since = None
        return withdrawn

    @property
    def fault(self) -> str | None:
        """Why the stream cannot be read any further, None while it can."""
        fault = self._reader.fault
        return None if fault is None else fault.message

    def reset(self) -> tuple[list[Pending], list[Pending]]:
        """Go back to IDLE with empty rooms.

        Returns:
            (calls that never left, calls whose reply is lost), each oldest first.
        """
        unsent, lost = self.queue, list(self.outstanding.values())
        self.phase = Phase.IDLE
        self.queue = []
        self.outstanding = {}
        self.unanswered_since = None
        self._reader = ResponseReader(RESPONSE_FRAME_BYTES_MAX)
        for pending in lost:
            pending.sent = False
        return unsent, lost
