"""A file at a target as a raw stream: each transfer has a deadline, each failure names the file."""

import io
import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from pegasus_tab.export.deadline import within

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

Value = TypeVar("Value")


class RemoteStream(io.RawIOBase):
    """Wraps a filesystem's stream; wrap it in a buffer, as each call costs a thread when remote.

    Args:
        stream: what the filesystem opened, for reading or for writing.
        seconds_max: for each call; None for no deadline.
        failed: makes the error to raise from what the filesystem raised.
        sync: fsync before closing a written file (a local one).
    """

    def __init__(
        self,
        stream: Any,
        seconds_max: float | None,
        failed: Callable[[BaseException], Exception],
        *,
        sync: bool,
    ) -> None:
        super().__init__()
        self._stream = stream
        self._seconds_max = seconds_max
        self._failed = failed
        self._sync = sync
        self._given_up: Exception | None = None

    def readable(self) -> bool:
        """Return whether it was opened for reading."""
        return bool(self._stream.readable())

    def writable(self) -> bool:
        """Return whether it was opened for writing."""
        return bool(self._stream.writable())

    def seekable(self) -> bool:
        """Return whether ``seek`` works; only when reading."""
        return self.readable() and bool(self._stream.seekable())

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill ``buffer`` as far as one read goes; return the bytes, 0 at the end."""
        view = memoryview(buffer).cast("B")
        content = self._do(partial(self._stream.read, len(view)))
        view[: len(content)] = content
        return len(content)

    def write(self, data: "ReadableBuffer") -> int:
        """Write all of ``data``; return its bytes."""
        # The bytes are copied: a call that is given up still holds them, the caller's buffer moves on.
        content = bytes(data)
        self._do(partial(self._stream.write, content))
        return len(content)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to an offset in bytes; return the new position."""
        self._do(partial(self._stream.seek, offset, whence))
        return self.tell()

    def tell(self) -> int:
        """Return the position in bytes."""
        return int(self._stream.tell())

    def close(self) -> None:
        """Finish the file; a written one is then complete under its temporary name."""
        if self.closed:
            return
        try:
            self._do(self._finish)
        finally:
            super().close()

    def _finish(self) -> None:
        if self._sync and self._stream.writable():
            self._stream.flush()
            os.fsync(self._stream.fileno())
        self._stream.close()

    def _do(self, call: Callable[[], Value]) -> Value:
        if self._given_up is not None:
            raise self._given_up
        try:
            return within(self._seconds_max, call)
        except TimeoutError as error:
            # The call may still be at work on the stream, which nobody must touch any more.
            self._given_up = self._failed(error)
            raise self._given_up from error
        except Exception as error:
            raise self._failed(error) from error
