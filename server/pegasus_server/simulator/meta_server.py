"""One life of a meta server: the machine, its session with the store, and who asks it."""

from collections.abc import Callable
from dataclasses import dataclass

from pegasus_server.meta.cluster_effects import ClusterEffect, Resign, Send
from pegasus_server.meta.cluster_inputs import (
    Administer,
    ClusterInput,
    ClusterTick,
    Deposed,
    Elected,
    Received,
    StoreAlive,
)
from pegasus_server.meta.cluster_meta import ClusterMeta
from pegasus_server.meta.cluster_numbers import ClusterNumbers
from pegasus_server.meta.cure_case import CureNumbers
from pegasus_server.meta.effects import Reply
from pegasus_server.meta.inputs import MetaRequest
from pegasus_server.meta.messages import ToMeta
from pegasus_server.meta.orders import Order
from pegasus_server.meta.store_effects import (
    LoadStore,
    PersistConfig,
    PersistTables,
    ReadConfig,
    ReadTables,
    StoreEffect,
)
from pegasus_server.meta.store_inputs import PersistUnknown, StoreFailed, TablesUnknown
from pegasus_server.simulator.meta_store import SESSION_US, STORE, StoreQuestion, StoreReply
from pegasus_server.simulator.parcels import RouteAnswer, RouteQuestion
from pegasus_server.simulator.process import Process
from pegasus_tab.base.ids import NodeName

PING_US = SESSION_US // 5
STORE_PATIENCE_US = 2_000_000
READ_AGAIN_US = 500_000
US_PER_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class AdminQuestion:
    """The operator asks for, or orders, something; its token is an AdminToken."""

    request: MetaRequest | Order


@dataclass(frozen=True, slots=True)
class AdminToken:
    """Whom to answer what."""

    sender: str
    ticket: int


@dataclass(frozen=True, slots=True)
class AdminAnswer:
    """How that went; a framework error name."""

    ticket: int
    error: str


class MetaServer:
    """A meta server from start to death.

    Invariant: every question to the store ends in one answer to the machine, unless the term it
    was asked in ended.

    Args:
        name: of this server.
        life: counts its starts.
        process: the program.
        carry: sends ``(target, message)``.
        return_us: see CureNumbers.

    Attributes:
        machine: the state machine.
    """

    def __init__(
        self,
        name: NodeName,
        life: int,
        process: Process,
        carry: Callable[[str, object], None],
        return_us: int,
    ) -> None:
        self.machine = ClusterMeta(ClusterNumbers(cure=CureNumbers(return_us=return_us)))
        self._name = name
        self._life = life
        self._process = process
        self._carry = carry
        self._sessions = 0
        self._session = ""
        self._epoch = 0
        self._ticket = 0
        self._asked: dict[int, StoreEffect] = {}
        self._leader: NodeName | None = None
        self._tick_at: int | None = None
        self._begin_session()
        self._ping()

    # The machine's turn.

    def _drive(self, event: ClusterInput) -> None:
        for effect in self.machine.step(event, self._process.now_us):
            self._perform(effect)
        due = self.machine.next_deadline()
        if due is not None and (self._tick_at is None or due < self._tick_at):
            self._tick_at = max(due, self._process.now_us + 1)
            self._process.at(self._tick_at, self._on_timer, self._tick_at)

    def _on_timer(self, due_us: int) -> None:
        if self._tick_at == due_us:
            self._tick_at = None
            self._drive(ClusterTick(self._process.wall_us // US_PER_SECOND))

    def _perform(self, effect: ClusterEffect) -> None:
        match effect:
            case Send():
                self._carry(effect.to, effect.message)
            case Reply():
                token = effect.token
                assert isinstance(token, AdminToken)
                self._carry(token.sender, AdminAnswer(token.ticket, effect.error))
            case Resign():
                self._carry(STORE, StoreQuestion(self._session, 0, 0, ends=True))
                self._begin_session()
                self._process.after(0, self._drive, Deposed(None))
            case _:
                self._ask(effect)

    def receive(self, sender: str, message: object) -> None:
        """Take a message."""
        match message:
            case StoreReply():
                self._on_store(message)
            case RouteQuestion():
                self._on_route(sender, message)
            case AdminQuestion():
                self._on_operator(message.request)
            case _:
                assert isinstance(message, ToMeta)
                self._drive(Received(message))

    def _on_operator(self, request: MetaRequest | Order) -> None:
        if isinstance(request, Order):
            self._drive(request)
        else:
            self._drive(Administer(request, self._process.wall_us // US_PER_SECOND))

    def _on_route(self, sender: str, question: RouteQuestion) -> None:
        config = None
        if self.machine.is_leading:
            partitions = self.machine.guardian.ward.partitions
            if question.gpid in partitions:
                config = partitions.record(question.gpid).config
        self._carry(sender, RouteAnswer(question.gpid, config))

    # The store.

    def _begin_session(self) -> None:
        self._sessions += 1
        self._session = f"{self._name}.{self._life}.{self._sessions}"
        self._epoch = 0
        self._asked.clear()

    def _ping(self) -> None:
        self._carry(STORE, StoreQuestion(self._session, 0, self._process.now_us))
        self._process.after(PING_US, self._ping)

    def _ask(self, request: StoreEffect) -> None:
        self._ticket += 1
        self._asked[self._ticket] = request
        question = StoreQuestion(self._session, self._ticket, self._process.now_us, request)
        self._carry(STORE, question)
        self._process.after(STORE_PATIENCE_US, self._lose_patience, self._ticket)

    def _lose_patience(self, ticket: int) -> None:
        """Tell the machine that an answer got lost; reads are repeated without telling."""
        request = self._asked.pop(ticket, None)
        match request:
            case None:
                pass
            case LoadStore():
                self._drive(StoreFailed("the store does not answer"))
            case PersistConfig():
                self._drive(PersistUnknown(request.gpid))
            case PersistTables():
                self._drive(TablesUnknown())
            case ReadConfig() | ReadTables():
                self._process.after(READ_AGAIN_US, self._ask_again, self._session, request)

    def _ask_again(self, session: str, request: StoreEffect) -> None:
        if session == self._session:
            self._ask(request)

    def _on_store(self, reply: StoreReply) -> None:
        if reply.session != self._session:
            return
        if reply.is_expired:
            self._begin_session()
            self._follow(reply.leader)
            return
        self._drive(StoreAlive(reply.sent_us))
        if reply.leads:
            if reply.epoch > self._epoch:
                self._epoch = reply.epoch
                self._drive(Elected(reply.epoch, SESSION_US, reply.sent_us))
        elif self._leader != reply.leader:
            self._follow(reply.leader)
        if self._asked.pop(reply.ticket, None) is not None:
            assert reply.answer is not None
            self._drive(reply.answer)

    def _follow(self, leader: NodeName | None) -> None:
        """Follow; a session that an earlier life of this server left is nobody to turn to."""
        self._leader = leader
        self._drive(Deposed(None if leader == self._name else leader))
