"""Part files as Parquet: settings measured to suit both full scans and single keys.

zstd-3; row groups of at most 64 MiB in memory or 256 Ki rows; page index and page checksums; the
columns that the rows are sorted by are said in the footer (reference/sql-peers.md 5.2).

Spark refuses a file with a column of Parquet's type UUID. So a UUID is 16 bytes to Parquet, and a UUID
in the Arrow schema beside it, from which PyArrow and pandas take their types
(docs/decisions/0015-parquet-that-every-reader-opens.md).
"""

import base64
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pegasus_tab.base.limits import KIB, MIB
from pegasus_tab.export.metered_stream import MeteredStream

ROW_GROUP_BYTES_MAX = 64 * MIB
ROW_GROUP_ROWS_MAX = 256 * KIB


class ParquetPart:
    """Writes one Parquet file.

    Args:
        stream: where to.
        schema: of its batches.
        order: (column, direction) of the rows; empty for none.
    """

    extension = "parquet"

    def __init__(
        self, stream: MeteredStream, schema: pa.Schema, order: Sequence[tuple[str, str]]
    ) -> None:
        sorting = pq.SortingColumn.from_ordering(schema, list(order)) if order else None
        self._schema = schema
        self._stored = _stored_schema(schema)
        self._writer = pq.ParquetWriter(
            stream,
            self._stored,
            compression="zstd",
            compression_level=3,
            write_page_index=True,
            write_page_checksum=True,
            sorting_columns=sorting,
            store_schema=False,
            **_encodings(schema, [name for name, _ in order]),
        )
        self._batches: list[pa.RecordBatch] = []
        self._rows = 0
        self._bytes = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows; a full row group goes to the stream."""
        self._batches.append(batch)
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        if self._bytes >= ROW_GROUP_BYTES_MAX or self._rows >= ROW_GROUP_ROWS_MAX:
            self._flush()

    def close(self) -> None:
        """Write what is left, and the footer."""
        if self._batches:
            self._flush()
        arrow = base64.b64encode(self._schema.serialize().to_pybytes()).decode()
        self._writer.add_key_value_metadata({"ARROW:schema": arrow})
        self._writer.close()

    def _flush(self) -> None:
        batches, self._batches = self._batches, []
        self._rows = self._bytes = 0
        table = pa.Table.from_batches(batches)
        if self._stored is not self._schema:
            table = table.cast(self._stored)
        self._writer.write_table(table, row_group_size=max(1, table.num_rows))


def _stored_schema(schema: pa.Schema) -> pa.Schema:
    """Return a schema with the types that Parquet is told; the same one where nothing differs."""
    types = [_stored_type(field.type) for field in schema]
    if types == schema.types:
        return schema
    fields = [field.with_type(type_) for field, type_ in zip(schema, types, strict=True)]
    return pa.schema(fields, schema.metadata)


def _stored_type(type_: pa.DataType) -> pa.DataType:
    if pa.types.is_map(type_):
        return pa.map_(type_.key_type, _stored_type(type_.item_type))
    return type_.storage_type if isinstance(type_, pa.UuidType) else type_


def _encodings(schema: pa.Schema, ordered: Sequence[str]) -> dict[str, Any]:
    """Deltas for the whole-number keys that the rows are sorted by; dictionaries for the rest."""
    delta = [name for name in ordered if pa.types.is_integer(schema.field(name).type)]
    if not delta:
        return {"use_dictionary": True}
    return {
        "use_dictionary": [name for name in _leaves(schema) if name not in delta],
        "column_encoding": dict.fromkeys(delta, "DELTA_BINARY_PACKED"),
    }


def _leaves(schema: pa.Schema) -> list[str]:
    """Return the paths of the Parquet columns; a MAP has two."""
    paths: list[str] = []
    for field in schema:
        if pa.types.is_map(field.type):
            paths += [f"{field.name}.key_value.key", f"{field.name}.key_value.value"]
        else:
            paths.append(field.name)
    return paths


def rows_in(stream: Any) -> int:
    """Return the rows that a Parquet file's footer tells of.

    Raises:
        pa.ArrowInvalid: no footer, so the file is cut or is no Parquet file.
    """
    with pq.ParquetFile(stream) as file:
        return int(file.metadata.num_rows)
