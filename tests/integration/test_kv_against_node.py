"""Every operation of the key-value client against a real standalone node."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from pegasus_tab.base.errors import DataError, Error, OperationalError, ProgrammingError
from pegasus_tab.base.limits import VALUE_BYTES_MAX
from pegasus_tab.kv import connect
from pegasus_tab.kv.client import Client
from pegasus_tab.kv.pages import TabScanPages
from pegasus_tab.kv.table import Check, KeyFilter, TableHandle
from pegasus_tab.wire.codes import AppStatus, CasCheckType, FilterType, Status
from pegasus_tab.wire.keys import KEYS_END, encode_key
from pegasus_tab.wire.messages import TabScanRequest
from tests.integration.node import Node

ROWS = 7000
"""More than two pages of MULTI_GET (3000 rows) and of a scan (1000 rows)."""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with Node(tmp_path_factory.mktemp("kv") / "data") as node:
        yield node


@pytest.fixture(scope="module")
def client(node: Node) -> Iterator[Client]:
    with connect(node.dsn, timeout_ms=20_000) as client:
        client.create_table("t", partitions=4)
        client.create_table("many", partitions=8)
        yield client


@pytest.fixture(scope="module")
def table(client: Client) -> TableHandle:
    return client.table("t")


@pytest.fixture(scope="module")
def wide(client: Client) -> TableHandle:
    """One hash key with many rows: sort keys 00000 to 06999, values their numbers."""
    table = client.table("many")
    for at in range(0, ROWS, 1000):
        table.multi_set(b"wide", {b"%05d" % i: b"%d" % i for i in range(at, at + 1000)})
    return table


# -- single rows ---------------------------------------------------------------------------------


def test_set_get_delete(table: TableHandle) -> None:
    assert table.get(b"one", b"s") is None
    table.set(b"one", b"s", b"value")
    assert table.get(b"one", b"s") == b"value"
    table.set(b"one", b"s", b"")
    assert table.get(b"one", b"s") == b""
    assert table.exist(b"one", b"s")
    table.delete(b"one", b"s")
    table.delete(b"one", b"s")
    assert table.get(b"one", b"s") is None
    assert not table.exist(b"one", b"s")


def test_keys_of_any_bytes(table: TableHandle) -> None:
    keys = [(b"", b"only sort"), (b"\xff\xfe", b"\0"), (b"h", b""), (b"h", b"\xff" * 100)]
    for number, (hash_key, sort_key) in enumerate(keys):
        table.set(hash_key, sort_key, b"%d" % number)
    assert [table.get(*key) for key in keys] == [b"0", b"1", b"2", b"3"]
    assert table.batch_get([*keys, (b"no", b"such")]) == [b"0", b"1", b"2", b"3", None]


def test_time_to_live(table: TableHandle) -> None:
    table.set(b"ttl", b"none", b"v")
    table.set(b"ttl", b"some", b"v", ttl_seconds=1000)
    assert table.ttl(b"ttl", b"none") == -1
    left = table.ttl(b"ttl", b"some")
    assert left is not None
    assert 990 <= left <= 1000
    assert table.ttl(b"ttl", b"missing") is None


def test_increments(table: TableHandle) -> None:
    assert table.incr(b"n", b"", 5) == 5
    assert table.incr(b"n", b"", -8) == -3
    assert table.get(b"n", b"") == b"-3"
    table.set(b"n", b"text", b"three")
    with pytest.raises(DataError) as caught:
        table.incr(b"n", b"text", 1)
    assert not caught.value.ambiguous
    table.set(b"n", b"top", b"%d" % (2**63 - 1))
    with pytest.raises(DataError):
        table.incr(b"n", b"top", 1)


def test_increments_and_their_time_to_live(table: TableHandle) -> None:
    table.incr(b"n", b"life", 1, ttl_seconds=1000)
    assert (table.ttl(b"n", b"life") or 0) > 900
    table.incr(b"n", b"life", 1)
    assert (table.ttl(b"n", b"life") or 0) > 900
    table.incr(b"n", b"life", 1, ttl_seconds=-1)
    assert table.ttl(b"n", b"life") == -1


def test_writes_that_are_too_large_are_refused_before_they_leave(table: TableHandle) -> None:
    table.set(b"large", b"s", b"x" * (VALUE_BYTES_MAX - 200))
    assert len(table.get(b"large", b"s") or b"") == VALUE_BYTES_MAX - 200
    with pytest.raises(DataError, match="too large"):
        table.set(b"large", b"s", b"x" * VALUE_BYTES_MAX)
    with pytest.raises(DataError, match="do not fit"):
        table.set(b"k" * 2000, b"s", b"v")


# -- rows of one hash key ------------------------------------------------------------------------


def test_multi_set_get_delete_and_count(table: TableHandle) -> None:
    table.multi_set(b"m", {b"a": b"1", b"b": b"2", b"c": b"3"})
    assert table.multi_get(b"m", [b"c", b"x", b"a"]) == ([(b"c", b"3"), (b"a", b"1")], True)
    assert table.multi_get(b"m", []) == ([], True)
    assert table.multi_get(b"m", no_value=True)[0] == [(b"a", b""), (b"b", b""), (b"c", b"")]
    assert table.sortkey_count(b"m") == 3
    assert table.multi_delete(b"m", [b"a", b"x"]) == 2
    assert table.sortkey_count(b"m") == 2


def test_operations_on_several_rows_want_a_hash_key(table: TableHandle) -> None:
    with pytest.raises(DataError, match="hash key"):
        table.multi_get(b"")
    with pytest.raises(DataError, match="hash key"):
        table.multi_set(b"", {b"a": b"v"})
    for rows in (0, 1001):
        with pytest.raises(DataError, match="expected 1 to 1000"):
            table.multi_set(b"m", {b"%d" % i: b"v" for i in range(rows)})
        with pytest.raises(DataError, match="expected 1 to 1000"):
            table.multi_delete(b"m", [b"%d" % i for i in range(rows)])


def numbers(rows: list[tuple[bytes, bytes]]) -> list[int]:
    assert all(int(sort_key) == int(value) for sort_key, value in rows)
    return [int(value) for _, value in rows]


def test_ranges_are_followed_over_pages(wide: TableHandle) -> None:
    rows, complete = wide.multi_get(b"wide")
    assert (numbers(rows), complete) == (list(range(ROWS)), True)
    rows, complete = wide.multi_get(b"wide", reverse=True)
    assert (numbers(rows), complete) == (list(range(ROWS)), True)
    rows, complete = wide.multi_get(b"wide", start=b"00010", stop=b"03500")
    assert (numbers(rows), complete) == (list(range(10, 3500)), True)


def test_ranges_end_at_the_row_limit(wide: TableHandle) -> None:
    rows, complete = wide.multi_get(b"wide", max_rows=3500)
    assert (numbers(rows), complete) == (list(range(3500)), False)
    rows, complete = wide.multi_get(b"wide", reverse=True, max_rows=3500)
    assert (numbers(rows), complete) == (list(range(3500, ROWS)), False)


def test_ranges_may_include_or_exclude_their_ends(wide: TableHandle) -> None:
    rows, _ = wide.multi_get(
        b"wide", start=b"00005", stop=b"00008", start_inclusive=False, stop_inclusive=True
    )
    assert numbers(rows) == [6, 7, 8]


def test_rare_matches_are_found_behind_pages_without_any(wide: TableHandle) -> None:
    last = KeyFilter(FilterType.MATCH_POSTFIX, b"6999")
    assert wide.multi_get(b"wide", sort_key_filter=last) == ([(b"06999", b"6999")], True)
    first = KeyFilter(FilterType.MATCH_POSTFIX, b"0000")
    rows, complete = wide.multi_get(b"wide", sort_key_filter=first, reverse=True)
    assert (rows, complete) == ([(b"00000", b"0")], True)
    spread = KeyFilter(FilterType.MATCH_POSTFIX, b"500")
    rows, complete = wide.multi_get(b"wide", sort_key_filter=spread, reverse=True, max_rows=3)
    assert (numbers(rows), complete) == ([4500, 5500, 6500], False)


def test_many_sort_keys_are_read_in_several_requests(wide: TableHandle) -> None:
    asked = [b"%05d" % i for i in random.Random(5).sample(range(ROWS + 500), 4000)]
    rows, complete = wide.multi_get(b"wide", asked)
    assert complete
    assert [sort_key for sort_key, _ in rows] == [k for k in asked if int(k) < ROWS]


def test_scan_of_one_hash_key(wide: TableHandle) -> None:
    assert numbers(list(wide.scan_hash(b"wide"))) == list(range(ROWS))
    part = list(wide.scan_hash(b"wide", start=b"02000", stop=b"02100", batch_rows=7))
    assert numbers(part) == list(range(2000, 2100))
    prefix = KeyFilter(FilterType.MATCH_PREFIX, b"0699")
    assert numbers(list(wide.scan_hash(b"wide", sort_key_filter=prefix))) == list(range(6990, 7000))
    assert list(wide.scan_hash(b"nothing")) == []


def test_check_and_set(table: TableHandle) -> None:
    absent = Check(b"lock", CasCheckType.VALUE_NOT_EXIST)
    first = table.check_and_set(b"c", absent, b"lock", b"me", return_value=True)
    assert (first.passed, first.value) == (True, None)
    second = table.check_and_set(b"c", absent, b"lock", b"you", return_value=True)
    assert (second.passed, second.value) == (False, b"me")
    mine = Check(b"lock", CasCheckType.VALUE_BYTES_EQUAL, b"me")
    assert table.check_and_set(b"c", mine, b"other", b"set").passed
    assert table.multi_get(b"c")[0] == [(b"lock", b"me"), (b"other", b"set")]
    number = Check(b"lock", CasCheckType.VALUE_INT_LESS, b"5")
    with pytest.raises(DataError):
        table.check_and_set(b"c", number, b"lock", b"v")


def test_check_and_mutate(table: TableHandle) -> None:
    table.multi_set(b"cm", {b"a": b"1", b"b": b"2"})
    changes = [table.delete_change(b"a"), table.put_change(b"c", b"3", ttl_seconds=1000)]
    passed = Check(b"b", CasCheckType.VALUE_INT_EQUAL, b"2")
    assert table.check_and_mutate(b"cm", passed, changes, return_value=True) == (True, b"2")
    assert table.multi_get(b"cm")[0] == [(b"b", b"2"), (b"c", b"3")]
    assert (table.ttl(b"cm", b"c") or 0) > 900
    failed = Check(b"b", CasCheckType.VALUE_NOT_EXIST)
    assert not table.check_and_mutate(b"cm", failed, [table.delete_change(b"b")]).passed
    assert table.exist(b"cm", b"b")


# -- any rows ------------------------------------------------------------------------------------


def test_pipelined_writes_and_a_full_scan(client: Client) -> None:
    client.create_table("scanned", partitions=8)
    table = client.table("scanned")
    expected = {(b"user%d" % i, b"s%d" % (i % 3), b"%d" % i) for i in range(5000)}
    results = client.run(table.set_call(*row) for row in expected)
    assert not [r for r in results if isinstance(r, Error)]
    scanned = list(table.scan_all())
    assert len(scanned) == len(expected)
    assert set(scanned) == expected
    assert set(table.scan_all(batch_rows=37, parallel=8)) == expected
    assert {(k, s) for k, s, _ in table.scan_all(no_value=True)} == {(k, s) for k, s, _ in expected}
    sevens = KeyFilter(FilterType.MATCH_POSTFIX, b"7")
    twos = KeyFilter(FilterType.MATCH_ANYWHERE, b"2")
    found = set(table.scan_all(hash_key_filter=sevens, sort_key_filter=twos))
    assert found == {row for row in expected if row[0].endswith(b"7") and b"2" in row[1]}
    keys = [(hash_key, sort_key) for hash_key, sort_key, _ in expected]
    assert table.batch_get(keys) == [value for _, _, value in expected]


def test_a_scan_goes_on_after_the_server_forgot_it(node: Node, client: Client) -> None:
    client.create_table("forgotten", partitions=2)
    table = client.table("forgotten")
    expected = {(b"k%d" % i, b"", b"%d" % i) for i in range(1000)}
    assert not [e for e in client.run(table.set_call(*r) for r in expected) if isinstance(e, Error)]
    scan = table.scan_all(batch_rows=50, parallel=2)
    found = [next(scan) for _ in range(120)]
    node.kill()
    node.start()
    found += scan
    assert len(found) == len(expected)
    assert set(found) == expected


def test_a_table_scan_needs_a_schema(client: Client, table: TableHandle) -> None:
    request = TabScanRequest(encode_key(b"", b""), KEYS_END, 100, 1 << 20, 1, (0,))
    [page] = client.follow([TabScanPages(table, 0, request)], 1)
    assert page.error == Status.ABORTED, "version 1 is not the version of a table without a schema"


# -- tables --------------------------------------------------------------------------------------


def test_life_of_a_table(client: Client) -> None:
    assert client.create_table("life", 4, envs={"default_ttl": "1000"})
    assert not client.create_table("life", 8, if_not_exists=True)
    with pytest.raises(ProgrammingError) as caught:
        client.create_table("life", 4)
    assert caught.value.sqlstate == "42P07"
    table = client.table("life")
    table.set(b"a", b"", b"v")
    assert (table.ttl(b"a") or 0) > 900
    info = client.table_info("life")
    assert info is not None
    assert (info.partition_count, info.app_id) == (4, table.app_id)
    assert info.envs["default_ttl"] == "1000"
    assert [part.ballot >= 1 for part in client.partitions("life")] == [True] * 4
    client.set_envs("life", {"business.info": "x"}, delete=["default_ttl"])
    changed = client.table_info("life")
    assert changed is not None
    assert changed.envs == {"business.info": "x"}
    client.rename_table("life", "afterlife")
    assert client.table("afterlife").get(b"a") == b"v"
    with pytest.raises(ProgrammingError, match='"life" does not exist'):
        client.table("life").get(b"a")
    client.drop_table("afterlife")
    with pytest.raises(ProgrammingError, match="does not exist"):
        client.table("afterlife").get(b"a")
    assert "afterlife" in [t.app_name for t in client.list_tables(AppStatus.DROPPED)]
    assert client.recall_table("afterlife", "life").app_name == "life"
    assert client.table("life").get(b"a") == b"v"
    client.drop_table("life")
    client.drop_table("life", if_exists=True)
    with pytest.raises(ProgrammingError):
        client.drop_table("life")
    with pytest.raises(ProgrammingError):
        client.recall_table("never was")
    assert client.table_info("life") is None


def test_wrong_shapes_and_envs_are_refused_with_a_reason(client: Client) -> None:
    with pytest.raises(ProgrammingError):
        client.create_table("odd", 3)
    with pytest.raises(ProgrammingError):
        client.set_envs("t", {"no.such.env": "x"})


def test_a_table_made_anew_under_its_old_name(client: Client, node: Node) -> None:
    client.create_table("anew", 2)
    client.table("anew").set(b"a", b"", b"old")
    with connect(node.dsn) as other:
        other.drop_table("anew")
        other.create_table("anew", 4)
    table = client.table("anew")
    assert table.get(b"a") is None, "this client had the old table's partitions in mind"
    assert table.partition_count == 4


def test_nodes_are_listed(client: Client, node: Node) -> None:
    assert [(n.address.host, n.address.port) for n in client.list_nodes()] == [
        ("127.0.0.1", node.port)
    ]


def test_a_node_that_is_gone_is_waited_for_until_the_deadline(tmp_path: Path) -> None:
    with Node(tmp_path / "data") as node, connect(node.dsn, timeout_ms=300) as client:
        client.create_table("t")
        table = client.table("t")
        table.set(b"a", b"", b"v")
        node.kill()
        with pytest.raises(OperationalError) as caught:
            table.get(b"a")
        assert caught.value.retryable
        node.start()
        assert client.call(table.get_call(encode_key(b"a", b"")), 20_000) == b"v"
