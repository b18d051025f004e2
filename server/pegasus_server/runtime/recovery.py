"""From a data folder to engines that are up to date: open them, replay the log. Blocks.

Every acknowledged decree is in the log or in an engine, so after this each replica holds all of
them, or is named with what is wrong and not served (reliability reference 2.4, 2.5).
"""

import gc
import logging
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from pegasus_server.data import physical_batch
from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.table import Table, TableStatus
from pegasus_server.mutation_log.errors import LogRefusedError
from pegasus_server.mutation_log.files import SharedLog
from pegasus_server.mutation_log.folder import DiskFolder
from pegasus_server.mutation_log.mutation import Mutation
from pegasus_server.mutation_log.opening import holds_log
from pegasus_server.mutation_log.replay import Replay, ReplicaReplay
from pegasus_server.runtime.data_folder import DataFolder
from pegasus_server.runtime.remainder_file import put_back, read_remainder
from pegasus_server.runtime.replica_store import REPLICA_FAULTS, ReplicaStore
from pegasus_server.storage.engine import EngineDamaged
from pegasus_server.storage.rocks import RocksEngine, RocksMemory
from pegasus_tab.base.ids import Decree, Gpid

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Recovered:
    """What a node starts from.

    Attributes:
        log: open for appending.
        is_clean: the log ended as a running or closed one ends; see Replay.
        engines: of the replicas to serve, each with everything the log had for it.
        last_timestamps_us: the highest timestamp replayed, by replica; 0 for none.
        faults: replicas that cannot be served, and why.
        durable: decree up to which each replica's engine is on disk, served or not.
    """

    log: SharedLog
    is_clean: bool
    engines: dict[Gpid, RocksEngine] = field(default_factory=dict)
    last_timestamps_us: dict[Gpid, int] = field(default_factory=dict)
    faults: dict[tuple[int, int], str] = field(default_factory=dict)
    durable: dict[Gpid, Decree] = field(default_factory=dict)


class Recovery:
    """One recovery of one data folder.

    Args:
        folder: the data folder.
        state: the tables.
        memory: caches shared by the engines.
        segment_bytes_max: for the log.
        entropy: gives as many random bytes as asked for.
        accepted_losses: replicas that are served without what the log lost of them.
    """

    def __init__(
        self,
        folder: DataFolder,
        state: ClusterState,
        memory: RocksMemory,
        segment_bytes_max: int,
        entropy: Callable[[int], bytes],
        accepted_losses: AbstractSet[Gpid] = frozenset(),
    ) -> None:
        self._folder = folder
        self._state = state
        self._memory = memory
        self._segment_bytes_max = segment_bytes_max
        self._entropy = entropy
        self._accepted_losses = accepted_losses
        self._engines: dict[Gpid, RocksEngine] = {}
        self._kept: dict[Gpid, list[Mutation]] = {}
        self._faults: dict[tuple[int, int], str] = {}
        self._durable: dict[Gpid, Decree] = {}

    def run(self) -> Recovered:
        """Open what can be opened and replay the log.

        Raises:
            LogRefusedError: the log is of a newer version, of another node, or gone.
            OSError: the log's disk refused.
        """
        # A replay makes millions of objects and no cycle: looking for one is lost time.
        gc.disable()
        try:
            return self._run()
        finally:
            gc.enable()

    def _run(self) -> Recovered:
        self._refuse_missing_log()
        for table in self._state.tables.values():
            if table.status != TableStatus.CREATING:
                for index in range(table.partition_count):
                    self._open(Gpid(table.app_id, index), table)
        log, replay = SharedLog.open(
            self._folder.log_path,
            cluster=self._folder.cluster,
            node=self._folder.node,
            segment_bytes_max=self._segment_bytes_max,
            durable=self._durable
            | {gpid: each[-1].decree for gpid, each in self._kept.items() if each},
            entropy=self._entropy,
        )
        for finding in replay.findings:
            logger.warning("log: %s", finding)
        put_back(log, {self._folder.replica_path(gpid): each for gpid, each in self._kept.items()})
        recovered = Recovered(log, replay.is_clean)
        for gpid, given_back in replay.replicas.items():
            self._replay(gpid, given_back, recovered)
        recovered.faults = self._faults
        recovered.durable = self._durable
        self._report(replay)
        return recovered

    def _report(self, replay: Replay) -> None:
        """Name the replicas that are not served, why, and what can be done."""
        for key, fault in self._faults.items():
            gpid = Gpid(*key)
            given_back = replay.replicas.get(gpid)
            is_suspect = given_back is not None and given_back.suspect == fault
            logger.error(
                "replica %s is not served: %s. Its data in %s and the log are kept: restore them "
                "from a copy, %sor drop the table to give it up",
                gpid,
                fault,
                self._folder.replica_path(gpid),
                f"start once with --accept-loss {gpid} to serve what is left, "
                if is_suspect
                else "",
            )
        for gpid in sorted(self._accepted_losses):
            given_back = replay.replicas.get(gpid)
            if given_back is None:
                logger.warning("--accept-loss %s: there is no such replica here", gpid)
            elif given_back.suspect is None:
                logger.warning("--accept-loss %s: the log has lost nothing of it", gpid)

    def _refuse_missing_log(self) -> None:
        """Refuse to start a new log beside replicas: their last writes were in the old one alone."""
        held = sorted(map(str, self._folder.replicas()))
        if held and not holds_log(DiskFolder(self._folder.log_path)):
            raise LogRefusedError(
                f"{self._folder.log_path} holds no log, but there is data of replicas "
                f"{', '.join(held[:5])}, whose last writes are in the log alone; restore the "
                "log from a copy"
            )

    def _open(self, gpid: Gpid, table: Table) -> None:
        """Open a replica's engine if it is to be served; learn its durable decree in any case."""
        store = self._store(gpid)
        self._durable[gpid] = Decree(0)  # pins the whole log until something better is known
        try:
            self._durable[gpid] = store.durable_decree()
            if table.status == TableStatus.AVAILABLE:
                engine = store.open()
                self._engines[gpid] = engine
                self._durable[gpid] = engine.applied_decree
            self._read_kept(gpid)
        except REPLICA_FAULTS as error:
            self._faults[gpid] = str(error)

    def _read_kept(self, gpid: Gpid) -> None:
        """Read what the log once held of a replica that failed, if it had to go from there."""
        path = self._folder.replica_path(gpid)
        try:
            kept = read_remainder(path, gpid, self._durable[gpid])
        except REPLICA_FAULTS:
            if (engine := self._engines.pop(gpid, None)) is not None:
                engine.close()
            raise
        if kept is not None:
            self._kept[gpid] = kept

    def _replay(self, gpid: Gpid, given_back: ReplicaReplay, recovered: Recovered) -> None:
        if gpid in self._faults:
            return
        engine = self._engines.get(gpid)
        mutations = [*self._kept.get(gpid, ()), *given_back.mutations]
        given_back = ReplicaReplay(mutations, given_back.suspect)
        try:
            if given_back.suspect is not None and gpid not in self._accepted_losses:
                raise EngineDamaged(given_back.suspect)
            if engine is not None:
                _apply(engine, given_back.mutations)
            elif given_back.mutations:
                self._catch_up(gpid, given_back.mutations)
            if given_back.suspect is not None:
                self._accept_loss(gpid, given_back, recovered.log)
        except REPLICA_FAULTS as error:
            self._faults[gpid] = str(error)
            if engine is not None:
                engine.close()
            return
        if engine is not None:
            recovered.engines[gpid] = engine
        if given_back.mutations:
            recovered.last_timestamps_us[gpid] = given_back.mutations[-1].timestamp_us

    def _accept_loss(self, gpid: Gpid, given_back: ReplicaReplay, log: SharedLog) -> None:
        """Give up for good what the log lost of a replica, and what it holds behind the gap."""
        engine, mutations = self._engines.get(gpid), given_back.mutations
        if engine is not None and mutations:
            # What is left may be in the page cache alone, so it goes to the engine's disk first.
            self._durable[gpid] = engine.flush()
            self._store(gpid).note_durable(mutations[-1].ballot, self._durable[gpid])
        last = self._durable[gpid]
        log.discard_above(gpid, last)
        logger.warning(
            "replica %s: accepted the loss of everything after decree %d, as told (%s)",
            gpid,
            last,
            given_back.suspect,
        )

    def _catch_up(self, gpid: Gpid, mutations: Sequence[Mutation]) -> None:
        """Bring a dropped table's replica up to date and close it again.

        The crash came between the drop and the flush of its engines; a recall must find it whole.
        """
        store = self._store(gpid)
        engine = store.open()
        _apply(engine, mutations)
        durable = engine.flush()
        store.note_durable(mutations[-1].ballot, durable)
        engine.close()
        self._durable[gpid] = durable

    def _store(self, gpid: Gpid) -> ReplicaStore:
        return ReplicaStore(self._folder.replica_path(gpid), gpid, self._memory)


def _apply(engine: RocksEngine, mutations: Sequence[Mutation]) -> None:
    for mutation in mutations:
        try:
            changes = physical_batch.decode(mutation.body)
        except physical_batch.BatchDamaged as error:
            raise EngineDamaged(f"decree {mutation.decree} in the log: {error}") from error
        engine.apply(changes, mutation.decree)
