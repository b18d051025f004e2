"""The primary's side of learning: whom it teaches, and from what (pegasus-features.md d6)."""

from dataclasses import dataclass, replace

from pegasus_server.replication.effects import DescribeSources, Effect, Send, StartCheckpoint
from pegasus_server.replication.inputs import CheckpointSource, LogSource, SourcesDescribed
from pegasus_server.replication.messages import (
    LearnAnswer,
    LearnCompleted,
    LearnFile,
    LearnMode,
    LearnRequest,
)
from pegasus_server.replication.mutation import Mutation
from pegasus_server.replication.primary import Primary
from pegasus_server.replication.replica_state import ReplicaState
from pegasus_tab.base.cluster import Learner
from pegasus_tab.base.ids import Decree, NodeName, Signature
from pegasus_tab.base.limits import MIB

JOIN_LOG_BYTES_MAX = 64 * MIB
"""A learner that still has more log than this to copy does not join yet."""
PUPIL_SILENCE_US = 35_000_000
"""A learner not heard of for so long is not taught any more; it gave up before."""
PUPILS_MAX = 4
SIGNATURE_SHIFT = 20
"""Signatures of a ballot begin at ballot << SIGNATURE_SHIFT, so they rise over all primaries."""


@dataclass(slots=True)
class Pupil:
    """A learner as its primary sees it.

    Attributes:
        node: who.
        signature: of this attempt.
        round: of its last request.
        request: that request, while sources are being described.
        join: decree it was told to take part from; None if it was not.
        is_complete: it reported that nothing is missing below ``join``.
        heard_us: when it last was heard.
    """

    node: NodeName
    signature: Signature
    heard_us: int
    round: int = 0
    request: LearnRequest | None = None
    join: Decree | None = None
    is_complete: bool = False


class Teaching:
    """The learners of one primary.

    Invariants:
      A11 a learner is complete only under the current signature, with the join decree it was
          told, and while the primary waits for it;
      A12 signatures rise within the partition.

    Args:
        state: the replica's.
        primary: in whose name.
    """

    def __init__(self, state: ReplicaState, primary: Primary) -> None:
        self._state = state
        self._primary = primary
        self._pupils: dict[NodeName, Pupil] = {}
        self._last_signature = Signature(0)

    @property
    def learners(self) -> tuple[Learner, ...]:
        """Who is taught, in the order they were added."""
        return tuple([Learner(each.node, each.signature) for each in self._pupils.values()])

    @property
    def has_pupils(self) -> bool:
        """Tell whether anybody is taught."""
        return bool(self._pupils)

    def add(self, node: NodeName, now_us: int) -> list[Effect]:
        """Begin to teach a node; one that is taught already is told again.

        Args:
            node: not a member of the configuration.
            now_us: CLOCK_BOOTTIME, microseconds.
        """
        if node not in self._pupils and len(self._pupils) < PUPILS_MAX:
            first = self._state.ballot << SIGNATURE_SHIFT
            self._last_signature = Signature(max(self._last_signature + 1, first))
            self._pupils[node] = Pupil(node, self._last_signature, now_us)
            self._note_learners()
        return self._primary.check_group(now_us)

    def dismiss(self, node: NodeName, now_us: int) -> list[Effect]:
        """Teach a node no longer; the primary waits for it no longer either, unless pinned."""
        self._pupils.pop(node, None)
        self._note_learners()
        return self._primary.leave(node, now_us)

    def graduate(self, node: NodeName) -> None:
        """Forget a learner that the configuration names as a secondary now."""
        self._pupils.pop(node, None)
        self._note_learners()

    def _note_learners(self) -> None:
        self._primary.learners = self.learners

    def hear(self, node: NodeName, signature: Signature, now_us: int) -> bool:
        """Take a sign of life; tell whether it comes from a learner of ours (A12)."""
        pupil = self._pupils.get(node)
        if pupil is None or pupil.signature != signature:
            return False
        pupil.heard_us = now_us
        return True

    def is_pinned(self, node: NodeName) -> bool:
        """Tell whether meta was asked to make this learner a secondary, with no end known."""
        member = self._primary.group.get(node)
        return member is not None and member.pinned

    def on_request(self, sender: NodeName, request: LearnRequest, now_us: int) -> list[Effect]:
        """Answer a learner, or find out first from what it can learn."""
        if not self.hear(sender, request.signature, now_us) or self.is_pinned(sender):
            return []
        pupil = self._pupils[sender]
        if request.round <= pupil.round:
            return []  # overtaken by a later one
        pupil.round, pupil.request, pupil.join, pupil.is_complete = request.round, None, None, False
        effects = self._primary.leave(sender, now_us)
        mutations = self._state.mutations
        if request.committed > mutations.prepared or self._has_other_past(request):
            return [*effects, self._answer(pupil, LearnMode.DISCARD)]
        if request.committed > mutations.committed:
            return [*effects, self._answer(pupil, LearnMode.LATER)]
        cached = self._cached(Decree(request.committed + 1))
        if cached is not None:
            return effects + self._join(pupil, LearnMode.CACHE, cached, None, now_us)
        pupil.request = request
        first = Decree(request.committed + 1)
        return [*effects, DescribeSources(sender, pupil.signature, pupil.round, first)]

    def _has_other_past(self, request: LearnRequest) -> bool:
        """Tell whether learner and primary differ in the last mutation the learner committed.

        They do if meta had to assign a primary that lacked committed mutations. Only decrees that
        are still kept here can be compared.
        """
        known = self._state.mutations.recent.get(request.committed)
        if known is None or request.committed_us == 0:
            return False
        return known.timestamp_us != request.committed_us

    def on_sources(self, event: SourcesDescribed, now_us: int) -> list[Effect]:
        """Choose between log and checkpoint; the log if it reaches back far enough."""
        pupil = self._pupils.get(event.node)
        if pupil is None or (pupil.signature, pupil.round) != (event.signature, event.round):
            return []
        if pupil.request is None:
            return []
        first = Decree(pupil.request.committed + 1)
        pupil.request = None
        if event.log is not None and event.log.first <= first <= event.log.last:
            return self._teach_log(pupil, event.log, now_us)
        if event.checkpoint is not None and event.checkpoint.decree >= first:
            return [self._teach_checkpoint(pupil, event.checkpoint)]
        return [StartCheckpoint(), self._answer(pupil, LearnMode.LATER)]

    def _teach_log(self, pupil: Pupil, log: LogSource, now_us: int) -> list[Effect]:
        # The log may hold more than is committed; a learner applies no more than that.
        through = min(log.last, self._state.mutations.committed)
        cached = self._cached(Decree(through + 1))
        small = sum([each.bytes for each in log.files]) <= JOIN_LOG_BYTES_MAX
        if small and cached is not None:
            taught = replace(log, last=through)
            return self._join(pupil, LearnMode.LOG, cached, taught, now_us)
        return [self._answer(pupil, LearnMode.LOG, files=log.files, through=through)]

    def _teach_checkpoint(self, pupil: Pupil, checkpoint: CheckpointSource) -> Effect:
        return self._answer(
            pupil, LearnMode.CHECKPOINT, files=checkpoint.files, through=checkpoint.decree
        )

    def _cached(self, first: Decree) -> tuple[Mutation, ...] | None:
        """Return the committed mutations from ``first`` on, None if they are not all kept."""
        if first == self._state.mutations.committed + 1:
            return ()
        return self._state.mutations.recent.since(first)

    def _join(
        self,
        pupil: Pupil,
        mode: LearnMode,
        cached: tuple[Mutation, ...],
        log: LogSource | None,
        now_us: int,
    ) -> list[Effect]:
        """Answer, and let the learner take part from the next decree on."""
        pupil.join, prepares = self._primary.join(pupil.node, pupil.signature, now_us)
        answer = LearnAnswer(
            ballot=self._primary.ballot,
            signature=pupil.signature,
            round=pupil.round,
            mode=mode,
            join=pupil.join,
            mutations=cached,
            files=() if log is None else log.files,
            through=Decree(0) if log is None else log.last,
            timestamp_us=self._state.timestamps.last_us,
        )
        return [Send((pupil.node,), answer), *prepares]

    def _answer(
        self,
        pupil: Pupil,
        mode: LearnMode,
        files: tuple[LearnFile, ...] = (),
        through: Decree | None = None,
    ) -> Effect:
        """Answer without letting the learner take part yet."""
        answer = LearnAnswer(
            ballot=self._primary.ballot,
            signature=pupil.signature,
            round=pupil.round,
            mode=mode,
            files=files,
            through=through or Decree(0),
            timestamp_us=self._state.timestamps.last_us,
        )
        return Send((pupil.node,), answer)

    def on_completed(self, sender: NodeName, message: LearnCompleted, now_us: int) -> None:
        """Note that a learner has everything below its join decree."""
        if not self.hear(sender, message.signature, now_us):
            return
        pupil = self._pupils[sender]
        member = self._primary.group.get(sender)
        if member is not None and member.signature == pupil.signature:
            pupil.is_complete = message.join == pupil.join

    def to_promote(self) -> NodeName | None:
        """Return a learner that completed and still takes part."""
        for pupil in self._pupils.values():
            if pupil.is_complete and self._primary.group.get(pupil.node) is not None:
                return pupil.node
        return None

    def silent(self, now_us: int) -> NodeName | None:
        """Return a learner not heard of for too long."""
        for pupil in self._pupils.values():
            if now_us >= pupil.heard_us + PUPIL_SILENCE_US:
                return pupil.node
        return None

    def next_deadline(self) -> int | None:
        """Return when the next learner counts as silent, CLOCK_BOOTTIME in microseconds."""
        heard = [each.heard_us for each in self._pupils.values()]
        return min(heard) + PUPIL_SILENCE_US if heard else None
