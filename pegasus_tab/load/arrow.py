"""Arrow IPC files and streams (Feather 2 is the former) as record batches."""

from collections.abc import Iterator, Sequence

import pyarrow as pa

from pegasus_tab.load.files import SourceFile
from pegasus_tab.load.magic import check_format
from pegasus_tab.load.reader import Skipped, after, reading, rebatched

WHAT = "Arrow IPC"
_FILE_MAGIC = b"ARROW1"


class ArrowReader:
    """See ``Reader``.

    Raises:
        BadFile: it is neither a file nor a stream of Arrow's, or it is truncated.
    """

    def __init__(self, file: SourceFile) -> None:
        self._file = file
        self._stream = file.open()
        self.rows: int | None = None
        try:
            with reading(file, WHAT):
                check_format(file, self._stream, "arrow")
                is_file = self._stream.read(len(_FILE_MAGIC)) == _FILE_MAGIC
                self._stream.seek(0)
                opened = pa.ipc.open_file if is_file else pa.ipc.open_stream
                self._reader = opened(self._stream)
        except BaseException:
            self._stream.close()
            raise
        self._is_file = is_file
        self.schema: pa.Schema = self._reader.schema

    def batches(self, columns: Sequence[str], first: int) -> Iterator[pa.RecordBatch]:
        """See ``Reader``."""
        with reading(self._file, WHAT):
            for batch in rebatched(after(self._all(), first)):
                batch.validate()
                yield batch.select(list(columns))

    def _all(self) -> Iterator[pa.RecordBatch]:
        if not self._is_file:
            yield from self._reader
            return
        for index in range(self._reader.num_record_batches):
            yield self._reader.get_batch(index)

    def take_skipped(self) -> list[Skipped]:
        """See ``Reader``."""
        return []

    def number(self, row: int) -> int:
        """See ``Reader``."""
        return row + 1

    def read_fraction(self) -> float:
        """See ``Reader``."""
        return self._stream.tell() / max(1, self._file.bytes)

    def close(self) -> None:
        """See ``Reader``."""
        self._stream.close()
