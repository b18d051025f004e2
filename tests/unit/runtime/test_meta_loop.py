"""The meta machine with its store and its replicas, in one thread."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.inputs import CreateTable, DropTable, SetEnvs
from pegasus_server.meta.meta import Meta
from pegasus_server.meta.table import Table, TableStatus
from pegasus_server.runtime.meta_loop import MetaLoop
from pegasus_server.runtime.meta_store_file import MetaStoreFile

if TYPE_CHECKING:
    from pegasus_server.meta.effects import Reply

NOW = 1_700_000_000


class World:
    """Replicas and a background that do at once, or when told to, what they are asked for."""

    def __init__(self, path: Path) -> None:
        self.calls: list[str] = []
        self.replies: list[Reply] = []
        self.fault: str | None = None
        self.now = NOW
        self.store = MetaStoreFile(path)
        self.loop = MetaLoop(Meta(ClusterState()), self.store, self, self.run, lambda: self.now)

    def run(
        self, job: Callable[[], Any], done: Callable[[Any], None], failed: Callable[[Any], None]
    ) -> None:
        try:
            result = job()
        except OSError as error:
            failed(error)
        else:
            done(result)

    def open_table(self, table: Table, *, create: bool, done: Callable[[str | None], None]) -> None:
        self.calls.append(f"open {table.app_id} create={create}")
        done(self.fault)

    def close_table(self, app_id: int) -> None:
        self.calls.append(f"close {app_id}")

    def delete_table(self, app_id: int) -> None:
        self.calls.append(f"delete {app_id}")

    def set_envs(self, app_id: int, envs: Mapping[str, str]) -> None:
        self.calls.append(f"envs {app_id} {dict(envs)}")

    def create(self) -> None:
        self.loop.ask(
            CreateTable(
                name="t",
                partition_count=4,
                replica_count=1,
                success_if_exist=False,
                envs={},
                token=self.replies.append,
            )
        )


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "state.json")


def test_what_is_answered_is_in_the_file(world: World) -> None:
    world.create()
    assert [reply.error for reply in world.replies] == ["ERR_OK"]
    assert world.calls == ["open 1 create=True"]
    assert world.store.load() == world.loop.state
    assert world.loop.state.tables[1].status == TableStatus.AVAILABLE


def test_envs_drop_and_purge_reach_the_replicas(world: World) -> None:
    world.create()
    world.loop.ask(SetEnvs(name="t", envs={"default_ttl": "5"}, token=world.replies.append))
    world.loop.ask(
        DropTable(
            name="t", success_if_not_exist=False, reserve_seconds=1, token=world.replies.append
        )
    )
    world.loop.tick()
    world.now += 1
    world.loop.tick()
    assert world.calls[1:] == ["envs 1 {'default_ttl': '5'}", "close 1", "delete 1"]
    assert [reply.error for reply in world.replies] == ["ERR_OK"] * 3
    assert world.store.load() == ClusterState(next_app_id=2)


def test_replicas_that_do_not_open_are_the_answer(world: World) -> None:
    world.fault = "no space left"
    world.create()
    (reply,) = world.replies
    assert (reply.error, reply.hint) == ("ERR_FILE_OPERATION_FAILED", "no space left")
    assert world.calls == ["open 1 create=True", "delete 1"]


def test_a_file_that_cannot_be_written_is_the_answer(tmp_path: Path) -> None:
    world = World(tmp_path / "missing" / "state.json")
    world.create()
    (reply,) = world.replies
    assert reply.error == "ERR_FILE_OPERATION_FAILED"
    assert world.calls == []
    assert world.loop.state == ClusterState()
