"""Cursors: description, fetching in every way, scrolling, errors, Arrow and pandas."""

from collections.abc import Iterator
from decimal import Decimal
from uuid import UUID

import pyarrow as pa
import pytest

import pegasus_tab
from pegasus_tab.dbapi.connection import Connection
from pegasus_tab.dbapi.cursor import Cursor, Description
from pegasus_tab.execute import row_source
from tests.fakes.memory_cluster import MemoryCluster


@pytest.fixture
def cursor(connection: Connection) -> Iterator[Cursor]:
    with connection.cursor() as cursor:
        cursor.executemany("UPSERT INTO t VALUES (?, ?, ?)", [(k, f"a{k}", k) for k in range(10)])
        yield cursor


@pytest.fixture
def paged(cursor: Cursor, monkeypatch: pytest.MonkeyPatch) -> Cursor:
    """A cursor on a result of ten rows that comes in pages of a few."""
    monkeypatch.setattr(row_source, "KEYS_PER_PAGE", 3)
    keys = ", ".join(map(str, range(10)))
    return cursor.execute(f"SELECT k FROM t WHERE k IN ({keys})")


def described_by(cursor: Cursor) -> tuple[Description, ...]:
    assert cursor.description is not None
    return cursor.description


def test_description(cursor: Cursor) -> None:
    assert cursor.description is None
    cursor.execute("SELECT k, a AS name, d, NULL AS nothing, k * 2 AS twice FROM t WHERE k = 1")
    described = described_by(cursor)
    assert described == (
        ("k", "INT", None, None, None, None, None),
        ("name", "TEXT", None, None, None, None, None),
        ("d", "DECIMAL", None, None, 10, 2, None),
        ("nothing", None, None, None, None, None, None),
        ("twice", "INT", None, None, None, None, None),
    )
    assert described[0][1] == pegasus_tab.NUMBER
    assert described[1][1] == pegasus_tab.STRING
    assert described[0][1] != pegasus_tab.DATETIME


def test_fetching_in_every_way_reads_each_row_once(paged: Cursor) -> None:
    assert (paged.rowcount, paged.rownumber) == (-1, 0)
    assert paged.fetchone() == (0,)
    assert paged.fetchmany() == [(1,)]
    assert paged.fetchmany(4) == [(2,), (3,), (4,), (5,)]
    assert paged.rownumber == 6
    assert next(paged) == (6,)
    assert [row for row, _ in zip(paged, range(1), strict=False)] == [(7,)]
    assert paged.fetchall() == [(9,)]
    assert paged.fetchall() == []
    assert paged.fetchone() is None
    assert paged.fetchmany(3) == []
    assert (paged.rowcount, paged.rownumber) == (10, 10)


def test_arraysize_is_the_size_of_fetchmany(paged: Cursor) -> None:
    paged.arraysize = 7
    assert len(paged.fetchmany()) == 7


def test_scroll(paged: Cursor) -> None:
    paged.scroll(4)
    assert paged.fetchone() == (4,)
    paged.scroll(-2)
    assert paged.fetchone() == (3,)
    paged.scroll(8, "absolute")
    assert paged.fetchone() == (8,)
    with pytest.raises(IndexError):
        paged.scroll(50)
    with pytest.raises(IndexError):
        paged.scroll(-1, "absolute")
    with pytest.raises(pegasus_tab.NotSupportedError):
        paged.scroll(0, "absolute")
    with pytest.raises(pegasus_tab.ProgrammingError):
        paged.scroll(0, "sideways")


def test_scroll_on_a_result_that_is_all_here(cursor: Cursor) -> None:
    cursor.execute("SELECT k FROM t WHERE k IN (1, 2, 3)")
    cursor.fetchall()
    cursor.scroll(0, "absolute")
    assert len(cursor.fetchall()) == 3


def test_rowcount_and_lastrowid(cursor: Cursor) -> None:
    assert cursor.rowcount == 10
    assert cursor.execute("DELETE FROM t WHERE k IN (1, 2, 77)").rowcount == 2
    assert cursor.execute("SELECT k FROM t WHERE k = 3").rowcount == -1 or cursor.rowcount == 1
    assert cursor.execute("SET full_scan = allow").rowcount == -1
    assert cursor.lastrowid is None


def test_fetching_without_a_result_is_an_error(cursor: Cursor) -> None:
    for fetch in (cursor.fetchone, cursor.fetchall, cursor.fetchmany, cursor.fetch_arrow_table):
        with pytest.raises(pegasus_tab.ProgrammingError, match="no result"):
            fetch()


def test_a_failed_statement_leaves_no_old_result_behind(cursor: Cursor) -> None:
    cursor.execute("SELECT k FROM t WHERE k = 1")
    with pytest.raises(pegasus_tab.ProgrammingError) as caught:
        cursor.execute("SELECT nothing FROM t")
    assert str(caught.value).splitlines()[1:3] == [
        "LINE 1: SELECT nothing FROM t",
        "               ^^^^^^^",
    ]
    assert cursor.description is None
    with pytest.raises(pegasus_tab.ProgrammingError, match="no result"):
        cursor.fetchone()


def test_notices_and_messages(cursor: Cursor) -> None:
    cursor.execute("SET full_scan = warn")
    cursor.execute("SELECT k FROM t LIMIT 1")
    assert "reads all" in cursor.notices[0]
    assert cursor.messages[0][0] is pegasus_tab.Warning
    cursor.execute("SELECT k FROM t WHERE k = 1")
    assert (cursor.notices, cursor.messages) == ([], [])


def test_nextset_ends_the_result(cursor: Cursor) -> None:
    cursor.execute("SELECT k FROM t")
    cursor.nextset()
    assert cursor.description is None


def test_executemany_refuses_queries(cursor: Cursor) -> None:
    with pytest.raises(pegasus_tab.NotSupportedError):
        cursor.executemany("SELECT k FROM t WHERE k = ?", [(1,)])
    with pytest.raises(pegasus_tab.NotSupportedError):
        cursor.executemany("DROP TABLE t", [()])


def test_a_closed_cursor_says_so(cursor: Cursor) -> None:
    cursor.execute("SELECT k FROM t")
    cursor.close()
    cursor.close()
    for call in (lambda: cursor.execute("SELECT 1"), cursor.fetchall, lambda: cursor.fetchmany(1)):
        with pytest.raises(pegasus_tab.InterfaceError, match="cursor is closed"):
            call()


# ---- Arrow --------------------------------------------------------------------------------------


def test_scans_lookups_and_empty_results_have_one_arrow_schema(cursor: Cursor) -> None:
    wanted = pa.schema([("k", pa.int32()), ("a", pa.string()), ("d", pa.decimal128(10, 2))])
    for where, rows in (("", 10), ("WHERE k = 1", 1), ("WHERE k = 404", 0), ("WHERE d > 7.5", 2)):
        table = cursor.execute(f"SELECT * FROM t {where}").fetch_arrow_table()
        assert table.schema == wanted
        assert table.num_rows == rows
        assert cursor.execute(f"SELECT * FROM t {where}").fetch_record_batch().schema == wanted


def test_arrow_gives_the_rows_that_are_left(paged: Cursor) -> None:
    assert paged.fetchmany(4) == [(0,), (1,), (2,), (3,)]
    assert paged.fetch_arrow_table().column("k").to_pylist() == [4, 5, 6, 7, 8, 9]
    assert paged.fetchall() == []


def test_a_reader_streams(paged: Cursor, cluster: MemoryCluster) -> None:
    reader = paged.fetch_record_batch()
    cluster.calls.clear()
    assert reader.read_next_batch().num_rows == 3
    assert len(cluster.rpc_names("t")) <= 3
    assert reader.read_all().num_rows == 7


def test_a_column_of_unknown_type_is_what_its_values_are(cursor: Cursor) -> None:
    table = cursor.execute("SELECT ?, NULL", ("x",)).fetch_arrow_table()
    assert [str(field.type) for field in table.schema] == ["string", "null"]
    assert cursor.execute("SELECT NULL").fetch_record_batch().read_all().num_rows == 1


def test_every_type_is_the_same_by_arrow_and_by_tuples(cursor: Cursor) -> None:
    cursor.execute(
        "CREATE TABLE v (k UUID, b BOOLEAN, f DOUBLE, x BLOB, at TIMESTAMP, d DATE,"
        " m MAP<TEXT,UUID>, g BIGINT, PRIMARY KEY (k))"
    )
    uuid = UUID(int=7)
    cursor.executemany(
        "UPSERT INTO v VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                uuid,
                True,
                1.5,
                b"\xff",
                "2024-01-31 10:20:30.5",
                "1969-12-31",
                {"u": uuid},
                2**63 - 1,
            ),
            (UUID(int=8), None, None, None, None, None, None, None),
        ],
    )
    scanned = sorted(cursor.execute("SELECT * FROM v").fetchall(), key=lambda row: row[0].int)
    looked_up = [
        cursor.execute("SELECT * FROM v WHERE k = ?", (UUID(int=n),)).fetchone() for n in (7, 8)
    ]
    assert scanned == looked_up
    assert [type(value) for value in scanned[0]] == [type(value) for value in looked_up[0]]  # type: ignore[union-attr]  # both are there
    by_scan = cursor.execute("SELECT * FROM v").fetch_arrow_table().sort_by("g")
    by_key = cursor.execute("SELECT * FROM v WHERE k = ?", (uuid,)).fetch_arrow_table()
    assert by_scan.schema == by_key.schema
    assert by_scan.slice(0, 1).to_pylist() == by_key.to_pylist()


def test_pandas(cursor: Cursor) -> None:
    frame = cursor.execute("SELECT k, d FROM t WHERE k IN (1, 2)").fetch_df()
    assert sorted(frame["d"]) == [Decimal("1.00"), Decimal("2.00")]
