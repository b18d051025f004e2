"""The store of a cluster's only meta server: files in its data folder, each replaced in one step.

meta/epoch             of the last time this meta server began to lead
meta/tables.json       the catalog and its version
meta/partitions/<gpid> one partition's record and its version

Every call blocks, and all calls belong to one thread. Nobody else writes here, so a write that
raises nothing is done, and one that raises has left the old content.
"""

import logging
from pathlib import Path
from typing import TypeVar

import google_crc32c
import msgspec

from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.partition import PartitionRecord
from pegasus_server.meta.state_json import StateDamagedError, decode_state, encode_state
from pegasus_server.meta.store_effects import (
    LoadStore,
    PersistConfig,
    PersistTables,
    ReadConfig,
    ReadTables,
    StoreEffect,
)
from pegasus_server.meta.store_inputs import (
    ConfigPersisted,
    ConfigRead,
    PersistUnknown,
    StoreFailed,
    StoreInput,
    StoreLoaded,
    TablesPersisted,
    TablesRead,
    TablesUnknown,
)
from pegasus_server.runtime.startup_fault import EXIT_BAD_FOLDER, StartupFault
from pegasus_server.storage.atomic_file import fsync_folder, replace_file
from pegasus_tab.base.ids import Gpid

logger = logging.getLogger(__name__)


class _StoredTables(msgspec.Struct, frozen=True):
    version: int
    state: str


class _StoredRecord(msgspec.Struct, frozen=True):
    version: int
    record: PartitionRecord


class StoreDamagedError(Exception):
    """A file of the store is not what was written; the text names it."""


class MetaStoreFolder:
    """The store.

    Args:
        path: the folder; made when missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._partitions = path / "partitions"
        self._tables = path / "tables.json"
        self._versions: dict[Gpid, int] = {}
        self._tables_version = 0
        self._partitions.mkdir(exist_ok=True)
        fsync_folder(path)

    def next_epoch(self, unix_seconds: int) -> int:
        """Number this election above all before; durable when it returns.

        Replica servers ignore a leader whose epoch is below one they heard. The wall clock keeps
        the epochs rising over the loss of this folder, and the stored one over a clock set back.

        Raises:
            StartupFault: the count is damaged.
            OSError: the disk refused.
        """
        file = self._path / "epoch"
        try:
            epoch = max(int(file.read_text()) + 1, unix_seconds)
        except FileNotFoundError:
            epoch = max(1, unix_seconds)
        except ValueError as error:
            raise StartupFault(
                EXIT_BAD_FOLDER,
                f"{file} is damaged ({error}); write a number larger than any before",
            ) from error
        replace_file(file, b"%d\n" % epoch)
        return epoch

    def perform(self, effect: StoreEffect) -> StoreInput:
        """Read or write; every effect has its one answer."""
        match effect:
            case LoadStore():
                return self._load()
            case PersistConfig():
                return self._persist_config(effect)
            case ReadConfig():
                return self._read_config(effect.gpid)
            case PersistTables():
                return self._persist_tables(effect)
            case ReadTables():
                tables, version = self._read_tables()
                return TablesRead(tables, version)

    def _load(self) -> StoreInput:
        try:
            tables, version = self._read_tables()
            partitions = {}
            for path in sorted(self._partitions.iterdir()):
                app_id, _, index = path.name.partition(".")
                if app_id.isdecimal() and index.isdecimal():
                    stored = _read(path, _StoredRecord)
                    gpid = Gpid(int(app_id), int(index))
                    partitions[gpid] = (stored.record, stored.version)
                    self._versions[gpid] = stored.version
        except (StoreDamagedError, OSError) as error:
            return StoreFailed(f"{error}; restore {self._path} from a copy, or recover the cluster")
        return StoreLoaded(tables, version, partitions)

    def _read_tables(self) -> tuple[ClusterState, int]:
        if not self._tables.exists():
            return ClusterState(), 0
        stored = _read(self._tables, _StoredTables)
        try:
            state = decode_state(stored.state)
        except StateDamagedError as error:
            raise StoreDamagedError(f"{self._tables} is damaged: {error}") from error
        self._tables_version = stored.version
        return state, stored.version

    def _persist_config(self, effect: PersistConfig) -> StoreInput:
        gpid = effect.gpid
        if self._versions.get(gpid) != effect.expected_version:
            return PersistUnknown(gpid)
        version = 0 if effect.expected_version is None else effect.expected_version + 1
        try:
            _write(self._partitions / str(gpid), _StoredRecord(version, effect.record))
        except OSError:
            logger.exception("the record of partition %s could not be written", gpid)
            return PersistUnknown(gpid)
        self._versions[gpid] = version
        return ConfigPersisted(gpid, version)

    def _read_config(self, gpid: Gpid) -> StoreInput:
        if gpid not in self._versions:
            return ConfigRead(gpid, None, None)
        stored = _read(self._partitions / str(gpid), _StoredRecord)
        return ConfigRead(gpid, stored.record, stored.version)

    def _persist_tables(self, effect: PersistTables) -> StoreInput:
        if effect.expected_version != self._tables_version:
            return TablesUnknown()
        try:
            tables, _ = self._read_tables()
            version = self._tables_version + 1
            _write(self._tables, _StoredTables(version, encode_state(effect.applied_to(tables))))
        except OSError:
            logger.exception("the catalog of tables could not be written")
            return TablesUnknown()
        self._tables_version = version
        self._forget(effect.removed)
        return TablesPersisted(version)

    def _forget(self, app_ids: tuple[int, ...]) -> None:
        """Remove the records of purged tables; one that stays belongs to no table and is ignored."""
        for gpid in [each for each in self._versions if each.app_id in app_ids]:
            del self._versions[gpid]
            try:
                (self._partitions / str(gpid)).unlink(missing_ok=True)
            except OSError as error:
                logger.warning("the record of purged partition %s stays: %s", gpid, error)


StoredType = TypeVar("StoredType", _StoredTables, _StoredRecord)
_encode = msgspec.json.Encoder().encode


def _write(path: Path, stored: _StoredTables | _StoredRecord) -> None:
    content = _encode(stored)
    replace_file(path, b"%d\n%s\n" % (google_crc32c.value(content), content))


def _read(path: Path, kind: type[StoredType]) -> StoredType:
    crc, _, content = path.read_bytes().rstrip(b"\n").partition(b"\n")
    try:
        if int(crc) != google_crc32c.value(content):
            raise StoreDamagedError(f"{path} is damaged: its checksum does not fit")
        return msgspec.json.decode(content, type=kind)
    except (ValueError, msgspec.DecodeError, AssertionError) as error:
        raise StoreDamagedError(f"{path} is damaged: {error}") from error
