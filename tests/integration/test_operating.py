"""Looking after a cluster of real processes: by SQL, and by the commands of ``pegasus-tab admin``."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pegasus_tab.base.errors import OperationalError
from tests.integration.box import Box, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

ROWS = 100


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    box = Box(tmp_path / "box")
    box.start()
    yield box
    box.kill_all()


def fill(box: Box, partitions: int) -> None:
    """Make table t and write ROWS rows; wait until it is whole."""
    values = ", ".join(f"({each}, 'row {each}')" for each in range(ROWS))
    box.ask(f"CREATE TABLE t (id INT PRIMARY KEY, v TEXT) WITH (partitions = {partitions})")
    box.ask(f"INSERT INTO t VALUES {values}")
    wait_until(lambda: is_whole(box), "the table is whole")


def facts(rows: list[dict[str, Any]]) -> dict[str, str]:
    return {row["name"]: row["value"] for row in rows}


def is_whole(box: Box) -> bool:
    return facts(box.ask("SHOW CLUSTER"))["health"].startswith("ok")


def held(box: Box) -> list[tuple[int, int]]:
    """Return what each server leads and holds, fewest first."""
    nodes = box.ask("SHOW NODES")
    return sorted((row["primaries"], row["primaries"] + row["secondaries"]) for row in nodes)


def rows_in(box: Box) -> int:
    return int(box.ask("SELECT count(*) AS n FROM t")[0]["n"])


def partitions(box: Box) -> list[dict[str, Any]]:
    return box.ask("SHOW PARTITIONS OF t")


def begins(box: Box, statement: str) -> bool:
    """Run a statement that has to wait for moves that are under way."""
    try:
        box.ask(statement)
    except OperationalError as error:
        if "under way" not in error.message:
            raise
        return False
    return True


def test_an_added_server_gets_its_share_and_a_level_lasts(box: Box) -> None:
    fill(box, partitions=4)
    assert [row["replicas"] for row in box.rows("tables")] == [3]
    assert facts(box.rows("cluster"))["durability"] == "sync"
    assert {row["host"] for row in box.rows("nodes")} == {"replica1", "replica2", "replica3"}
    assert box.run("add").returncode == 0
    wait_until(lambda: held(box)[0] == (0, 0), "the new server is known")
    assert {row["move"] for row in box.rows("balance", "--dry-run")} == {"replica"}
    assert held(box)[0] == (0, 0)
    assert {row["move"] for row in box.ask("BALANCE REPLICAS")} == {"replica"}
    wait_until(lambda: {every for _, every in held(box)} == {3}, "every server holds three")
    wait_until(lambda: is_whole(box), "the table is whole")
    wait_until(lambda: begins(box, "BALANCE PRIMARIES"), "no move is under way any more")
    wait_until(lambda: held(box) == [(1, 3)] * 4, "every server leads one partition")
    assert rows_in(box) == ROWS
    assert all(row["stored_bytes"] > 0 < row["free_bytes"] for row in box.ask("SHOW NODES"))
    assert box.admin("level", "lively").stdout == "lively, was steady\n"
    assert box.run("restart", "meta1").returncode == 0
    wait_until(lambda: box.admin("level").stdout == "lively\n", "the next leader knows the level")


def test_proposals_move_what_they_say(box: Box) -> None:
    fill(box, partitions=2)
    target = partitions(box)[0]["secondaries"].split(", ")[0]
    assert box.admin("propose", "t", "0", "move-primary", "--to", target).returncode == 0
    wait_until(lambda: bool(partitions(box)[0]["primary"] == target), "the primary moved")
    refused = box.admin("propose", "t", "0", "move-primary", "--to", target)
    assert refused.returncode == 1
    assert "is no secondary" in refused.stderr
    unknown = box.admin("propose", "t", "9", "move-primary", "--to", target)
    assert unknown.returncode == 1
    assert "partitions 0 to 1" in unknown.stderr
    assert box.admin("propose", "t", "0", "move-primary").returncode == 2
    assert box.admin("propose", "t", "0", "remove-replica", "--from", "x").returncode == 2
    box.ask("ALTER TABLE t SET (replicas = 2)")
    wait_until(lambda: all("," not in row["secondaries"] for row in partitions(box)), "two copies")
    assert rows_in(box) == ROWS


def test_metadata_comes_back_from_the_replica_servers(box: Box) -> None:
    fill(box, partitions=4)
    box.ask("CREATE TABLE gone (id INT PRIMARY KEY)")
    box.ask("DROP TABLE gone")
    early = box.admin("recover")
    assert early.returncode == 1
    assert "not lost" in early.stderr
    box.run("kill", "meta1")
    shutil.rmtree(box.folder / "meta1" / "meta")
    (box.folder / "meta1" / "meta").mkdir()
    assert box.run("restart", "meta1").returncode == 0
    wait_until(lambda: held(box) == [(0, 0)] * 3, "all servers are heard again")
    wait_until(lambda: "metadata" in facts(box.ask("SHOW CLUSTER")), "the loss is noticed")
    assert "recover it" in box.admin("create-table", "u").stderr
    recovered = box.admin("recover")
    assert recovered.returncode == 0, recovered.stderr
    assert "1 tables are back" in recovered.stdout
    wait_until(lambda: is_whole(box), "the table is whole")
    assert rows_in(box) == ROWS
    box.ask("RECALL TABLE gone")
    box.ask("CREATE TABLE u (id INT PRIMARY KEY)")
    assert {row["id"] for row in box.rows("tables")} == {1, 2, 3}


def test_what_lost_all_its_members_waits_for_the_operator(box: Box) -> None:
    fill(box, partitions=2)
    first = box.status()["replica1"][0]
    box.run("kill", "replica1")
    wait_until(lambda: first not in members(box), "the group goes on without it")
    for name in ("replica2", "replica3"):
        box.run("kill", name)
    box.run("restart", "replica1")
    wait_until(lambda: not any(row["primary"] for row in partitions(box)), "nobody leads")
    wait_until(lambda: len(evidence(box, first)) == 2, "its replicas are evidence")
    assert all("no primary" in str(row["state"]) for row in evidence(box, first))
    forced = ("--force-from", first)
    assert box.admin("diagnose", *forced).returncode == 2
    for index in ("0", "1"):
        chosen = box.admin("diagnose", "t", "--partition", index, *forced)
        assert chosen.returncode == 0, chosen.stderr
    wait_until(lambda: {row["primary"] for row in partitions(box)} == {first}, "it leads")
    for name in ("replica2", "replica3"):
        box.run("restart", name)
    wait_until(lambda: is_whole(box), "the table is whole")
    assert rows_in(box) == ROWS


def members(box: Box) -> str:
    return " ".join(f"{row['primary']} {row['secondaries']}" for row in partitions(box))


def evidence(box: Box, node: str) -> list[dict[str, Any]]:
    """Return what ``diagnose`` says of the replicas that a living server told of."""
    rows = box.rows("diagnose", "t")
    return [row for row in rows if row["node"] == node and row["alive"] and row["ballot"]]
