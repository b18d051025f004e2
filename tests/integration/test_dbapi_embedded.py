"""The driver on a real embedded node: the whole path from SQL text to RocksDB and back."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import pegasus_tab
from pegasus_tab.dbapi.connection import Connection

pytestmark = pytest.mark.slow

EVENTS = """CREATE TABLE events (
    u BIGINT, at TIMESTAMP, name TEXT, price DECIMAL(10,2), attrs MAP<TEXT,TEXT>,
    PRIMARY KEY ((u), at DESC)) WITH (partitions = 4)"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("embedded") / "data"


@pytest.fixture(scope="module")
def connection(folder: Path) -> Iterator[Connection]:
    with pegasus_tab.connect(f"file:{folder}", timeout=30) as connection:
        yield connection


@pytest.fixture
def events(connection: Connection) -> Iterator[Connection]:
    connection.execute(EVENTS)
    rows = [
        (u, f"2024-01-{day:02d}", f"n{u}-{day}", u * day, {"day": str(day)} if day % 2 else None)
        for u in range(1, 11)
        for day in range(1, 21)
    ]
    cursor = connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?)", rows)
    assert cursor.rowcount == 200
    yield connection
    connection.execute("DROP TABLE events")


def fetch(connection: Connection, text: str, *parameters: object) -> list[tuple[object, ...]]:
    return connection.execute(text, parameters).fetchall()


def test_reads_by_every_access_path(events: Connection) -> None:
    one = fetch(
        events, "SELECT name, attrs['day'] FROM events WHERE u = ? AND at = ?", 3, "2024-01-05"
    )
    assert one == [("n3-5", "5")]
    newest = fetch(events, "SELECT name FROM events WHERE u = 3 LIMIT 2")
    oldest = fetch(events, "SELECT name FROM events WHERE u = 3 ORDER BY at LIMIT 2")
    assert (newest, oldest) == ([("n3-20",), ("n3-19",)], [("n3-1",), ("n3-2",)])
    some = fetch(events, "SELECT name FROM events WHERE u IN (1, 2, 404) AND at = '2024-01-01'")
    assert sorted(some) == [("n1-1",), ("n2-1",)]
    between = "SELECT count(*) FROM events WHERE u = 1 AND at BETWEEN '2024-01-03' AND '2024-01-05'"
    assert fetch(events, between) == [(3,)]
    assert fetch(events, "SELECT count(*) FROM events WHERE price > 179") == [(4,)]
    assert len(fetch(events, "SELECT * FROM events")) == 200


def test_duckdb_finishes_what_is_left(events: Connection) -> None:
    query = """SELECT u, count(*) AS days, sum(price) AS total FROM events
               WHERE at >= ? GROUP BY u HAVING sum(price) > ? ORDER BY total DESC LIMIT 2"""
    rows = fetch(events, query, "2024-01-11", 1000)
    assert [row[:2] for row in rows] == [(10, 10), (9, 10)]
    joined = fetch(
        events,
        "SELECT count(*) FROM events a JOIN events b ON a.u = b.u AND a.at < b.at WHERE a.u = 1",
    )
    assert joined == [(190,)]


def test_writes(events: Connection) -> None:
    with pytest.raises(pegasus_tab.IntegrityError) as caught:
        events.execute("INSERT INTO events (u, at) VALUES (1, '2024-01-01')")
    assert caught.value.sqlstate == "23505"
    changed = events.execute("UPDATE events SET price = price + 1, attrs['x'] = 'y' WHERE u = 1")
    assert changed.rowcount == 20
    assert fetch(events, "SELECT sum(price) FROM events WHERE u = 1")[0][0] == 230
    assert fetch(events, "SELECT attrs FROM events WHERE u = 1 AND at = '2024-01-02'") == [
        ({"x": "y"},)
    ]
    events.execute("UPSERT INTO events (u, at, name) VALUES (1, '2024-01-02', 'kept')")
    row = fetch(events, "SELECT name, price, attrs FROM events WHERE u = 1 AND at = '2024-01-02'")[
        0
    ]
    assert (row[0], int(row[1]), row[2]) == ("kept", 3, {"x": "y"})  # type: ignore[call-overload]  # a Decimal
    assert events.execute("DELETE attrs['x'] FROM events WHERE u = 1").rowcount == 20
    assert events.execute("DELETE FROM events WHERE u = 1 AND at < '2024-01-11'").rowcount == 10
    assert events.execute("DELETE FROM events WHERE u = 1").rowcount == 10
    assert fetch(events, "SELECT count(*) FROM events") == [(180,)]


def test_time_to_live(events: Connection) -> None:
    events.execute("UPSERT INTO events (u, at) VALUES (99, '2024-01-01') USING TTL 1000")
    [(left, name)] = fetch(events, "SELECT TTL(name), name FROM events WHERE u = 99")
    assert isinstance(left, int)
    assert 990 <= left <= 1000
    assert name is None
    [(scanned,)] = fetch(events, "SELECT TTL(name) FROM events WHERE TTL(name) IS NOT NULL")
    assert isinstance(scanned, int)


def test_arrow(events: Connection) -> None:
    table = events.execute("SELECT u, at, price FROM events WHERE u > 5").fetch_arrow_table()
    assert table.num_rows == 100
    assert [str(field.type) for field in table.schema] == [
        "int64", "timestamp[us]", "decimal128(10, 2)"
    ]  # fmt: skip
    batches = events.execute("SELECT * FROM events").fetch_record_batch()
    assert sum(batch.num_rows for batch in batches) == 200


def test_alter_and_raw_tables(events: Connection) -> None:
    events.execute("ALTER TABLE events ADD COLUMN origin TEXT DEFAULT 'nowhere'")
    events.execute("UPSERT INTO events (u, at, origin) VALUES (1, '2024-01-01', 'here')")
    rows = fetch(events, "SELECT origin, count(*) FROM events GROUP BY origin ORDER BY 1")
    assert rows == [("here", 1), ("nowhere", 199)]
    events.execute("CREATE RAW TABLE raw WITH (partitions = 2)")
    events.kv.table("raw").set(b"h", b"s", b"by key-value")
    assert fetch(events, "SELECT value FROM raw WHERE hash_key = 'h'") == [(b"by key-value",)]
    events.execute("UPSERT INTO raw VALUES ('h', 't', ?)", (b"by SQL",))
    assert events.kv.table("raw").get(b"h", b"t") == b"by SQL"
    events.execute("DROP TABLE raw")


def test_errors_point_at_their_cause(events: Connection) -> None:
    with pytest.raises(pegasus_tab.ProgrammingError) as caught:
        events.execute("SELECT nam FROM events")
    assert str(caught.value).splitlines()[1:] == [
        "LINE 1: SELECT nam FROM events",
        "               ^^^",
        'HINT:  did you mean "name"?',
    ]
    with pytest.raises(pegasus_tab.ProgrammingError) as caught:
        events.execute("SELECT * FROM event")
    assert caught.value.sqlstate == "42P01"
    with pytest.raises(pegasus_tab.DataError):
        events.execute(
            "UPSERT INTO events (u, at, name) VALUES (1, '2024-01-01', ?)", ("x" * 2**20,)
        )


def test_two_connections_share_the_folder(events: Connection, folder: Path) -> None:
    with pegasus_tab.connect(f"file:{folder}") as other:
        other.execute("UPDATE events SET name = 'seen' WHERE u = 2 AND at = '2024-01-01'")
        seen = fetch(events, "SELECT name FROM events WHERE u = 2 AND at = '2024-01-01'")
        assert seen == [("seen",)]
        events.execute("ALTER TABLE events ADD COLUMN extra INT DEFAULT 7")
        events.execute("UPSERT INTO events (u, at, extra) VALUES (2, '2024-01-01', 8)")
        assert set(fetch(other, "SELECT extra FROM events WHERE u = 2 AND extra > 7")) == {(8,)}
        assert len(fetch(other, "SELECT * FROM events")[0]) == 6


def test_another_process_shares_the_folder(events: Connection, folder: Path) -> None:
    code = (
        "import sys, pegasus_tab\n"
        "with pegasus_tab.connect(sys.argv[1]) as c:\n"
        "    c.execute(\"UPSERT INTO events (u, at) VALUES (77, '2024-01-01')\")\n"
        "    print(c.execute('SELECT count(*) FROM events').fetchone()[0])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, f"file:{folder}"], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["201"]
    assert fetch(events, "SELECT count(*) FROM events WHERE u = 77") == [(1,)]


def test_concurrent_updates_from_threads_are_all_counted(events: Connection) -> None:
    def work() -> None:
        for _ in range(10):
            events.execute("UPDATE events SET price = price + 1 WHERE u = 5 AND at = '2024-01-01'")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [(price,)] = fetch(events, "SELECT price FROM events WHERE u = 5 AND at = '2024-01-01'")
    assert price == 45
