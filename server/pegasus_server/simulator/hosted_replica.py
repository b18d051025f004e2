"""One replica on a simulated server: the machine, its engine, and what carries its effects out.

The same glue as the runtime's, over a simulated disk: it decides nothing about the protocol.
"""

from collections import deque
from functools import partial

from pegasus_server.data import physical_batch
from pegasus_server.data.identity import ReplicaIdentity
from pegasus_server.data.overlay import Overlay
from pegasus_server.data.writes import WriteRequest, evaluate
from pegasus_server.mutation_log.mutation import Mutation as LoggedMutation
from pegasus_server.replication import log_body
from pegasus_server.replication.collecting_group import SIZEABLE_OPERATIONS
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
    ReplicaInput,
    Tick,
)
from pegasus_server.replication.mutation import Mutation
from pegasus_server.replication.replica import Replica
from pegasus_server.simulator.client_writes import ReadRequest, WriteToken, read
from pegasus_server.simulator.learning_files import LearningFiles
from pegasus_server.simulator.machine_disk import ReplicaFiles, copy_of
from pegasus_server.simulator.parcels import OK, UNKNOWN_OUTCOME, ClientAnswer, ClientQuestion
from pegasus_server.simulator.server_parts import ServerParts
from pegasus_server.storage.memory import MemoryEngine
from pegasus_tab.base.ids import Ballot, Decree, Gpid

NOT_SERVING = "ERR_INVALID_STATE"
US_PER_SECOND = 1_000_000


class HostedReplica:
    """A replica in one life of its server.

    Invariant: ``engine`` and ``files`` change together only through a flush; the image in
    ``files`` is never ahead of what was logged and never behind the side file.

    Args:
        machine: the state machine.
        engine: its data, applied up to the machine's applied decree.
        files: its folder.
        parts: of the server.

    Attributes:
        machine: the state machine.
        engine: its data.
        learning: its files as learners see them, and the copies it makes.
    """

    def __init__(
        self, machine: Replica, engine: MemoryEngine, files: ReplicaFiles, parts: ServerParts
    ) -> None:
        self.machine = machine
        self.engine = engine
        self.gpid: Gpid = machine.state.gpid
        self._files = files
        self._parts = parts
        self._process = parts.process
        self._overlay = Overlay(engine)
        self._identity = ReplicaIdentity(self.gpid, machine.node)
        self._inputs: deque[ReplicaInput] = deque()
        self._is_driving = False
        self._tick_at: int | None = None
        self._flush_under_way = False
        self._is_ended = False
        self.learning = LearningFiles(self, parts)

    # The machine's turn.

    def drive(self, event: ReplicaInput) -> None:
        """Feed the machine; inputs that come up while effects run wait for their turn."""
        if self._is_ended:
            return
        self._inputs.append(event)
        if self._is_driving:
            return
        self._is_driving = True
        while self._inputs and self._process.is_alive:
            for effect in self.machine.step(self._inputs.popleft(), self._process.now_us):
                self._perform(effect)
        self._is_driving = False
        self._set_timer()

    def end(self) -> None:
        """Take no input any more: the replica is deleted."""
        self._is_ended = True

    def _set_timer(self) -> None:
        due = self.machine.next_deadline(self._process.now_us)
        if due is not None and (self._tick_at is None or due < self._tick_at):
            # At least a little later, or a deadline in the past would stop all time.
            self._tick_at = max(due, self._process.now_us + 1)
            self._process.at(self._tick_at, self._on_timer, self._tick_at)

    def _on_timer(self, due_us: int) -> None:
        if self._tick_at == due_us:
            self._tick_at = None
            self.drive(Tick())

    def _perform(self, effect: Effect) -> None:  # noqa: C901 - one case per effect, no decisions
        match effect:
            case AppendLog():
                self._append(effect)
            case Apply():
                self._apply(effect)
            case Refuse():
                self._refuse(effect.token, effect.error)
            case Abandon():
                self._refuse(effect.token, UNKNOWN_OUTCOME)
            case Send():
                for node in effect.to:
                    self._parts.send_replica(node, self.gpid, effect.message)
            case PersistBallot():
                self._parts.write_file(self._persist_ballot, effect)
            case ReportToMeta():
                self._parts.tell_leader(effect.message)
            case StatusChanged():
                self._parts.witness.note_status(
                    self.machine.node, self.gpid, effect.status, effect.ballot
                )
            case Quarantine():
                self._parts.disk.set_aside += 1
                self._files.is_quarantined = True
            case StartCheckpoint():
                self.flush()
            case DescribeSources() | CopyFiles() | Install() | DiscardData() | CancelLearning():
                self.learning.perform(effect)

    def _persist_ballot(self, effect: PersistBallot) -> None:
        self._files.ballot, self._files.signature = effect.ballot, effect.signature
        self._files.suspect = effect.suspect
        self.drive(BallotPersisted(effect.ballot, effect.signature))

    # Log and engine.

    def _append(self, effect: AppendLog) -> None:
        batch = physical_batch.encode(effect.changes)
        body = log_body.join(effect.born, effect.committed, batch)
        mutation = LoggedMutation(
            self.gpid, effect.ballot, effect.decree, effect.timestamp_us, body
        )
        node, witness = self.machine.node, self._parts.witness
        witness.note_logged(
            node, self.gpid, effect.ballot, effect.decree, effect.timestamp_us, batch
        )
        entry = self.machine.state.mutations.get(effect.decree)
        if entry is not None and entry.tokens:
            ids = [_write(token).request_id for token in entry.tokens]
            witness.note_carried(self.gpid, effect.decree, effect.changes, ids)
        self._parts.log.submit(mutation, partial(self._on_logged, effect.decree, effect.ballot))

    def _on_logged(self, decree: Decree, ballot: Ballot) -> None:
        self.drive(LogAppended(decree, ballot))

    def _apply(self, effect: Apply) -> None:
        witness = self._parts.witness
        witness.note_applied(self.machine.node, self.gpid, effect.decree, effect.changes)
        self.engine.apply(effect.changes, effect.decree)
        self.learning.note_applied(effect.decree, effect.changes)
        if effect.tokens:
            witness.note_acknowledged(self.machine.node, self.gpid, effect.decree)
        for token in effect.tokens:
            write = _write(token)
            self._overlay.settle(write.changes)
            response = write.respond(effect.decree)
            self._answer(write, OK, response, effect.decree)
        self._inputs.append(Applied(effect.decree))
        if effect.decree - self._files.durable >= self._parts.knobs.flush_decrees:
            self.flush()

    def flush(self) -> None:
        """Put the engine on disk: first the data, then the side file."""
        if self._flush_under_way or self._is_ended or self._files.is_quarantined:
            return
        self._flush_under_way = True
        image, timestamp_us = copy_of(self.engine), self.machine.state.timestamps.last_us
        self._parts.write_file(self._on_data_flushed, self.engine, image, timestamp_us)

    def _on_data_flushed(
        self, engine: MemoryEngine, image: MemoryEngine, timestamp_us: int
    ) -> None:
        if engine is not self.engine:
            self._flush_under_way = False
            return
        self._files.image, self._files.timestamp_us = image, timestamp_us
        self._parts.write_file(self._on_side_file_written, engine, image)

    def _on_side_file_written(self, engine: MemoryEngine, image: MemoryEngine) -> None:
        self._flush_under_way = False
        if engine is not self.engine:
            return
        self._files.durable = image.applied_decree
        self.learning.note_checkpoint(image)
        if self._parts.knobs.forgets_recent:
            self.machine.state.mutations.recent.clear()
        self._parts.log.delete_below(self._parts.disk.durable())
        self.drive(Flushed(image.applied_decree))

    def replace_engine(self, engine: MemoryEngine) -> None:
        """Go on with other data, which is on disk already."""
        self.engine = engine
        self._overlay = Overlay(engine)
        self._files.image = copy_of(engine)
        self._files.timestamp_us = self.machine.state.timestamps.last_us
        self._files.durable = engine.applied_decree

    # Clients.

    def on_client(self, client: str, question: ClientQuestion) -> None:
        """Take a client's request."""
        request = question.request
        if isinstance(request, ReadRequest):
            self._on_read(client, question, request)
        else:
            self._on_write(client, question, request)  # type: ignore[arg-type]  # a WriteRequest

    def _on_read(self, client: str, question: ClientQuestion, request: ReadRequest) -> None:
        now = self._process.wall_us // US_PER_SECOND
        response = read(self.engine, request, self._identity, now)
        if not self.machine.may_reply_read(self._process.now_us):
            self._parts.answer(client, self._failed(question, NOT_SERVING))
            return
        ballot = self.machine.ballot
        self._parts.witness.note_read(
            self.machine.node, self.gpid, ballot, self.engine.applied_decree
        )
        self._parts.answer(
            client, ClientAnswer(question.request_id, OK, response, ballot, Decree(0))
        )

    def _on_write(self, client: str, question: ClientQuestion, request: WriteRequest) -> None:
        primary = self.machine.primary
        if primary is None or not primary.is_serving:
            self._parts.answer(client, self._failed(question, NOT_SERVING))
            return
        wall_us = self._process.wall_us
        timestamp_us = self.machine.state.timestamps.next(wall_us)
        evaluation = evaluate(
            request, self._overlay, self._identity, wall_us // US_PER_SECOND, timestamp_us, 0
        )
        token = WriteToken(client, question.request_id, evaluation.changes, evaluation.respond)
        self._overlay.prepare(token.changes)
        size = sum(len(key) + len(value or b"") for key, value in token.changes)
        # A write of the simulator stands for a turn's: several mutations are to be in flight.
        self.drive(ClientWrites(token.changes, size, SIZEABLE_OPERATIONS, token, wall_us))

    def _refuse(self, token: object, error: str) -> None:
        write = _write(token)
        self._overlay.withdraw(write.changes)
        self._answer(write, error, None, Decree(0))

    def _answer(self, write: WriteToken, error: str, response: object, decree: Decree) -> None:
        answer = ClientAnswer(write.request_id, error, response, self.machine.ballot, decree)
        self._parts.answer(write.client, answer)

    def _failed(self, question: ClientQuestion, error: str) -> ClientAnswer:
        return ClientAnswer(question.request_id, error, None, self.machine.ballot, Decree(0))


def _write(token: object) -> WriteToken:
    assert isinstance(token, WriteToken)
    return token


def restored(logged: LoggedMutation) -> tuple[Mutation, Decree]:
    """Read a mutation back from the log, with the commit point noted beside it."""
    born, committed, batch = log_body.split(logged.body)
    changes = physical_batch.decode(batch)
    mutation = Mutation(
        logged.ballot, logged.decree, logged.timestamp_us, changes, len(batch), born
    )
    return mutation, committed
