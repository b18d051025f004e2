"""Backups and a restore give back exactly the pairs there were, whatever the partition counts."""

import tempfile
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import given, settings

from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.partition_hash import encoded_key_hash
from tests.fakes.backed_up_table import BackedUpTable

FAR, PAST = 3_000_000_000, 1
PARTITIONS = 4

KEYS = st.builds(encode_key, st.sampled_from([b"", b"a", b"b", b"cc"]), st.binary(max_size=2))
WRITES = st.dictionaries(
    KEYS,
    st.none() | st.tuples(st.binary(max_size=3), st.sampled_from([0, FAR, PAST])),
    max_size=12,
)
ROUNDS = st.lists(WRITES, min_size=1, max_size=4)


@settings(max_examples=15)
@given(ROUNDS, st.sampled_from([1, 2, 4, 16]))
def test_a_table_comes_back(rounds: list[Any], partitions: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        table = BackedUpTable(folder, PARTITIONS)
        chain: list[str] = []
        states = []
        with table.at_work():
            for writes in rounds:
                table.write(writes)
                plan = table.run("backup")
                assert plan["chain"] == chain[::-1], "each backup continues those before it"
                chain.append(plan["id"])
                states.append(table.living())
            for id_, state in zip(chain, states, strict=True):
                table.run("restore", partitions, source="t", at=id_)
                assert table.all_restored() == state
                for partition, pairs in table.restored.items():
                    assert all(encoded_key_hash(key) % partitions == partition for key in pairs)
                table.restored.clear()


@settings(max_examples=8)
@given(ROUNDS, st.integers(1, 3))
def test_what_is_pruned_is_not_missed(rounds: list[Any], keep: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        table = BackedUpTable(folder, 2)
        states = {}
        with table.at_work():
            for writes in [*rounds, {}, {}]:
                table.write(writes)
                plan = table.run("backup", chain_max=keep)
                assert len(plan["chain"]) < keep
                states[plan["id"]] = table.living()
                table.run("prune", keep=keep)
            left = sorted(path.name[-9:] for path in Path(folder, "t").iterdir())
            assert left[-keep:] == sorted(states)[-keep:]
            assert len(left) < 2 * keep
            for id_ in left:
                table.run("restore", source="t", at=id_)
                assert table.all_restored() == states[id_]


def test_a_quiet_table_costs_an_incremental_backup_no_rows(tmp_path: Path) -> None:
    table = BackedUpTable(str(tmp_path), PARTITIONS)
    table.write({encode_key(b"h%d" % i, b""): (b"v", 0) for i in range(50)})
    with table.at_work():
        table.run("backup")
        plan = table.run("backup")
    manifests = (tmp_path / "t" / f"backup_id={plan['id']}" / "_wc").glob("partition-*.jsonl")
    assert ['"rows": 0' in each.read_text() for each in manifests] == [True] * PARTITIONS
