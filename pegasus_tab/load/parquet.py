"""Parquet files as record batches; what comes before the first wanted row is not even decoded."""

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from pegasus_tab.load.files import SourceFile
from pegasus_tab.load.magic import check_format
from pegasus_tab.load.reader import Skipped, after, batch_rows, reading, rebatched

WHAT = "Parquet"


class ParquetReader:
    """See ``Reader``.

    Raises:
        BadFile: it is none, truncated or encrypted.
    """

    def __init__(self, file: SourceFile) -> None:
        self._file = file
        self._stream = file.open()
        try:
            with reading(file, WHAT):
                check_format(file, self._stream, "parquet")
                self._parquet = pq.ParquetFile(self._stream)
                self.schema: pa.Schema = self._parquet.schema_arrow
        except BaseException:
            self._stream.close()
            raise
        self.rows: int | None = self._parquet.metadata.num_rows

    def batches(self, columns: Sequence[str], first: int) -> Iterator[pa.RecordBatch]:
        """See ``Reader``; whole row groups before the row are skipped."""
        metadata = self._parquet.metadata
        begun = 0
        while begun < metadata.num_row_groups and metadata.row_group(begun).num_rows <= first:
            first -= metadata.row_group(begun).num_rows
            begun += 1
        groups = list(range(begun, metadata.num_row_groups))
        with reading(self._file, WHAT):
            found = self._parquet.iter_batches(self._batch_rows(), groups, columns=list(columns))
            for batch in rebatched(after(found, first)):
                yield batch.select(list(columns))

    def _batch_rows(self) -> int:
        metadata = self._parquet.metadata
        groups = map(metadata.row_group, range(metadata.num_row_groups))
        return batch_rows(metadata.num_rows, sum(group.total_byte_size for group in groups))

    def take_skipped(self) -> list[Skipped]:
        """See ``Reader``."""
        return []

    def number(self, row: int) -> int:
        """See ``Reader``."""
        return row + 1

    def read_fraction(self) -> float:
        """See ``Reader``."""
        return 0.0

    def close(self) -> None:
        """See ``Reader``."""
        self._parquet.close()
        self._stream.close()
