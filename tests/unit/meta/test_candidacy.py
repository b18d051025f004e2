"""Elections: who leads is who stands first, and nobody else."""

from hypothesis import given
from hypothesis import strategies as st

from pegasus_server.meta.candidacy import (
    LOOK_US,
    RESIGNED_US,
    AskEpoch,
    Candidacy,
    CandidacyEffect,
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
from pegasus_tab.base.ids import NodeName

A, B = NodeName("a:1"), NodeName("b:1")
SESSION_US = 10_000_000
OURS = Entry(5, 100, A)


def candidate() -> Candidacy:
    candidacy = Candidacy(A)
    assert candidacy.step(SessionBegan(100, SESSION_US), 0) == [Look()]
    return candidacy


def leader() -> Candidacy:
    candidacy = candidate()
    assert candidacy.step(LineSeen(100, [OURS], 7), 8) == [AskEpoch(OURS)]
    assert candidacy.step(EpochSeen(100, 40), 9) == [Elected(40, SESSION_US, 7)]
    assert candidacy.entry == OURS
    return candidacy


def test_the_first_of_all_enrols_and_leads() -> None:
    candidacy = candidate()
    assert candidacy.step(LineSeen(100, [], 1), 2) == [Enrol()]
    assert candidacy.step(Enrolled(100), 3) == [Look()]
    assert candidacy.step(LineSeen(100, [OURS], 4), 5) == [AskEpoch(OURS)]
    assert candidacy.step(EpochSeen(100, 40), 6) == [Elected(40, SESSION_US, 4)]


def test_who_is_not_first_follows_and_looks_again() -> None:
    candidacy = candidate()
    line = [OURS, Entry(3, 9, B)]
    assert candidacy.step(LineSeen(100, line, 1), 2) == [Deposed(B)]
    assert candidacy.step(LineSeen(100, line, 1), 2) == []
    assert candidacy.next_deadline() == LOOK_US
    assert candidacy.step(CandidacyTick(), LOOK_US - 1) == []
    assert candidacy.step(CandidacyTick(), LOOK_US) == [Look()]
    assert candidacy.next_deadline() is None, "one question at a time"
    assert candidacy.step(LineSeen(100, [OURS], LOOK_US), LOOK_US) == [
        Deposed(None),
        AskEpoch(OURS),
    ]


def test_an_earlier_life_of_ours_is_nobody_to_turn_to() -> None:
    candidacy = candidate()
    assert candidacy.step(LineSeen(100, [OURS, Entry(3, 9, A)], 1), 2) == []


def test_every_look_proves_leadership_anew() -> None:
    candidacy = leader()
    assert candidacy.step(CandidacyTick(), LOOK_US) == [Look()]
    alive = candidacy.step(LineSeen(100, [OURS, Entry(6, 9, B)], LOOK_US), LOOK_US + 5)
    assert alive == [StoreAlive(LOOK_US)]


def test_a_leader_whose_entry_is_gone_follows_without_writing() -> None:
    candidacy = leader()
    effects = candidacy.step(LineSeen(100, [Entry(6, 9, B)], 20), 21)
    assert effects == [Deposed(B), Enrol()]
    assert candidacy.entry is None


def test_a_session_that_ended_ends_the_term_and_its_answers_count_no_more() -> None:
    candidacy = leader()
    assert candidacy.step(SessionEnded(), 10) == [Deposed(None)]
    assert candidacy.step(LineSeen(100, [OURS], 11), 11) == []
    assert candidacy.step(SessionBegan(101, SESSION_US), 12) == [Look()]
    assert candidacy.step(EpochSeen(100, 60), 13) == []
    assert candidacy.step(LineSeen(101, [OURS], 14), 14) == [Enrol()]


def test_who_resigned_lets_others_lead_first() -> None:
    candidacy = leader()
    assert candidacy.step(Resignation("why"), 10) == [Deposed(None), EndSession("why")]
    assert candidacy.step(SessionBegan(101, SESSION_US), 20) == [Look()]
    assert candidacy.step(LineSeen(101, [], 20), 21) == []
    late_us = 10 + RESIGNED_US
    assert candidacy.step(CandidacyTick(), late_us) == [Look()]
    assert candidacy.step(LineSeen(101, [], late_us), late_us) == [Enrol()]
    assert Candidacy(A).step(Resignation("nobody leads here"), 0) == []


def test_a_lost_question_is_asked_again() -> None:
    candidacy = candidate()
    assert candidacy.step(QuestionLost(100), 5) == []
    assert candidacy.step(CandidacyTick(), LOOK_US) == [Look()]


def test_a_store_that_lost_everything_is_not_led() -> None:
    candidacy = leader()
    candidacy.step(SessionEnded(), 10)
    candidacy.step(SessionBegan(101, SESSION_US), 12)
    ours = Entry(0, 101, A)
    assert candidacy.step(LineSeen(101, [ours], 13), 13) == [AskEpoch(ours)]
    [end] = candidacy.step(EpochSeen(101, 3), 14)
    assert isinstance(end, EndSession)
    assert "recover the cluster" in end.reason


class Line:
    """The store's part: entries, sessions, and answers that arrive in the order of the questions."""

    def __init__(self, nodes: int) -> None:
        self.candidacies = [Candidacy(NodeName(f"m{number}:1")) for number in range(nodes)]
        self.sessions: list[int | None] = [None] * nodes
        self.entries: list[Entry] = []
        self.asked: list[list[CandidacyEffect]] = [[] for _ in range(nodes)]
        self.epochs: list[int] = []
        self.sessions_ever = 0
        self.places = 0
        self.now_us = 0

    def do(self, number: int, what: str) -> None:
        """Let one thing happen to one candidate."""
        self.now_us += LOOK_US // 3
        match what:
            case "begin" if self.sessions[number] is None:
                self.sessions_ever += 1
                self.sessions[number] = self.sessions_ever
                self.feed(number, SessionBegan(self.sessions_ever, SESSION_US))
            case "expire":
                # The store knows it first; the candidate hears of it with "end".
                self.drop(self.sessions[number])
            case "end" if self.sessions[number] is not None:
                self.drop(self.sessions[number])
                self.sessions[number] = None
                self.asked[number].clear()
                self.feed(number, SessionEnded())
            case "answer" if self.asked[number]:
                self.answer(number, self.asked[number].pop(0), self.sessions[number] or 0)
            case "lose" if self.asked[number]:
                self.asked[number].pop(0)
                self.feed(number, QuestionLost(self.sessions[number] or 0))
            case "resign":
                self.feed(number, Resignation("a test"))
            case "tick":
                self.feed(number, CandidacyTick())
            case _:
                pass  # there is nothing to answer, or no session to end

    def drop(self, session: int | None) -> None:
        self.entries = [each for each in self.entries if each.session != session]

    def feed(self, number: int, event: object) -> None:
        for effect in self.candidacies[number].step(event, self.now_us):  # type: ignore[arg-type]  # any input
            match effect:
                case Look() | Enrol() | AskEpoch():
                    self.asked[number].append(effect)
                case EndSession():
                    self.drop(self.sessions[number])
                    self.sessions[number] = None
                    self.asked[number].clear()
                case Elected():
                    assert effect.epoch not in self.epochs, "one leader for each epoch"
                    self.epochs.append(effect.epoch)
                case _:
                    pass

    def answer(self, number: int, question: CandidacyEffect, session: int) -> None:
        is_alive = any(each == session for each in self.sessions)
        match question:
            case Look():
                self.feed(number, LineSeen(session, list(self.entries), self.now_us))
            case Enrol():
                if is_alive:
                    self.places += 1
                    node = NodeName(f"m{number}:1")
                    self.entries.append(Entry(self.places, session, node))
                self.feed(number, Enrolled(session))
            case AskEpoch():
                if question.entry in self.entries:
                    self.feed(number, EpochSeen(session, question.entry.place))
                else:
                    self.feed(number, QuestionLost(session))
            case _:
                raise AssertionError(question)

    def leaders(self) -> list[Entry]:
        return [each.entry for each in self.candidacies if each.entry is not None]


HAPPENINGS = st.sampled_from(
    ["begin", "expire", "end", "answer", "answer", "lose", "resign", "tick"]
)


@given(st.lists(st.tuples(st.integers(0, 2), HAPPENINGS), max_size=120))
def test_whoever_leads_with_a_living_entry_is_first(happenings: list[tuple[int, str]]) -> None:
    line = Line(3)
    for number, what in happenings:
        line.do(number, what)
        alive = [each for each in line.leaders() if each in line.entries]
        assert alive in ([], [min(line.entries)] if line.entries else [])
    for what in ("begin", "tick", "answer", "answer", "answer") * 12:
        for number in range(3):
            line.do(number, what)
    assert [each for each in line.leaders() if each in line.entries] == [min(line.entries)]
