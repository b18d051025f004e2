"""Which of several meta servers leads: the line of candidates in the store (F10, F21, F22).

Theory of operation. Every meta server has a session with the store and an entry in a line that
lives as long as the session; whoever is first leads. A candidate looks at the line every LOOK_US,
also while it leads. The store answers a look only while the session lives, and the look passes
through the store's own leader, so for a leader each answer that shows it first is the proof that
``Leadership`` asks for, and an answer that does not is the end of its term: it need not write to
learn that it was replaced. Who does not look at all, because it sleeps or is cut off, is stopped
by its own clock (``Leadership.surely_leads``) and by the store, which refuses the writes of a
leader whose entry is gone.

A session that ended is over for good: the next one enters the line at its end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pegasus_server.meta.cluster_inputs import Deposed, Elected, StoreAlive
from pegasus_server.meta.lease_numbers import US_PER_SECOND
from pegasus_tab.base.ids import NodeName

LOOK_US = US_PER_SECOND
"""From one look at the line to the next."""
RESIGNED_US = 2 * US_PER_SECOND
"""Who resigned stays out of the line for so long: its reason may hold for its next term as well."""


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """A candidate's place in the line.

    Attributes:
        place: rises with every entry ever made.
        session: it lives as long as this session.
        node: whose it is.
    """

    place: int
    session: int
    node: NodeName


@dataclass(frozen=True, slots=True)
class SessionBegan:
    """The store granted a session; told once for each.

    Attributes:
        session: its number, never used twice.
        timeout_us: the store ends it when it heard nothing for so long.
    """

    session: int
    timeout_us: int


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """The session is over, by whatever cause; another will begin by itself."""


@dataclass(frozen=True, slots=True)
class LineSeen:
    """The line, as it was after the question left at ``sent_us``; in any order."""

    session: int
    line: Sequence[Entry]
    sent_us: int


@dataclass(frozen=True, slots=True)
class Enrolled:
    """An entry was made, or maybe not: the next look tells."""

    session: int


@dataclass(frozen=True, slots=True)
class EpochSeen:
    """The epoch of this candidate's entry."""

    session: int
    epoch: int


@dataclass(frozen=True, slots=True)
class QuestionLost:
    """A look or a question about the epoch has no answer; the connection broke."""

    session: int


@dataclass(frozen=True, slots=True)
class Resignation:
    """This meta server gives its leadership up; the reason is for the log."""

    reason: str


@dataclass(frozen=True, slots=True)
class CandidacyTick:
    """Time passed; due at ``next_deadline``, harmless at any time."""


CandidacyInput: TypeAlias = (
    SessionBegan
    | SessionEnded
    | LineSeen
    | Enrolled
    | EpochSeen
    | QuestionLost
    | Resignation
    | CandidacyTick
)


@dataclass(frozen=True, slots=True)
class Look:
    """Ask for the line, past the store's leader; answer with LineSeen or QuestionLost."""


@dataclass(frozen=True, slots=True)
class Enrol:
    """Make an entry at the end of the line; answer with Enrolled in every case."""


@dataclass(frozen=True, slots=True)
class AskEpoch:
    """Ask for the epoch of an entry; answer with EpochSeen, or QuestionLost also if it is gone."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class EndSession:
    """End the session, so that others need not wait for it, and begin another.

    The reason is for the log.
    """

    reason: str


CandidacyEffect: TypeAlias = Look | Enrol | AskEpoch | EndSession | Elected | Deposed | StoreAlive
"""The last three are for the meta server."""


class Candidacy:
    """One meta server's part in elections.

    Invariants: it leads only with an entry of its own session that a look showed first; epochs
    rise; one question is under way at most.

    Args:
        node: this meta server.

    Attributes:
        entry: the entry it leads by, None while it does not lead.
    """

    def __init__(self, node: NodeName) -> None:
        self.entry: Entry | None = None
        self._node = node
        self._session: int | None = None
        self._timeout_us = 0
        self._epoch = 0
        self._leader: NodeName | None = None
        self._first: tuple[Entry, int] | None = None
        self._is_asking = False
        self._look_us = 0
        self._enrol_us = 0

    def next_deadline(self) -> int | None:
        """Return when a CandidacyTick is due, None while an answer or a session is waited for."""
        return None if self._session is None or self._is_asking else self._look_us

    def step(self, event: CandidacyInput, now_us: int) -> list[CandidacyEffect]:
        """Advance by one input.

        Args:
            event: what happened.
            now_us: CLOCK_BOOTTIME, microseconds; never falls.

        Returns:
            Effects in the order to carry them out.
        """
        epoch = self._epoch
        effects = self._react(event, now_us)
        assert self._epoch >= epoch
        assert self.entry is None or self.entry.session == self._session
        return effects

    def _react(self, event: CandidacyInput, now_us: int) -> list[CandidacyEffect]:
        match event:
            case SessionBegan():
                self._session, self._timeout_us = event.session, event.timeout_us
                return self._look(now_us)
            case SessionEnded():
                return self._lose_session()
            case Resignation():
                return self._resign(event.reason, now_us)
            case CandidacyTick():
                return self._on_tick(now_us)
            case _:
                return self._on_answer(event, now_us)

    def _look(self, now_us: int) -> list[CandidacyEffect]:
        self._is_asking = True
        self._look_us = now_us + LOOK_US
        return [Look()]

    def _lose_session(self) -> list[CandidacyEffect]:
        self._session = None
        self._is_asking = False
        return self._follow(None)

    def _resign(self, reason: str, now_us: int) -> list[CandidacyEffect]:
        self._enrol_us = now_us + RESIGNED_US
        if self._session is None:
            return []
        return [*self._lose_session(), EndSession(reason)]

    def _on_tick(self, now_us: int) -> list[CandidacyEffect]:
        due_us = self.next_deadline()
        return [] if due_us is None or now_us < due_us else self._look(now_us)

    def _on_answer(
        self, answer: LineSeen | Enrolled | EpochSeen | QuestionLost, now_us: int
    ) -> list[CandidacyEffect]:
        if answer.session != self._session:
            return []
        self._is_asking = False
        match answer:
            case LineSeen():
                return self._on_line(answer, now_us)
            case Enrolled():
                return self._look(now_us)
            case EpochSeen():
                return self._on_epoch(answer, now_us)
            case QuestionLost():
                return []

    def _on_line(self, seen: LineSeen, now_us: int) -> list[CandidacyEffect]:
        line = sorted(seen.line)
        # An answer that got lost leaves two entries; the later one goes with the session.
        mine = next((each for each in line if each.session == self._session), None)
        if mine is None:
            effects = self._follow(self._other(line))
            if now_us < self._enrol_us:
                return effects
            self._is_asking = True
            return [*effects, Enrol()]
        if line[0] != mine:
            return self._follow(self._other(line))
        if self.entry == mine:
            return [StoreAlive(seen.sent_us)]
        self._first = (mine, seen.sent_us)
        self._is_asking = True
        return [*self._follow(None), AskEpoch(mine)]

    def _other(self, line: Sequence[Entry]) -> NodeName | None:
        """Name who leads; an entry that an earlier life left is nobody to turn to."""
        leader = line[0].node if line else None
        return None if leader == self._node else leader

    def _on_epoch(self, seen: EpochSeen, now_us: int) -> list[CandidacyEffect]:
        assert self._first is not None, "asked after a look that showed it first"
        if seen.epoch <= self._epoch:
            reason = (
                f"the store's epoch fell from {self._epoch} to {seen.epoch}: it lost its content; "
                "stop all servers of the cluster, start them again and recover the cluster"
            )
            return self._resign(reason, now_us)
        self._epoch = seen.epoch
        self._leader = None
        self.entry, sent_us = self._first
        return [Elected(seen.epoch, self._timeout_us, sent_us)]

    def _follow(self, leader: NodeName | None) -> list[CandidacyEffect]:
        if self.entry is None and self._leader == leader:
            return []
        self.entry, self._leader = None, leader
        return [Deposed(leader)]
