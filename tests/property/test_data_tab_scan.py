"""RPC_TAB_SCAN, walked in pages of any size, gives what decoding and filtering row by row gives."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

import hypothesis.strategies as st
import pyarrow as pa
from hypothesis import given

from pegasus_server.data.tab_scan import TabScan
from pegasus_server.data.value import encode_value
from pegasus_tab.tabular.arrow import arrow_schema
from pegasus_tab.tabular.filter_json import filter_to_json
from pegasus_tab.tabular.filter_rows import compile_filter
from pegasus_tab.tabular.row_codec import Row, RowCodec
from pegasus_tab.tabular.schema import Schema
from pegasus_tab.wire.codes import Status
from pegasus_tab.wire.keys import decode_key
from pegasus_tab.wire.messages_scan import TabScanRequest, TabScanResponse
from tests.fakes.partition import Partition
from tests.property.tabular_strategies import filters, rows, same_row, schemas, stored_pairs
from tests.property.test_tabular_arrow import decoded_columns, ids, wanted_columns

Stored = list[tuple[bytes, bytes, int]]
"""(key, value, expiry) of every pair."""


@given(schema=schemas() | schemas(plain=False), data=st.data())
def test_pages_give_the_matching_rows_in_order(schema: Schema, data: st.DataObject) -> None:
    codec = RowCodec(schema)
    table = data.draw(st.lists(rows(schema), max_size=6))
    partition = Partition()
    expiries = st.sampled_from([0, 0, 999, 5000])
    stored = [(key, value, data.draw(expiries)) for key, value in stored_pairs(codec, table)]
    partition.apply([(key, encode_value(value, expire, 0)) for key, value, expire in stored])
    filter_ = data.draw(st.none() | filters(schema, table))
    columns = data.draw(
        st.permutations(ids(schema))
        | st.lists(st.sampled_from(ids(schema)), min_size=1, unique=True)
    )
    request = TabScanRequest(
        stop_key=b"\xff\xff",
        rows_max=data.draw(st.integers(0, 7)),
        bytes_max=data.draw(st.sampled_from([0, 0, 1, 100])),
        schema_version=schema.version,
        columns=columns,
        filter="" if filter_ is None else filter_to_json(filter_, schema),
        row_limit=data.draw(st.sampled_from([0, 0, 1, 2, 4])),
    )
    keep = (lambda _: True) if filter_ is None else compile_filter(filter_, schema)
    found = [row for row in living_rows(codec, stored, partition.now) if keep(row) is True]
    if request.row_limit:
        found = found[: request.row_limit]
    wanted = wanted_columns(schema, columns, [same_row(schema, row) for row in found])

    pages = list(walk(partition, schema, request))
    batches = [batch_of(schema, columns, page) for page in pages if page.batch]
    assert [row for batch in batches for row in decoded_columns(schema, columns, batch)] == wanted
    assert [page.count for page in pages if page.batch] == [batch.num_rows for batch in batches]
    counted = walk(partition, schema, replace(request, count_only=True))
    assert sum(page.count for page in counted) == len(wanted)


def living_rows(codec: RowCodec, stored: Stored, now: int) -> list[Row]:
    """Decode row by row what is not expired."""
    living = [
        (*decode_key(key), value) for key, value, expire in stored if expire == 0 or expire > now
    ]
    found: list[Row] = []
    for hash_key, group in groupby(living, key=lambda pair: pair[0]):
        found += codec.decode_rows(hash_key, ((sort_key, value) for _, sort_key, value in group))
    return found


def walk(
    partition: Partition, schema: Schema, request: TabScanRequest
) -> Iterator[TabScanResponse]:
    """Ask for page after page as a client does."""
    scan = TabScan(schema)
    while True:
        page = scan.page(
            partition.engine,
            request,
            partition.now,
            partition.budget_of_looks(2),
            partition.identity,
        )
        assert page.error == Status.OK
        if request.rows_max and not request.count_only:
            assert page.count <= request.rows_max
        yield page
        limit = request.row_limit and request.row_limit - page.count
        if page.done:
            assert page.resume_key == b""
            return
        assert limit or not request.row_limit, "a scan that reached its limit is done"
        assert page.resume_key > request.start_key
        request = replace(request, start_key=page.resume_key, row_limit=limit)


def batch_of(schema: Schema, columns: Sequence[int], page: TabScanResponse) -> pa.RecordBatch:
    batch = pa.ipc.read_record_batch(pa.py_buffer(page.batch), arrow_schema(schema, columns))
    batch.validate(full=True)
    return batch
