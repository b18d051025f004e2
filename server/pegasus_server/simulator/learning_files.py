"""Files for learning: what a replica can be taught from, and copying and installing it.

A private log file is a stretch of applied mutations; a checkpoint is an engine nobody changes. The
private log reaches back to the last start of the server and is shortened with each checkpoint but
the newest, so that learners meet all three ways to learn, and files that are gone.
"""

from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from pegasus_server.replication.effects import (
    CancelLearning,
    CopyFiles,
    DescribeSources,
    DiscardData,
    Install,
)
from pegasus_server.replication.inputs import (
    CheckpointSource,
    CopyFailed,
    Discarded,
    FilesCopied,
    Installed,
    InstallFailed,
    LogSource,
    SourcesDescribed,
)
from pegasus_server.replication.messages import LearnFile, LearnMode
from pegasus_server.replication.mutation import Change, Mutation
from pegasus_server.simulator.machine_disk import copy_of
from pegasus_server.simulator.parcels import FileAnswer, FileContent, FileQuestion
from pegasus_server.simulator.server_parts import ServerParts
from pegasus_server.storage.memory import MemoryEngine
from pegasus_tab.base.ids import Ballot, Decree

if TYPE_CHECKING:
    from pegasus_server.simulator.hosted_replica import HostedReplica

COPY_PATIENCE_US = 3_000_000
FILES_PUBLISHED_MAX = 4
FILE_BYTES = 1
"""What the simulator says a file is large; the machine only adds sizes up."""

LearningEffect = DescribeSources | CopyFiles | Install | DiscardData | CancelLearning


class LearningFiles:
    """One replica's private log, checkpoint, and the copy it is making.

    Invariant: a copy that was overtaken (``_ticket``) never reaches the machine.

    Args:
        replica: whose.
        parts: of its server.
    """

    def __init__(self, replica: "HostedReplica", parts: ServerParts) -> None:
        self._replica = replica
        self._parts = parts
        self._applied: deque[Mutation] = deque()
        self._checkpoint: MemoryEngine | None = None
        self._published: dict[str, FileContent] = {}
        self._ticket = 0
        self._copied: dict[str, FileContent] = {}
        self._copying: CopyFiles | None = None

    def note_applied(self, decree: Decree, changes: Sequence[Change]) -> None:
        """Write a mutation to the private log."""
        self._applied.append(Mutation(Ballot(0), decree, 0, changes, 0, Ballot(0)))

    def note_checkpoint(self, image: MemoryEngine) -> None:
        """Take a new checkpoint; the private log is kept from the one before on."""
        before = self._checkpoint.applied_decree if self._checkpoint else Decree(0)
        self._checkpoint = image
        while self._applied and self._applied[0].decree <= before:
            self._applied.popleft()

    def perform(self, effect: LearningEffect) -> None:
        """Carry an effect of learning out."""
        match effect:
            case DescribeSources():
                self._describe(effect)
            case CopyFiles():
                self._copy(effect)
            case Install():
                self._ticket += 1
                self._parts.write_file(self._install, effect, self._ticket)
            case DiscardData():
                self._ticket += 1
                self._parts.log.run(partial(self._discard, effect, self._ticket))
            case CancelLearning():
                self._ticket += 1
                self._copied = {}

    # The teacher's side.

    def _describe(self, effect: DescribeSources) -> None:
        log = None
        if self._applied:
            first, last = self._applied[0].decree, self._applied[-1].decree
            content = tuple(self._applied)
            log = LogSource(first, last, (self._publish(f"log.{first}-{last}", content),))
        checkpoint = None
        if self._checkpoint is not None:
            decree = self._checkpoint.applied_decree
            file = self._publish(f"checkpoint.{decree}", self._checkpoint)
            checkpoint = CheckpointSource(decree, (file,))
        described = SourcesDescribed(effect.node, effect.signature, effect.round, log, checkpoint)
        self._parts.write_file(self._replica.drive, described)

    def _publish(self, name: str, content: FileContent) -> LearnFile:
        self._published.pop(name, None)
        self._published[name] = content
        while len(self._published) > FILES_PUBLISHED_MAX:
            del self._published[next(iter(self._published))]
        return LearnFile(name, FILE_BYTES, 0)

    def on_question(self, sender: str, question: FileQuestion) -> None:
        """Send a file, or say that it is gone."""
        content = self._published.get(question.name)
        answer = FileAnswer(question.gpid, question.name, question.ticket, content)
        self._parts.carry(sender, answer)

    # The learner's side.

    def _copy(self, effect: CopyFiles) -> None:
        self._ticket += 1
        self._copying, self._copied = effect, {}
        for file in effect.files:
            self._parts.carry(
                effect.source, FileQuestion(self._replica.gpid, file.name, self._ticket)
            )
        self._parts.process.after(COPY_PATIENCE_US, self._lose_patience, self._ticket)

    def _lose_patience(self, ticket: int) -> None:
        if ticket == self._ticket and self._copying is not None:
            self._fail_copy("the source does not answer")

    def _fail_copy(self, reason: str) -> None:
        effect, self._copying = self._copying, None
        assert effect is not None
        self._replica.drive(CopyFailed(effect.signature, effect.round, reason))

    def on_answer(self, answer: FileAnswer) -> None:
        """Take a file."""
        effect = self._copying
        if effect is None or answer.ticket != self._ticket:
            return
        if answer.content is None:
            self._fail_copy(f"{answer.name} is gone")
            return
        self._copied[answer.name] = answer.content
        if len(self._copied) == len(effect.files):
            self._copying = None
            self._parts.write_file(self._end_copy, effect, self._ticket)

    def _end_copy(self, effect: CopyFiles, ticket: int) -> None:
        if ticket == self._ticket:
            self._replica.drive(FilesCopied(effect.signature, effect.round))

    def _install(self, effect: Install, ticket: int) -> None:
        if ticket != self._ticket:
            return
        content = self._copied[effect.files[0].name]
        self._copied = {}
        replica = self._replica
        if effect.mode is LearnMode.CHECKPOINT:
            assert isinstance(content, MemoryEngine)
            engine = copy_of(content)
        else:
            assert isinstance(content, tuple)
            engine = _extended(replica.engine, content, effect.through)
        if engine.applied_decree != effect.through:
            applied = replica.engine.applied_decree
            reason = f"the files end at {engine.applied_decree}, not {effect.through}"
            replica.drive(InstallFailed(effect.signature, effect.round, applied, reason))
            return
        self._start_over(engine)
        replica.drive(Installed(effect.signature, effect.round, engine.applied_decree))

    def _discard(self, effect: DiscardData, ticket: int) -> None:
        if ticket != self._ticket:
            return
        if not self._parts.log.discard_above(self._replica.gpid, Decree(0)):
            self._parts.log.run(partial(self._discard, effect, ticket))
            return
        self._parts.disk.set_aside += 1
        self._start_over(MemoryEngine())
        self._replica.drive(Discarded(effect.signature))

    def _start_over(self, engine: MemoryEngine) -> None:
        """Put other data in the engine's place, on disk."""
        self._replica.replace_engine(engine)
        self._applied.clear()
        self._checkpoint = None


def _extended(engine: MemoryEngine, mutations: Sequence[Mutation], through: Decree) -> MemoryEngine:
    """Return a copy of the engine with what follows applied, as far as it fits."""
    extended = copy_of(engine)
    for mutation in mutations:
        if extended.applied_decree < mutation.decree <= through:
            if mutation.decree != extended.applied_decree + 1:
                break
            extended.apply(mutation.changes, mutation.decree)
    return extended
