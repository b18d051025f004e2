"""How a segment comes into being, so that no crash leaves a half-made one in the log."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pegasus_server.mutation_log.errors import LogFullError
from pegasus_server.mutation_log.folder import LogFile, LogFolder
from pegasus_server.mutation_log.opening import segment_name
from pegasus_server.mutation_log.record import SEGMENT_ID_BYTES
from pegasus_server.mutation_log.segment import Block
from pegasus_server.mutation_log.segment_header import SegmentHeader, read_header
from pegasus_server.mutation_log.segment_writer import SegmentWriter, disk_errors

SPARE_NAME = "segment.spare"
NEW_NAME = "segment.new"


@dataclass(frozen=True, slots=True)
class EmptyFile:
    """A file of zeros that is not part of the log yet.

    Attributes:
        name: its temporary name.
        file: open for writing.
        capacity: its size in bytes.
    """

    name: str
    file: LogFile
    capacity: int


@dataclass(frozen=True, slots=True)
class SegmentBirth:
    """Makes segments of one log.

    Attributes:
        folder: where.
        cluster: id for the headers.
        node: id for the headers.
        entropy: gives as many random bytes as asked for, for segment ids.
    """

    folder: LogFolder
    cluster: str
    node: str
    entropy: Callable[[int], bytes]

    def empty_file(self, name: str, capacity: int) -> EmptyFile:
        """Make a file of zeros. Blocks on the disk.

        Raises:
            LogFullError: no space; no file is left.
            LogFailedError: the disk failed.
        """
        with disk_errors(f"make a log segment of {capacity} bytes"):
            return EmptyFile(name, self.folder.create(name, capacity), capacity)

    def begin(
        self, empty: EmptyFile, number: int, start_offset: int, blocks: Iterable[Block]
    ) -> SegmentWriter:
        """Make an empty file the next segment of the log. Blocks on the disk.

        The file gets its name, and with it its place in the log, only when header and first
        blocks are on disk.

        Args:
            empty: consumed, also when this fails.
            number: of the new segment.
            start_offset: bytes of the log before it.
            blocks: what it begins with.

        Raises:
            LogFullError: no space; the log is as it was.
            LogFailedError: the disk failed.
        """
        segment_id = self.entropy(SEGMENT_ID_BYTES)
        header = SegmentHeader(number, segment_id, start_offset, self.cluster, self.node).encode()
        writer = SegmentWriter(
            empty.file,
            number=number,
            segment_id=segment_id,
            start_offset=start_offset,
            header_crc=read_header(header).crc,
            capacity=empty.capacity,
        )
        try:
            self._fill(empty, writer, header, blocks)
        except LogFullError:
            empty.file.close()
            raise
        return writer

    def _fill(
        self, empty: EmptyFile, writer: SegmentWriter, header: bytes, blocks: Iterable[Block]
    ) -> None:
        with disk_errors("begin a log segment"):
            empty.file.write([header], 0)
        for block in blocks:
            writer.append(block.encode_at(writer.place))
        with disk_errors("begin a log segment"):
            empty.file.sync()  # the header, should there be no block
        writer.sync()
        with disk_errors("begin a log segment"):
            self.folder.rename(empty.name, segment_name(writer.number))
