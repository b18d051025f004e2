"""The rows of a checkpoint as record batches, in key order."""

from collections.abc import Iterator
from typing import NamedTuple

import pyarrow as pa

from pegasus_server.data.whole_rows import read_stretch
from pegasus_server.storage.engine import ROW_KEYS_END, Engine
from pegasus_tab.base.limits import MIB
from pegasus_tab.tabular.arrow import decode_batch
from pegasus_tab.tabular.raw_codec import RawCodec
from pegasus_tab.tabular.row_codec import RowCodec
from pegasus_tab.tabular.schema import Schema, is_raw

PAIRS_MAX = 16_384
BYTES_MAX = 8 * MIB
_HEADER_BYTES = 12


class KeyedBatch(NamedTuple):
    """Rows with the keys of the first and the last pair they were read from."""

    rows: pa.RecordBatch
    first_key: bytes
    last_key: bytes


def batches(engine: Engine, schema: Schema, now: int) -> Iterator[KeyedBatch]:
    """Yield all rows that are alive, with all columns.

    Args:
        engine: the pairs.
        schema: of the table.
        now: seconds since 2016; rows expired by then are left out.

    Raises:
        UnknownLayout: a row was written with a newer schema.
        InternalError: a row is damaged.
        RowTooLarge: a row is larger than any reply can be.
        EngineDamaged: the checkpoint cannot be read.
    """
    codec = RawCodec() if is_raw(schema) else RowCodec(schema)
    columns = [column.id for column in schema.columns]
    lower: bytes | None = b""
    while lower is not None:
        keys, stored, lower = read_stretch(engine, codec, lower, ROW_KEYS_END, PAIRS_MAX, BYTES_MAX)
        if keys:
            rows = decode_batch(schema, columns, keys, stored, header_bytes=_HEADER_BYTES, now=now)
            if rows.num_rows:
                yield KeyedBatch(rows, keys[0], keys[-1])
