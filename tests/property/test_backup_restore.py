"""Backups and a restore give back exactly the pairs there were, whatever the partition counts.

The steps are the worker's own; only the network is left out: a restored row goes into a dictionary,
and its request is taken apart as a server does.
"""

import tempfile
from itertools import count
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import given, settings

from pegasus_server.data.put_rows import put_rows_changes
from pegasus_server.data.value import encode_value, timetag
from pegasus_server.storage.memory import MemoryEngine
from pegasus_server.transfer import backup_steps, restore_steps
from pegasus_server.transfer.order import Step, WorkerOrder
from pegasus_server.transfer.steps import step_of
from pegasus_tab.base.ids import Decree
from pegasus_tab.base.limits import EPOCH_UNIX_SECONDS
from pegasus_tab.tabular.arrow_requests import cut_into_requests
from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.messages_write import TabPutRowsRequest
from pegasus_tab.wire.partition_hash import encoded_key_hash
from pegasus_tab.wire.put_rows import join_columns

Pairs = dict[bytes, bytes]

FAR, PAST = 3_000_000_000, 1
PINNED = EPOCH_UNIX_SECONDS + 1000
PARTITIONS = 4

KEYS = st.builds(encode_key, st.sampled_from([b"", b"a", b"b", b"cc"]), st.binary(max_size=2))
WRITES = st.dictionaries(
    KEYS,
    st.none() | st.tuples(st.binary(max_size=3), st.sampled_from([0, FAR, PAST])),
    max_size=12,
)
"""Key -> (value, expiry), or None for a removal."""


class Checkpoint(MemoryEngine):
    """In place of a RocksDB checkpoint."""

    def rows_estimate(self) -> int:
        return 0


class Table:
    """Pairs by partition, with the steps of jobs over them.

    Attributes:
        pairs: what is stored now.
        restored: what a restore wrote, by partition.
    """

    def __init__(self, target: Path) -> None:
        self.pairs: Pairs = {}
        self.restored: dict[int, Pairs] = {}
        self._target = str(target)
        self._timestamp_us = 1
        self._job = 0

    def write(self, writes: dict[bytes, tuple[bytes, int] | None]) -> None:
        for key, write in writes.items():
            self._timestamp_us += 1
            if write is None:
                self.pairs.pop(key, None)
            else:
                self.pairs[key] = encode_value(*write, timetag(self._timestamp_us))

    def checkpoint(self, order: WorkerOrder) -> Checkpoint:
        engine = Checkpoint()
        mine = [
            (key, stored)
            for key, stored in self.pairs.items()
            if encoded_key_hash(key) % PARTITIONS == order.partition
        ]
        engine.apply(mine, Decree(1))
        return engine

    def run(self, kind: str, partitions: int, **options: Any) -> dict[str, Any]:
        """Carry out a job; return the plan."""
        self._job += 1
        common = {"target": self._target, "partitions": partitions, "app_id": 7, "ddl": ""}
        table = {"table": "t", "schema": "", "schema_version": 0, "format": "parquet"}
        extra = {"envs": {}, "replicas": 1, **options}

        def step(name: Step, partition: int, plan: dict[str, Any]) -> dict[str, Any]:
            order = WorkerOrder(
                kind=kind,
                step=name,
                job=self._job,
                attempt=1,
                partition=partition,
                options={**common, **table, **extra},
                plan=plan,
                pinned=PINNED,
            )
            return step_of(order)(order, lambda _: None).result

        plan = step("open", 0, {})
        for partition in range(partitions):
            step("partition", partition, plan)
        if kind == "backup":
            step("finish", 0, plan)
        return plan

    def living(self) -> Pairs:
        return {key: value for key, value in self.pairs.items() if _lives(value)}

    def take(self, partition: int, keys: pa.Array, stored: pa.Array) -> None:
        for columns in cut_into_requests(keys, stored):
            rows = join_columns(*columns)
            changes = put_rows_changes(TabPutRowsRequest(rows, is_stored=True), 0, 0, 0)
            assert changes is not None
            for key, value in changes:
                assert value is not None
                assert key not in self.restored[partition], "each pair is written once"
                self.restored[partition][key] = value


def _lives(stored: bytes) -> bool:
    expiry = int.from_bytes(stored[:4], "big")
    return not expiry or expiry > PINNED - EPOCH_UNIX_SECONDS


class Sender:
    """In place of a RowSender."""

    table: Table

    def __init__(self, _connection: object, gpid: tuple[int, int]) -> None:
        self._partition = gpid[1]
        self.table.restored[self._partition] = {}

    def send(self, keys: pa.Array, stored: pa.Array) -> None:
        self.table.take(self._partition, keys, stored)

    def finish(self) -> None:
        pass


class NoConnection:
    """In place of a ServerConnection."""

    def __init__(self, _address: str) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restore_steps, "RowSender", Sender)
    monkeypatch.setattr(restore_steps, "ServerConnection", NoConnection)
    numbers = count()
    monkeypatch.setattr(backup_steps, "new_id", lambda _: f"{next(numbers):09}")


@settings(max_examples=15)
@given(st.lists(WRITES, min_size=1, max_size=4), st.sampled_from([1, 2, 4, 16]))
def test_a_table_comes_back(rounds: list[Any], partitions: int) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        table = Sender.table = Table(Path(folder))
        patch.setattr(backup_steps, "checkpoint_of", table.checkpoint)
        chain: list[str] = []
        states = []
        for writes in rounds:
            table.write(writes)
            plan = table.run("backup", PARTITIONS)
            assert plan["chain"] == chain[::-1], "each backup continues those before it"
            chain.append(plan["id"])
            states.append(table.living())
        for id_, state in zip(chain, states, strict=True):
            table.run("restore", partitions, source="t", at=id_)
            found = {key: value for each in table.restored.values() for key, value in each.items()}
            assert found == state
            for partition, pairs in table.restored.items():
                assert all(encoded_key_hash(key) % partitions == partition for key in pairs)


def test_a_quiet_table_costs_an_incremental_backup_no_rows(tmp_path: Path) -> None:
    table = Sender.table = Table(tmp_path)
    table.write({encode_key(b"h%d" % i, b""): (b"v", 0) for i in range(50)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backup_steps, "checkpoint_of", table.checkpoint)
        table.run("backup", PARTITIONS)
        plan = table.run("backup", PARTITIONS)
    manifests = (tmp_path / "t" / f"backup_id={plan['id']}" / "_wc").glob("partition-*.jsonl")
    assert ['"rows": 0' in each.read_text() for each in manifests] == [True] * PARTITIONS
