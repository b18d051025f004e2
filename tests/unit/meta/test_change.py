"""What each administrative request leads to, as values."""

import json

import pytest

from pegasus_server.meta import error_names
from pegasus_server.meta.change import (
    HOLD_SECONDS_DEFAULT,
    Changed,
    Outcome,
    Refused,
    Unchanged,
    evaluate,
)
from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.inputs import (
    ClearEnvs,
    CreateTable,
    DeleteEnvs,
    DropTable,
    MetaRequest,
    RecallTable,
    RenameTable,
    SetEnvs,
)
from pegasus_server.meta.table import Table, TableStatus
from pegasus_server.meta.table_envs import ENVS_BYTES_MAX
from pegasus_tab.base.ids import Ballot

NOW = 1_700_000_000


def table(app_id: int, name: str, **fields: object) -> Table:
    settings = {
        "status": TableStatus.AVAILABLE,
        "max_replica_count": 1,
        "ballots": (Ballot(1),) * 4,
        "create_second": NOW,
    }
    return Table(app_id=app_id, name=name, **(settings | fields))  # type: ignore[arg-type]


def holding(*tables: Table) -> ClusterState:
    return ClusterState(10, {each.app_id: each for each in tables})


def create(name: str = "t", **fields: object) -> CreateTable:
    settings: dict[str, object] = {
        "partition_count": 4,
        "replica_count": 1,
        "success_if_exist": False,
        "envs": {},
        "token": None,
    }
    return CreateTable(name=name, **(settings | fields))  # type: ignore[arg-type]


def drop(name: str = "t", **fields: object) -> DropTable:
    settings: dict[str, object] = {
        "success_if_not_exist": False,
        "reserve_seconds": None,
        "token": None,
    }
    return DropTable(name=name, **(settings | fields))  # type: ignore[arg-type]


def changed(request: MetaRequest, state: ClusterState) -> Table:
    outcome = evaluate(request, state, NOW)
    assert isinstance(outcome, Changed), outcome
    outcome.state.check()
    assert outcome.table is not None
    assert outcome.state.tables[outcome.table.app_id] == outcome.table
    return outcome.table


def error_of(outcome: Outcome) -> str:
    assert isinstance(outcome, Refused), outcome
    assert outcome.hint
    return outcome.error


def refusal(request: MetaRequest, state: ClusterState) -> str:
    return error_of(evaluate(request, state, NOW))


def test_create_takes_the_next_id_and_is_creating() -> None:
    made = changed(create(partition_count=8, replica_count=3), holding(table(1, "a")))
    assert (made.app_id, made.status, made.partition_count) == (10, TableStatus.CREATING, 8)
    assert made.max_replica_count == 3
    assert set(made.ballots) == {1}


@pytest.mark.parametrize("partition_count", [-4, 0, 1, 3, 12, 2048])
def test_create_wants_a_power_of_two(partition_count: int) -> None:
    request = create(partition_count=partition_count)
    assert refusal(request, ClusterState()) == error_names.INVALID_PARAMETERS


@pytest.mark.parametrize("replica_count", [-1, 6])
def test_create_wants_one_to_five_replicas(replica_count: int) -> None:
    request = create(replica_count=replica_count)
    assert refusal(request, ClusterState()) == error_names.INVALID_PARAMETERS


@pytest.mark.parametrize("name", ["", "a b", "a/b", "../x", "\u00e4", "a\n", "x" * 65])
def test_create_refuses_names_no_client_could_use(name: str) -> None:
    assert refusal(create(name), ClusterState()) == error_names.INVALID_PARAMETERS


@pytest.mark.parametrize("name", ["t", "Ns:table-1.x_y", "x" * 64])
def test_create_takes_the_names_clients_use(name: str) -> None:
    assert changed(create(name), ClusterState()).name == name


def test_create_of_an_existing_table_fails_unless_it_may_exist_in_the_same_shape() -> None:
    state = holding(table(1, "t"))
    assert refusal(create(), state) == error_names.APP_EXIST
    assert isinstance(evaluate(create(success_if_exist=True), state, NOW), Unchanged)
    other_shape = create(success_if_exist=True, partition_count=8)
    assert refusal(other_shape, state) == error_names.INVALID_PARAMETERS


def test_a_dropped_tables_name_is_free_but_not_its_id() -> None:
    made = changed(create(), holding(table(1, "t", status=TableStatus.DROPPED)))
    assert made.app_id == 10


def test_drop_holds_the_data_for_a_week_unless_told_otherwise() -> None:
    state = holding(table(1, "t"))
    dropped = changed(drop(), state)
    assert dropped.status == TableStatus.DROPPED
    assert (dropped.drop_second, dropped.expire_second) == (NOW, NOW + HOLD_SECONDS_DEFAULT)
    assert changed(drop(reserve_seconds=60), state).expire_second == NOW + 60
    assert changed(drop(reserve_seconds=0), state).expire_second == NOW


def test_drop_of_a_missing_table() -> None:
    assert refusal(drop(), ClusterState()) == error_names.APP_NOT_EXIST
    outcome = evaluate(drop(success_if_not_exist=True), ClusterState(), NOW)
    assert isinstance(outcome, Unchanged)


def test_recall_brings_a_dropped_table_back_also_under_another_name() -> None:
    dropped = table(1, "t", status=TableStatus.DROPPED, drop_second=5, expire_second=6)
    state = holding(dropped)
    recalled = changed(RecallTable(app_id=1, new_name="", token=None), state)
    assert (recalled.name, recalled.status) == ("t", TableStatus.RECALLING)
    renamed = changed(RecallTable(app_id=1, new_name="u", token=None), state)
    assert renamed.name == "u"


def test_recall_refusals() -> None:
    dropped = table(1, "t", status=TableStatus.DROPPED)
    state = holding(dropped, table(2, "t"))

    def recall(app_id: int, new_name: str = "") -> str:
        return refusal(RecallTable(app_id=app_id, new_name=new_name, token=None), state)

    assert recall(7) == error_names.APP_NOT_EXIST
    assert recall(2) == error_names.APP_EXIST
    assert recall(1) == error_names.APP_EXIST
    assert recall(1, "no good") == error_names.INVALID_PARAMETERS


def test_rename() -> None:
    state = holding(table(1, "a"), table(2, "b"))

    def rename(old: str, new: str) -> RenameTable:
        return RenameTable(old_name=old, new_name=new, token=None)

    assert changed(rename("a", "c"), state).name == "c"
    assert refusal(rename("a", "b"), state) == error_names.APP_EXIST
    assert refusal(rename("x", "c"), state) == error_names.APP_NOT_EXIST
    assert refusal(rename("a", "no good"), state) == error_names.INVALID_PARAMETERS
    assert isinstance(evaluate(rename("a", "a"), state, NOW), Unchanged)


def set_envs(**envs: str) -> SetEnvs:
    named = {name.replace("__", "."): value for name, value in envs.items()}
    return SetEnvs(name="t", envs=named, token=None)


def schema(version: int) -> str:
    return json.dumps({"version": version})


def test_set_envs_adds_and_replaces() -> None:
    state = holding(table(1, "t", envs={"default_ttl": "5", "business.info": "x"}))
    after = changed(set_envs(default_ttl="60"), state)
    assert after.envs == {"default_ttl": "60", "business.info": "x"}
    assert isinstance(evaluate(set_envs(default_ttl="5"), state, NOW), Unchanged)


def test_set_envs_refuses_unknown_names_and_bad_values() -> None:
    state = holding(table(1, "t"))
    assert refusal(set_envs(no_such="1"), state) == error_names.INVALID_PARAMETERS
    assert refusal(set_envs(default_ttl="-1"), state) == error_names.INVALID_PARAMETERS
    assert refusal(set_envs(default_ttl="1"), ClusterState()) == error_names.APP_NOT_EXIST


def test_all_envs_together_have_a_limit() -> None:
    half, names = "\x01" * (ENVS_BYTES_MAX // 14), ("business.info", "user_specified_compaction")
    first = changed(SetEnvs(name="t", envs={names[0]: half}, token=None), holding(table(1, "t")))
    more = SetEnvs(name="t", envs={names[1]: half + half}, token=None)
    assert refusal(more, holding(first)) == error_names.INVALID_PARAMETERS
    both = dict.fromkeys(names, half + half)
    assert refusal(create(envs=both), ClusterState()) == error_names.INVALID_PARAMETERS


def test_two_alters_at_the_same_time_cannot_lose_each_other() -> None:
    state = holding(table(1, "t", envs={"tab.schema": schema(3)}))
    after = changed(set_envs(tab__schema=schema(4)), state)
    assert after.envs["tab.schema"] == schema(4)
    for stale in (2, 3, 5):
        request = set_envs(tab__schema=schema(stale))
        assert refusal(request, state) == error_names.INVALID_VERSION


def test_a_raw_table_takes_a_first_schema() -> None:
    state = holding(table(1, "t"))
    assert changed(set_envs(tab__schema=schema(1)), state).envs == {"tab.schema": schema(1)}
    assert refusal(set_envs(tab__schema="[]"), state) == error_names.INVALID_VERSION
    assert refusal(set_envs(tab__schema="{"), state) == error_names.INVALID_PARAMETERS


def test_delete_and_clear_envs_keep_the_schema() -> None:
    envs = {"tab.schema": schema(1), "default_ttl": "5", "manual_compact.disabled": "true"}
    state = holding(table(1, "t", envs=envs))
    deleted = changed(DeleteEnvs(name="t", keys=["default_ttl"], token=None), state)
    assert sorted(deleted.envs) == ["manual_compact.disabled", "tab.schema"]
    forbidden = DeleteEnvs(name="t", keys=["tab.schema"], token=None)
    assert refusal(forbidden, state) == error_names.INVALID_PARAMETERS
    cleared = changed(ClearEnvs(name="t", prefix="", token=None), state)
    assert cleared.envs == {"tab.schema": schema(1)}
    partly = changed(ClearEnvs(name="t", prefix="manual", token=None), state)
    assert sorted(partly.envs) == ["default_ttl", "tab.schema"]


def test_create_without_a_count_gets_the_default() -> None:
    outcome = evaluate(create(replica_count=0), ClusterState(), NOW, 3)
    assert isinstance(outcome, Changed)
    assert outcome.table is not None
    assert outcome.table.max_replica_count == 3
