"""Connections: closing, settings, DSN options, PEP 249's exceptions and transactions there are not."""

import threading
from pathlib import Path

import pytest

import pegasus_tab
from pegasus_tab.dbapi import connection as connection_module
from pegasus_tab.dbapi.connection import Connection, milliseconds
from pegasus_tab.kv.dsn import Dsn
from tests.fakes.memory_cluster import MemoryCluster


def test_exceptions_hang_on_the_connection(connection: Connection) -> None:
    for name in ("Warning", "Error", "InterfaceError", "DatabaseError", "DataError"):
        assert getattr(connection, name) is getattr(pegasus_tab, name)
    with pytest.raises(connection.ProgrammingError):
        connection.execute("SELECT")


def test_commit_does_nothing_and_rollback_refuses(connection: Connection) -> None:
    connection.commit()
    assert connection.autocommit is True
    with pytest.raises(pegasus_tab.NotSupportedError):
        connection.rollback()


def test_a_closed_connection_refuses_everything(connection: Connection) -> None:
    cursor = connection.execute("SELECT * FROM t")
    connection.close()
    connection.close()
    assert connection.closed
    for call in (
        connection.cursor,
        connection.commit,
        connection.rollback,
        lambda: connection.kv,
        lambda: cursor.execute("SELECT 1"),
        cursor.fetchone,
        connection.__enter__,
    ):
        with pytest.raises(pegasus_tab.InterfaceError):
            call()


def test_leaving_the_block_closes(connection: Connection) -> None:
    with connection as same:
        assert same is connection
    assert connection.closed


def test_kv_is_the_client_below(connection: Connection) -> None:
    connection.executemany("UPSERT INTO t VALUES (?, ?, ?)", [(1, "x", None)])
    assert connection.kv.table("t").exist((1 + 2**31).to_bytes(4, "big"))


def test_threads_share_a_connection(connection: Connection) -> None:
    faults: list[BaseException] = []

    def work(start: int) -> None:
        try:
            cursor = connection.cursor()
            for k in range(start, start + 30):
                cursor.execute("UPSERT INTO t (k, a) VALUES (?, ?)", (k, "x"))
                assert cursor.execute("SELECT a FROM t WHERE k = ?", (k,)).fetchall() == [("x",)]
        except BaseException as fault:  # noqa: BLE001 -- reported below
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(n * 100,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert connection.execute("SELECT count(*) FROM t").fetchall() == [(120,)]


def test_connect_takes_settings_from_dsn_and_arguments(
    cluster: MemoryCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[Dsn, int | None]] = []

    def open_client(dsn: Dsn, *, timeout_ms: int | None) -> object:
        opened.append((dsn, timeout_ms))
        return cluster.client()

    monkeypatch.setattr(connection_module, "connect_client", open_client)
    with pegasus_tab.connect(
        "file:./x?full_scan=warn&timeout_ms=100", timeout=2.5, full_scan="error"
    ) as connection:
        assert connection.session.settings == {"full_scan": "error", "timeout": 2500}
    assert opened == [(Dsn(folder=Path("x"), options={"timeout_ms": "100"}), 2500)]
    with pegasus_tab.connect("file:./x?timeout_ms=100") as connection:
        assert connection.session.settings == {"timeout": 100}
    with pegasus_tab.connect("file:./x?timeout=2s") as connection:
        assert connection.session.settings == {"timeout": 2000}
        assert opened[-1][1] == 2000
    with pytest.raises(pegasus_tab.ProgrammingError):
        pegasus_tab.connect("file:./x", full_scan="perhaps")
    with pytest.raises(pegasus_tab.ProgrammingError):
        pegasus_tab.connect("file:./x", colour="red")
    with pytest.raises(pegasus_tab.InterfaceError):
        pegasus_tab.connect("http://x/")


def test_a_notice_comes_before_the_work(connection: Connection, cluster: MemoryCluster) -> None:
    told: list[object] = []
    cluster.before = lambda call: told.append(call.method.name)
    connection.add_notice_handler(told.append)
    connection.execute("SET full_scan = warn")
    for text in ("SELECT * FROM t", "SELECT a, count(*) FROM t GROUP BY a", "DELETE FROM t"):
        (notice,) = connection.execute(text).notices
        assert "reads all 4 partitions" in notice
        assert told[0] == notice
        assert len(told) > 1
        assert notice not in told[1:]
        told.clear()
    connection.executemany("UPDATE t SET a = ? WHERE a = ?", [("x", "y")] * 2)
    assert "reads all 4 partitions" in str(told[0])
    told.clear()
    connection.execute("CREATE TABLE IF NOT EXISTS t (k INT PRIMARY KEY)")
    assert told == ['table "t" exists already, nothing was done']
    connection.remove_notice_handler(told.append)
    told.clear()
    connection.execute("DROP TABLE t")
    assert told == []


def test_timeouts_are_positive_seconds() -> None:
    assert (milliseconds(1), milliseconds(0.0001), milliseconds(2.5)) == (1000, 1, 2500)
    for bad in (0, -1, 1e9):
        with pytest.raises(pegasus_tab.InterfaceError):
            milliseconds(bad)


def test_an_unknown_option_of_a_dsn_is_named_with_those_there_are() -> None:
    with pytest.raises(pegasus_tab.InterfaceError, match='unknown option "foo"') as caught:
        pegasus_tab.connect("pegasus://127.0.0.1:1/?foo=1&full_scan=warn")
    assert caught.value.hint is not None
    assert "full_scan, timeout, timeout_ms" in caught.value.hint
