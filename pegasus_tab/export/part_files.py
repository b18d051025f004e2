"""The part files of one partition: a new one whenever the last is full, each checked once written."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from pegasus_tab.base.limits import MIB
from pegasus_tab.export.errors import DamagedExport
from pegasus_tab.export.filesystem import Target
from pegasus_tab.export.layout import Archive
from pegasus_tab.export.manifest import PartFile
from pegasus_tab.export.metered_stream import MeteredStream, Pace, no_pace
from pegasus_tab.export.parquet import rows_in
from pegasus_tab.export.part_formats import PART_TYPES

FILE_BYTES_MAX = 512 * MIB
"""A part file is closed once it has so many bytes."""


@dataclass(frozen=True, slots=True)
class PartitionAttempt:
    """One try to write a partition's files.

    Attributes:
        target: where to.
        archive: the names.
        partition: whose rows they are.
        name: no other attempt has it.
    """

    target: Target
    archive: Archive
    partition: int
    name: str


@dataclass(frozen=True, slots=True)
class PartStyle:
    """What part files look like.

    Attributes:
        schema: of the batches, with its metadata.
        file_format: one of FORMATS.
        order: (column, direction) of the rows; empty for none.
    """

    schema: pa.Schema
    file_format: str
    order: Sequence[tuple[str, str]] = ()


class PartFiles:
    """Writes batches in key order to as many files as they need, under temporary names.

    Args:
        attempt: where to.
        style: what the files look like.
        pace: slows the bytes down.
        file_bytes_max: see FILE_BYTES_MAX.
    """

    def __init__(
        self,
        attempt: PartitionAttempt,
        style: PartStyle,
        *,
        pace: Pace = no_pace,
        file_bytes_max: int = FILE_BYTES_MAX,
    ) -> None:
        self._attempt = attempt
        self._style = style
        self._pace = pace
        self._file_bytes_max = file_bytes_max
        self._files: list[PartFile] = []
        self._begin()

    @property
    def written(self) -> int:
        """Bytes written so far, of all files."""
        unfinished = 0 if self._stream.closed else self._stream.bytes
        return sum(file.bytes for file in self._files) + unfinished

    def add(self, batch: pa.RecordBatch, first_key: bytes, last_key: bytes) -> None:
        """Write rows.

        Args:
            batch: at least one row, in the schema's columns.
            first_key: key of the first row.
            last_key: key of the last row.
        """
        if self._stream.bytes >= self._file_bytes_max:
            self._end()
            self._begin()
        if not self._rows:
            self._first_key = first_key
        self._last_key = last_key
        self._rows += batch.num_rows
        self._part.write(pa.RecordBatch.from_arrays(batch.columns, schema=self._style.schema))

    def finish(self) -> tuple[PartFile, ...]:
        """Close the last file; return all of them, at least one."""
        self._end()
        return tuple(self._files)

    def _begin(self) -> None:
        attempt, style = self._attempt, self._style
        number = len(self._files)
        self._name = attempt.archive.part(attempt.partition, number, style.file_format)
        self._stream = MeteredStream(attempt.target.create(self._temporary), self._pace)
        self._part = PART_TYPES[style.file_format](self._stream, style.schema, style.order)
        self._rows = 0
        self._first_key = self._last_key = b""

    @property
    def _temporary(self) -> str:
        return self._attempt.archive.temporary(self._attempt.name, self._name)

    def _end(self) -> None:
        self._part.close()
        self._stream.close()
        self._check()
        file = PartFile(
            self._name.removeprefix(self._attempt.archive.folder + "/"),
            self._rows,
            self._stream.bytes,
            self._stream.sha256,
            self._first_key.hex(),
            self._last_key.hex(),
        )
        self._files.append(file)

    def _check(self) -> None:
        """Compare what the target has with what was written; a filesystem may lose the end."""
        target, temporary = self._attempt.target, self._temporary
        size = target.size(temporary)
        if size != self._stream.bytes:
            raise _lost(temporary, f"{self._stream.bytes} bytes were written, it has {size}")
        if self._style.file_format == "parquet":
            with target.open(temporary) as stream:
                rows = rows_in(stream)
            if rows != self._rows:
                raise _lost(temporary, f"{self._rows} rows were written, it tells of {rows}")


def _lost(name: str, what: str) -> DamagedExport:
    return DamagedExport(
        f"file {name} is not what was written: {what}",
        name=name,
        hint="Check the target's filesystem, then run the same statement again.",
    )
