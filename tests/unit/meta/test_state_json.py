"""The state file's text: round trip, and every kind of damage is told apart from a state."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.function_level import FunctionLevel
from pegasus_server.meta.state_json import StateDamagedError, decode_state, encode_state
from pegasus_server.meta.table import Table, TableStatus
from pegasus_tab.base.ids import Ballot

tables = st.builds(
    Table,
    app_id=st.integers(1, 9),
    name=st.text(max_size=8),
    status=st.sampled_from(TableStatus),
    max_replica_count=st.integers(1, 5),
    ballots=st.lists(st.integers(1).map(Ballot), min_size=2, max_size=4).map(tuple),
    create_second=st.integers(0),
    envs=st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=3),
    drop_second=st.integers(0),
    expire_second=st.integers(0),
)
states = st.lists(tables, max_size=4, unique_by=lambda table: table.app_id).map(
    lambda listed: ClusterState(
        30, {table.app_id: table for table in listed}, FunctionLevel.LIVELY, (10, 29)
    )
)


@given(states)
def test_a_state_comes_back_equal(state: ClusterState) -> None:
    assert decode_state(encode_state(state)) == state


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"format": 2, "next_app_id": 1, "tables": []}',
        '{"format": 1, "next_app_id": "x", "tables": []}',
        '{"format": 1, "next_app_id": 1, "tables": [{}]}',
        '{"format": 1, "next_app_id": 1, "tables": 5}',
        '{"format": 1, "next_app_id": 1, "tables": [], "level": 7}',
        '{"format": 1, "next_app_id": 1, "tables": [], "lost_ids": [1]}',
        "[" * 100_000,
    ],
    ids=[
        "empty",
        "null",
        "list",
        "no fields",
        "newer",
        "bad id",
        "bad table",
        "no list",
        "bad level",
        "bad lost id",
        "deep",
    ],
)
def test_what_is_no_state_is_named_damaged(text: str) -> None:
    with pytest.raises(StateDamagedError):
        decode_state(text)


def test_a_table_id_beyond_the_next_id_is_damage() -> None:
    table = Table(
        app_id=5,
        name="t",
        status=TableStatus.AVAILABLE,
        max_replica_count=1,
        ballots=(Ballot(1), Ballot(1)),
        create_second=0,
    )
    content = json.loads(encode_state(ClusterState(6, {5: table})))
    content["next_app_id"] = 5
    with pytest.raises(StateDamagedError, match="next_app_id"):
        decode_state(json.dumps(content))
