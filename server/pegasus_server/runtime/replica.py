"""One partition on this node, as clients see it: requests in, answers out.

Requests are evaluated into changes; the changes of a turn go to the replication machine as one
physical batch. Which machine that is, and what carries its effects out, is the subclass's business:
a node of its own has ``LoneReplica``, a server of a cluster ``HostedReplica``.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol

from pegasus_server.data.identity import ReplicaIdentity
from pegasus_server.data.overlay import Overlay
from pegasus_server.data.scan import ScanContexts
from pegasus_server.data.writes import WriteRequest, evaluate, multi_put_changes, put_change
from pegasus_server.mutation_log.mutation import Mutation
from pegasus_server.replication.inputs import ClientWrites
from pegasus_server.replication.timestamps import Timestamps
from pegasus_server.runtime.answer import Answer, Client, TurnWrites
from pegasus_server.runtime.turn import Turn
from pegasus_server.storage.engine import Change, Engine
from pegasus_tab.base.ids import Decree
from pegasus_tab.wire import codes
from pegasus_tab.wire.codes import Status
from pegasus_tab.wire.fast import check_response, put_replies
from pegasus_tab.wire.frame import RequestFrame, encode_response
from pegasus_tab.wire.messages import CheckAndResponse, result
from pegasus_tab.wire.thrift_struct import Struct

DEFAULT_TTL_ENV = "default_ttl"
DENY_ENV = "replica.deny_client_request"
READ_MS_ENV = "replica.rocksdb_iteration_threshold_time_ms"

READ_SECONDS_MAX = 1.0
"""A read that takes longer stops (protocol reference 6.5 allows 30 s; it holds up all others)."""
SILENCE = ""
"""In place of an error name: no answer at all."""

# Reading an enum's member costs 0.15 us, as much as a call, so the hot ones are kept.
_OK: Final = Status.OK
_REFUSED: Final = Status.INVALID_ARGUMENT


class LogDisk(Protocol):
    """The log, as far as a replica needs it; see ``TurnLog``."""

    @property
    def refusal(self) -> str | None:
        """Why new writes should be refused now, None when they are welcome."""

    def submit(self, mutation: Mutation, done: Callable[[], None]) -> None:
        """Have a mutation logged; ``done`` is called once it is, in the reactor's thread."""


class Replica(ABC):
    """A partition on this node.

    Invariants: reads see exactly the applied decrees; every request taken is answered once.

    Args:
        identity: gpid and the server's name in replies.
        engine: its data; the replica is its only user in this thread.
        timestamps: its timestamp source, ahead of every timestamp in its data.
        disk: the log's thread.
        turn: the node's turn.
        envs: the table's settings.
        first_scan_id: see ScanContexts.

    Attributes:
        gpid: the partition.
        envs: the table's settings.
        read_refusal: framework error name every read is answered with now, None while it serves;
            SILENCE if it is to get no answer.
        write_refusal: likewise for writes.
        read_seconds_max: longest time for one read.
        scans: the scans under way.
        engine: for reads, which see committed and applied rows only.
    """

    def __init__(
        self,
        identity: ReplicaIdentity,
        engine: Engine,
        *,
        timestamps: Timestamps,
        disk: LogDisk,
        turn: Turn,
        envs: Mapping[str, str],
        first_scan_id: int,
    ) -> None:
        self.identity = identity
        self.gpid = identity.gpid
        self.engine = engine
        self.scans = ScanContexts(first_scan_id)
        self.read_refusal: str | None = None
        self.write_refusal: str | None = None
        self.read_seconds_max = READ_SECONDS_MAX
        self._refusal: str | None = None
        self._timestamps = timestamps
        self._disk = disk
        self._turn = turn
        self._overlay = Overlay(engine)
        self._changes: list[Change] = []
        self._bytes = 0
        self._answers: list[Answer] = []
        self._outstanding: deque[TurnWrites] = deque()
        self._on_idle: Callable[[], None] | None = None
        self._default_ttl = 0
        self.set_envs(envs)

    @property
    def is_taking(self) -> bool:
        """Tell whether it took a write in this turn."""
        return bool(self._answers)

    @property
    @abstractmethod
    def is_full(self) -> bool:
        """Tell whether a write must be refused because too many wait already."""

    @property
    @abstractmethod
    def is_failed(self) -> bool:
        """Tell whether the engine or the machine failed."""

    @property
    def may_sweep(self) -> bool:
        """Tell whether expired rows may be removed from the engine now."""
        return not self.is_failed

    def may_reply_read(self) -> bool:
        """Tell whether the read that was just done may be answered (A13)."""
        return True

    @abstractmethod
    def fail(self, reason: str) -> None:
        """Stop serving: the engine or the machine contradicted itself."""

    @abstractmethod
    def _hand_over(self, writes: ClientWrites) -> None:
        """Give a turn's writes to the machine; they are the newest of ``_outstanding``."""

    def set_envs(self, envs: Mapping[str, str]) -> None:
        """Take over the table's settings; later writes follow them."""
        self.envs = envs
        self._default_ttl = int(envs.get(DEFAULT_TTL_ENV, "0"))
        read_ms = int(envs.get(READ_MS_ENV, "0"))
        self.read_seconds_max = (
            min(read_ms / 1000, READ_SECONDS_MAX) if read_ms else READ_SECONDS_MAX
        )
        self._note_refusals()

    def _refuse(self, error: str) -> None:
        self._refusal = error
        self._note_refusals()

    def _note_refusals(self) -> None:
        """Decide once, not per request, what requests are answered with."""
        action, _, scope = self.envs.get(DENY_ENV, "").partition("*")
        denial = codes.ERR_INVALID_STATE if action == "reconfig" else SILENCE
        denies_reads, denies_writes = scope in ("all", "read"), scope in ("all", "write")
        self.read_refusal = self._refusal or (denial if denies_reads else None)
        self.write_refusal = self._refusal or (denial if denies_writes else None)

    def write(self, request: WriteRequest, frame: RequestFrame, client: Client) -> None:
        """Take one write of any kind; it is answered once it is committed and applied.

        Args:
            request: as decoded from the frame.
            frame: what it came in.
            client: whom to answer.
        """
        timestamp_us = self._timestamps.next(self._turn.now_us)
        evaluation = evaluate(
            request, self._overlay, self.identity, self._turn.now, timestamp_us, self._default_ttl
        )
        answer = client, frame.name, frame.seqid, evaluation.respond
        self._take(evaluation.changes, frame.end - frame.offset, answer)

    def put(self, key: bytes, value: bytes, expire: int, seqid: int, client: Client) -> None:
        """Take one PUT without message objects; as ``write`` with an UpdateRequest.

        Args:
            key: encoded key.
            value: user data.
            expire: absolute, seconds since 2016, 0 for the table's default.
            seqid: the request's number.
            client: whom to answer.
        """
        turn = self._turn
        timestamp_us = self._timestamps.next(turn.now_us)
        change = put_change(key, value, expire, turn.now, timestamp_us, self._default_ttl)
        status = _REFUSED if change is None else _OK
        changes = [] if change is None else [change]
        self._take(changes, len(key) + len(value), (client, codes.PUT, seqid, status))

    def multi_put(
        self, rows: tuple[bytes, list[bytes], list[bytes], int], frame: RequestFrame, client: Client
    ) -> None:
        """Take one MULTI_PUT without message objects; as ``write`` with a MultiPutRequest.

        Args:
            rows: hash key, sort keys, values, absolute expiry.
            frame: what it came in.
            client: whom to answer.
        """
        turn = self._turn
        timestamp_us = self._timestamps.next(turn.now_us)
        changes = multi_put_changes(*rows, turn.now, timestamp_us, self._default_ttl)
        status = _REFUSED if changes is None else _OK
        answer = client, codes.MULTI_PUT, frame.seqid, status
        self._take(changes or [], frame.end - frame.offset, answer)

    def _take(self, changes: list[Change], size: int, answer: Answer) -> None:
        """Add one evaluated write to the writes of this turn."""
        if not self._answers:
            self._turn.written.append(self)
        self._overlay.prepare(changes)
        self._changes += changes
        self._bytes += size
        self._answers.append(answer)

    def end_turn(self) -> None:
        """Hand the writes of this turn to the machine as one physical batch."""
        writes = TurnWrites(self._changes, self._answers)
        size = self._bytes
        self._changes, self._bytes, self._answers = [], 0, []
        self._outstanding.append(writes)
        wall_us = self._turn.now_us
        self._hand_over(ClientWrites(writes.changes, size, len(writes.answers), writes, wall_us))

    def _settle(self, tokens: Iterable[object], decree: Decree) -> None:
        """Answer writes that are applied now; ``tokens`` are the oldest of ``_outstanding``."""
        for token in tokens:
            writes = self._outstanding.popleft()
            assert writes is token, "writes are answered in the order they were taken"
            self._overlay.settle(writes.changes)
            self._answer(writes.answers, decree)

    def _withdraw(self, token: object, error: str) -> None:
        """Answer the newest writes with an error: this replica will not apply them for them."""
        writes = self._outstanding.pop()
        assert writes is token, "only the newest writes can be withdrawn"
        self._overlay.withdraw(writes.changes)
        answer_all([writes], error)

    def drain(self, on_idle: Callable[[], None]) -> None:
        """Refuse further requests; call back once every write taken is answered."""
        self._refuse(self._refusal or codes.ERR_INVALID_STATE)
        self._on_idle = on_idle
        self._report_idle()

    def _report_idle(self) -> None:
        if self._on_idle is not None and not self._outstanding:
            on_idle, self._on_idle = self._on_idle, None
            on_idle()

    def _answer(self, answers: Iterable[Answer], decree: Decree) -> None:
        """Tell clients the decree their writes got."""
        gpid, server = self.identity
        put_reply = put_replies(gpid, decree, server)
        for client, name, seqid, outcome in answers:
            if isinstance(outcome, Status):
                is_put = name == codes.PUT
                reply = put_reply if is_put else put_replies(gpid, decree, server, name)
                client.send(reply(seqid, outcome))
            else:
                client.send(_reply(name, seqid, outcome(decree)))


def _reply(name: bytes, seqid: int, response: Struct) -> bytes:
    if isinstance(response, CheckAndResponse):
        return check_response(name, seqid, response)
    return encode_response(name, seqid, result(response.encode()))


def answer_all(writes: Iterable[TurnWrites], error: str) -> None:
    """Answer all writes with a framework error."""
    for each in writes:
        for client, name, seqid, _ in each.answers:
            client.send(encode_response(name, seqid, b"", error))
