"""Backups hold key-value pairs as they are stored, one a row, so that nothing of a table is lost.

Columns: ``_op`` (``U`` for a pair that is, ``D`` for one that is no more), ``key`` (u16 length, hash
key, sort key), ``value`` (user data), ``expiry`` (UTC, NULL for never) and ``timetag`` (microseconds
since 1970 shifted left by 8, with the cluster's number; protocol reference 5.2). A ``D`` has but its
key.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pegasus_tab.base.limits import EPOCH_UNIX_SECONDS
from pegasus_tab.tabular.arrow_bytes import byte_rows, cut, records
from pegasus_tab.tabular.arrow_key_encode import joined
from pegasus_tab.tabular.arrow_pairs import VALUE_HEADER_BYTES

PRESENT: Final = "U"
GONE: Final = "D"

_HEADER = np.dtype([("expiry", ">u4"), ("timetag", ">u8")])

EXPIRY_TYPE: Final = pa.timestamp("ms", "UTC")
"""Whole seconds; Parquet knows no coarser unit than milliseconds."""

PAIR_FIELDS: Final = (
    pa.field("_op", pa.string(), nullable=False),
    pa.field("key", pa.binary(), nullable=False),
    pa.field("value", pa.binary()),
    pa.field("expiry", EXPIRY_TYPE),
    pa.field("timetag", pa.uint64()),
)


def pair_schema(file_facts: Mapping[str, str]) -> pa.Schema:
    """Return the schema of a backup's files, with facts for its metadata under ``wc.``."""
    return pa.schema(PAIR_FIELDS, {f"wc.{name}": value for name, value in file_facts.items()})


def pair_batch(keys: Sequence[bytes], stored: Sequence[bytes], now: int) -> pa.RecordBatch:
    """Turn stored pairs into rows of a backup.

    Args:
        keys: encoded keys.
        stored: stored values, one per key, each with its header.
        now: seconds since 2016; pairs expired by then are left out.

    Returns:
        Columns as PAIR_FIELDS, all ``U``, in the order given.
    """
    rows, key_rows = byte_rows(stored), byte_rows(keys)
    assert not rows.shorter_than(VALUE_HEADER_BYTES)
    header = records(rows.buffer, rows.starts, _HEADER)
    expiry = header["expiry"].astype(np.int64)
    alive = (expiry == 0) | (expiry > now)
    if not alive.all():
        rows, key_rows = rows.select(alive), key_rows.select(alive)
        header, expiry = header[alive], expiry[alive]
    values = rows.skip(VALUE_HEADER_BYTES)
    return pa.RecordBatch.from_arrays(
        [
            _marks(PRESENT, len(rows)),
            cut(key_rows.buffer, key_rows.starts, key_rows.ends),
            cut(values.buffer, values.starts, values.ends),
            pa.array((expiry + EPOCH_UNIX_SECONDS) * 1000, mask=expiry == 0).cast(EXPIRY_TYPE),
            pa.array(header["timetag"].astype(np.uint64)),
        ],
        schema=pair_schema({}),
    )


def gone_batch(keys: pa.Array) -> pa.RecordBatch:
    """Return the rows that say that these keys are no more."""
    nothing = [pa.nulls(len(keys), field.type) for field in PAIR_FIELDS[2:]]
    columns = [_marks(GONE, len(keys)), keys, *nothing]
    return pa.RecordBatch.from_arrays(columns, schema=pair_schema({}))


def is_present(batch: pa.RecordBatch) -> pa.BooleanArray:
    """Tell for each row whether its pair is."""
    return pc.equal(batch.column("_op"), PRESENT)


def stored_values(batch: pa.RecordBatch) -> pa.Array:
    """Put the header back before the user data of rows that are all ``U``."""
    header = np.zeros(batch.num_rows, _HEADER)
    milliseconds = batch.column("expiry").cast(pa.int64()).fill_null(EPOCH_UNIX_SECONDS * 1000)
    header["expiry"] = milliseconds.to_numpy() // 1000 - EPOCH_UNIX_SECONDS
    header["timetag"] = batch.column("timetag").to_numpy()
    return joined([header, batch.column("value")])


def newest_timestamp_us(batch: pa.RecordBatch) -> int:
    """Return the time of the latest write, microseconds since 1970; 0 without rows."""
    tags = batch.column("timetag").to_numpy()
    return int(tags.max()) >> 8 if len(tags) else 0


def _marks(mark: str, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(mark), count)
