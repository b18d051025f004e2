"""The steps of a backup: stored pairs, all of them or what changed since the backup before.

What changed is found by comparing the checkpoint with the keys of the backups that this one
continues: a pair written later than any of theirs, or whose key they do not have, is in it; a key of
theirs that is no more is in it as removed. Both sides are in key order, so a batch at a time will do.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from pegasus_server.storage.engine import ROW_KEYS_END, Engine
from pegasus_server.transfer.archive_steps import (
    Tell,
    Teller,
    attempt_name,
    checkpoint_of,
    commit_written,
    description,
    new_id,
    pace_of,
)
from pegasus_server.transfer.order import Done, WorkerOrder
from pegasus_tab.base.errors import DataError
from pegasus_tab.base.limits import EPOCH_UNIX_SECONDS, MIB
from pegasus_tab.export.backup_chain import (
    CHAIN_MAX,
    CONTINUES,
    ENVS,
    NEWEST_WRITE,
    REPLICAS,
    continuable,
)
from pegasus_tab.export.backup_rows import KEY_COLUMNS, SortedRows, chain_rows
from pegasus_tab.export.commit import committed_partition, open_archive
from pegasus_tab.export.errors import DamagedExport, TargetError
from pegasus_tab.export.filesystem import Target, open_target
from pegasus_tab.export.layout import Archive
from pegasus_tab.export.manifest import PartitionManifest
from pegasus_tab.export.part_files import PartFiles, PartitionAttempt, PartStyle
from pegasus_tab.export.stored_pairs import (
    gone_batch,
    newest_timestamp_us,
    pair_batch,
    pair_schema,
)

PAIRS_MAX = 16_384
BYTES_MAX = 8 * MIB


def open_backup(order: WorkerOrder, _tell: Tell) -> Done:
    """Find or make the archive to write into, and decide which backup it continues."""
    options = order.options
    target = open_target(options["target"])
    wanted = description(order, "backup")
    length_max = options.get("chain_max", CHAIN_MAX)
    try:
        chain = [] if options.get("full") else continuable(target, wanted, length_max)
    except DamagedExport as error:
        raise _not_continuable(error.message) from error
    before = chain[0].archive.id if chain else ""
    id_ = new_id(order)
    if id_ <= before:
        raise TargetError(
            f"this server's clock says {id_}, before backup {before}, which is to be continued",
            hint="Set the clock right, then run the same statement again.",
        )
    facts = {CONTINUES: before, ENVS: options["envs"], REPLICAS: options["replicas"]}
    archive = open_archive(target, replace(wanted, facts=facts), id_, attempt_name(order))
    plan = {"table": archive.table, "kind": archive.kind, "id": archive.id}
    return Done(result={**plan, "chain": [each.archive.id for each in chain]})


def backup_partition(order: WorkerOrder, tell: Tell) -> Done:
    """Write a partition's pairs and commit them, unless an earlier attempt or job did."""

    def write(
        order: WorkerOrder, target: Target, archive: Archive, tell: Tell
    ) -> PartitionManifest:
        try:
            return _write(order, target, archive, tell)
        except DamagedExport as error:  # of what it continues
            raise _not_continuable(error.message) from error

    return commit_written(order, tell, write)


def _not_continuable(fault: str) -> DataError:
    """Trying again will not help."""
    return DataError(
        f"the latest backup cannot be continued: {fault}",
        sqlstate="XX001",
        hint="Make a full backup: BACKUP TABLE ... (FULL TRUE).",
    )


def _write(order: WorkerOrder, target: Target, archive: Archive, tell: Tell) -> PartitionManifest:
    chain = [Archive(archive.table, "backup", id_) for id_ in order.plan["chain"]]
    since_us = _newest_write_us(target, chain[0], order.partition) if chain else 0
    attempt = PartitionAttempt(target, archive, order.partition, attempt_name(order))
    style = PartStyle(pair_schema(_facts(order)), "parquet", [("key", "ascending")])
    files = PartFiles(attempt, style, pace=pace_of(order))
    progress = Teller(tell)
    with closing(checkpoint_of(order)) as engine:
        pairs = CheckpointPairs(engine, order.pinned - EPOCH_UNIX_SECONDS)
        rows: Iterator[pa.RecordBatch] = iter(pairs)
        if chain:
            before = chain_rows(target, chain, order.partition, KEY_COLUMNS)
            rows = changes(rows, before, since_us)
        total = engine.rows_estimate()
        for batch in rows:
            keys = batch.column("key")
            files.add(batch, keys[0].as_py(), keys[-1].as_py())
            progress(pairs.count, files.written, total)
    return PartitionManifest(
        order.partition,
        order.decree,
        order.pinned,
        order.job,
        attempt.name,
        files.finish(),
        {"repeated": order.attempt > 1, NEWEST_WRITE: max(since_us, pairs.newest_write_us)},
    )


def _newest_write_us(target: Target, archive: Archive, partition: int) -> int:
    manifest = committed_partition(target, archive, partition)
    newest = None if manifest is None else manifest.facts.get(NEWEST_WRITE)
    if type(newest) is not int:
        name = archive.partition_manifest(partition)
        raise DamagedExport(f"{name} is gone or damaged", name=name)
    return newest


def _facts(order: WorkerOrder) -> dict[str, str]:
    return {
        "table": order.options["table"],
        "schema": order.options["schema"],
        "schema_version": str(order.options["schema_version"]),
        "partition": str(order.partition),
        "decree": str(order.decree),
        "pinned": str(order.pinned),
    }


class CheckpointPairs:
    """All pairs of a checkpoint that are alive, in key order.

    Args:
        engine: the checkpoint.
        now: seconds since 2016; pairs expired by then are left out.

    Attributes:
        count: pairs read so far.
        newest_write_us: time of the latest write among them, microseconds since 1970.
    """

    def __init__(self, engine: Engine, now: int) -> None:
        self._engine = engine
        self._now = now
        self.count = 0
        self.newest_write_us = 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Yield them as columns; raises EngineDamaged."""
        lower, is_last = b"", False
        while not is_last:
            keys, stored, is_last = self._engine.scan_chunk(
                lower, ROW_KEYS_END, PAIRS_MAX, BYTES_MAX
            )
            if not keys:
                return
            lower = keys[-1] + b"\0"
            self.count += len(keys)
            batch = pair_batch(keys, stored, self._now)
            if batch.num_rows:
                self.newest_write_us = max(self.newest_write_us, newest_timestamp_us(batch))
                yield batch


def changes(
    present: Iterator[pa.RecordBatch], before: Iterator[pa.RecordBatch], since_us: int
) -> Iterator[pa.RecordBatch]:
    """Yield what an incremental backup holds, in key order.

    Args:
        present: the pairs there are now, in key order.
        before: the keys there were, in key order.
        since_us: no pair of those was written later, microseconds since 1970.
    """
    known = SortedRows(before)
    for batch in present:
        keys = batch.column("key")
        earlier = _keys(known.up_to(keys[-1].as_py()))
        is_later = pc.greater(pc.shift_right(batch.column("timetag"), 8), since_us)
        is_other = pc.or_(is_later, pc.invert(pc.is_in(keys, value_set=earlier)))
        gone = earlier.filter(pc.invert(pc.is_in(earlier, value_set=keys)))
        yield from _in_key_order(batch.filter(is_other), gone)
    rest = _keys(known.up_to(None))
    if len(rest):
        yield gone_batch(rest)


def _keys(batches: list[pa.RecordBatch]) -> pa.Array:
    chunks = [batch.column("key") for batch in batches]
    return pa.concat_arrays(chunks) if chunks else pa.array([], pa.binary())


def _in_key_order(changed: pa.RecordBatch, gone: pa.Array) -> Iterator[pa.RecordBatch]:
    if not len(gone):
        if changed.num_rows:
            yield changed
        return
    both = pa.Table.from_batches([changed, gone_batch(gone)])
    yield from both.sort_by("key").combine_chunks().to_batches()
