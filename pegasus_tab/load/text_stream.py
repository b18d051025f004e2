"""Bytes of a text file: unpacked as its name says, and with a line of ours behind the last."""

import io
from typing import Any, BinaryIO, Final

import pyarrow as pa

from pegasus_tab.load.files import SourceFile

CODECS: Final = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2", ".lz4": "lz4"}
"""Last part of a name -> how such a file is compressed."""


def unpacked(file: SourceFile, stream: BinaryIO) -> Any:
    """Return a stream of a file's contents.

    Args:
        file: its name decides.
        stream: its bytes.

    Raises:
        pa.ArrowException: the codec is not there.
    """
    name = file.name.lower()
    for suffix, codec in CODECS.items():
        if name.endswith(suffix):
            return pa.CompressedInputStream(WithTail(stream, b""), codec)  # it closes its source
    return stream


class WithTail(io.RawIOBase):
    """A stream that goes on with some bytes when its source ends.

    Args:
        source: has ``read``; not closed with this one.
        tail: the bytes.
    """

    def __init__(self, source: Any, tail: bytes) -> None:
        super().__init__()
        self._source = source
        self._tail = tail

    def readable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Return so many bytes, fewer only at the end; all for a negative number."""
        data: bytes = self._source.read(size)
        if size < 0:
            rest, self._tail = self._tail, b""
            return data + rest
        while len(data) < size:
            more = self._source.read(size - len(data))
            if not more:
                room = size - len(data)
                rest, self._tail = self._tail[:room], self._tail[room:]
                return data + rest
            data += more
        return data
