"""All replicas of a node: opened and closed as meta directs, flushed now and then.

Blocking work runs in the background thread, one job after another; the replicas themselves belong
to the reactor's thread.
"""

import logging
import os
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial

from pegasus_server.data.identity import ReplicaIdentity
from pegasus_server.meta.table import Table
from pegasus_server.replication.timestamps import Timestamps
from pegasus_server.runtime.data_folder import DataFolder
from pegasus_server.runtime.disk import DiskThread
from pegasus_server.runtime.lone_replica import LoneReplica
from pegasus_server.runtime.recovery import Recovered
from pegasus_server.runtime.replica_store import REPLICA_FAULTS, ReplicaStore
from pegasus_server.runtime.turn import Turn
from pegasus_server.runtime.turn_log import TurnLog
from pegasus_server.storage.engine import EngineUnavailable
from pegasus_server.storage.rocks import RocksEngine, RocksMemory
from pegasus_tab.base.ids import Decree, Gpid

logger = logging.getLogger(__name__)


class ReplicaSet:
    """The replicas of this node.

    Invariants: ``durable`` names every replica with data on this node, served or not, so that no
    log segment that one of them needs is deleted (A14); a table is opened or deleted only when
    an earlier close of it is finished; none is opened whose engine lacks what the log has.

    Args:
        folder: where they live.
        memory: caches shared by their engines.
        server: this node as "host:port", for replies.
        disk: the log's thread.
        turn: the node's turn.
        recovered: what the last life of the node left.

    Attributes:
        serving: the replicas that answer requests.
        faults: replicas that should be served and cannot, and why.
        durable: decree up to which each replica needs nothing of the log: its engine is on disk,
            or it failed and what the log held lies in its folder.
    """

    def __init__(
        self,
        folder: DataFolder,
        memory: RocksMemory,
        server: str,
        disk: DiskThread,
        turn: Turn,
        recovered: Recovered,
    ) -> None:
        self.serving: dict[tuple[int, int], LoneReplica] = {}
        self.faults: dict[tuple[int, int], str] = dict(recovered.faults)
        self.durable = recovered.durable
        self._folder = folder
        self._memory = memory
        self._server = server
        self._log = TurnLog(disk, turn)
        self._run_in_background = disk.run
        self._turn = turn
        self._kept: set[Gpid] = set()
        self._unclosed: set[Gpid] = set()
        self._closing: defaultdict[int, int] = defaultdict(int)
        self._after_close: defaultdict[int, list[Callable[[], None]]] = defaultdict(list)

    def store(self, gpid: Gpid) -> ReplicaStore:
        """Return a replica's place on disk."""
        return ReplicaStore(self._folder.replica_path(gpid), gpid, self._memory)

    def committed_decree(self, gpid: Gpid) -> int:
        """Return the last decree a served replica committed, 0 if it is not served."""
        replica = self.serving.get(gpid)
        return replica.engine.applied_decree if replica else 0

    def serve(self, table: Table, gpid: Gpid, engine: RocksEngine, timestamps: Timestamps) -> None:
        """Begin to answer requests for a replica whose engine is open and up to date."""
        self.serving[gpid] = LoneReplica(
            ReplicaIdentity(gpid, self._server),
            engine,
            table.ballots[gpid.partition_index],
            timestamps=timestamps,
            disk=self._log,
            turn=self._turn,
            envs=table.envs,
            # Ids of this life must not be met by clients of the one before (8.1).
            first_scan_id=int.from_bytes(os.urandom(3), "big") << 32,
        )

    def serve_recovered(self, table: Table, recovered: Recovered) -> None:
        """Serve what recovery brought back of a table."""
        for index in range(table.partition_count):
            gpid = Gpid(table.app_id, index)
            if engine := recovered.engines.get(gpid):
                last_us = recovered.last_timestamps_us.get(gpid, 0)
                self.serve(table, gpid, engine, Timestamps(last_us))

    def open_table(self, table: Table, *, create: bool, done: Callable[[str | None], None]) -> None:
        """Open every partition of a table; ``done`` gets None, or why it failed."""

        def opened(engines: list[tuple[Gpid, RocksEngine]]) -> None:
            for gpid, engine in engines:
                self.durable.setdefault(gpid, engine.applied_decree)
                self.serve(table, gpid, engine, Timestamps())
            done(None)

        self._when_closed(
            table.app_id,
            lambda: self._run_in_background(
                lambda: self._open_engines(table, create=create),
                opened,
                lambda error: done(str(error)),
            ),
        )

    def _open_engines(self, table: Table, *, create: bool) -> list[tuple[Gpid, RocksEngine]]:
        """Open all engines of a table or none. Blocks."""
        engines: list[tuple[Gpid, RocksEngine]] = []
        try:
            for index in range(table.partition_count):
                gpid = Gpid(table.app_id, index)
                store = self.store(gpid)
                if gpid in self._unclosed:
                    # Served from its engine alone it would give decrees out a second time.
                    raise EngineUnavailable(
                        f"replica {gpid} failed, or could not be closed, and only the log has all "
                        "of it; restart the node, which applies that, then recall the table again"
                    )
                if create:
                    store.create()
                engines.append((gpid, store.open()))
        except REPLICA_FAULTS:
            for _, engine in engines:
                engine.close()
            raise
        return engines

    def close_table(self, app_id: int) -> None:
        """Stop serving a table: refuse requests, finish its writes, flush and close its engines."""
        for gpid in [each for each in self.faults if each[0] == app_id]:
            del self.faults[gpid]
        for gpid in [each for each in self.serving if each[0] == app_id]:
            replica = self.serving.pop(gpid)
            self._closing[app_id] += 1
            replica.drain(partial(self._close, replica))

    def close_all(self, done: Callable[[], None]) -> None:
        """Close every table, as ``close_table`` does; then call ``done``."""
        left = {gpid[0] for gpid in self.serving} | set(self._closing)
        if not left:
            done()
        for app_id in sorted(left):
            self.close_table(app_id)

            def closed(app_id: int = app_id) -> None:
                left.discard(app_id)
                if not left:
                    done()

            self._when_closed(app_id, closed)

    def _close(self, replica: LoneReplica) -> None:
        gpid, ballot = replica.gpid, replica.ballot
        if replica.is_failed:
            self._unclosed.add(gpid)

        def close() -> Decree:
            try:
                durable = replica.engine.flush()
                self.store(gpid).note_durable(ballot, durable)
            finally:
                replica.engine.close()
            return durable

        def closed(durable: Decree) -> None:
            self.durable[gpid] = durable
            self._note_closed(gpid.app_id)

        def failed(error: Exception) -> None:
            logger.error("replica %s could not be closed cleanly: %s", gpid, error)
            self._unclosed.add(gpid)
            self._note_closed(gpid.app_id)

        self._run_in_background(close, closed, failed)

    def _note_closed(self, app_id: int) -> None:
        self._closing[app_id] -= 1
        if self._closing[app_id] == 0:
            del self._closing[app_id]
            for action in self._after_close.pop(app_id, []):
                action()

    def _when_closed(self, app_id: int, action: Callable[[], None]) -> None:
        if app_id in self._closing:
            self._after_close[app_id].append(action)
        else:
            action()

    def delete_table(self, app_id: int) -> None:
        """Delete the data of a table, once it is closed."""
        gpids = [each for each in self._folder.replicas() if each.app_id == app_id]

        def delete() -> None:
            for gpid in gpids:
                self._folder.delete_replica(gpid)

        def deleted(_: None) -> None:
            for gpid in gpids:
                self.durable.pop(gpid, None)

        def failed(error: Exception) -> None:
            logger.error("data of table %d could not be deleted: %s", app_id, error)

        self._when_closed(app_id, lambda: self._run_in_background(delete, deleted, failed))

    # Relief of the log (see LogRelief). Its copies run in the thread that deletes folders, too.

    def failed(self) -> dict[Gpid, Decree]:
        """Name the failed replicas with their durable decrees, without those that are kept."""
        return {
            replica.gpid: self.durable[replica.gpid]
            for replica in self.serving.values()
            if replica.is_failed and replica.gpid not in self._kept
        }

    def begin_keeping(self, gpid: Gpid) -> bool:
        """Tell whether a failed replica is still here."""
        return gpid in self.serving

    def end_keeping(self, gpid: Gpid, last: Decree | None) -> None:
        """Note up to where the log's part of a failed replica lies in its folder, None for nothing."""
        if last is not None and gpid in self.serving:
            self._kept.add(gpid)
            self.durable[gpid] = last

    def set_envs(self, app_id: int, envs: Mapping[str, str]) -> None:
        """Pass new settings on."""
        for gpid, replica in self.serving.items():
            if gpid[0] == app_id:
                replica.set_envs(envs)

    def flush(self, may_flush: Callable[[], bool], done: Callable[[], None]) -> None:
        """Flush every engine with unflushed writes, one after another; then call ``done``.

        Args:
            may_flush: asked in the background before each engine; it is left out if False.
            done: called when all are through.
        """
        for replica in list(self.serving.values()):
            if replica.engine.applied_decree > self.durable[replica.gpid]:
                self._flush(replica, may_flush)
        self._run_in_background(lambda: None, lambda _: done(), lambda _: done())

    def _flush(self, replica: LoneReplica, may_flush: Callable[[], bool]) -> None:
        gpid, ballot = replica.gpid, replica.ballot

        def flush() -> Decree:
            if not may_flush():
                return self.durable[gpid]
            durable = replica.engine.flush()
            self.store(gpid).note_durable(ballot, durable)
            return durable

        def flushed(durable: Decree) -> None:
            self.durable[gpid] = durable

        def failed(error: Exception) -> None:
            # A failed flush is sticky in RocksDB (reliability reference 2.3): nothing written
            # since would ever be durable, so the replica stops here and the log keeps its writes.
            replica.fail(f"flush failed: {error}")

        self._run_in_background(flush, flushed, failed)
