"""Decides what a log on disk means after a stop or a crash. Pure.

Theory of operation
===================

The log is a row of numbered segments. One of them, the last, is being written; a group of mutations
is one block, and a mutation is acknowledged (class sync) after the block's fdatasync returned.
After a crash the disk may hold any part of what was written since the last fdatasync, in any mix
of sectors. What was synced before is there, unless the disk lost it. Replay must cut off the first
kind of rubbish quietly and must never pass over the second: cutting at the first bad block, as many
logs do, throws away acknowledged writes that lie behind a single flipped bit.

Four facts let the two be told apart:

1. Every block says how far the segment was synced before it was written (``synced_upto``). So an
   unreadable byte at X is *damage* if any later block of the segment has synced_upto > X.
2. Every segment header says where the segment before it ends. It is written only after that one
   was synced to its end, so in a segment that has a successor every unreadable byte is damage.
3. Otherwise, the first unreadable byte of the last segment is the *torn tail*. The log ends there.
   The cut is not done on that file: replay continues in a new segment, whose start offset is the
   cut, and the bytes behind it stay for whoever wants to look.
4. Blocks that are readable but that nothing proves synced may exist in the page cache alone: the
   process may have died of a failed fsync, after which the kernel believes the pages clean. They
   are copied to the head of the new segment and synced with it, and the cut is set before them.

A segment file may also be missing altogether. The *manifest* (``manifest``) names the first and the
last segment that must exist; a hole in the numbers is damage of unknown content like any other.

The last synced block has no later block to prove it. To close that gap the writer adds an empty
block (or an index, below) when it has been idle for a moment and when it closes. What remains
undecidable is damage to the very last blocks before a crash; it is reported as a torn tail.

What damage cost is judged replica by replica, since a refused partition is a smaller evil than a
refused node:

* The directory of a block is apart from the bodies, under its own crc. If it survived, the lost
  mutations are known by name.
* If not, a replica is clear when its next mutation behind the damage continues the one before it,
  and when an *index* block behind the damage (one opens every segment) names the highest decree
  every partition had: whatever is missing then shows as a gap.
* A replica is *suspect* if decrees between its durable decree and the highest one known are
  missing or unreadable, or if nothing behind the damage speaks for it. Decrees <= durable never
  matter: the engine has them on disk (A14, A15 of reference/reliability.md 2.1).

A suspect replica's mutations up to the first hole are handed over all the same; whether it may
serve is its owner's decision. Until it is settled (``SharedLog.discard_above``), the damaged
segment stays, and a process that found an unbounded loss writes no index blocks: the next start
must come to the same result.

Sources: reference/reliability.md 2.3 to 2.5; PacificA section 2 for ballots and decrees.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pegasus_server.mutation_log.describe import describe_partitions, describe_written
from pegasus_server.mutation_log.mutation import ContentOf, Mutation, whole_body
from pegasus_server.mutation_log.record import BlockKind, Written
from pegasus_server.mutation_log.replica_evidence import ReplicaEvidence
from pegasus_server.mutation_log.segment import Block, Damage, SegmentScan, TornTail
from pegasus_server.mutation_log.segment_header import HEADER_BYTES, HeaderReading, SegmentHeader
from pegasus_tab.base.ids import Decree, Gpid


@dataclass(frozen=True, slots=True)
class ReplicaReplay:
    """What the log gives back to one replica.

    Attributes:
        mutations: decrees durable + 1, durable + 2, ... without a hole, one each.
        suspect: None when the log is complete for this replica; else what is lost, one line.
            A suspect replica must not serve before it is rebuilt or its owner gave up the rest.
    """

    mutations: list[Mutation]
    suspect: str | None


@dataclass(frozen=True, slots=True)
class Replay:
    """What the log gives back to a server that starts.

    Attributes:
        replicas: for every partition of the ``durable`` map, in its order.
        findings: everything unusual, one line each, for the operator.
        is_clean: False when the log did not end as a running or closed log ends (torn tail) or is
            damaged; with a durability class weaker than sync, acknowledged writes may be gone.
    """

    replicas: Mapping[Gpid, ReplicaReplay]
    findings: list[str]
    is_clean: bool


@dataclass(frozen=True, slots=True)
class SegmentReading:
    """One segment file as it was read.

    Attributes:
        name: of the file.
        number: from the name.
        header: what its header says.
        scan: its blocks; None when the header is unreadable.
        unreadable_bytes: how many bytes of it the disk failed to read.
    """

    name: str
    number: int
    header: HeaderReading
    scan: SegmentScan | None
    unreadable_bytes: int = 0


@dataclass(slots=True)
class KeptSegment:
    """What the log remembers of a segment, to know when it may be deleted.

    Attributes:
        name: of the file.
        number: of the segment.
        highest: highest decree of every partition in it.
        is_damaged: it must not be deleted, only set aside.
        is_missing: there is no file; it stands for all missing segments up to ``number``.
        bytes_held: its size, once it is no longer written; preallocated space does not count.
    """

    name: str
    number: int
    highest: dict[Gpid, Decree] = field(default_factory=dict)
    is_damaged: bool = False
    is_missing: bool = False
    bytes_held: int = 0

    def note(self, gpid: Gpid, decree: Decree) -> None:
        """Note that the segment holds this decree."""
        if decree > self.highest.get(gpid, 0):
            self.highest[gpid] = decree

    def discard_above(self, gpid: Gpid, decree: Decree) -> None:
        """Note that what it holds of a partition above ``decree`` is void."""
        if self.highest.get(gpid, 0) > decree:
            self.highest[gpid] = decree


@dataclass(frozen=True, slots=True)
class Recovery:
    """Everything the log needs to go on.

    Attributes:
        replay: for the server.
        segments: in order.
        highest: the highest decree written, per partition, for index blocks.
        doubted: partitions of which an unknown number of mutations may be lost.
        carried: blocks at the end that nothing proves synced; they open the new segment.
        start_offset: where the new segment starts in the log.
        last_end: name of the last segment and where its last byte of interest ends; None when
            there is no telling.
    """

    replay: Replay
    segments: list[KeptSegment]
    highest: dict[Gpid, Written]
    doubted: set[Gpid]
    carried: list[Block]
    start_offset: int
    last_end: tuple[str, int] | None


def closed_at(header: SegmentHeader, successor: SegmentHeader | None) -> int | None:
    """Tell where a segment ends by the word of the next one; None when there is no such word."""
    if successor is None or successor.number != header.number + 1:
        return None
    end = successor.start_offset - header.start_offset
    return end if end >= HEADER_BYTES else None


def recover(
    readings: Iterable[SegmentReading],
    durable: Mapping[Gpid, Decree],
    numbers: range | None = None,
    content_of: ContentOf = whole_body,
) -> Recovery:
    """Judge a whole log.

    Args:
        readings: its segments in ascending number; each is used up before the next is taken.
        durable: the durable decree of every replica of this node.
        numbers: of the segments that must exist, there may be more; None when nobody knows: then
            only a hole between two segments is noticed.
        content_of: what two records of one (ballot, decree) must have in common.

    Returns:
        The verdict. Calling again on the same bytes gives the same.
    """
    due = numbers.start if numbers is not None else None
    recovering = _Recovering(durable, due, content_of)
    for reading in readings:
        recovering.take(reading)
    if numbers is not None:
        recovering.expect(numbers.stop)
    return recovering.verdict()


class _Recovering:
    """Goes through the log once, in order.

    Args:
        durable: see ``recover``.
        due: number that the first segment must not exceed; None when nobody knows.
        content_of: see ``recover``.

    Attributes:
        due: number of the next segment, if there is one.
        damage: text of the last damage of unknown content, None when an index block followed.
        cleared: partitions that something behind that damage speaks for.
    """

    def __init__(
        self, durable: Mapping[Gpid, Decree], due: int | None, content_of: ContentOf
    ) -> None:
        self.durable = durable
        self.due = due
        self.evidence = {
            gpid: ReplicaEvidence(decree, content_of) for gpid, decree in durable.items()
        }
        self.segments: list[KeptSegment] = []
        self.highest: dict[Gpid, Written | Mutation] = {}
        self.unclaimed: dict[Gpid, int] = {}
        self.findings: list[str] = []
        self.damage: str | None = None
        self.cleared: set[Gpid] = set()
        self.is_clean = True
        self.start_offset = 0
        self.carried: list[Block] = []
        self.last_end: tuple[str, int] | None = None

    def take(self, reading: SegmentReading) -> None:
        """Take in one segment."""
        self.expect(reading.number)
        self.due = max(reading.number + 1, self.due or 0)
        self.segments.append(KeptSegment(reading.name, reading.number))
        self.carried, self.last_end = [], None
        if reading.header.header is None or reading.scan is None:
            self._on_unknown_damage(f"{reading.name}: the header is unreadable")
            return
        if reading.header.damaged_copies:
            self.findings.append(f"{reading.name}: one of two copies of the header is damaged")
        if reading.unreadable_bytes:
            self.segments[-1].is_damaged = True
            self.is_clean = False
            self.findings.append(
                f"{reading.name}: the disk failed to read {reading.unreadable_bytes} bytes"
            )
        for part in reading.scan.parts:
            if isinstance(part, Damage):
                self._on_damage(reading.name, part)
            else:
                self._on_block(part)
        self.segments[-1].bytes_held = reading.scan.end
        torn = reading.scan.torn
        if torn is not None:
            self._on_torn(reading.name, torn)
        self.last_end = (reading.name, torn.end if torn is not None else reading.scan.end)
        self.start_offset = reading.header.header.start_offset + reading.scan.synced_upto
        self.carried = [
            part
            for part in reading.scan.parts
            if isinstance(part, Block)
            and part.offset >= reading.scan.synced_upto
            and part.kind is not BlockKind.INDEX
        ]

    def expect(self, number: int) -> None:
        """Note as missing what should be there before segment ``number``, and is not."""
        first = number if self.due is None else self.due
        self.due = max(first, number)
        if first >= number:
            return
        # It keeps its place among the segments, so that the hole shows until it is settled.
        self.segments.append(KeptSegment("", number - 1, is_missing=True))
        self.carried, self.last_end = [], None
        named = f"segment {first}" if first == number - 1 else f"segments {first} to {number - 1}"
        verb = "is" if first == number - 1 else "are"
        self._on_unknown_damage(f"{named} of the log {verb} missing")

    def _on_block(self, block: Block) -> None:
        match block.kind:
            case BlockKind.MUTATIONS:
                for mutation in block.mutations:
                    evidence = self._on_written(mutation)
                    if evidence is not None:
                        evidence.add_mutation(mutation)
            case BlockKind.INDEX:
                for known in block.entries:
                    self._raise_highest(known)
                    if known.gpid in self.evidence:
                        self.evidence[known.gpid].add_known(known)
                self.damage = None
            case BlockKind.DISCARD:
                for entry in block.entries:
                    self._on_discard(entry)

    def _on_written(self, written: Written | Mutation) -> ReplicaEvidence | None:
        """Note that a mutation stands here, readable or not."""
        gpid = written.gpid
        self.segments[-1].note(gpid, written.decree)
        self._raise_highest(written)
        evidence = self.evidence.get(gpid)
        if evidence is None:
            self.unclaimed[gpid] = self.unclaimed.get(gpid, 0) + 1
        elif self.damage is not None and gpid not in self.cleared:
            evidence.judge_damage_before(written, self.damage)
            self.cleared.add(gpid)
        return evidence

    def _raise_highest(self, written: Written | Mutation) -> None:
        known = self.highest.get(written.gpid)
        if known is None or (known.decree, known.ballot) < (written.decree, written.ballot):
            self.highest[written.gpid] = written

    def _on_discard(self, entry: Written) -> None:
        self.highest[entry.gpid] = entry
        self.cleared.add(entry.gpid)
        for segment in self.segments:
            segment.discard_above(entry.gpid, entry.decree)
        if entry.gpid in self.evidence:
            self.evidence[entry.gpid].discard_above(entry.decree)

    def _on_damage(self, name: str, damage: Damage) -> None:
        place = f"{name}: bytes {damage.start} to {damage.end} were synced and are damaged"
        if damage.lost is None:
            self._on_unknown_damage(place)
            return
        self.segments[-1].is_damaged = True
        self.is_clean = False
        self.findings.append(f"{place}; lost: {describe_written(damage.lost)}")
        for written in damage.lost:
            evidence = self._on_written(written)
            if evidence is not None:
                evidence.add_lost(written)

    def _on_unknown_damage(self, text: str) -> None:
        self.segments[-1].is_damaged = True
        self.is_clean = False
        self.damage = text
        self.cleared = set()
        self.findings.append(f"{text}; what it held is judged by the rest of the log")

    def _on_torn(self, name: str, torn: TornTail) -> None:
        self.is_clean = False
        dropped = f", dropped: {describe_written(torn.dropped)}" if torn.dropped else ""
        self.findings.append(
            f"{name}: torn tail of {torn.end - torn.start} bytes cut at {torn.start};"
            f" it was never synced{dropped}"
        )

    def verdict(self) -> Recovery:
        """Judge every replica, after the last segment."""
        doubted: set[Gpid] = set()
        replicas: dict[Gpid, ReplicaReplay] = {}
        for gpid, evidence in self.evidence.items():
            mutations, suspect = evidence.verdict()
            if self.damage is not None and gpid not in self.cleared:
                doubted.add(gpid)
                known = self.durable[gpid] + len(mutations)
                suspect = suspect or f"decrees after {known} may be lost ({self.damage})"
            replicas[gpid] = ReplicaReplay(mutations, suspect)
            if suspect is not None:
                self.findings.append(f"partition {gpid} is suspect: {suspect}")
        if self.unclaimed:
            self.findings.append(
                f"{sum(self.unclaimed.values())} mutations skipped, no replica here is of their"
                f" partitions: {describe_partitions(self.unclaimed)}"
            )
        replay = Replay(replicas, self.findings, self.is_clean)
        return Recovery(
            replay=replay,
            segments=self.segments,
            highest={
                gpid: Written(gpid, known.ballot, known.decree)
                for gpid, known in self.highest.items()
            },
            doubted=doubted,
            carried=self.carried,
            start_offset=self.start_offset,
            last_end=self.last_end,
        )
