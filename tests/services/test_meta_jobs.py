"""Jobs and backup policies on ZooKeeper: the meta server that leads is killed, the next one goes on."""

import contextlib
import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pytest
from kazoo.client import KazooClient

import pegasus_tab
from pegasus_server.meta.jobs.job import Job, JobState
from pegasus_server.runtime.job_store import decode_job
from pegasus_server.runtime.policy_store import decode_policies
from pegasus_server.runtime.zookeeper_paths import ZooKeeperPaths
from pegasus_tab.base.errors import Error
from tests.services.cluster import MetaCluster

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.timeout(240)]

ROWS = 3000
WAIT_SECONDS_MAX = 120.0
RATE = "BYTES_PER_SECOND 8192"
"""So slow that a job outlasts a leader by far."""
PATHS = ZooKeeperPaths("/pegasus-tab/test")


def wait_until(cluster: MetaCluster, what: str, is_so: Callable[[], bool]) -> None:
    """Wait; what cannot be asked at this moment is not so yet."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while True:
        try:
            if is_so():
                return
            fault = ""
        except Error as error:
            fault = str(error)
        assert time.monotonic() < deadline, f"not so in time: {what}; {fault}\n{cluster.printed()}"
        time.sleep(0.1)


def listing(db: pegasus_tab.Connection, statement: str) -> list[dict[str, Any]]:
    cursor = db.execute(statement)
    assert cursor.description is not None
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def name(id_: int) -> str:
    """Return what does not shrink much in a Parquet file."""
    return hashlib.sha256(b"%d" % id_).hexdigest()


def fill(cluster: MetaCluster, db: pegasus_tab.Connection) -> None:
    wait_until(cluster, "the servers report", lambda: len(db.session.client.list_nodes()) == 3)
    db.execute("CREATE TABLE t (id INT PRIMARY KEY, name TEXT) WITH (partitions = 4, replicas = 3)")
    db.executemany("UPSERT INTO t VALUES (?, ?)", [(id_, name(id_)) for id_ in range(ROWS)])


def kill_the_leader(cluster: MetaCluster) -> None:
    """End it with SIGKILL; return when another leads."""
    old = cluster.leader()
    old.kill()
    cluster.leader(other_than=old)


@contextlib.contextmanager
def keeper_of(cluster: MetaCluster) -> Iterator[KazooClient]:
    """Yield a way to ZooKeeper, past every meta server."""
    keeper = KazooClient(f"127.0.0.1:{cluster.keeper.port}")
    keeper.start()
    try:
        yield keeper
    finally:
        keeper.stop()
        keeper.close()


def stored_jobs(cluster: MetaCluster) -> list[Job]:
    with keeper_of(cluster) as keeper:
        numbers = sorted(int(name) for name in keeper.get_children(PATHS.jobs))
        return [decode_job(keeper.get(PATHS.job(number))[0]) for number in numbers]


def rounds_begun(cluster: MetaCluster) -> int:
    """Return how often the one policy was carried out."""
    with keeper_of(cluster) as keeper:
        stored = decode_policies(keeper.get(PATHS.policies)[0], PATHS.policies)
    (policy,) = stored.policies
    return policy.rounds


def what_stays(jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out of SHOW JOBS what goes on changing."""
    return [
        {name: job[name] for name in ("job", "kind", "table", "begun", "target")} for job in jobs
    ]


def test_jobs_outlive_the_leader_that_began_them(tmp_path: Path) -> None:
    out, safe = tmp_path / "out", tmp_path / "safe"
    with (
        MetaCluster(tmp_path) as cluster,
        pegasus_tab.connect(cluster.dsn) as db,
        pegasus_tab.connect(cluster.dsn) as patient,
        ThreadPoolExecutor(1) as pool,
    ):
        fill(cluster, db)
        statement = pool.submit(lambda: patient.execute(f"COPY t TO '{out}' ({RATE})").rowcount)
        wait_until(cluster, "the export is a job", lambda: bool(listing(db, "SHOW JOBS")))
        db.execute(f"BACKUP TABLE t TO '{safe}' ({RATE}, WAIT FALSE)")
        wait_until(
            cluster,
            "partitions of both are being written",
            lambda: [job["state"] for job in listing(db, "SHOW JOBS")] == ["running", "running"],
        )
        before = listing(db, "SHOW JOBS")
        assert [job["kind"] for job in before] == ["export", "backup"]
        kill_the_leader(cluster)
        wait_until(
            cluster,
            "the same jobs are shown",
            lambda: what_stays(listing(db, "SHOW JOBS")) == what_stays(before),
        )
        assert stored_jobs(cluster)[1].state is not JobState.DONE, "there is something left to do"
        assert statement.result(WAIT_SECONDS_MAX) == ROWS, "who waited has the result"
        wait_until(
            cluster,
            "both are done",
            lambda: {job["state"] for job in listing(db, "SHOW JOBS")} == {"done"},
        )
        jobs = stored_jobs(cluster)
        assert [(job.id, job.state, job.rows) for job in jobs] == [
            (1, JobState.DONE, ROWS),
            (2, JobState.DONE, ROWS),
        ]
        for target, kind in ((out, "EXPORT"), (safe, "BACKUP")):
            assert len(listing(db, f"VERIFY {kind} '{target}'")) == 1
        found = duckdb.execute(f"SELECT id FROM '{out}/t/*/*/*.parquet'").fetchall()
        assert sorted(found) == [(id_,) for id_ in range(ROWS)], "every row once"
        kill_restored(cluster, db, safe)


def kill_restored(cluster: MetaCluster, db: pegasus_tab.Connection, safe: Path) -> None:
    """Kill the new leader, too, while a restore runs."""
    cluster.heal()
    with ThreadPoolExecutor(1) as pool, pegasus_tab.connect(cluster.dsn) as patient:
        restore = f"RESTORE TABLE t FROM '{safe}' AS t2 (BYTES_PER_SECOND 8192)"
        statement = pool.submit(lambda: patient.execute(restore).rowcount)
        wait_until(
            cluster,
            "the restore writes",
            lambda: any(
                job["kind"] == "restore" and job["state"] == "running"
                for job in listing(db, "SHOW JOBS")
            ),
        )
        kill_the_leader(cluster)
        wait_until(
            cluster,
            "the restore is shown again",
            lambda: listing(db, "SHOW JOBS")[-1]["state"] == "running",
        )
        assert statement.result(WAIT_SECONDS_MAX) == ROWS
    assert db.execute("SELECT count(*) FROM t2 ALLOW FILTERING").fetchone() == (ROWS,)
    assert {row["name"] for row in listing(db, "SHOW TABLES")} == {"t", "t2"}


def test_a_policy_outlives_the_leader_in_the_middle_of_a_round(tmp_path: Path) -> None:
    safe = tmp_path / "safe"
    with MetaCluster(tmp_path) as cluster, pegasus_tab.connect(cluster.dsn) as db:
        fill(cluster, db)
        db.execute(f"CREATE BACKUP POLICY p FOR t TO '{safe}' EVERY '5 seconds' KEEP 2 ({RATE})")
        wait_until(
            cluster,
            "the first round writes",
            lambda: [job["state"] for job in listing(db, "SHOW JOBS")] == ["running"],
        )
        (before,) = listing(db, "SHOW BACKUP POLICIES")
        assert (before["state"], before["succeeded"]) == ("running", None)
        kill_the_leader(cluster)
        wait_until(
            cluster,
            "the policy is shown as before",
            lambda: listing(db, "SHOW BACKUP POLICIES") == [before],
        )
        wait_until(
            cluster,
            "a round ends",
            lambda: listing(db, "SHOW BACKUP POLICIES")[0]["succeeded"] is not None,
        )
        first = listing(db, f"SHOW BACKUPS IN '{safe}'")
        db.execute("UPSERT INTO t VALUES (-1, 'later')")
        wait_until(
            cluster,
            "the next round makes the next backup",
            lambda: len(listing(db, f"SHOW BACKUPS IN '{safe}'")) > len(first),
        )
        db.execute("ALTER BACKUP POLICY p PAUSE")
        wait_until(
            cluster,
            "the round ends",
            lambda: listing(db, "SHOW BACKUP POLICIES")[0]["state"] == "paused",
        )
        (after,) = listing(db, "SHOW BACKUP POLICIES")
        changing = dict.fromkeys(("state", "next", "succeeded"))
        assert {**after, **changing} == {**before, **changing}
        jobs = stored_jobs(cluster)
        rounds = rounds_begun(cluster)
        assert {job.state for job in jobs} == {JobState.DONE}
        assert Counter(job.kind for job in jobs) == {"backup": rounds, "prune": rounds}
        assert len({job.origin for job in jobs}) == len(jobs), "no errand was carried out twice"
        assert len(listing(db, f"SHOW BACKUPS IN '{safe}'")) == rounds
        db.execute(f"VERIFY BACKUP '{safe}'")
        assert db.execute(f"RESTORE TABLE t FROM '{safe}' AS t2").rowcount >= ROWS + 1
