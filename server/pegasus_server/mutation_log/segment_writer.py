"""Appends blocks to the segment that is being written."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from pegasus_server.mutation_log.errors import LogFailedError, LogFullError
from pegasus_server.mutation_log.folder import LogFile
from pegasus_server.mutation_log.record import BlockPlace, EncodedBlock
from pegasus_server.mutation_log.segment_header import HEADER_BYTES

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def disk_errors(action: str) -> Iterator[None]:
    """Turn OSError into what it means for the log.

    Args:
        action: what was tried, for the text: "cannot <action>".

    Raises:
        LogFullError: there is no space.
        LogFailedError: anything else.
    """
    try:
        yield
    except OSError as error:
        text = f"cannot {action}: {error.strerror or error}"
        raise (LogFullError if error.errno in _FULL else LogFailedError)(text) from error


class SegmentWriter:
    """The open end of one segment.

    Invariants: HEADER_BYTES <= proven_upto <= synced_upto <= offset; every byte below ``offset``
    is part of the header or of a whole block.

    Attributes:
        number: of the segment.
        start_offset: bytes of the log before the segment.
        capacity: preallocated size in bytes.
        offset: where the next block goes.
        synced_upto: bytes known to be on disk.
        proven_upto: what the last block says of synced_upto.

    Args:
        file: the segment's file, zeros from HEADER_BYTES on.
        header_crc: crc of the header.
    """

    def __init__(
        self,
        file: LogFile,
        *,
        number: int,
        segment_id: bytes,
        start_offset: int,
        header_crc: int,
        capacity: int,
    ) -> None:
        self.number = number
        self.start_offset = start_offset
        self.capacity = capacity
        self.offset = HEADER_BYTES
        self.synced_upto = HEADER_BYTES
        self.proven_upto = HEADER_BYTES
        self._file = file
        self._segment_id = segment_id
        self._sequence = 0
        self._previous_crc = header_crc

    @property
    def place(self) -> BlockPlace:
        """Where the next block will stand; encode it for exactly this place."""
        return BlockPlace(
            self._segment_id, self._sequence, self._previous_crc, self.offset, self.synced_upto
        )

    @property
    def is_empty(self) -> bool:
        """Tell whether no block was written yet."""
        return self._sequence == 0

    def has_room(self, block: EncodedBlock) -> bool:
        """Tell whether the block fits in the preallocated space."""
        return self.offset + len(block.head) + len(block.body) <= self.capacity

    def append(self, block: EncodedBlock) -> None:
        """Write a block at the end; not synced.

        Raises:
            LogFullError: no space; nothing of the block is in the log.
            LogFailedError: the disk failed.
        """
        try:
            with disk_errors("write to the log"):
                self._file.write([block.head, block.body], self.offset)
        except LogFullError:
            # A part may have been written. Without its end it would never be read as a block, but
            # the next attempt shall find the file as this one did.
            with disk_errors("cut an unfinished write off the log"):
                self._file.cut(self.offset)
            raise
        self.proven_upto = self.synced_upto
        self.offset += len(block.head) + len(block.body)
        self._sequence += 1
        self._previous_crc = block.head_crc

    def sync(self) -> None:
        """Make everything appended durable.

        Raises:
            LogFailedError: the disk failed; never to be called again. A full disk counts as failed
                here: the pages that found no place are gone.
        """
        if self.synced_upto == self.offset:
            return
        try:
            self._file.sync()
        except OSError as error:
            raise LogFailedError(f"cannot sync the log: {error.strerror or error}") from error
        self.synced_upto = self.offset

    def close(self, *, trim: bool) -> None:
        """Release the file; with ``trim``, give back the space behind the last block."""
        with disk_errors("close the log"):
            if trim:
                self._file.cut(self.offset)
                self._file.sync()
            self._file.close()
