"""Bulk loads by columns write what the way by groups writes, and its parts are right by themselves."""

from collections.abc import Sequence
from itertools import chain

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
from hypothesis import given

from pegasus_tab.base.errors import NotSupportedError
from pegasus_tab.execute.catalog import Catalog
from pegasus_tab.execute.column_chunk import ColumnChunk
from pegasus_tab.execute.context import Context, ServerAbilities
from pegasus_tab.execute.deadline import Deadline
from pegasus_tab.execute.put_stream import PutStream
from pegasus_tab.execute.residual import ResidualEngine
from pegasus_tab.kv.call import Call
from pegasus_tab.sql.catalog import Table
from pegasus_tab.tabular.arrow_encode import encode_arrays
from pegasus_tab.tabular.arrow_encoded import EncodedArrays
from pegasus_tab.tabular.arrow_hash import TABLED_BYTES_MAX, ColumnHash
from pegasus_tab.tabular.arrow_requests import cut_into_requests
from pegasus_tab.tabular.row_codec import Row, RowCodec
from pegasus_tab.tabular.schema import RAW_SCHEMA, Schema
from pegasus_tab.wire import codes
from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.partition_hash import partition_hash
from pegasus_tab.wire.put_rows import decode_rows, join_columns
from tests.fakes.memory_cluster import MemoryCluster
from tests.property.tabular_strategies import rows, schemas
from tests.property.test_tabular_arrow import arrow_array

BYTES = st.binary(max_size=3)
PAIRS = st.lists(st.tuples(st.sampled_from([b"", b"a", b"bb", b"c" * 70]), BYTES, BYTES))


def refuse_put_rows(call: Call[object]) -> NotSupportedError | None:
    known = call.method.name != codes.TAB_PUT_ROWS
    return None if known else NotSupportedError("ERR_HANDLER_NOT_FOUND")


def binary(values: Sequence[bytes]) -> pa.Array:
    return pa.array(values, pa.binary())


@given(st.lists(st.binary(max_size=TABLED_BYTES_MAX + 2)), st.binary(max_size=3))
def test_a_column_is_hashed_as_its_pieces_are(pieces: list[bytes], gap: bytes) -> None:
    ends = np.cumsum([len(piece) + len(gap) for piece in pieces], dtype=np.int64)
    lengths = np.array([len(piece) for piece in pieces], np.int64)
    buffer = memoryview(b"".join(gap + piece for piece in pieces))
    found = ColumnHash(partition_hash).hashes(buffer, ends - lengths, ends)
    assert found.tolist() == [partition_hash(piece) for piece in pieces]


@given(st.lists(PAIRS, max_size=4), st.integers(1, 5))
def test_pairs_reach_their_partitions_and_the_last_of_a_key_wins(
    batches: list[list[tuple[bytes, bytes, bytes]]], partition_count: int
) -> None:
    # The cluster in memory answers concurrent requests in the worst order.
    stored = []
    for is_plain in (False, True):
        cluster = MemoryCluster()
        cluster.before = refuse_put_rows if is_plain else cluster.before
        chunks = [ColumnChunk(pairs_of(batch), 1, place) for place, batch in enumerate(batches)]
        assert load(cluster, chunks, RAW_SCHEMA, partition_count) == list(range(len(batches)))
        stored.append(contents(cluster))
    assert stored[0] == stored[1]
    wanted = {encode_key(*row[:2]): row[2] for row in chain(*batches)}
    assert {key: value for part in stored[0] for key, _, value in part} == wanted


@given(PAIRS, PAIRS)
def test_chunks_conflict_when_they_share_a_key(
    ours: list[tuple[bytes, bytes, bytes]], others: list[tuple[bytes, bytes, bytes]]
) -> None:
    chunks = [ColumnChunk(pairs_of(pairs), 0) for pairs in (ours, others)]
    shared = {row[:2] for row in ours} & {row[:2] for row in others}
    assert chunks[0].conflicts(chunks[1]) == bool(shared)


SIZES = st.sampled_from([0, 1, 3, 50_000, 200_000, 700_000])


@given(st.lists(st.lists(SIZES, min_size=1, max_size=3), max_size=9))
def test_requests_hold_all_rows_in_order_and_whole(sizes: list[list[int]]) -> None:
    values = [bytes([number]) * size for number, row in enumerate(sizes) for size in row]
    keys = [b"%d" % place for place in range(len(values))]
    cuts = np.cumsum([0, *map(len, sizes)])
    # Slices of longer arrays, as a partition's rows are.
    ours = (binary([b"before", *keys])[1:], binary([b"before", *values])[1:])
    found = (
        [decode_rows(join_columns(*one)) for one in cut_into_requests(*ours, cuts)] if keys else []
    )
    assert [key for request, _ in found for key in request] == keys
    assert [value for _, request in found for value in request] == values
    begun = 0
    for request, _ in found:
        begun += len(request)
        row = next(place for place in range(len(cuts)) if cuts[place] >= begun)
        assert cuts[row] == begun or sum(sizes[row - 1]) > 900_000, "a row that fits is not torn"


@given(schemas(), st.data())
def test_a_load_stores_what_single_writes_would(schema: Schema, data: st.DataObject) -> None:
    batches = data.draw(st.lists(st.lists(rows(schema), min_size=1, max_size=4), max_size=4))
    batches += data.draw(st.lists(st.sampled_from(batches))) if batches else []
    cluster = MemoryCluster()
    if data.draw(st.booleans()):
        cluster.before = refuse_put_rows
    chunks = [
        ColumnChunk(encoded, len(batch), number)
        for number, batch in enumerate(batches)
        for encoded in encode_arrays(schema, record_batch(schema, batch))
    ]
    assert load(cluster, chunks, schema, 4) == list(range(len(batches)))
    wanted = {}
    codec = RowCodec(schema)
    for row in chain(*batches):
        hash_key, _ = codec.key(row)
        wanted.update(
            {encode_key(hash_key, sort_key): value for sort_key, value in codec.encode(row)}
        )
    found = {key: value for part in contents(cluster) for key, _, value in part}
    assert found == wanted


def load(
    cluster: MemoryCluster, chunks: Sequence[ColumnChunk], schema: Schema, partition_count: int
) -> list[object]:
    """Write the chunks into a new table; return their tags as they were done."""
    client = cluster.client()
    client.create_table("t", partitions=partition_count)
    context = Context(
        client,
        Catalog(client, lambda: 0.0),
        lambda: 0.0,
        lambda: 0.0,
        no_residual,
        ServerAbilities(),
        {},
        Deadline(5000, lambda: 0.0),
    )
    table = Table("t", cluster.tables[0].app_id, partition_count, schema, raw=schema is RAW_SCHEMA)
    stream = PutStream(context.calls(table), table, chunks)
    return [chunk.tag for chunk in stream.written(context)]


def pairs_of(pairs: Sequence[tuple[bytes, bytes, bytes]]) -> EncodedArrays:
    return EncodedArrays(*(binary([row[part] for row in pairs]) for part in range(3)))


def record_batch(schema: Schema, table: list[Row]) -> pa.RecordBatch:
    columns = [
        arrow_array(column.type, [row[place] for row in table])
        for place, column in enumerate(schema.columns)
    ]
    return pa.RecordBatch.from_arrays(columns, names=[column.name for column in schema.columns])


def contents(cluster: MemoryCluster) -> list[list[tuple[bytes, bytes, bytes]]]:
    """Each partition's keys, expiries and values."""
    return [
        [(key, stored[:4], stored[12:]) for key, stored in each.engine.scan(b"", b"\xff")]
        for each in cluster.tables[0].partitions
    ]


def no_residual() -> ResidualEngine:
    raise AssertionError("a load asks no query")
