"""Drives a meta server's candidacy: sessions with ZooKeeper begin and end, the line is looked at.

Decides nothing.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from pegasus_server.meta.candidacy import (
    AskEpoch,
    Candidacy,
    CandidacyEffect,
    CandidacyInput,
    CandidacyTick,
    EndSession,
    Enrol,
    Enrolled,
    Entry,
    EpochSeen,
    LineSeen,
    Look,
    QuestionLost,
    Resignation,
    SessionBegan,
    SessionEnded,
)
from pegasus_server.meta.cluster_inputs import Deposed, Elected, StoreAlive
from pegasus_server.runtime.clock import boottime_us
from pegasus_server.runtime.coroutine import begin
from pegasus_server.runtime.machine_loop import MachineLoop
from pegasus_server.runtime.meta_store_zookeeper import Warrant, ZooKeeperStore
from pegasus_server.runtime.zookeeper import KeeperError, NoSuchNodeError, ZooKeeperSession
from pegasus_server.runtime.zookeeper_paths import ZooKeeperPaths, read_entry
from pegasus_tab.base.ids import NodeName

logger = logging.getLogger(__name__)

US_PER_MS = 1000
BEGIN_AGAIN_SECONDS = 0.5
"""Between the end of a session and the next: an ensemble that refuses us must not be flooded."""

SILENT_SECONDS = 10.0
"""A new session that did not begin for so long is worth a warning, again and again."""


class OpenSession(Protocol):
    """Begins a session with ZooKeeper."""

    def __call__(
        self, on_began: Callable[[int, int], None], on_ended: Callable[[], None]
    ) -> ZooKeeperSession:
        """Begin; ``on_began`` gets its number and its timeout in milliseconds."""


class MetaElection:
    """One meta server's part in elections, with the sessions it takes.

    Args:
        node: this meta server.
        paths: of the cluster.
        open_session: begins a session.
        store: writes by the entry this server leads by.
        drive: takes what the meta machine must hear.
        later: has work done in the reactor's thread after so many seconds.
        on_fatal: a defect of this program; the text says which.
    """

    def __init__(
        self,
        node: NodeName,
        paths: ZooKeeperPaths,
        open_session: OpenSession,
        store: ZooKeeperStore,
        drive: Callable[[Elected | Deposed | StoreAlive], None],
        later: Callable[[float, Callable[[], None]], object],
        on_fatal: Callable[[str], None],
    ) -> None:
        self._candidacy = Candidacy(node)
        self._node = node
        self._paths = paths
        self._open_session = open_session
        self._store = store
        self._drive = drive
        self._later = later
        self._on_fatal = on_fatal
        self._session: ZooKeeperSession | None = None
        self._loop: MachineLoop[CandidacyInput, CandidacyEffect] = MachineLoop(
            lambda event: self._candidacy.step(event, boottime_us()), self._perform
        )
        self._is_over = False

    def begin(self) -> None:
        """Begin a session; what follows comes by itself."""
        if not self._is_over:
            session = self._session = self._open_session(self._began, self._ended)
            self._later(SILENT_SECONDS, lambda: self._look_for_answer(session))

    def _look_for_answer(self, session: ZooKeeperSession) -> None:
        """Say that there is no ZooKeeper, which else nobody would learn."""
        if session is self._session and not session.has_begun:
            logger.warning("ZooKeeper does not answer; look whether it runs and is named rightly")
            self._later(SILENT_SECONDS, lambda: self._look_for_answer(session))

    def tick(self) -> None:
        """Let time pass; call every few milliseconds."""
        due_us = self._candidacy.next_deadline()
        if due_us is not None and due_us <= boottime_us():
            self._loop.feed(CandidacyTick())

    def resign(self, reason: str) -> None:
        """Give leadership up."""
        self._loop.feed(Resignation(reason))

    def stop(self, stopped: Callable[[], object]) -> None:
        """End the session for good, so that others lead at once; then call ``stopped``."""
        self._is_over = True
        if self._session is None:
            stopped()
            return
        self._loop.feed(SessionEnded())
        self._session.close(stopped)

    def _began(self, session: int, timeout_ms: int) -> None:
        self._loop.feed(SessionBegan(session, timeout_ms * US_PER_MS))

    def _ended(self) -> None:
        self._session = None
        self._loop.feed(SessionEnded())
        self._later(BEGIN_AGAIN_SECONDS, self.begin)

    def _perform(self, effect: CandidacyEffect) -> None:
        match effect:
            case Look() | Enrol() | AskEpoch():
                if self._session is not None:
                    self._ask(self._answer(effect, self._session))
            case EndSession():
                logger.warning("leadership is given up: %s", effect.reason)
                if self._session is not None:
                    self._session.close()
                self._ended()
            case Elected():
                entry, session = self._candidacy.entry, self._session
                assert entry is not None
                assert session is not None
                logger.info("elected to lead, epoch %d", effect.epoch)
                self._store.lead(Warrant(session, self._paths.entry(entry)))
                self._drive(effect)
            case Deposed():
                logger.info("meta server %s leads", effect.leader or "none")
                self._store.follow()
                self._drive(effect)
            case _:
                self._drive(effect)

    def _ask(self, answer: Awaitable[CandidacyInput]) -> None:
        async def ask() -> None:
            self._loop.feed(await answer)

        begin(ask(), self._on_fatal)

    async def _answer(
        self, question: Look | Enrol | AskEpoch, session: ZooKeeperSession
    ) -> CandidacyInput:
        """Ask ZooKeeper."""
        number = session.number
        sent_us = boottime_us()
        try:
            match question:
                case Look():
                    return LineSeen(number, await self._line(session), sent_us)
                case Enrol():
                    await session.ensure(self._paths.line)
                    await session.enter(self._paths.entry_prefix(number, self._node))
                    return Enrolled(number)
                case AskEpoch():
                    return EpochSeen(number, await session.birth(self._paths.entry(question.entry)))
        except KeeperError as error:
            logger.warning("asking ZooKeeper about the election: %s", error)
            return Enrolled(number) if isinstance(question, Enrol) else QuestionLost(number)

    async def _line(self, session: ZooKeeperSession) -> list[Entry]:
        try:
            names = await session.children(self._paths.line)
        except NoSuchNodeError:
            return []  # this is the first meta server ever
        return [entry for entry in map(read_entry, names) if entry is not None]
