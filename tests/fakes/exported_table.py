"""A small table in two RocksDB checkpoints, and the steps of its export run one after the other."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from pegasus_server.data.value import encode_value, timetag
from pegasus_server.storage.rocks import RocksEngine
from pegasus_server.transfer.order import Done, Progress, Step, WorkerOrder
from pegasus_server.transfer.steps import step_of
from pegasus_tab.base.ids import Decree
from pegasus_tab.base.limits import EPOCH_UNIX_SECONDS
from pegasus_tab.tabular.arrow import arrow_schema, encode_batch
from pegasus_tab.tabular.create import ColumnSpec, new_schema
from pegasus_tab.tabular.schema import ColumnType, Kind, Schema
from pegasus_tab.tabular.schema_json import to_json
from pegasus_tab.wire.keys import encode_key

PINNED = 1_800_000_000
ROWS = [(i, f"name {i}", None if i % 3 else i / 2) for i in range(40)]
PARTITIONS = 2


def schema() -> Schema:
    specs = [
        ColumnSpec("id", ColumnType(Kind.BIGINT)),
        ColumnSpec("name", ColumnType(Kind.TEXT)),
        ColumnSpec("score", ColumnType(Kind.DOUBLE)),
    ]
    return new_schema(specs, ["id"])


class ExportedTable:
    """The table's checkpoints below a folder, and its export to a target."""

    def __init__(self, folder: Path, target: str, file_format: str = "parquet") -> None:
        self.folder = folder
        self.options: dict[str, Any] = {
            "target": target,
            "table": "people",
            "app_id": 7,
            "partitions": PARTITIONS,
            "format": file_format,
            "schema": to_json(schema()),
            "schema_version": 1,
            "ddl": "CREATE TABLE people (...)",
        }
        self.attempt = 0

    def fill(self) -> None:
        """Write the checkpoints, with rows that are expired by then among the others."""
        self.folder.mkdir(exist_ok=True)
        for partition in range(PARTITIONS):
            engine = RocksEngine.open(self.folder / f"db{partition}", durable_decree=Decree(0))
            living = [row for row in ROWS if row[0] % PARTITIONS == partition]
            expired = [(row[0] + 1000, "gone", None) for row in living[:3]]
            engine.apply(pairs(living, 0), Decree(1))
            engine.apply(pairs(expired, PINNED - EPOCH_UNIX_SECONDS), Decree(2))
            engine.checkpoint(self.folder / f"checkpoint{partition}")
            engine.close()

    def run(self) -> Done:
        """Carry out every step, as a job would that meets no fault."""
        self.attempt += 1
        plan = self.step("open", 0, {}).result
        for partition in range(PARTITIONS):
            self.step("partition", partition, plan)
        return self.step("finish", 0, plan)

    def step(self, step: Step, partition: int, plan: dict[str, Any]) -> Done:
        order = WorkerOrder(
            kind="export",
            step=step,
            job=self.attempt,
            attempt=1,
            partition=partition,
            options=self.options,
            plan=plan,
            checkpoint=str(self.folder / f"checkpoint{partition}"),
            decree=2,
            pinned=PINNED,
        )
        told: list[Progress] = []
        return step_of(order)(order, told.append)


def pairs(rows: list[tuple[Any, ...]], expire: int) -> list[tuple[bytes, bytes | None]]:
    table = schema()
    names = [column.name for column in table.columns]
    batch = pa.RecordBatch.from_pydict(
        {name: [row[i] for row in rows] for i, name in enumerate(names)},
        schema=arrow_schema(table, [column.id for column in table.columns]),
    )
    hash_keys, sort_keys, values = encode_batch(table, batch)
    tag = timetag(1_700_000_000_000_000)
    return sorted(
        (encode_key(hash_key, sort_key), encode_value(value, expire, tag))
        for hash_key, sort_key, value in zip(hash_keys, sort_keys, values, strict=True)
    )
