"""Key-value pairs to record batches, without a loop over cells: the read path of scans."""

from collections.abc import Collection, Sequence

import numpy as np
import pyarrow as pa

from pegasus_tab.base.errors import InternalError
from pegasus_tab.tabular.arrow_bytes import cut, records
from pegasus_tab.tabular.arrow_keys import KeyRows
from pegasus_tab.tabular.arrow_pairs import PairRows, pair_rows
from pegasus_tab.tabular.arrow_types import arrow_schema, with_extension
from pegasus_tab.tabular.arrow_values import Columns, family_columns
from pegasus_tab.tabular.arrow_wide import WideRows
from pegasus_tab.tabular.layouts import families_ever, unknown_family
from pegasus_tab.tabular.row_keys import RowKeys
from pegasus_tab.tabular.schema import RAW_SCHEMA, Schema, is_raw
from pegasus_tab.tabular.schema_rules import key_columns


def decode_batch(
    schema: Schema,
    columns: Sequence[int],
    keys: Sequence[bytes],
    values: Sequence[bytes],
    expiries: Sequence[int] | None = None,
    *,
    header_bytes: int = 0,
    now: int | None = None,
) -> pa.RecordBatch:
    """Return the rows of key-value pairs as a record batch.

    Args:
        schema: the table's schema; RAW_SCHEMA for a raw table.
        columns: ids of the wanted columns, may be none (the batch then tells the number of rows);
            ``-1 - f`` for the expiry of family f, see ``arrow_schema``.
        keys: whole keys (u16 hash key length, hash key, sort key), ascending. All pairs of a row
            must be among them; pairs whose row has no family 0 pair are skipped.
        values: their values.
        expiries: their expiries (seconds since 2016-01-01 UTC, 0: never) when the values carry no
            header; None means that none expires.
        header_bytes: bytes before the user data in each value: 0, or 12 for the header of data
            version 1 (u32 expiry big-endian, u64 timetag), which then gives the expiries.
        now: pairs expired at this second are left out; None keeps all.

    Returns:
        The rows in key order, with the columns in the order asked for.

    Raises:
        UnknownLayout: a row was written with a newer schema.
        InternalError: a pair is damaged.
        DataError: a column that the table does not have, or over 2 GiB of bytes.
    """
    assert len(keys) == len(values)
    # A batch made without columns has no rows; one whose columns were taken away keeps them.
    needed = columns or schema.hash_key[:1]
    batch_schema = arrow_schema(schema, needed)
    pairs = pair_rows(keys, values, expiries, header_bytes)
    if now is not None:
        pairs = pairs.living(now)
    arrays = _columns(schema, needed, pairs)
    types = {column.id: column.type for column in schema.columns}
    wrapped = [
        with_extension(types[id_], arrays[id_]) if id_ >= 0 else arrays[id_] for id_ in needed
    ]
    batch = pa.RecordBatch.from_arrays(wrapped, schema=batch_schema)
    return batch if columns else batch.select([])


def _columns(schema: Schema, columns: Collection[int], pairs: PairRows) -> Columns:
    if is_raw(schema):
        return _raw_columns(pairs)
    key_rows = KeyRows(pairs.keys, RowKeys(schema))
    if families_ever(schema) == {0}:
        return _plain_columns(schema, columns, pairs, key_rows)
    return WideRows(schema, pairs, key_rows).columns(columns)


def _plain_columns(
    schema: Schema, columns: Collection[int], pairs: PairRows, key_rows: KeyRows
) -> Columns:
    """Decode a table in which every pair is a row."""
    further = np.flatnonzero(key_rows.row_ends < pairs.keys.ends)
    if len(further):
        pair = int(further[0])
        raise unknown_family(schema, pairs.keys.buffer[int(key_rows.row_ends[pair])])
    in_key = key_columns(schema)
    wanted = [id_ for id_ in columns if id_ >= 0 and id_ not in in_key]
    arrays = family_columns(schema, 0, pairs.values, wanted)
    for id_ in columns:
        if id_ in in_key:
            arrays[id_] = key_rows.column(id_)
        elif id_ < 0:
            arrays[id_] = pa.array(pairs.expiries)
    return arrays


def _raw_columns(pairs: PairRows) -> Columns:
    """Decode a raw table: hash key, sort key and value as they are."""
    keys, values = pairs.keys, pairs.values
    if keys.shorter_than(2):
        raise InternalError("a stored key is shorter than its header", sqlstate="XX001")
    hash_ends = keys.starts + 2 + records(keys.buffer, keys.starts, ">u2").astype(np.int64)
    if np.any(hash_ends > keys.ends):
        raise InternalError("a stored key is shorter than its hash key", sqlstate="XX001")
    hash_key, sort_key, value = (column.id for column in RAW_SCHEMA.columns)
    return {
        hash_key: cut(keys.buffer, keys.starts + 2, hash_ends),
        sort_key: cut(keys.buffer, hash_ends, keys.ends),
        value: cut(values.buffer, values.starts, values.ends),
        -1: pa.array(pairs.expiries),
    }
