"""One partition on this node: engine, overlay, primary machine and disk, glued together.

The glue decides nothing about the protocol: it evaluates requests into changes, hands a turn's
changes to the primary machine, and carries out the effects that come back.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from pegasus_server.data import physical_batch
from pegasus_server.data.identity import ReplicaIdentity
from pegasus_server.data.overlay import Overlay
from pegasus_server.data.writes import WriteRequest, evaluate
from pegasus_server.mutation_log.mutation import Mutation
from pegasus_server.replication.describe import describe_primary
from pegasus_server.replication.effects import AppendLog, Apply, PrimaryEffect, Refuse
from pegasus_server.replication.inputs import Applied, ClientWrites, LogAppended, PrimaryInput
from pegasus_server.replication.primary import Primary
from pegasus_server.replication.timestamps import Timestamps
from pegasus_server.runtime.answer import Answer, Client, TurnWrites
from pegasus_server.runtime.disk import DiskThread
from pegasus_server.runtime.turn import Turn
from pegasus_server.storage.engine import Change, Engine, EngineDamaged
from pegasus_tab.base.ids import Ballot, Decree
from pegasus_tab.wire import codes
from pegasus_tab.wire.messages import result
from pegasus_tab.wire.response_frame import encode_response

logger = logging.getLogger(__name__)

DEFAULT_TTL_ENV = "default_ttl"


class Replica:
    """A partition this node is primary of.

    Invariants: reads see exactly the applied decrees; every request taken is answered once; after
    a failure nothing touches the engine again until the replica is opened anew.

    Args:
        identity: gpid and the server's name in replies.
        engine: its data; the replica is its only user in this thread.
        ballot: the configuration it serves under.
        timestamps: its timestamp source, ahead of every timestamp in its data.
        disk: the log's thread.
        turn: the node's turn.
        envs: the table's settings.

    Attributes:
        gpid: the partition.
        ballot: the configuration it serves under.
        refusal: framework error name every request is answered with now, None while it serves.
        engine: for reads, which see committed and applied rows only.
    """

    def __init__(
        self,
        identity: ReplicaIdentity,
        engine: Engine,
        ballot: Ballot,
        *,
        timestamps: Timestamps,
        disk: DiskThread,
        turn: Turn,
        envs: Mapping[str, str],
    ) -> None:
        self.identity = identity
        self.gpid = identity.gpid
        self.ballot = ballot
        self.engine = engine
        self.refusal: str | None = None
        self._timestamps = timestamps
        self._disk = disk
        self._turn = turn
        self._overlay = Overlay(engine)
        self._primary = Primary(self.gpid, ballot, engine.applied_decree, timestamps)
        self._changes: list[Change] = []
        self._answers: list[Answer] = []
        self._outstanding: deque[TurnWrites] = deque()
        self._inputs: deque[PrimaryInput] = deque()
        self._on_idle: Callable[[], None] | None = None
        self._default_ttl = 0
        self.set_envs(envs)

    @property
    def is_full(self) -> bool:
        """Tell whether a write must be refused because too many wait already."""
        return self._primary.is_full

    def set_envs(self, envs: Mapping[str, str]) -> None:
        """Take over the table's settings; later writes follow them."""
        self._default_ttl = int(envs.get(DEFAULT_TTL_ENV, "0"))

    def write(self, request: WriteRequest, client: Client, name: bytes, seqid: int) -> None:
        """Take one write; it is answered once it is committed and applied.

        Args:
            request: as decoded from the wire.
            client: whom to answer.
            name: the RPC, for the answer.
            seqid: the request's number, for the answer.
        """
        timestamp_us = self._timestamps.next(self._turn.now_us)
        evaluation = evaluate(
            request, self._overlay, self.identity, self._turn.now, timestamp_us, self._default_ttl
        )

        def word(decree: Decree) -> bytes:
            return encode_response(name, seqid, result(evaluation.respond(decree).encode()))

        self.take(evaluation.changes, Answer(client, name, seqid, word))

    def take(self, changes: Sequence[Change], answer: Answer) -> None:
        """Add one evaluated write to the writes of this turn."""
        if not self._answers:
            self._turn.written.append(self)
        self._overlay.prepare(changes)
        self._changes += changes
        self._answers.append(answer)

    def end_turn(self) -> None:
        """Hand the writes of this turn to the primary machine as one physical batch."""
        writes = TurnWrites(self._changes, self._answers)
        self._changes, self._answers = [], []
        if self.refusal is not None:
            # It failed in the middle of the turn; these writes never got a decree.
            _answer_all([writes], self.refusal)
            return
        self._outstanding.append(writes)
        body = physical_batch.encode(writes.changes)
        self._drive(ClientWrites(body, len(writes.answers), writes))

    def fail(self, reason: str) -> None:
        """Stop serving for good: the engine or the machine contradicted itself.

        Writes under way are answered ERR_TIMEOUT, which every client takes as "may have
        happened": the log holds them, and the next start applies them.
        """
        if self.refusal == codes.ERR_CORRUPTION:
            return
        logger.error(
            "replica %s stopped serving: %s; restart the node to open it again", self.gpid, reason
        )
        self.refusal = codes.ERR_CORRUPTION
        outstanding, self._outstanding = self._outstanding, deque()
        _answer_all(outstanding, codes.ERR_TIMEOUT)
        self._report_idle()

    def drain(self, on_idle: Callable[[], None]) -> None:
        """Refuse further requests; call back once every write taken is answered."""
        self.refusal = self.refusal or codes.ERR_INVALID_STATE
        self._on_idle = on_idle
        self._report_idle()

    def _report_idle(self) -> None:
        if self._on_idle is not None and not self._outstanding:
            on_idle, self._on_idle = self._on_idle, None
            on_idle()

    def _on_logged(self, decree: Decree) -> None:
        if self.refusal != codes.ERR_CORRUPTION:
            self._drive(LogAppended(decree))
            self._report_idle()

    def _drive(self, event: PrimaryInput) -> None:
        """Feed the machine; inputs that come up while effects run wait for their turn."""
        self._inputs.append(event)
        try:
            while self._inputs:
                effects = self._primary.step(self._inputs.popleft(), self._turn.now_us)
                for effect in effects:
                    self._perform(effect)
        except EngineDamaged as error:
            self.fail(str(error))
        except AssertionError:
            # A broken invariant costs this replica, not the node (reliability reference 2.1).
            logger.exception("replica %s broke an invariant", self.gpid)
            self.fail(f"broken invariant, {describe_primary(self._primary)}")

    def _perform(self, effect: PrimaryEffect) -> None:
        match effect:
            case AppendLog():
                mutation = Mutation(
                    self.gpid, effect.ballot, effect.decree, effect.timestamp_us, effect.body
                )
                self._disk.submit(mutation, partial(self._on_logged, effect.decree))
            case Apply():
                self._apply(effect)
            case Refuse():
                writes = self._outstanding.pop()
                assert writes is effect.token, "only the newest writes can be refused"
                self._overlay.settle(writes.changes)
                _answer_all([writes], effect.error)

    def _apply(self, effect: Apply) -> None:
        carried = [self._outstanding[index] for index in range(len(effect.tokens))]
        assert all(mine is token for mine, token in zip(carried, effect.tokens, strict=True))
        changes = carried[0].changes
        for writes in carried[1:]:
            changes = changes + writes.changes
        self.engine.apply(changes, effect.decree)
        self._overlay.settle(changes)
        self._inputs.append(Applied(effect.decree))
        for writes in carried:
            self._outstanding.popleft()
            for client, _, _, word in writes.answers:
                client.send(word(effect.decree))


def _answer_all(writes: Iterable[TurnWrites], error: str) -> None:
    for each in writes:
        for client, name, seqid, _ in each.answers:
            client.send(encode_response(name, seqid, b"", error))
