"""What request and response readers share: gathering bytes until a frame is whole."""

from abc import abstractmethod
from typing import Generic, TypeVar

from pegasus_tab.wire.errors import RemoteProtocolError

F = TypeVar("F")


class FrameReader(Generic[F]):
    """Turns the bytes of one connection into frames.

    Cutting the bytes differently never changes the frames. Invariants: no more than one
    unfinished frame is kept; its length was read and held against ``limit`` before its body is
    gathered; after a fault nothing is kept.

    A frame refers to the chunk it came in instead of copying its body, so it keeps that chunk
    alive: take what you need from it and let it go.

    Attributes:
        limit: bytes of the largest frame that is accepted.
        fault: why the stream ended, None while it is sound. Close the connection once it is set.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.fault: RemoteProtocolError | None = None
        self._pending = bytearray()
        self._needed = 0

    @property
    def pending_bytes(self) -> int:
        """How many bytes of a frame that is not whole yet are kept."""
        return len(self._pending)

    def feed(self, data: bytes) -> list[F]:
        """Take received bytes; return the frames they complete, in order.

        Args:
            data: any number of bytes.

        Returns:
            Whole frames. When bytes after them are faulty, the frames come first and ``fault``
            is set; the next call raises it.

        Raises:
            RemoteProtocolError: the bytes are not frames, and no frame was left to deliver.
        """
        if self.fault is not None:
            raise self.fault
        pending = self._pending
        if pending:
            if len(pending) + len(data) < self._needed:
                pending += data
                return []
            data = b"".join((pending, data))
        frames: list[F] = []
        try:
            taken, self._needed = self._cut(data, frames)
        except RemoteProtocolError as fault:
            self.fault = fault
            pending.clear()
            if not frames:
                raise
            return frames
        if pending:
            pending.clear()
        if taken < len(data):
            assert len(data) - taken < self._needed
            pending += data[taken:]
        return frames

    @abstractmethod
    def _cut(self, chunk: bytes, frames: list[F]) -> tuple[int, int]:
        """Append the whole frames of ``chunk`` to ``frames``.

        Returns:
            How many bytes they took, and how many bytes the rest needs before another look
            at it is worth while.

        Raises:
            RemoteProtocolError: what follows the appended frames is no frame.
        """

    def _check_length(self, length: int) -> int:
        if length > self.limit:
            raise RemoteProtocolError(
                f"a frame of {length} bytes is over the limit of {self.limit}",
                hint="send the rows in smaller batches",
            )
        return length
