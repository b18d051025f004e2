"""A stream that counts, hashes and slows down what is written through it."""

import hashlib
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

Pace = Callable[[int], None]
"""Takes a number of bytes and returns when they may go."""


def no_pace(_bytes: int) -> None:
    """Let everything go at once."""


class MeteredStream(io.RawIOBase):
    """Writes to another stream.

    Args:
        stream: where the bytes go; closed with this one.
        pace: asked before each write.

    Attributes:
        bytes: written so far.
    """

    def __init__(self, stream: BinaryIO, pace: Pace = no_pace) -> None:
        super().__init__()
        self._stream = stream
        self._pace = pace
        self._hash = hashlib.sha256()
        self.bytes = 0

    @property
    def sha256(self) -> str:
        """Checksum of everything written so far, hexadecimal."""
        return self._hash.hexdigest()

    def writable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the bytes written so far."""
        return self.bytes

    def write(self, data: "ReadableBuffer") -> int:
        """Write all of ``data``; return its bytes."""
        view = memoryview(data).cast("B")
        self._pace(len(view))
        self._stream.write(view)
        self._hash.update(view)
        self.bytes += len(view)
        return len(view)

    def close(self) -> None:
        """Close the stream below, unless that happened already."""
        if not self.closed:
            try:
                self._stream.close()
            finally:
                super().close()
