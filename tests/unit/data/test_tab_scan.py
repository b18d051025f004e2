"""RPC_TAB_SCAN: refusals, limits and raw tables (that pages add up is a property test)."""

from dataclasses import replace

import pyarrow as pa
import pytest

from pegasus_server.data import whole_rows
from pegasus_server.data.tab_scan import TabScan
from pegasus_server.data.value import encode_value
from pegasus_tab.base.limits import TAB_SCAN_PAGE_BYTES_MAX, TAB_SCAN_PAGE_ROWS_MAX
from pegasus_tab.tabular.arrow import arrow_schema
from pegasus_tab.tabular.create import ColumnSpec, new_schema
from pegasus_tab.tabular.filter import Compare
from pegasus_tab.tabular.filter_json import filter_to_json
from pegasus_tab.tabular.row_codec import RowCodec
from pegasus_tab.tabular.schema import RAW_SCHEMA, ColumnType, Kind
from pegasus_tab.wire.codes import Status
from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.messages_scan import TabScanRequest, TabScanResponse
from tests.fakes.partition import Partition

BIGINT, TEXT = ColumnType(Kind.BIGINT), ColumnType(Kind.TEXT)
MAP = ColumnType(Kind.MAP, value=TEXT)
PLAIN = new_schema(
    [ColumnSpec("id", BIGINT), ColumnSpec("at", BIGINT), ColumnSpec("name", TEXT)],
    ["id"],
    [("at", False)],
)
WIDE = new_schema([ColumnSpec("id", BIGINT), ColumnSpec("attrs", MAP)], ["id"])
ALL = TabScanRequest(stop_key=b"\xff\xff", schema_version=1, columns=(0, 1, 2))
TAIL = {"app_id": 2, "partition_index": 3, "server": "127.0.0.1:34801"}


@pytest.fixture(scope="module")
def plain() -> Partition:
    """A plain table of 30,000 rows (7, n, "name n")."""
    partition, codec = Partition(), RowCodec(PLAIN)
    changes = []
    for number in range(30_000):
        row = (7, number, f"name {number}")
        key = encode_key(*codec.key(row))
        changes.append((key, encode_value(codec.encode_value(row), 0, 0)))
    partition.apply(list(changes))
    return partition


def ask(
    partition: Partition, request: TabScanRequest = ALL, scan: TabScan | None = None, looks: int = 9
) -> TabScanResponse:
    budget = partition.budget_of_looks(looks)
    scan = scan or TabScan(PLAIN)
    return scan.page(partition.engine, request, partition.now, budget, partition.identity)


def name_is(text: str) -> str:
    return filter_to_json(Compare(2, "=", text), PLAIN)


def test_an_empty_partition_answers_with_no_batch(partition: Partition) -> None:
    assert ask(partition) == TabScanResponse(Status.OK, done=True, **TAIL)  # type: ignore[arg-type]  # by name


def test_the_page_limits_are_capped_by_ours(plain: Partition) -> None:
    page = ask(plain, replace(ALL, rows_max=10**6, bytes_max=2**31 - 1))
    assert TAB_SCAN_PAGE_ROWS_MAX - 512 <= page.count <= TAB_SCAN_PAGE_ROWS_MAX
    assert len(page.batch) < 2 * TAB_SCAN_PAGE_BYTES_MAX
    assert not page.done


def test_a_page_ends_with_its_time_but_always_advances(plain: Partition) -> None:
    page = ask(plain, replace(ALL, filter=name_is("none")), looks=1)
    assert (page.count, page.batch, page.done) == (0, b"", False)
    codec = RowCodec(PLAIN)
    assert page.resume_key == encode_key(*codec.key((7, 8191, ""))) + b"\0"


def test_counting_is_not_held_up_by_the_row_limit_of_pages(plain: Partition) -> None:
    page = ask(plain, replace(ALL, count_only=True, rows_max=10))
    assert (page.count, page.batch, page.done) == (30_000, b"", True)
    assert ask(plain, replace(ALL, count_only=True, row_limit=12_345)).count == 12_345


def test_a_row_limit_ends_the_scan_however_far_the_matches_lie_apart(plain: Partition) -> None:
    request = replace(ALL, filter=name_is("name 20000"), row_limit=1, rows_max=1)
    page = ask(plain, request)
    assert (page.count, page.done, page.resume_key) == (1, True, b"")
    batch = pa.ipc.read_record_batch(pa.py_buffer(page.batch), arrow_schema(PLAIN, (0, 1, 2)))
    assert batch.to_pylist() == [{"id": 7, "at": 20000, "name": "name 20000"}]


def test_filters_may_change_from_page_to_page(plain: Partition) -> None:
    scan = TabScan(PLAIN)
    texts = (name_is("name 1"), name_is("none"), "", name_is("name 1"))
    requests = [replace(ALL, filter=text, count_only=True) for text in texts]
    counts = [ask(plain, request, scan).count for request in requests]
    assert counts == [1, 0, 30_000, 1]


def test_a_range_is_kept(plain: Partition) -> None:
    codec = RowCodec(PLAIN)
    start, stop = (encode_key(*codec.key((7, number, ""))) for number in (10, 13))
    page = ask(plain, replace(ALL, start_key=start, stop_key=stop, columns=(1,)))
    batch = pa.ipc.read_record_batch(pa.py_buffer(page.batch), arrow_schema(PLAIN, (1,)))
    assert batch.to_pydict() == {"at": [10, 11, 12]}


def test_expiries_are_columns_too(partition: Partition) -> None:
    codec = RowCodec(PLAIN)
    for number, expire in enumerate((0, 5000, 999)):
        row = (7, number, "")
        partition.put(*codec.key(row), codec.encode_value(row), expire)
    page = ask(partition, replace(ALL, columns=(-1,)))
    batch = pa.ipc.read_record_batch(pa.py_buffer(page.batch), arrow_schema(PLAIN, (-1,)))
    assert batch.column(0).to_pylist() == [0, 5000]


def test_a_raw_table_has_three_columns(partition: Partition) -> None:
    partition.put(b"h", b"s", b"value")
    page = ask(partition, replace(ALL, schema_version=0), TabScan(RAW_SCHEMA))
    batch = pa.ipc.read_record_batch(pa.py_buffer(page.batch), arrow_schema(RAW_SCHEMA, (0, 1, 2)))
    assert batch.to_pylist() == [{"hash_key": b"h", "sort_key": b"s", "value": b"value"}]


@pytest.mark.parametrize("version", [0, 2])
def test_another_schema_version_is_aborted(plain: Partition, version: int) -> None:
    page = ask(plain, replace(ALL, schema_version=version))
    assert page == TabScanResponse(Status.ABORTED, done=True, **TAIL)  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize(
    "request_",
    [
        replace(ALL, columns=(0, 3)),
        replace(ALL, columns=(-2,)),
        replace(ALL, filter="no JSON"),
        replace(ALL, filter='["=",2,7]'),
        replace(ALL, filter='["=",9,"x"]'),
        replace(ALL, filter='["no such test",2]', count_only=True),
    ],
)
def test_what_the_table_cannot_have_is_a_bad_argument(
    plain: Partition, request_: TabScanRequest
) -> None:
    page = ask(plain, request_)
    assert page == TabScanResponse(Status.INVALID_ARGUMENT, done=True, **TAIL)  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize(
    ("value", "status"), [(b"\xff\xff", Status.ABORTED), (b"", Status.CORRUPTION)]
)
def test_rows_that_cannot_be_read(partition: Partition, value: bytes, status: Status) -> None:
    partition.put(*RowCodec(PLAIN).key((7, 1, "")), value)
    assert ask(partition).error == status


def test_a_row_of_many_pairs_comes_whole_or_is_refused(
    partition: Partition, monkeypatch: pytest.MonkeyPatch
) -> None:
    codec = RowCodec(WIDE)
    for id_ in (1, 2):
        row = (id_, {f"cell {number}": "x" * 100 for number in range(50)})
        for sort_key, value in codec.encode(row):
            partition.put(codec.hash_key([id_]), sort_key, value)
    request = replace(ALL, columns=(0, 1), bytes_max=300, rows_max=1)
    page = ask(partition, request, TabScan(WIDE))
    batch = pa.ipc.read_record_batch(pa.py_buffer(page.batch), arrow_schema(WIDE, (0, 1)))
    assert [(row["id"], len(row["attrs"])) for row in batch.to_pylist()] == [(1, 50)]
    assert page.resume_key == codec_start(codec, 2)
    monkeypatch.setattr(whole_rows, "ROW_PAIRS_MAX", 50)
    assert ask(partition, request, TabScan(WIDE)).error == Status.NOT_SUPPORTED


def codec_start(codec: RowCodec, id_: int) -> bytes:
    return encode_key(codec.hash_key([id_]), b"")
