"""Policies are read as they were written; what is damaged is told, not forgotten."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from pegasus_server.meta.policies.policy import Errand, Policy, Round, StoredPolicies
from pegasus_server.runtime.meta_store_zookeeper import Warrant, ZooKeeperStore
from pegasus_server.runtime.policy_store import PolicyStore, PolicyStoreFile
from pegasus_server.runtime.policy_store_zookeeper import PolicyStoreZooKeeper
from pegasus_server.runtime.zookeeper_paths import ZooKeeperPaths
from tests.fakes.keeper import FakeKeeper
from tests.fakes.keeper_contract import Site

T = TypeVar("T")

POLICY = Policy(
    id=4,
    name="p",
    tables=("a", "b"),
    target="/backups",
    every_seconds=86_400,
    keep=7,
    bytes_per_second=0,
    next_at=1_700_000_000,
    rounds=3,
    round=Round(
        number=3,
        began=1_699_990_000,
        waiting=(Errand("a", "prune"),),
        failed=(Errand("b", "backup"),),
        tries=1,
        retry_at=1_699_990_060,
    ),
    damaged=("b",),
    fault="b: the target is full",
)
STORED = StoredPolicies(4, (POLICY,))
OTHER = StoredPolicies(5, ())


def run_at_once(
    job: Callable[[], T], done: Callable[[T], None], failed: Callable[[Exception], None]
) -> None:
    try:
        result = job()
    except Exception as error:  # noqa: BLE001 -- as the thread does
        failed(error)
    else:
        done(result)


class Kept:
    """A store whose answers are there at once.

    Args:
        store: the store.
        run: lets answers arrive.
    """

    def __init__(self, store: PolicyStore, run: Callable[[], object]) -> None:
        self._store = store
        self._run = run

    def load(self) -> StoredPolicies | str:
        found: list[StoredPolicies | str] = []
        self._store.load(found.append, found.append)
        self._run()
        [answer] = found
        return answer

    def save(self, stored: StoredPolicies) -> str:
        found: list[str] = []
        self._store.save(stored, lambda: found.append("saved"), found.append)
        self._run()
        [answer] = found
        return answer


def zookeeper(keeper: FakeKeeper) -> tuple[Kept, ZooKeeperStore]:
    async def pause(_seconds: float) -> None:
        """Wait for nothing."""

    paths, defects = ZooKeeperPaths("/c"), list[str]()
    tables = ZooKeeperStore(paths, "c", pause, defects.append)
    site = Site("fake:2181", keeper.make_client, keeper.deliver, keeper.run)
    session, _ = site.open()
    site.ask(session.ensure(paths.line))
    site.ask(session.enter(f"{paths.line}/entry~"))
    [name] = site.ask(session.children(paths.line))[-1:]
    tables.lead(Warrant(session, f"{paths.line}/{name}"))
    return Kept(PolicyStoreZooKeeper(paths.policies, tables, defects.append), keeper.run), tables


@pytest.mark.parametrize("where", ["file", "zookeeper"])
def test_what_was_written_is_read(tmp_path: Path, where: str) -> None:
    if where == "file":
        kept = Kept(PolicyStoreFile(tmp_path / "policies.json", run_at_once), lambda: None)
    else:
        kept, _ = zookeeper(FakeKeeper())
    assert kept.load() == StoredPolicies()
    assert kept.save(STORED) == "saved"
    assert kept.load() == STORED
    assert kept.save(OTHER) == "saved"
    assert kept.load() == OTHER


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "policies.json"
    path.write_text('{"last_id": 1, "policies": [{"id"')
    answer = Kept(PolicyStoreFile(path, run_at_once), lambda: None).load()
    assert isinstance(answer, str)
    assert f"{path} is damaged" in answer


def test_who_does_not_lead_reads_and_writes_nothing() -> None:
    kept, tables = zookeeper(FakeKeeper())
    tables.follow()
    assert "does not lead" in kept.save(STORED)
    assert "does not lead" in str(kept.load())
