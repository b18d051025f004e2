"""The steps of a restore: the pairs of a chain of backups into a new table, and its name at the end.

The table has a name of its own until every row is in it, so nothing half-restored is ever seen under
the name that was asked for. Writing a pair twice changes nothing, so each step may be repeated.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from time import time

import pyarrow as pa
import pyarrow.compute as pc

from pegasus_server.transfer.archive_steps import Tell, Teller, pace_of
from pegasus_server.transfer.order import Done, WorkerOrder
from pegasus_server.transfer.row_sender import RowSender
from pegasus_server.transfer.server_connection import ServerConnection, ask_leader
from pegasus_tab.base.errors import DataError, OperationalError, ProgrammingError
from pegasus_tab.base.ids import Gpid
from pegasus_tab.export.backup_chain import Backup, chain_to, checked_manifests
from pegasus_tab.export.backup_rows import EVERY_COLUMN, chain_rows
from pegasus_tab.export.commit import committed_partition
from pegasus_tab.export.errors import DamagedExport
from pegasus_tab.export.filesystem import Target, open_target
from pegasus_tab.export.layout import Archive
from pegasus_tab.export.stored_pairs import EXPIRY_TYPE, stored_values
from pegasus_tab.export.verify import damaged_files
from pegasus_tab.tabular.schema import RESTORE_ENV
from pegasus_tab.wire import codes
from pegasus_tab.wire.codes import AppEnvOperation, AppStatus
from pegasus_tab.wire.messages import (
    DropAppRequest,
    DropAppResponse,
    ListAppsRequest,
    ListAppsResponse,
    RenameAppRequest,
    RenameAppResponse,
    UpdateAppEnvRequest,
    UpdateAppEnvResponse,
)
from pegasus_tab.wire.partition_hash import encoded_key_hash

_NO_SUCH_TABLE = (codes.ERR_APP_NOT_EXIST, codes.ERR_OBJECT_NOT_FOUND)


def open_restore(order: WorkerOrder, _tell: Tell) -> Done:
    """Find the backups that are needed, and hold what they say of themselves against checksums."""
    options = order.options
    target = open_target(options["target"])
    try:
        chain = chain_to(target, options["source"], options["at"])
        for backup in chain:
            checked_manifests(target, backup)
    except DamagedExport as error:
        raise _unusable(error.message) from error
    _check_schema(chain[0], options["schema"])
    return Done(
        result={
            "chain": [backup.archive.id for backup in chain],
            "source_partitions": chain[0].description.partitions,
            "rows": sum(backup.success.rows for backup in chain),
        }
    )


def _check_schema(newest: Backup, schema: str) -> None:
    if newest.description.schema != schema:
        raise ProgrammingError(
            f"the new table's schema is not that of backup {newest.archive.id}",
            sqlstate="42P16",
            hint="Drop the new table, then run the same statement again.",
        )


def _unusable(message: str) -> DataError:
    """Reading again will not help."""
    return DataError(message, sqlstate="XX001", hint="Restore an earlier backup (AT).")


def restore_partition(order: WorkerOrder, tell: Tell) -> Done:
    """Write the pairs that belong to one partition of the new table."""
    target = open_target(order.options["target"])
    chain = [Archive(order.options["source"], "backup", id_) for id_ in order.plan["chain"]]
    count = order.options["partitions"]
    sources = source_partitions(order.partition, count, order.plan["source_partitions"])
    _check_files(target, chain, sources)
    gpid = Gpid(order.options["app_id"], order.partition)
    pace, progress = pace_of(order), Teller(tell)
    rows = written = 0
    with closing(ServerConnection(order.server)) as connection:
        sender = RowSender(connection, gpid)
        for batch in _rows(target, chain, sources):
            mine = _of_partition(batch, order.partition, count, order.plan["source_partitions"])
            pace(mine.nbytes)
            sender.send(mine.column("key"), stored_values(mine))
            rows, written = rows + mine.num_rows, written + mine.nbytes
            progress(rows, written, order.plan["rows"] // count)
        sender.finish()
    return Done(result={}, rows=rows, bytes=written)


def source_partitions(partition: int, count: int, source_count: int) -> Sequence[int]:
    """Return the partitions of a backup that hold rows of a partition of the new table.

    Both counts are powers of two, and a row's partition is its hash modulo the count.
    """
    return range(partition % source_count, source_count, count)


def _check_files(target: Target, chain: Sequence[Archive], sources: Sequence[int]) -> None:
    """Compare every byte that will be read with what was written."""
    for archive in chain:
        for source in sources:
            try:
                manifest = committed_partition(target, archive, source)
            except DamagedExport as error:
                raise _unusable(error.message) from error
            if manifest is None:
                raise _unusable(f"{archive.partition_manifest(source)} is gone")
            for finding in damaged_files(target, archive, manifest):
                raise _unusable(f"{finding.name} is damaged: {finding.fault}")


def _rows(
    target: Target, chain: Sequence[Archive], sources: Sequence[int]
) -> Iterator[pa.RecordBatch]:
    """Yield the pairs that are alive, of all sources one after the other."""
    now = pa.scalar(int(time()) * 1000, pa.int64()).cast(EXPIRY_TYPE)
    for source in sources:
        for batch in chain_rows(target, chain, source, EVERY_COLUMN):
            alive = pc.fill_null(pc.greater(batch.column("expiry"), now), True)
            yield batch.filter(alive)


def _of_partition(
    batch: pa.RecordBatch, partition: int, count: int, source_count: int
) -> pa.RecordBatch:
    """Keep the rows of one partition; all of them unless the new table has more partitions."""
    if count <= source_count:
        return batch
    keys = batch.column("key").to_pylist()
    return batch.filter(pa.array([encoded_key_hash(key) % count == partition for key in keys]))


def finish_restore(order: WorkerOrder, _tell: Tell) -> Done:
    """Give the table the name that was asked for, and forget that it was restored."""
    options = order.options
    forget = UpdateAppEnvRequest(options["table"], AppEnvOperation.DELETE, [RESTORE_ENV])
    forgotten = ask_leader(order.metas, codes.UPDATE_APP_ENV, forget, UpdateAppEnvResponse)
    if forgotten.err not in {codes.ERR_OK, *_NO_SUCH_TABLE}:  # it may have its new name already
        # No backup would ever include a table that is said to be being restored.
        raise OperationalError(f"the new table was not finished: {forgotten.hint or forgotten.err}")
    wanted = RenameAppRequest(options["table"], options["name"])
    answer = ask_leader(order.metas, codes.RENAME_APP, wanted, RenameAppResponse)
    if answer.err != codes.ERR_OK and not _is_named(order):
        fault = answer.hint or answer.err
        message = f'the restored table cannot be named "{options["name"]}": {fault}'
        if answer.err in {codes.ERR_INVALID_PARAMETERS, codes.ERR_APP_EXIST}:
            hint = f'It is whole, under the name "{options["table"]}"; ALTER TABLE can rename it.'
            raise ProgrammingError(message, sqlstate="42P07", hint=hint)
        raise OperationalError(message)
    return Done(result={"table": options["name"]})


def _is_named(order: WorkerOrder) -> bool:
    """Tell whether an earlier attempt renamed it, whose answer was lost."""
    request = ListAppsRequest(AppStatus.AVAILABLE)
    answer = ask_leader(order.metas, codes.LIST_APPS, request, ListAppsResponse)
    wanted = order.options["app_id"], order.options["name"]
    return wanted in {(each.app_id, each.app_name) for each in answer.infos}


def abandon_restore(order: WorkerOrder, _tell: Tell) -> Done:
    """Drop the table of a cancelled restore."""
    request = DropAppRequest(order.options["table"])
    answer = ask_leader(order.metas, codes.DROP_APP, request, DropAppResponse)
    if answer.err not in {codes.ERR_OK, *_NO_SUCH_TABLE}:
        raise OperationalError(f"the new table was not dropped: {answer.hint or answer.err}")
    return Done(result={})
