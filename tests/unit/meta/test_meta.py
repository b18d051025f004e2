"""The meta machine: nothing is spoken before it is saved, and every crash point is finished."""

from collections.abc import Callable

import pytest

from pegasus_server.meta import error_names
from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.effects import (
    CloseReplicas,
    DeleteReplicas,
    EnvsChanged,
    MetaEffect,
    OpenReplicas,
    Reply,
    SaveState,
)
from pegasus_server.meta.inputs import (
    CreateTable,
    DropTable,
    MetaInput,
    RecallTable,
    RenameTable,
    ReplicasFailed,
    ReplicasOpened,
    SaveFailed,
    SetEnvs,
    SetReplicaCount,
    StateSaved,
    Tick,
)
from pegasus_server.meta.meta import REQUESTS_WAITING_MAX, Meta
from pegasus_server.meta.table import TableStatus

NOW = 1_700_000_000
DROP, RECALL, RENAME, SECOND, SET = "drop", "recall", "rename", "second", "set"


class World:
    """A meta with a store and replicas that answer when told to."""

    def __init__(self, stored: ClusterState | None = None) -> None:
        self.stored = stored or ClusterState()
        self.meta = Meta(self.stored)
        self.saving: ClusterState | None = None
        self.trace: list[str] = []
        self.now = NOW

    def feed(self, event: MetaInput) -> list[str]:
        effects = self.meta.step(event, self.now)
        lines = [self._note(effect) for effect in effects]
        self.trace += lines
        return lines

    def _note(self, effect: MetaEffect) -> str:
        match effect:
            case SaveState():
                self.saving = effect.state
                return "save"
            case OpenReplicas():
                return f"open {effect.table.app_id} create={effect.create}"
            case CloseReplicas():
                return f"close {effect.app_id}"
            case DeleteReplicas():
                return f"delete {effect.app_id}"
            case EnvsChanged():
                return f"envs {effect.app_id} {dict(effect.envs)}"
            case Reply():
                return f"reply {effect.token} {effect.error}"

    def saved(self) -> list[str]:
        assert self.saving is not None
        self.stored, self.saving = self.saving, None
        return self.feed(StateSaved())

    def status(self, app_id: int) -> TableStatus:
        return self.meta.state.tables[app_id].status

    def create(self, name: str) -> list[str]:
        return self.feed(create(name))

    def with_table(self, name: str = "t") -> "World":
        self.create(name)
        self.saved()
        self.feed(ReplicasOpened(self.meta.state.next_app_id - 1))
        self.saved()
        return self


def create(name: str, *, token: str = "", success_if_exist: bool = False) -> CreateTable:
    return CreateTable(
        name=name,
        partition_count=4,
        replica_count=1,
        success_if_exist=success_if_exist,
        envs={},
        token=token or name,
    )


def drop(name: str, reserve_seconds: int = 60) -> DropTable:
    return DropTable(
        name=name, success_if_not_exist=False, reserve_seconds=reserve_seconds, token=DROP
    )


def test_create_saves_opens_saves_and_only_then_answers() -> None:
    world = World()
    assert world.create("t") == ["save"]
    assert world.meta.state.tables == {}
    assert world.saved() == ["open 1 create=True"]
    assert world.status(1) == TableStatus.CREATING
    assert world.feed(ReplicasOpened(1)) == ["save"]
    assert world.status(1) == TableStatus.CREATING
    assert world.saved() == ["reply t ERR_OK"]
    assert world.status(1) == TableStatus.AVAILABLE


def test_requests_wait_for_the_save_before_but_not_for_replicas() -> None:
    world = World()
    world.create("a")
    assert world.create("b") == []
    assert world.create("a") == []
    assert world.saved() == ["open 1 create=True", "save"]
    assert world.feed(ReplicasOpened(1)) == []
    assert world.saved() == ["open 2 create=True", "save"]
    assert world.saved() == ["reply a ERR_OK", "reply a ERR_APP_EXIST"]
    world.feed(ReplicasOpened(2))
    assert world.saved() == ["reply b ERR_OK"]


def test_a_table_on_its_way_takes_no_other_change() -> None:
    world = World()
    world.create("t")
    world.saved()
    assert world.feed(drop("t")) == ["reply drop ERR_BUSY_CREATING"]
    assert world.feed(RenameTable(old_name="t", new_name="u", token=RENAME)) == [
        "reply rename ERR_BUSY_CREATING"
    ]


@pytest.mark.parametrize(("may_exist", "answer"), [(True, "ERR_OK"), (False, "ERR_APP_EXIST")])
def test_a_second_creation_waits_for_the_first(may_exist: bool, answer: str) -> None:
    world = World()
    world.create("t")
    world.saved()
    assert world.feed(create("t", token=SECOND, success_if_exist=may_exist)) == []
    assert world.feed(ReplicasOpened(1)) == ["save"]
    assert world.saved() == ["reply t ERR_OK", f"reply second {answer}"]


def test_a_second_creation_makes_the_table_when_the_first_failed() -> None:
    world = World()
    world.create("t")
    world.saved()
    world.feed(create("t", token=SECOND, success_if_exist=True))
    world.feed(ReplicasFailed(1, "no space"))
    assert world.saved() == ["delete 1", "reply t ERR_FILE_OPERATION_FAILED", "save"]
    assert world.saved() == ["open 2 create=True"]


def test_set_replica_count_is_saved_and_answered() -> None:
    world = World().with_table()
    assert world.feed(SetReplicaCount(name="t", replica_count=3, token=SET)) == ["save"]
    assert world.saved() == ["reply set ERR_OK"]
    assert world.meta.state.tables[1].max_replica_count == 3


def test_the_queue_of_requests_is_bounded() -> None:
    world = World()
    world.create("first")
    for number in range(REQUESTS_WAITING_MAX):
        assert world.create(f"t{number}") == []
    assert world.create("over") == ["reply over ERR_BUSY"]


def test_a_failed_save_changes_nothing() -> None:
    world = World().with_table()
    world.feed(RenameTable(old_name="t", new_name="u", token=RENAME))
    assert world.feed(SaveFailed("disk full")) == ["reply rename ERR_FILE_OPERATION_FAILED"]
    assert world.meta.state == world.stored
    assert world.meta.state.by_name("t") is not None


def test_failing_replicas_undo_a_create_without_reusing_its_id() -> None:
    world = World()
    world.create("t")
    world.saved()
    assert world.feed(ReplicasFailed(1, "no space")) == ["save"]
    assert world.saved() == ["delete 1", "reply t ERR_FILE_OPERATION_FAILED"]
    assert world.meta.state == ClusterState(next_app_id=2)


def test_a_crash_after_either_save_of_a_create_is_finished_by_the_next_life() -> None:
    world = World()
    world.create("t")
    world.saved()
    after_crash = World(world.stored)
    assert after_crash.feed(Tick()) == ["open 1 create=True"]
    assert after_crash.feed(Tick()) == []
    after_crash.feed(ReplicasOpened(1))
    assert after_crash.saved() == []
    assert after_crash.status(1) == TableStatus.AVAILABLE


def test_drop_closes_the_replicas_and_a_tick_after_the_hold_time_deletes_them() -> None:
    world = World().with_table()
    world.feed(drop("t", reserve_seconds=60))
    assert world.saved() == ["close 1", "reply drop ERR_OK"]
    world.now = NOW + 59
    assert world.feed(Tick()) == []
    world.now = NOW + 60
    assert world.feed(Tick()) == ["save"]
    assert world.saved() == ["delete 1"]
    assert world.meta.state == ClusterState(next_app_id=2)


def test_recall_opens_what_is_there() -> None:
    world = World().with_table()
    world.feed(drop("t"))
    world.saved()
    world.feed(RecallTable(app_id=1, new_name="back", token=RECALL))
    assert world.saved() == ["open 1 create=False"]
    world.feed(ReplicasOpened(1))
    assert world.saved() == ["reply recall ERR_OK"]
    table = world.meta.state.tables[1]
    assert (table.name, table.status, table.expire_second) == ("back", TableStatus.AVAILABLE, 0)


def test_a_recall_that_fails_leaves_the_table_dropped() -> None:
    world = World().with_table()
    world.feed(drop("t"))
    world.saved()
    world.feed(RecallTable(app_id=1, new_name="", token=RECALL))
    world.saved()
    world.feed(ReplicasFailed(1, "damaged"))
    assert world.saved() == ["reply recall ERR_FILE_OPERATION_FAILED"]
    assert world.status(1) == TableStatus.DROPPED


def test_envs_reach_the_replicas_only_once_saved() -> None:
    world = World().with_table()
    assert world.feed(SetEnvs(name="t", envs={"default_ttl": "9"}, token=SET)) == ["save"]
    assert world.saved() == ["envs 1 {'default_ttl': '9'}", "reply set ERR_OK"]


def test_a_restart_raises_every_ballot() -> None:
    world = World().with_table()
    assert world.stored.after_restart().tables[1].ballots == (2, 2, 2, 2)


@pytest.mark.parametrize(
    "event",
    [StateSaved, lambda: SaveFailed("x"), lambda: ReplicasOpened(1)],
    ids=["saved", "save failed", "opened"],
)
def test_answers_nobody_asked_for_are_a_broken_adapter(event: Callable[[], MetaInput]) -> None:
    with pytest.raises(AssertionError):
        World().feed(event())


def test_error_names_are_those_of_the_wire() -> None:
    from pegasus_tab.wire import codes

    names = {value for name, value in vars(error_names).items() if name.isupper()}
    assert names <= codes.SAFE_ERRORS
