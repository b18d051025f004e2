"""Records of the meta store: written and read back, and damage refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegasus_server.meta.partition import Drop, PartitionRecord
from pegasus_server.meta.record_json import (
    decode_partition,
    decode_table,
    encode_partition,
    encode_table,
)
from pegasus_server.meta.state_json import StateDamagedError
from pegasus_server.meta.table import Table, TableStatus
from pegasus_tab.base.cluster import PartitionConfig
from pegasus_tab.base.ids import Ballot, NodeName

RECORD = PartitionRecord(
    PartitionConfig(Ballot(7), NodeName("a:1"), (NodeName("b:1"),), 3),
    (Drop(NodeName("c:1"), Ballot(4)), Drop(NodeName("d:1"), Ballot(6))),
)
TABLE = Table(
    app_id=3,
    name="t",
    status=TableStatus.DROPPED,
    max_replica_count=3,
    ballots=(Ballot(1), Ballot(1)),
    create_second=10,
    envs={"default_ttl": "5"},
    drop_second=20,
    expire_second=30,
)


@st.composite
def records(draw: st.DrawFn) -> PartitionRecord:
    names = draw(st.lists(st.text(min_size=1), max_size=6, unique=True))
    split = draw(st.integers(0, len(names)))
    members, dropped = names[:split], names[split:]
    has_primary = bool(members) and draw(st.booleans())
    ballot = draw(st.integers(1, 2**63))
    config = PartitionConfig(
        Ballot(ballot),
        NodeName(members[0]) if has_primary else None,
        tuple(NodeName(each) for each in members[has_primary:]),
        draw(st.integers(1, 5)),
    )
    ballots = sorted(draw(st.integers(0, ballot - 1)) for _ in dropped)
    drops = zip(dropped, ballots, strict=True)
    return PartitionRecord(config, tuple(Drop(NodeName(n), Ballot(b)) for n, b in drops))


@given(records())
def test_a_partition_comes_back_equal(record: PartitionRecord) -> None:
    assert decode_partition(encode_partition(record)) == record


def test_a_table_comes_back_equal() -> None:
    assert decode_table(encode_table(TABLE)) == TABLE


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"format": 1', '"format": 2'),
        ('"ballot": 7', '"ballot": 6'),
        ('"ballot": 7', '"ballot": "x"'),
        ('["d:1", 6]', '["c:1", 6]'),
        ('["c:1", 4]', '["c:1", 7]'),
        ('["b:1"]', '["a:1"]'),
        ('"max_replica_count": 3', '"max_replica_count": 0'),
        ('"drops"', '"drop"'),
        ("}", ""),
    ],
)
def test_a_damaged_partition_is_refused(old: str, new: str) -> None:
    text = encode_partition(RECORD)
    assert old in text
    with pytest.raises(StateDamagedError):
        decode_partition(text.replace(old, new))


@pytest.mark.parametrize("text", ["", "[]", "null", '{"format": 1}', "[" * 100_000])
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(StateDamagedError):
        decode_table(text)
    with pytest.raises(StateDamagedError):
        decode_partition(text)
