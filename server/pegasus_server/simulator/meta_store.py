"""The metas' store: a ZooKeeper of one node with versions, sessions and an election.

A session lives while its meta server is heard; when the leader's ends, the next in line leads with
a higher epoch. Writes are checked for their version and for who leads, in one step. While the
store is down nobody is answered and no session ends, as with an ensemble without quorum.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

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


@dataclass(frozen=True, slots=True)
class StoreQuestion:
    """A meta server to the store.

    Attributes:
        session: names one life of one meta server, and its attempt to lead.
        ticket: comes back in the answer.
        sent_us: the asker's clock, comes back.
        request: None only shows that the session lives.
        ends: the session is closed.
    """

    session: str
    ticket: int
    sent_us: int
    request: StoreEffect | None = None
    ends: bool = False


@dataclass(frozen=True, slots=True)
class StoreReply:
    """The store to a meta server.

    Attributes:
        session: of the question.
        ticket: of the question.
        sent_us: of the question.
        answer: to the request, None if there was none.
        is_expired: the session is over.
        leads: the session leads.
        leader: which server leads, None if nobody does.
        epoch: of that leader.
    """

    session: str
    ticket: int
    sent_us: int
    answer: StoreInput | None
    is_expired: bool
    leads: bool
    leader: NodeName | None
    epoch: int


VersionedRecord: TypeAlias = tuple[PartitionRecord, int]


@dataclass(slots=True)
class _Session:
    owner: NodeName
    heard_us: int


class MetaStore:
    """Holds tables and configurations.

    Invariants: epochs rise; a partition's ballot never falls; at most one session leads.

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
        self._sessions: dict[str, _Session] = {}
        self._ended: set[str] = set()
        self._leader: str | None = None
        self._epoch = 0
        clock.after(SESSION_US // 10, self._look)

    def _look(self) -> None:
        """End the sessions nobody was heard of, once in a while."""
        now_us = self._clock.now_us
        for name, session in tuple(self._sessions.items()):
            if self.is_down:
                session.heard_us = now_us
            elif now_us - session.heard_us >= SESSION_US:
                self._end(name)
        self._clock.after(SESSION_US // 10, self._look)

    def _end(self, name: str) -> None:
        self._sessions.pop(name, None)
        self._ended.add(name)
        if self._leader == name:
            self._leader = None
        self._elect()

    def _elect(self) -> None:
        if self._leader is None and self._sessions:
            self._leader = next(iter(self._sessions))
            self._epoch += 1

    def receive(self, sender: NodeName, question: StoreQuestion) -> None:
        """Take a question."""
        if self.is_down:
            return
        name = question.session
        if question.ends:
            self._end(name)
            return
        if name not in self._ended:
            self._sessions.setdefault(name, _Session(sender, 0)).heard_us = self._clock.now_us
            self._elect()
        answer = None
        if question.request is not None and name not in self._ended:
            answer = self._perform(question.request, leads=self._leader == name)
            if self.forgets_answers:
                return
        leader = None if self._leader is None else self._sessions[self._leader].owner
        reply = StoreReply(
            name,
            question.ticket,
            question.sent_us,
            answer,
            name in self._ended,
            self._leader == name,
            leader,
            self._epoch,
        )
        self._reply(sender, reply)

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
