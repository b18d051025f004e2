"""A meta server's sessions with the store: its candidacy, and what it reads and writes as a leader."""

from collections import deque
from collections.abc import Callable

from pegasus_server.meta.candidacy import (
    AskEpoch,
    Candidacy,
    CandidacyEffect,
    CandidacyInput,
    CandidacyTick,
    EndSession,
    Enrol,
    Enrolled,
    Look,
    QuestionLost,
    Resignation,
    SessionBegan,
    SessionEnded,
)
from pegasus_server.meta.cluster_inputs import ClusterInput, Deposed
from pegasus_server.meta.store_effects import (
    LoadStore,
    PersistConfig,
    PersistTables,
    ReadConfig,
    ReadTables,
    StoreEffect,
)
from pegasus_server.meta.store_inputs import PersistUnknown, StoreFailed, TablesUnknown
from pegasus_server.simulator.meta_store import (
    CANDIDACY_ANSWERS,
    SESSION_US,
    STORE,
    LineQuestion,
    StoreQuestion,
    StoreReply,
)
from pegasus_server.simulator.process import Process
from pegasus_tab.base.ids import NodeName

PING_US = SESSION_US // 5
STORE_PATIENCE_US = 2_000_000
READ_AGAIN_US = 500_000


class MetaSession:
    """The sessions of one life of a meta server, one after the other.

    Invariant: every question to the store ends in one answer, unless the session or the term it was
    asked in ended.

    Args:
        name: of the server.
        process: the program.
        carry: sends ``(target, message)``.
        drive: takes what the meta machine must hear.
    """

    def __init__(
        self,
        name: NodeName,
        process: Process,
        carry: Callable[[str, object], None],
        drive: Callable[[ClusterInput], None],
    ) -> None:
        self._process = process
        self._carry = carry
        self._drive = drive
        self._candidacy = Candidacy(name)
        self._session: int | None = None
        self._ticket = 0
        self._asked: dict[int, LineQuestion | StoreEffect] = {}
        self._inputs: deque[CandidacyInput] = deque()
        self._is_driving = False
        self._tick_at: int | None = None
        self._ping()

    # The candidacy.

    def resign(self, reason: str) -> None:
        """Give leadership up."""
        self._step(Resignation(reason))

    def _step(self, event: CandidacyInput) -> None:
        """Feed the machine; inputs that come up while effects run wait for their turn."""
        self._inputs.append(event)
        if self._is_driving:
            return
        self._is_driving = True
        try:
            while self._inputs:
                for effect in self._candidacy.step(self._inputs.popleft(), self._process.now_us):
                    self._perform(effect)
        finally:
            self._is_driving = False
        due = self._candidacy.next_deadline()
        if due is not None and (self._tick_at is None or due < self._tick_at):
            self._tick_at = max(due, self._process.now_us + 1)
            self._process.at(self._tick_at, self._on_timer, self._tick_at)

    def _on_timer(self, due_us: int) -> None:
        if self._tick_at == due_us:
            self._tick_at = None
            self._step(CandidacyTick())

    def _perform(self, effect: CandidacyEffect) -> None:
        match effect:
            case Look() | Enrol() | AskEpoch():
                self._question(effect)
            case EndSession():
                self._carry(STORE, StoreQuestion(self._session, 0, 0, ends=True))
                self._forget_session()
            case Deposed():
                # Nobody waits for what the term asked.
                self._asked = {k: v for k, v in self._asked.items() if isinstance(v, LineQuestion)}
                self._drive(effect)
            case _:
                self._drive(effect)

    def _forget_session(self) -> None:
        self._session = None
        self._asked.clear()

    # The store.

    def ask(self, effect: StoreEffect) -> None:
        """Read or write."""
        self._question(effect)

    def _ping(self) -> None:
        """Show that the session lives, or ask for one."""
        self._carry(STORE, StoreQuestion(self._session, 0, self._process.now_us))
        self._process.after(PING_US, self._ping)

    def _question(self, request: LineQuestion | StoreEffect) -> None:
        self._ticket += 1
        self._asked[self._ticket] = request
        entry, now_us = self._candidacy.entry, self._process.now_us
        self._carry(STORE, StoreQuestion(self._session, self._ticket, now_us, request, entry))
        self._process.after(STORE_PATIENCE_US, self._lose_patience, self._ticket)

    def _lose_patience(self, ticket: int) -> None:
        """Tell the machines that an answer got lost; reads are repeated without telling."""
        request = self._asked.pop(ticket, None)
        session = self._session or 0
        match request:
            case None:
                pass
            case Enrol():
                self._step(Enrolled(session))
            case Look() | AskEpoch():
                self._step(QuestionLost(session))
            case LoadStore():
                self._drive(StoreFailed("the store does not answer"))
            case PersistConfig():
                self._drive(PersistUnknown(request.gpid))
            case PersistTables():
                self._drive(TablesUnknown())
            case ReadConfig() | ReadTables():
                self._process.after(READ_AGAIN_US, self._ask_again, self._candidacy.entry, request)

    def _ask_again(self, entry: object, request: StoreEffect) -> None:
        if entry is not None and entry == self._candidacy.entry:
            self._question(request)

    def receive(self, reply: StoreReply) -> None:
        """Take what the store says."""
        if self._session is None and reply.is_new:
            self._session = reply.session
            self._step(SessionBegan(reply.session, SESSION_US))
        elif reply.session != self._session:
            pass  # of an earlier session, or one that was asked for twice
        elif reply.is_expired:
            self._forget_session()
            self._step(SessionEnded())
        elif self._asked.pop(reply.ticket, None) is not None:
            assert reply.answer is not None
            if isinstance(reply.answer, CANDIDACY_ANSWERS):
                self._step(reply.answer)
            else:
                self._drive(reply.answer)
