"""Reads a log from its folder, and refuses what this server must not touch."""

import errno
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pegasus_server.mutation_log.errors import LogRefusedError
from pegasus_server.mutation_log.folder import LogFolder
from pegasus_server.mutation_log.manifest import (
    MANIFEST_FORMAT,
    MANIFEST_NAME,
    read_manifest,
)
from pegasus_server.mutation_log.replay import SegmentReading, closed_at
from pegasus_server.mutation_log.segment import scan_segment
from pegasus_server.mutation_log.segment_header import (
    FORMAT_VERSION,
    HEADER_BYTES,
    HeaderReading,
    read_header,
)

DAMAGED_SUFFIX = ".damaged"
UNREADABLE_PAGES_MAX = 256
"""Pages of one file that may be unreadable; with more of them it is the disk that is broken."""
_PAGE_BYTES = 4096
_UNREADABLE_PAGE = b"\xff" * _PAGE_BYTES
"""What stands for it; not zeros, which would look like space that was never written."""
_NAME = re.compile(r"segment\.([0-9]{6,})")


def segment_name(number: int) -> str:
    """Name the file of a segment; names sort as numbers do up to a million."""
    return f"segment.{number:06d}"


def segment_numbers(folder: LogFolder) -> list[int]:
    """List the segments of a folder, ascending; those set aside are not among them."""
    return sorted(int(found[1]) for name in folder.names() if (found := _NAME.fullmatch(name)))


def next_number(folder: LogFolder) -> int:
    """Choose the number of a new segment: higher than any ever seen, also of those set aside."""
    numbers = [
        int(found[1])
        for name in folder.names()
        if (found := _NAME.fullmatch(name.removesuffix(DAMAGED_SUFFIX)))
    ]
    return max(numbers, default=0) + 1


def holds_log(folder: LogFolder) -> bool:
    """Tell whether there is a log in the folder, be it with every segment missing."""
    return MANIFEST_NAME in folder.names() or bool(segment_numbers(folder))


def noted_numbers(folder: LogFolder) -> range | None:
    """Read from the manifest which segments must exist.

    Returns:
        Their numbers; None when there is no manifest, as in a log that is being made, or when it is
        damaged: it protects the log from the loss of other files, not the other way round.

    Raises:
        LogRefusedError: it is of a newer format, or must not be read.
    """
    if MANIFEST_NAME not in folder.names():
        return None
    reading = read_manifest(_read(folder, MANIFEST_NAME).data)
    if reading.newer_format is not None:
        raise _newer(MANIFEST_NAME, reading.newer_format, MANIFEST_FORMAT)
    return reading.numbers


def numbers_from_now(folder: LogFolder, noted: range | None) -> range:
    """Tell which segments must exist from now on: those that were noted, and all behind them."""
    present = segment_numbers(folder)
    if noted is None:
        first = present[0] if present else next_number(folder)
        noted = range(first, first)
    return range(noted.start, max([noted.stop, *(number + 1 for number in present)]))


def read_segments(folder: LogFolder, cluster: str, node: str) -> Iterator[SegmentReading]:
    """Read all segments in ascending number, one at a time.

    Args:
        folder: where they are.
        cluster: id their headers must carry.
        node: id their headers must carry.

    Raises:
        LogRefusedError: before anything is yielded, a segment is of a newer format or of another
            cluster or node; at any time, a file cannot be read.
    """
    numbers = segment_numbers(folder)
    headers = {number: _header(folder, number, cluster, node) for number in numbers}
    for number in numbers:
        name, reading = segment_name(number), headers[number]
        if reading.header is None:
            yield SegmentReading(name, number, reading, None)
            continue
        successor = headers.get(number + 1)
        end = closed_at(reading.header, successor.header if successor else None)
        content = _read(folder, name)
        scan = scan_segment(
            content.data,
            reading.header.segment_id,
            reading.crc,
            end,
            unreadable_upto=content.unreadable_upto,
        )
        yield SegmentReading(name, number, reading, scan, content.unreadable_bytes)


def _header(folder: LogFolder, number: int, cluster: str, node: str) -> HeaderReading:
    name = segment_name(number)
    reading = read_header(_read(folder, name, HEADER_BYTES).data)
    if reading.newer_format is not None:
        raise _newer(name, reading.newer_format, FORMAT_VERSION)
    header = reading.header
    if header is None:
        return reading
    if (header.cluster, header.node) != (cluster, node):
        raise LogRefusedError(
            f"{name} belongs to node {header.node} of cluster {header.cluster}, not to node {node}"
            f" of cluster {cluster}: was the folder copied or moved here?"
        )
    if header.number != number:  # a renamed file: its place in the log is unknown
        return HeaderReading(None, 0, None, 2)
    return reading


def _newer(name: str, found: int, known: int) -> LogRefusedError:
    return LogRefusedError(
        f"{name} is of log format {found}, this server reads formats up to {known}: start the"
        " version that wrote it, or a newer one"
    )


@dataclass(frozen=True, slots=True)
class _Content:
    """A file, or its beginning, as far as the disk gives it back.

    Attributes:
        data: its bytes; rubbish where the disk failed to read.
        unreadable_upto: offset behind the last unreadable byte, 0 when there is none.
        unreadable_bytes: how many there are, in whole pages.
    """

    data: bytes
    unreadable_upto: int = 0
    unreadable_bytes: int = 0


def _read(folder: LogFolder, name: str, bytes_max: int = -1) -> _Content:
    try:
        try:
            return _Content(folder.read(name, bytes_max))
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return _read_around(folder, name, bytes_max)
    except OSError as error:
        raise LogRefusedError(
            f"cannot read {name} of the log: {error.strerror or error}"
        ) from error


def _read_around(folder: LogFolder, name: str, bytes_max: int) -> _Content:
    """Read page by page, so that an unreadable sector costs a page and not the log."""
    pages: list[bytes] = []
    unreadable: list[int] = []
    while bytes_max < 0 or len(pages) * _PAGE_BYTES < bytes_max:
        offset = len(pages) * _PAGE_BYTES
        try:
            page = folder.read(name, _PAGE_BYTES, offset)
        except OSError as error:
            unreadable.append(offset)
            if error.errno != errno.EIO or len(unreadable) > UNREADABLE_PAGES_MAX:
                raise
            page = _UNREADABLE_PAGE
        pages.append(page)
        if len(page) < _PAGE_BYTES:
            break
    upto = unreadable[-1] + _PAGE_BYTES if unreadable else 0
    return _Content(b"".join(pages), upto, len(unreadable) * _PAGE_BYTES)
