"""The formats of part files, by name."""

from collections.abc import Callable, Sequence
from typing import Protocol

import pyarrow as pa
from pyarrow import csv, ipc

from pegasus_tab.base.errors import NotSupportedError
from pegasus_tab.export.metered_stream import MeteredStream
from pegasus_tab.export.parquet import ParquetPart

FORMATS = ("parquet", "csv", "arrow")


class Part(Protocol):
    """One file of rows being written."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows; they may stay in memory for a while, up to one row group."""

    def close(self) -> None:
        """Write what is left; the stream stays open."""


class CsvPart:
    r"""Writes CSV with a header: RFC 4180, UTF-8, NULL as nothing, an empty text as ``""``.

    A BLOB is written as ``\x00ff``, which INSERT and COPY ... FROM read as bytes. Raises
    NotSupportedError for MAP columns.
    """

    def __init__(
        self, stream: MeteredStream, schema: pa.Schema, _order: Sequence[tuple[str, str]]
    ) -> None:
        for field in schema:
            if pa.types.is_nested(field.type):
                raise NotSupportedError(
                    f'CSV cannot hold the MAP column "{field.name}"',
                    hint="Use FORMAT parquet or arrow, or select the map's cells one by one.",
                )
        self._schema = pa.schema([pa.field(field.name, _csv_type(field.type)) for field in schema])
        self._writer = csv.CSVWriter(stream, self._schema)

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows."""
        columns = [_csv_column(column) for column in batch.columns]
        self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._schema))

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()


def _csv_type(type_: pa.DataType) -> pa.DataType:
    plain = not (pa.types.is_binary(type_) or isinstance(type_, pa.UuidType))
    return type_ if plain and not pa.types.is_decimal(type_) else pa.string()


def _csv_column(column: pa.Array) -> pa.Array:
    if isinstance(column.type, pa.UuidType):
        return pa.array([None if each is None else str(each) for each in column.to_pylist()])
    if pa.types.is_binary(column.type):
        texts = [None if each is None else f"\\x{each.hex()}" for each in column.to_pylist()]
        return pa.array(texts, pa.string())
    return column.cast(pa.string()) if pa.types.is_decimal(column.type) else column


class ArrowPart:
    """Writes an Arrow IPC file (Feather 2), compressed with lz4."""

    def __init__(
        self, stream: MeteredStream, schema: pa.Schema, _order: Sequence[tuple[str, str]]
    ) -> None:
        options = ipc.IpcWriteOptions(compression="lz4")
        self._writer = ipc.new_file(stream, schema, options=options)

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows."""
        self._writer.write_batch(batch)

    def close(self) -> None:
        """Write the footer."""
        self._writer.close()


PART_TYPES: dict[
    str, Callable[[MeteredStream, pa.Schema, Sequence[tuple[str, str]]], Part]
] = {"parquet": ParquetPart, "csv": CsvPart, "arrow": ArrowPart}  # fmt: skip
"""Format name -> writer; the name is the files' extension, too."""
