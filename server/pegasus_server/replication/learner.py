"""A learner: a replica that catches up with its primary (pegasus-features.md d6).

Theory of operation. The learner drops what it holds uncommitted and asks for what follows. The
primary answers with one of three sources, and the learner asks again until nothing is missing:

  CHECKPOINT  copy files, put them in the engine's place, ask again;
  LOG         copy private log files, apply them, ask again;
  CACHE       the mutations are in the answer.

With CACHE, and with LOG once little is missing, the primary fixes the *join decree* P: from then on
it sends the learner every prepare from P on and waits for it like for a secondary. While the files
are still being copied and applied, those mutations are kept in a prepare list of their own, which
takes the other's place when the files end where it begins. So the last round closes the gap however
fast the partition is written.

Everything below P that came in files is flushed before Installed says so, and everything that came
in messages is logged like a prepare; so a learner that completed is durable (A11). An attempt bears
a signature; messages of another are not its own (A12).
"""

from enum import StrEnum, unique

from pegasus_server.replication.effects import (
    CancelLearning,
    CopyFiles,
    DiscardData,
    Effect,
    Install,
    PersistBallot,
    Send,
    append,
)
from pegasus_server.replication.follower import Follower
from pegasus_server.replication.inputs import (
    CopyFailed,
    Discarded,
    FilesCopied,
    Installed,
    InstallFailed,
    LogAppended,
)
from pegasus_server.replication.messages import (
    LearnAnswer,
    LearnCompleted,
    LearnMode,
    LearnRequest,
    Prepare,
)
from pegasus_server.replication.mutation import Mutation, Prepared
from pegasus_server.replication.prepare_list import PrepareList
from pegasus_server.replication.replica_state import ReplicaState
from pegasus_tab.base.ids import Ballot, Decree, NodeName, Signature

LEARN_RETRY_US = 1_000_000
"""Between requests that stay unanswered, or were answered LATER, and between completions."""
LEARN_SILENCE_US = 30_000_000
"""A learner that hears nothing of its primary for so long gives up; group checks come sooner."""
LEARN_ROUNDS_MAX = 10_000
LEARN_FAILURES_MAX = 5
"""Copies or installations that may fail in one attempt."""


@unique
class LearnPhase(StrEnum):
    """What a learner waits for."""

    APPLYING = "applying"
    """The engine, which lags behind what was committed before learning began."""
    REQUESTING = "requesting"
    WAITING = "waiting"
    """Time to pass before it asks again."""
    COPYING = "copying"
    INSTALLING = "installing"
    DISCARDING = "discarding"
    CATCHING_UP = "catching_up"
    """Its disk and engine, for what lies below the join decree."""
    RECORDING = "recording"
    """A note on disk that nothing is missing, so that a restart does not begin again."""
    COMPLETE = "complete"
    """Promotion."""


class Learner:
    """One attempt at learning.

    Invariants:
      A11 complete only if everything below the join decree is applied and durable, without gap,
          and everything acknowledged from there on is logged;
      A12 one signature for life.

    Args:
        state: the replica's.
        primary: whom to learn from.
        signature: of this attempt.
        now_us: CLOCK_BOOTTIME, microseconds.

    Attributes:
        primary: whom it learns from.
        signature: of this attempt.
        phase: what it waits for.
    """

    def __init__(
        self, state: ReplicaState, primary: NodeName, signature: Signature, now_us: int
    ) -> None:
        self.primary = primary
        self.signature = signature
        self.phase = LearnPhase.APPLYING
        self._state = state
        self._follower: Follower | None = None
        self._join: Decree | None = None
        self._ahead: PrepareList | None = None
        self._answer: LearnAnswer | None = None
        self._round = 0
        self._failures = 0
        self._asked_us = now_us
        self._heard_us = now_us

    @property
    def ballot(self) -> Ballot:
        """The primary's, as far as known."""
        return self._state.ballot

    @property
    def is_complete(self) -> bool:
        """Tell whether it waits for promotion only."""
        return self.phase == LearnPhase.COMPLETE

    def start(self, now_us: int) -> list[Effect]:
        """Begin, also anew: the engine shows other data all of a sudden."""
        return self._request(now_us)

    def _request(self, now_us: int) -> list[Effect]:
        """Ask for what follows, once the engine shows everything committed.

        What is uncommitted here is dropped, for the primary may know better.
        """
        self._part()
        self._asked_us = now_us
        mutations = self._state.mutations
        mutations.truncate(mutations.committed)
        if mutations.applied < mutations.committed:
            self.phase = LearnPhase.APPLYING
            return []
        self.phase = LearnPhase.REQUESTING
        self._round += 1
        request = LearnRequest(
            self.ballot,
            self.signature,
            self._round,
            mutations.committed,
            mutations.committed_us,
        )
        return [Send((self.primary,), request)]

    def on_answer(self, answer: LearnAnswer, now_us: int) -> list[Effect]:
        """Take the primary's answer; one to an earlier round, or of another attempt, is over."""
        if answer.signature != self.signature or answer.round != self._round:
            return []
        if self.phase != LearnPhase.REQUESTING:
            return []
        self._heard_us = now_us
        self._answer = answer
        self._state.timestamps.note(answer.timestamp_us)
        match answer.mode:
            case LearnMode.CACHE:
                return self._follow_from(answer, self._state.mutations, now_us)
            case LearnMode.LOG | LearnMode.CHECKPOINT:
                return self._copy(answer, now_us)
            case LearnMode.DISCARD:
                self.phase = LearnPhase.DISCARDING
                return [DiscardData(self.signature)]
            case LearnMode.LATER:
                self.phase = LearnPhase.WAITING
                return []

    def _copy(self, answer: LearnAnswer, now_us: int) -> list[Effect]:
        self.phase = LearnPhase.COPYING
        copy = CopyFiles(self.primary, self.signature, self._round, answer.files)
        if answer.join is None:
            return [copy]
        self._ahead = self._state.mutations.emptied(answer.through, is_ahead=True)
        return [copy, *self._follow_from(answer, self._ahead, now_us)]

    def _follow_from(
        self, answer: LearnAnswer, mutations: PrepareList, now_us: int
    ) -> list[Effect]:
        """Hold the mutations of the answer and take prepares from the join decree on."""
        decrees = [each.decree for each in answer.mutations]
        first, join = mutations.committed + 1, answer.join
        if join is None or decrees != list(range(first, join)):
            # An answer that leaves a gap is no answer; ask once more (ancestor's boundary check).
            return self._fail(now_us)
        effects: list[Effect] = []
        for mutation in answer.mutations:
            effects += self._hold(mutation, mutations)
        self._join = join
        self._follower = self._followed(mutations)
        if self._ahead is None:
            self.phase = LearnPhase.CATCHING_UP
        return effects + self._progress()

    def _hold(self, mutation: Mutation, mutations: PrepareList) -> list[Effect]:
        self._state.timestamps.note(mutation.timestamp_us)
        mutations.add(Prepared(mutation))
        return [append(mutation, mutations.noted)]

    def _followed(self, mutations: PrepareList) -> Follower:
        """Make the receiver of prepares; what lies below the join decree is committed."""
        assert self._join is not None
        received = max(Decree(self._join - 1), mutations.committed)
        return Follower(
            mutations,
            self.primary,
            self.ballot,
            self.signature,
            self._state.timestamps,
            received,
        )

    def follow(self, now_us: int) -> list[Effect]:
        """Go on under the next ballot of the same primary."""
        self._heard_us = now_us
        if self._follower is not None:
            self._follower = self._followed(self._mutations)
        return []

    @property
    def _mutations(self) -> PrepareList:
        """Where prepares go."""
        return self._state.mutations if self._ahead is None else self._ahead

    def on_prepare(self, message: Prepare, now_us: int) -> list[Effect]:
        """Take a prepare; before the learner knows its join decree there is no place for one."""
        if message.signature != self.signature or self._follower is None:
            return []
        self._heard_us = now_us
        self._follower.note_commit_point(message.committed)
        effects = self._follower.on_prepare(message)
        if self._follower.is_full:
            # The primary lets it leave; once the files are in, it asks for what it missed.
            self._part()
            return effects
        return effects + self._progress()

    def _part(self) -> None:
        """Take part no longer, until another answer says from where on."""
        self._follower, self._join, self._ahead = None, None, None

    def on_group_check(self, committed: Decree, now_us: int) -> list[Effect]:
        """Take a sign of life and the commit point."""
        self._heard_us = now_us
        if self._follower is not None:
            self._follower.note_commit_point(committed)
        return self._progress()

    def on_log_appended(self, event: LogAppended) -> list[Effect]:
        """Acknowledge and commit what the disk holds by now."""
        self._mutations.note_logged(event.decree, event.ballot)
        acks = [] if self._follower is None else self._follower.acknowledge()
        return acks + self._progress()

    def on_applied(self, now_us: int) -> list[Effect]:
        """Go on when the engine caught up."""
        if self.phase == LearnPhase.APPLYING:
            return self._request(now_us)
        return self._progress()

    def _progress(self) -> list[Effect]:
        """Commit what may be, and complete once nothing is missing below the join decree."""
        if self._follower is None or self._ahead is not None:
            return []
        effects: list[Effect] = [*self._state.commit(self._follower.commit_limit)]
        assert self._join is not None
        whole = self._state.mutations.applied >= self._join - 1
        if whole and self.phase == LearnPhase.CATCHING_UP:
            assert self._state.mutations.logged >= self._join - 1, "A11: durable below the join"
            self._state.suspect = False
            self.phase = LearnPhase.RECORDING
            effects.append(PersistBallot(self.ballot, self.signature, suspect=False))
        return effects

    def on_recorded(self, now_us: int) -> list[Effect]:
        """Tell the primary, now that a restart would find this replica whole."""
        if self.phase != LearnPhase.RECORDING:
            return []
        self.phase = LearnPhase.COMPLETE
        return self._complete(now_us)

    def _complete(self, now_us: int) -> list[Effect]:
        assert self._join is not None
        self._asked_us = now_us
        return [Send((self.primary,), LearnCompleted(self.ballot, self.signature, self._join))]

    def on_files_copied(self, event: FilesCopied) -> list[Effect]:
        """Bring the copied files into the engine."""
        if self._is_over(event.signature, event.round) or self._answer is None:
            return []
        self.phase = LearnPhase.INSTALLING
        answer = self._answer
        install = Install(self.signature, self._round, answer.mode, answer.files, answer.through)
        return [install]

    def on_installed(self, event: Installed, now_us: int) -> list[Effect]:
        """Go on from where the files end."""
        if self._is_over(event.signature, event.round):
            return []
        self._state.durable = event.applied
        if self._ahead is not None and self._ahead.committed == event.applied:
            self._state.mutations, self._ahead = self._ahead, None
            self._state.mutations.is_ahead = False
            self.phase = LearnPhase.CATCHING_UP
            return self._progress()
        self._state.mutations = self._state.mutations.emptied(event.applied)
        return self._request(now_us)

    def on_copy_failed(self, event: CopyFailed, now_us: int) -> list[Effect]:
        """Ask again: the primary may have other files by now."""
        return [] if self._is_over(event.signature, event.round) else self._fail(now_us)

    def on_install_failed(self, event: InstallFailed) -> list[Effect]:
        """Begin from nothing: what is here and what was copied do not fit together."""
        if self._is_over(event.signature, event.round):
            return []
        self._failures += 1
        self._part()
        self.phase = LearnPhase.DISCARDING
        return [DiscardData(self.signature)]

    def on_discarded(self, event: Discarded, now_us: int) -> list[Effect]:
        """Ask for everything."""
        if event.signature != self.signature:
            return []
        self._state.durable = Decree(0)
        self._state.mutations = self._state.mutations.emptied(Decree(0))
        return self._request(now_us)

    def _fail(self, now_us: int) -> list[Effect]:
        """Wait, then ask again."""
        self._failures += 1
        self._asked_us = now_us
        self._part()
        self.phase = LearnPhase.WAITING
        return []

    def _is_over(self, signature: Signature, number: int) -> bool:
        return (signature, number) != (self.signature, self._round)

    def stop(self) -> list[Effect]:
        """End the attempt, in whatever phase it is."""
        return [CancelLearning()]

    def has_given_up(self, now_us: int) -> bool:
        """Tell whether this attempt leads nowhere."""
        return (
            now_us >= self._heard_us + LEARN_SILENCE_US
            or self._failures > LEARN_FAILURES_MAX
            or self._round > LEARN_ROUNDS_MAX
        )

    def on_tick(self, now_us: int) -> list[Effect]:
        """Ask, or tell of completion, again."""
        if now_us < self._asked_us + LEARN_RETRY_US:
            return []
        if self.phase in (LearnPhase.REQUESTING, LearnPhase.WAITING):
            return self._request(now_us)
        if self.phase == LearnPhase.COMPLETE:
            return self._complete(now_us)
        return []

    def next_deadline(self) -> int:
        """Return when a Tick is due at the latest, CLOCK_BOOTTIME in microseconds."""
        silence = self._heard_us + LEARN_SILENCE_US
        if self.phase in (LearnPhase.REQUESTING, LearnPhase.WAITING, LearnPhase.COMPLETE):
            return min(silence, self._asked_us + LEARN_RETRY_US)
        return silence
