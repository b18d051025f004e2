"""A primary under any order of writes and disk answers: nothing lost, repeated or out of order."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pegasus_server.replication.effects import AppendLog, Apply, Effect, Refuse
from pegasus_server.replication.inputs import Applied, ClientWrites, LogAppended, PrimaryInput
from pegasus_server.replication.primary import WINDOW_MUTATIONS_MAX, Primary
from pegasus_server.replication.timestamps import Timestamps
from pegasus_tab.base.ids import Ballot, Decree, Gpid


class PrimaryMachine(RuleBasedStateMachine):
    """Drives one primary; the disk answers in any order, the engine in decree order."""

    def __init__(self) -> None:
        super().__init__()
        self.primary = Primary.alone(Gpid(1, 0), Ballot(2), Decree(5), Timestamps())
        self.sent = 0
        self.on_disk: list[Decree] = []
        self.appended: list[AppendLog] = []
        self.applied: list[Apply] = []
        self.refused: set[object] = set()

    def feed(self, event: PrimaryInput, now_us: int) -> None:
        for effect in self.primary.step(event, now_us):
            self.perform(effect)

    def perform(self, effect: Effect) -> None:
        match effect:
            case AppendLog():
                self.appended.append(effect)
                self.on_disk.append(effect.decree)
            case Apply():
                self.applied.append(effect)
                self.feed(Applied(effect.decree), 0)
            case Refuse():
                self.refused.add(effect.token)
            case _:
                raise AssertionError(effect)

    @rule(operations=st.integers(1, 6000), size=st.integers(0, 3 << 20), now_us=st.integers(0, 99))
    def write(self, operations: int, size: int, now_us: int) -> None:
        change = (b"%d" % self.sent, b"")
        self.feed(ClientWrites([change], size, operations, self.sent, now_us), now_us)
        self.sent += 1

    @precondition(lambda self: self.on_disk)
    @rule(pick=st.integers(0, WINDOW_MUTATIONS_MAX - 1), now_us=st.integers(0, 99))
    def disk_answers(self, pick: int, now_us: int) -> None:
        self.feed(LogAppended(self.on_disk.pop(pick % len(self.on_disk)), Ballot(2)), now_us)

    @invariant()
    def decrees_and_timestamps_rise_by_one_and_by_something(self) -> None:
        assert [each.decree for each in self.appended] == list(range(6, 6 + len(self.appended)))
        times = [each.timestamp_us for each in self.appended]
        assert times == sorted(set(times))

    @invariant()
    def what_is_applied_is_a_prefix_of_what_was_appended(self) -> None:
        appended = [(each.decree, each.changes) for each in self.appended]
        applied = [(each.decree, each.changes) for each in self.applied]
        assert applied == appended[: len(applied)]

    @invariant()
    def writes_are_applied_once_in_order_unless_refused(self) -> None:
        tokens = [token for each in self.applied for token in each.tokens]
        taken = [token for token in range(self.sent) if token not in self.refused]
        assert tokens == taken[: len(tokens)]
        for effect in self.applied:
            assert [key.decode() for key, _ in effect.changes] == list(map(str, effect.tokens))

    @invariant()
    def the_window_is_bounded(self) -> None:
        assert self.primary.prepared - self.primary.committed <= WINDOW_MUTATIONS_MAX

    def teardown(self) -> None:
        while self.on_disk:
            self.disk_answers(0, 0)
        assert self.primary.is_idle
        assert len(self.refused) + sum(len(each.tokens) for each in self.applied) == self.sent


TestPrimary = PrimaryMachine.TestCase
TestPrimary.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
