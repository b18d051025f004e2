"""The metas' store: a ZooKeeper of one node with versions, sessions and a line of candidates.

A session lives while its meta server is heard, and its entry in the line lives as long. Writes are
checked for their version and for the entry of the leader that writes, in one step. While the store
is down nobody is answered and no session ends, as with an ensemble without quorum.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from pegasus_server.meta.candidacy import (
    AskEpoch,
    Enrol,
    Enrolled,
    Entry,
    EpochSeen,
    LineSeen,
    Look,
    QuestionLost,
)
from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.partition import PartitionRecord
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
    StoreInput,
    StoreLoaded,
    TablesPersisted,
    TablesRead,
    TablesUnknown,
)
from pegasus_server.simulator.clock import Clock
from pegasus_tab.base.ids import Gpid, NodeName

SESSION_US = 10_000_000
STORE = "store"


LineQuestion = Look | Enrol | AskEpoch
CANDIDACY_ANSWERS = (LineSeen, Enrolled, EpochSeen, QuestionLost)
CandidacyAnswer: TypeAlias = LineSeen | Enrolled | EpochSeen | QuestionLost


@dataclass(frozen=True, slots=True)
class StoreQuestion:
    """A meta server to the store.

    Attributes:
        session: whose; None asks for a new one.
        ticket: comes back in the answer.
        sent_us: the asker's clock, comes back.
        request: None only shows that the session lives.
        entry: of the leader that writes.
        ends: the session is closed.
    """

    session: int | None
    ticket: int
    sent_us: int
    request: LineQuestion | StoreEffect | None = None
    entry: Entry | None = None
    ends: bool = False


@dataclass(frozen=True, slots=True)
class StoreReply:
    """The store to a meta server.

    Attributes:
        session: of the question, or a new one.
        ticket: of the question.
        answer: to the request, None if there was none.
        is_new: the session was asked for and is granted.
        is_expired: the session is over.
    """

    session: int
    ticket: int
    answer: StoreInput | CandidacyAnswer | None = None
    is_new: bool = False
    is_expired: bool = False


VersionedRecord: TypeAlias = tuple[PartitionRecord, int]


@dataclass(slots=True)
class _Session:
    owner: NodeName
    heard_us: int


class MetaStore:
    """Holds tables, configurations, sessions and the line.

    Invariants: places in the line rise; a partition's ballot never falls; nobody writes without an
    entry in the line.

    Args:
        clock: true time.
        reply: ``reply(meta, message)`` sends over the network.

    Attributes:
        is_down: nobody is answered.
        forgets_answers: what is asked is done, and the answers are lost.
        partitions: every record and its version.
        tables: the catalog.
    """

    def __init__(self, clock: Clock, reply: Callable[[NodeName, StoreReply], None]) -> None:
        self.is_down = False
        self.forgets_answers = False
        self.partitions: dict[Gpid, VersionedRecord] = {}
        self._clock = clock
        self._reply = reply
        self.tables = ClusterState()
        self._tables_version = 0
        self._sessions: dict[int, _Session] = {}
        self._sessions_ever = 0
        self._line: list[Entry] = []
        self._places = 0
        clock.after(SESSION_US // 10, self._look)

    def _look(self) -> None:
        """End the sessions nobody was heard of, once in a while."""
        now_us = self._clock.now_us
        for number, session in tuple(self._sessions.items()):
            if self.is_down:
                session.heard_us = now_us
            elif now_us - session.heard_us >= SESSION_US:
                self._end(number)
        self._clock.after(SESSION_US // 10, self._look)

    def _end(self, number: int) -> None:
        self._sessions.pop(number, None)
        self._line = [each for each in self._line if each.session != number]

    def receive(self, sender: NodeName, question: StoreQuestion) -> None:
        """Take a question."""
        if self.is_down:
            return
        number = question.session
        if number is None:
            self._begin(sender, question)
        elif question.ends:
            self._end(number)
        elif number not in self._sessions:
            self._reply(sender, StoreReply(number, question.ticket, is_expired=True))
        else:
            self._sessions[number].heard_us = self._clock.now_us
            self._serve(sender, number, question)

    def _begin(self, sender: NodeName, question: StoreQuestion) -> None:
        self._sessions_ever += 1
        self._sessions[self._sessions_ever] = _Session(sender, self._clock.now_us)
        self._reply(sender, StoreReply(self._sessions_ever, question.ticket, is_new=True))

    def _serve(self, sender: NodeName, number: int, question: StoreQuestion) -> None:
        answer: StoreInput | CandidacyAnswer | None = None
        match question.request:
            case None:
                pass
            case Look() | Enrol() | AskEpoch():
                answer = self._elect(question.request, number, question.sent_us)
            case _:
                answer = self._perform(question.request, leads=question.entry in self._line)
        if question.request is None or not self.forgets_answers:
            self._reply(sender, StoreReply(number, question.ticket, answer))

    def _elect(self, request: LineQuestion, number: int, sent_us: int) -> CandidacyAnswer:
        match request:
            case Look():
                return LineSeen(number, tuple(self._line), sent_us)
            case Enrol():
                self._places += 1
                self._line.append(Entry(self._places, number, self._sessions[number].owner))
                return Enrolled(number)
            case AskEpoch():
                if request.entry not in self._line:
                    return QuestionLost(number)
                return EpochSeen(number, request.entry.place)

    def _perform(self, request: StoreEffect, *, leads: bool) -> StoreInput:
        match request:
            case LoadStore():
                return StoreLoaded(self.tables, self._tables_version, dict(self.partitions))
            case PersistConfig():
                return self._persist(request, leads=leads)
            case ReadConfig():
                return ConfigRead(request.gpid, *self.partitions.get(request.gpid, (None, None)))
            case PersistTables():
                return self._persist_tables(request, leads=leads)
            case ReadTables():
                return TablesRead(self.tables, self._tables_version)

    def _persist(self, request: PersistConfig, *, leads: bool) -> StoreInput:
        record, version = self.partitions.get(request.gpid, (None, None))
        if version != request.expected_version or not leads:
            return PersistUnknown(request.gpid)
        if record is not None:
            assert request.record.config.ballot >= record.config.ballot, "A8: ballots never fall"
        written = 0 if version is None else version + 1
        self.partitions[request.gpid] = (request.record, written)
        return ConfigPersisted(request.gpid, written)

    def _persist_tables(self, request: PersistTables, *, leads: bool) -> StoreInput:
        if self._tables_version != request.expected_version or not leads:
            return TablesUnknown()
        self.tables = request.applied_to(self.tables)
        self._tables_version += 1
        for gpid in [each for each in self.partitions if each.app_id in request.removed]:
            del self.partitions[gpid]
        return TablesPersisted(self._tables_version)
