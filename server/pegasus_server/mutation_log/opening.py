"""Reads the segments of a log from its folder, and refuses those this server must not touch."""

import re
from collections.abc import Iterator

from pegasus_server.mutation_log.errors import LogRefusedError
from pegasus_server.mutation_log.folder import LogFolder
from pegasus_server.mutation_log.replay import SegmentReading, closed_at
from pegasus_server.mutation_log.segment import scan_segment
from pegasus_server.mutation_log.segment_header import (
    FORMAT_VERSION,
    HEADER_BYTES,
    HeaderReading,
    read_header,
)

DAMAGED_SUFFIX = ".damaged"
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
        scan = scan_segment(_read(folder, name), reading.header.segment_id, reading.crc, end)
        yield SegmentReading(name, number, reading, scan)


def _header(folder: LogFolder, number: int, cluster: str, node: str) -> HeaderReading:
    name = segment_name(number)
    reading = read_header(_read(folder, name, HEADER_BYTES))
    if reading.newer_format is not None:
        raise LogRefusedError(
            f"{name} is of log format {reading.newer_format}, this server reads formats up to"
            f" {FORMAT_VERSION}: start the version that wrote it, or a newer one"
        )
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


def _read(folder: LogFolder, name: str, bytes_max: int = -1) -> bytes:
    try:
        return folder.read(name, bytes_max)
    except OSError as error:
        raise LogRefusedError(
            f"cannot read {name} of the log: {error.strerror or error}"
        ) from error
