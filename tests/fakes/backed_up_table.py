"""A table as a dictionary of stored pairs, with the workers' own steps of jobs over it.

Only the network is left out: a restored row goes into a dictionary, and its request is taken apart as
a server does; and a checkpoint is made of the dictionary.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pytest

from pegasus_server.data.put_rows import put_rows_changes
from pegasus_server.data.value import encode_value, timetag
from pegasus_server.storage.memory import MemoryEngine
from pegasus_server.transfer import backup_steps, restore_steps
from pegasus_server.transfer.order import Step, WorkerOrder
from pegasus_server.transfer.steps import step_of
from pegasus_tab.base.ids import Decree
from pegasus_tab.base.limits import EPOCH_UNIX_SECONDS
from pegasus_tab.tabular.arrow_requests import cut_into_requests
from pegasus_tab.wire.messages_write import TabPutRowsRequest
from pegasus_tab.wire.partition_hash import encoded_key_hash
from pegasus_tab.wire.put_rows import join_columns

Pairs = dict[bytes, bytes]
Writes = dict[bytes, tuple[bytes, int] | None]
"""Key -> (value, expiry), or None for a removal."""

PINNED = EPOCH_UNIX_SECONDS + 1000


class Checkpoint(MemoryEngine):
    """In place of a RocksDB checkpoint."""

    def rows_estimate(self) -> int:
        return 0


class BackedUpTable:
    """Pairs by partition, with the steps of jobs over them.

    Attributes:
        pairs: what is stored now.
        restored: what a restore wrote, by partition.
    """

    def __init__(self, target: str, partitions: int) -> None:
        self.pairs: Pairs = {}
        self.restored: dict[int, Pairs] = {}
        self.partitions = partitions
        self._target = target
        self._timestamp_us = 1
        self._job = 0
        self._next_id = 0

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Put this table where a checkpoint and a connection would be."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(backup_steps, "checkpoint_of", self._checkpoint)
            patch.setattr(backup_steps, "new_id", self._new_id)
            patch.setattr(restore_steps, "ServerConnection", NoConnection)
            patch.setattr(restore_steps, "RowSender", self._sender)
            yield

    def go_on_from(self, other: "BackedUpTable") -> None:
        """Hold what another holds, and count on from there."""
        self.pairs = dict(other.pairs)
        self._timestamp_us, self._job = other._timestamp_us, other._job
        self._next_id = other._next_id

    def write(self, writes: Writes) -> None:
        for key, write in writes.items():
            self._timestamp_us += 1
            if write is None:
                self.pairs.pop(key, None)
            else:
                self.pairs[key] = encode_value(*write, timetag(self._timestamp_us))

    def living(self) -> Pairs:
        return {key: value for key, value in self.pairs.items() if _lives(value)}

    def all_restored(self) -> Pairs:
        return {key: value for each in self.restored.values() for key, value in each.items()}

    def run(self, kind: str, partitions: int | None = None, **options: Any) -> dict[str, Any]:
        """Carry out a job; return the plan."""
        self._job += 1
        count_ = partitions or self.partitions
        common = {"target": self._target, "partitions": count_, "app_id": 7, "ddl": ""}
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
        for partition in range(count_):
            step("partition", partition, plan)
        if kind != "restore":  # its last step only renames the table
            step("finish", 0, plan)
        return plan

    def _new_id(self, _order: WorkerOrder) -> str:
        self._next_id += 1
        return f"{self._next_id:09}"

    def _checkpoint(self, order: WorkerOrder) -> Checkpoint:
        engine = Checkpoint()
        mine = [
            (key, stored)
            for key, stored in self.pairs.items()
            if encoded_key_hash(key) % self.partitions == order.partition
        ]
        engine.apply(mine, Decree(1))
        return engine

    def _sender(self, _connection: object, gpid: tuple[int, int]) -> "Sender":
        self.restored[gpid[1]] = {}
        return Sender(self.restored[gpid[1]])


class Sender:
    """In place of a RowSender."""

    def __init__(self, pairs: Pairs) -> None:
        self._pairs = pairs

    def send(self, keys: pa.Array, stored: pa.Array) -> None:
        for columns in cut_into_requests(keys, stored):
            rows = join_columns(*columns)
            changes = put_rows_changes(TabPutRowsRequest(rows, is_stored=True), 0, 0, 0)
            assert changes is not None
            for key, value in changes:
                assert value is not None
                assert key not in self._pairs, "each pair is written once"
                self._pairs[key] = value

    def finish(self) -> None:
        pass


class NoConnection:
    """In place of a ServerConnection."""

    def __init__(self, _address: str) -> None:
        pass

    def close(self) -> None:
        pass


def _lives(stored: bytes) -> bool:
    expiry = int.from_bytes(stored[:4], "big")
    return not expiry or expiry > PINNED - EPOCH_UNIX_SECONDS
