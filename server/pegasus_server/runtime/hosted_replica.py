"""A partition of a server in a cluster: engine, overlay, replication machine and log, glued together.

The glue decides nothing about the protocol: whatever happens becomes an input of the machine, and
the effects that come back are carried out in their order.
"""

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from pegasus_server.data.identity import ReplicaIdentity
from pegasus_server.data.overlay import Overlay
from pegasus_server.mutation_log.mutation import Mutation
from pegasus_server.replication import log_body
from pegasus_server.replication.describe import describe_replica
from pegasus_server.replication.effects import (
    Abandon,
    AppendLog,
    Apply,
    CancelLearning,
    CopyFiles,
    DescribeSources,
    DiscardData,
    Effect,
    Install,
    PersistBallot,
    Quarantine,
    Refuse,
    ReportToMeta,
    Send,
    StartCheckpoint,
    StatusChanged,
)
from pegasus_server.replication.inputs import (
    Applied,
    BallotPersisted,
    ClientWrites,
    Flushed,
    LogAppended,
    ReplicaFailed,
    ReplicaInput,
    Tick,
)
from pegasus_server.replication.replica import Replica as Machine
from pegasus_server.runtime.clock import boottime_us
from pegasus_server.runtime.kept_record import KeptRecord
from pegasus_server.runtime.learning_files import LearningFiles
from pegasus_server.runtime.private_log import PrivateLog
from pegasus_server.runtime.replica import Replica, answer_all
from pegasus_server.runtime.replica_folder import ReplicaFolder
from pegasus_server.runtime.server_parts import ServerParts
from pegasus_server.storage.engine import Change, EngineDamaged
from pegasus_server.storage.rocks import RocksEngine
from pegasus_tab.base.cluster import ReplicaStatus
from pegasus_tab.base.ids import Ballot, Decree
from pegasus_tab.wire import codes

logger = logging.getLogger(__name__)


class HostedReplica(Replica):
    """A partition whose copies are on several servers.

    Invariants: the machine sees what happened in the order it happened; effects are carried out
    before the next input; the overlay holds exactly the writes that wait for an answer.

    Args:
        machine: the replication machine.
        engine: its data, applied up to the machine's applied decree.
        folder: its place on disk.
        record: its side file.
        log: its private log.
        parts: of the server.
        envs: the table's settings.
        first_scan_id: see ScanContexts.

    Attributes:
        machine: the replication machine.
        rocks: its data, with what only learning needs.
        learning: files for learners, and those it copies itself.
        failure: why it failed, "" if it did not.
        kept_decree: up to where what the log held lies in its folder, since it failed; else 0.
        is_being_kept: that is being written now, so its folder stays where it is.
    """

    def __init__(
        self,
        machine: Machine,
        engine: RocksEngine,
        folder: ReplicaFolder,
        record: KeptRecord,
        log: PrivateLog,
        *,
        parts: ServerParts,
        envs: Mapping[str, str],
        first_scan_id: int,
    ) -> None:
        self.machine = machine
        self._parts = parts
        self._record = record
        self._inputs: deque[ReplicaInput] = deque()
        self._is_driving = False
        self._has_changed = True
        self._is_dropped = False
        self._is_closed = False
        self._bodies: dict[Decree, tuple[Sequence[Change], bytes]] = {}
        self.failure = ""
        self.kept_decree = Decree(0)
        self.is_being_kept = False
        super().__init__(
            ReplicaIdentity(machine.state.gpid, machine.node),
            engine,
            timestamps=machine.state.timestamps,
            disk=parts.log,
            turn=parts.turn,
            envs=envs,
            first_scan_id=first_scan_id,
        )
        self.rocks = engine
        self.learning = LearningFiles(self, folder, record, log, parts)
        self._refuse_as_needed()

    @property
    def is_full(self) -> bool:
        """Tell whether a write must be refused because too many wait already."""
        primary = self.machine.primary
        return primary is not None and primary.is_full

    @property
    def is_failed(self) -> bool:
        """Tell whether the engine or the machine failed; only a restart opens it again."""
        return self.machine.status == ReplicaStatus.ERROR

    @property
    def may_sweep(self) -> bool:
        """Tell whether expired rows may be removed: the engine is not being replaced."""
        return self.machine.status in (ReplicaStatus.PRIMARY, ReplicaStatus.SECONDARY)

    def may_reply_read(self) -> bool:
        """Tell whether the read that was just done may be answered (A13)."""
        return self.machine.may_reply_read(boottime_us())

    def fail(self, reason: str) -> None:
        """Quarantine this replica: its engine or its machine contradicted itself."""
        if not self.is_failed:
            self.drive(ReplicaFailed(reason))

    def set_dropped(self, *, is_dropped: bool) -> None:
        """Stop serving, or serve again: the table was dropped or recalled."""
        self._is_dropped = is_dropped
        self._refuse_as_needed()

    def _hand_over(self, writes: ClientWrites) -> None:
        self.drive(writes)

    def tick(self, now_us: int) -> None:
        """Let time pass; call every few milliseconds."""
        due_us = self.machine.next_deadline(now_us)
        if due_us is not None and due_us <= now_us:
            self.drive(Tick())

    def drive(self, event: ReplicaInput) -> None:
        """Feed the machine; inputs that come up while effects run wait for their turn."""
        self._inputs.append(event)
        if self._is_driving or self._is_closed:
            return
        self._is_driving = True
        now_us = boottime_us()
        try:
            while self._inputs:
                self._step(self._inputs.popleft(), now_us)
        finally:
            self._is_driving = False
        # Once it serves, a primary goes on until its status changes; before, it begins any moment.
        if self._has_changed or (self._refusal is not None and self.machine.primary is not None):
            self._refuse_as_needed()
        if self._on_idle is not None:
            self._report_idle()

    def _step(self, event: ReplicaInput, now_us: int) -> None:
        try:
            for effect in self.machine.step(event, now_us):
                self._perform(effect)
        except EngineDamaged as error:
            self._break(str(error), event)
        except Exception:
            # A broken invariant costs this replica, not the server (reliability reference 2.1).
            logger.exception("replica %s: %s", self.gpid, describe_replica(self.machine))
            self._break("an invariant is broken, see above", event)

    def _break(self, reason: str, event: ReplicaInput) -> None:
        """Have the machine quarantine this replica, unless that is what just failed."""
        if not isinstance(event, ReplicaFailed):
            self._inputs.append(ReplicaFailed(reason))

    def _refuse_as_needed(self) -> None:
        """Answer requests only as a primary that serves; others lead clients to ask meta again."""
        self._has_changed = False
        primary = self.machine.primary
        is_primary = self.machine.status == ReplicaStatus.PRIMARY
        serves = is_primary and primary is not None and primary.is_serving and not self._is_dropped
        refusal = None if serves else codes.ERR_INVALID_STATE
        if refusal != self._refusal and self._on_idle is None:
            self._refusal = refusal
            self._note_refusals()

    def _perform(self, effect: Effect) -> None:
        match effect:
            case AppendLog():
                self._append(effect)
            case Send():
                self._parts.links.send_all(effect, self.gpid)
            case Apply():
                self.engine.apply(effect.changes, effect.decree)
                self.learning.teacher.note_applied(effect.decree, self._logged_body(effect))
                self._inputs.append(Applied(effect.decree))
                self._settle(effect.tokens, effect.decree)
            case Refuse():
                self._withdraw(effect.token, effect.error)
            case Abandon():
                # Every client takes this as "may have happened".
                self._withdraw(effect.token, codes.ERR_TIMEOUT)
            case PersistBallot():
                self._persist(effect)
            case ReportToMeta():
                self._parts.tell_leader(effect.message)
            case StatusChanged():
                self._has_changed = True
                logger.info("replica %s is %s, ballot %d", self.gpid, effect.status, effect.ballot)
            case Quarantine():
                # Those whose mutation was committed and could not be applied.
                answer_all(self._outstanding, codes.ERR_TIMEOUT)
                self._outstanding.clear()
                self._overlay = Overlay(self.engine)
                self.failure = effect.reason
                logger.error("replica %s is set aside: %s", self.gpid, effect.reason)
            case (
                DescribeSources()
                | StartCheckpoint()
                | CopyFiles()
                | Install()
                | DiscardData()
                | CancelLearning()
            ):
                self.learning.perform(effect)

    def _append(self, effect: AppendLog) -> None:
        batch = self._parts.links.body(effect.changes)
        self._bodies[effect.decree] = effect.changes, batch
        body = log_body.join(effect.born, effect.committed, batch)
        mutation = Mutation(self.gpid, effect.ballot, effect.decree, effect.timestamp_us, body)
        self._disk.submit(mutation, partial(self._on_logged, effect.decree, effect.ballot))

    def _logged_body(self, effect: Apply) -> bytes:
        """Return the encoded form of what is applied, as a rule the one that was logged."""
        changes, body = self._bodies.pop(effect.decree, ((), b""))
        return body if changes is effect.changes else self._parts.links.body(effect.changes)

    def _on_logged(self, decree: Decree, ballot: Ballot) -> None:
        self.drive(LogAppended(decree, ballot))

    def _persist(self, effect: PersistBallot) -> None:
        ballot, signature = effect.ballot, effect.signature
        self._parts.run_ballots(
            lambda: self._record.note_ballot(ballot, signature, suspect=effect.suspect),
            lambda _: self.drive(BallotPersisted(ballot, signature)),
            lambda error: self.fail(f"ballot {ballot} could not be written: {error}"),
        )

    @property
    def durable(self) -> Decree:
        """Decree up to which the engine is on disk."""
        return self.machine.state.durable

    @property
    def needless(self) -> Decree:
        """Decree up to which nothing in the shared log is needed for it (A14)."""
        return max(self.durable, self.kept_decree)

    @property
    def may_be_replaced(self) -> bool:
        """Tell whether it failed, and nothing is under way in its folder."""
        return self.is_failed and not self.learning.is_replacing and not self.is_being_kept

    def flush(self, may_flush: Callable[[], bool]) -> None:
        """Put the engine on disk, unless it is being replaced.

        Args:
            may_flush: asked in the background; nothing happens if False.
        """
        if self.is_failed or self.learning.is_replacing:
            return
        engine, record = self.rocks, self._record
        before = self.durable

        def flush() -> Decree:
            if not may_flush():
                return before
            durable = engine.flush()
            record.note_durable(durable)
            return durable

        def flushed(durable: Decree) -> None:
            if engine is self.rocks:
                self.drive(Flushed(durable))

        def failed(error: Exception) -> None:
            # A failed flush is sticky in RocksDB (reliability reference 2.3): nothing written
            # since would ever be durable.
            self.fail(f"flush failed: {error}")

        self._parts.disk.run(flush, flushed, failed)

    def end(self) -> None:
        """Drive nothing any more; what waits may have happened."""
        self._is_closed = True
        self.learning.end()
        answer_all(self._outstanding, codes.ERR_TIMEOUT)
        self._outstanding.clear()

    def close(self) -> None:
        """End, then flush and close the engine in the background."""
        self.end()
        if self.learning.is_replacing:
            return  # its files are found as they are, at the next start
        engine, record = self.rocks, self._record

        def close() -> None:
            durable = engine.flush()
            record.note_durable(durable)
            engine.close()

        self._parts.disk.run(close, lambda _: None, self._on_close_failed)

    def _on_close_failed(self, error: Exception) -> None:
        logger.error("replica %s could not be closed cleanly: %s", self.gpid, error)

    def replace_engine(self, engine: RocksEngine) -> None:
        """Go on with other data, which is on disk already."""
        self._bodies.clear()
        self.engine = self.rocks = engine
        self._overlay = Overlay(engine)
