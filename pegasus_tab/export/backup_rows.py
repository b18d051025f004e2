"""Reads what backups of a table say of a partition: the pairs that were, in key order.

A chain is a full backup and incremental ones on top of it. Each holds its rows of a partition in key
order, so the chain is merged window by window: up to the smallest key at which one of the backups
has to be read further, and no more than a batch of each is in memory. Of equal keys the newest
backup's row wins, and ``D`` removes the key. All of it is done on columns.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pegasus_tab.export.commit import committed_partition
from pegasus_tab.export.errors import DamagedExport
from pegasus_tab.export.filesystem import Target
from pegasus_tab.export.layout import Archive
from pegasus_tab.export.stored_pairs import PAIR_FIELDS, is_present

BATCH_ROWS = 16_384
KEY_COLUMNS = ("_op", "key")
EVERY_COLUMN = tuple(field.name for field in PAIR_FIELDS)


class SortedRows:
    """Batches in ascending key order, taken up to a key at a time.

    Args:
        batches: with a column ``key``; not empty ones only.
    """

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = batches
        self._batch: pa.RecordBatch | None = None
        self._fill()

    def _fill(self) -> None:
        while self._batch is None or not self._batch.num_rows:
            self._batch = next(self._batches, None)
            if self._batch is None:
                return

    @property
    def last_key(self) -> bytes | None:
        """The last key that is at hand, None at the end."""
        return None if self._batch is None else self._batch.column("key")[-1].as_py()

    def up_to(self, key: bytes | None) -> list[pa.RecordBatch]:
        """Take all rows with keys <= ``key``, or all that are left for None."""
        taken = []
        while self._batch is not None:
            batch = self._batch
            count = batch.num_rows if key is None else _count_up_to(batch.column("key"), key)
            taken.append(batch.slice(0, count))
            self._batch = batch.slice(count)
            if count < batch.num_rows:
                break
            self._fill()
        return [batch for batch in taken if batch.num_rows]


def _count_up_to(keys: pa.Array, key: bytes) -> int:
    """Count the keys of an ascending array that are <= ``key``."""
    if keys[-1].as_py() <= key:
        return len(keys)
    return int(pc.sum(pc.less_equal(keys, pa.scalar(key, pa.binary()))).as_py())


def merged(newest_first: Sequence[Iterator[pa.RecordBatch]]) -> Iterator[pa.RecordBatch]:
    """Yield the rows that are, in ascending key order, with all their columns.

    Args:
        newest_first: rows of each backup of a chain, in ascending key order, each key once.
    """
    sources = [SortedRows(batches) for batches in newest_first]
    while any(source.last_key is not None for source in sources):
        bound = min(key for source in sources if (key := source.last_key) is not None)
        window = [
            (age, batch) for age, source in enumerate(sources) for batch in source.up_to(bound)
        ]
        ages = np.concatenate([np.full(batch.num_rows, age) for age, batch in window])
        rows = _joined([batch for _, batch in window])
        newest = rows if len({age for age, _ in window}) == 1 else _newest(rows, ages)
        present = newest.filter(is_present(newest))
        if present.num_rows:
            yield present


def _joined(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    if len(batches) == 1:
        return batches[0]
    table = pa.Table.from_batches(batches).combine_chunks()
    (joined,) = table.to_batches()
    return joined


def _newest(rows: pa.RecordBatch, ages: Any) -> pa.RecordBatch:
    """Keep the row of the least age of each key, in key order."""
    keys = pa.table({"key": rows.column("key"), "age": ages})
    order = pc.sort_indices(keys, sort_keys=[("key", "ascending"), ("age", "ascending")])
    rows = rows.take(order)
    ordered = rows.column("key")
    is_first = np.ones(rows.num_rows, np.bool_)
    is_first[1:] = pc.not_equal(ordered[1:], ordered[:-1]).to_numpy(zero_copy_only=False)
    return rows.filter(pa.array(is_first))


def partition_rows(
    target: Target, archive: Archive, partition: int, columns: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a partition of one backup, ``D`` included.

    Raises:
        DamagedExport: the partition is not committed, or a file is no such Parquet file.
        TargetError: it cannot be read.
    """
    manifest = committed_partition(target, archive, partition)
    if manifest is None:
        name = archive.partition_manifest(partition)
        raise DamagedExport(f"partition {partition} has no manifest {name}", name=name)
    for file in manifest.files:
        name = f"{archive.folder}/{file.path}"
        with target.open(name) as stream:
            try:
                with pq.ParquetFile(stream, page_checksum_verification=True) as parquet:
                    yield from parquet.iter_batches(BATCH_ROWS, columns=list(columns))
            except (pa.ArrowInvalid, pa.ArrowKeyError, OSError) as error:
                raise DamagedExport(f"{name} is no file of a backup: {error}", name=name) from error


def chain_rows(
    target: Target, newest_first: Sequence[Archive], partition: int, columns: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """Yield the pairs that a partition had when the newest of the backups was made.

    Args:
        target: where the backups are.
        newest_first: the chain; the last is the full backup.
        partition: index.
        columns: KEY_COLUMNS or EVERY_COLUMN.
    """
    return merged([partition_rows(target, each, partition, columns) for each in newest_first])
