"""The shared log of a node: all partitions' mutations in one row of segment files.

Confined to one thread, except ``prepare_spare``. The life of a segment: made as a file of zeros
under a temporary name, given its header and first blocks, synced, renamed (from now on it is part
of the log), filled, followed by the next, deleted when every replica has durably applied what is
in it. A damaged segment is never deleted, only renamed to ``<name>.damaged``. The manifest names
the segments that must exist; see there for the order of steps.
"""

import errno
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from pegasus_server.mutation_log.errors import (
    LogFailedError,
    LogFullError,
    LogRefusedError,
)
from pegasus_server.mutation_log.folder import DiskFolder
from pegasus_server.mutation_log.manifest import NEW_MANIFEST_NAME, Manifest
from pegasus_server.mutation_log.mutation import ContentOf, Mutation, whole_body
from pegasus_server.mutation_log.opening import (
    DAMAGED_SUFFIX,
    next_number,
    noted_numbers,
    numbers_from_now,
    read_segments,
    segment_name,
    segment_numbers,
)
from pegasus_server.mutation_log.pins import Pins, find_pins
from pegasus_server.mutation_log.record import (
    BlockKind,
    BlockPlace,
    EncodedBlock,
    Written,
    encode_block,
    encode_listing,
)
from pegasus_server.mutation_log.replay import KeptSegment, Recovery, Replay, recover
from pegasus_server.mutation_log.segment import Block
from pegasus_server.mutation_log.segment_birth import (
    NEW_NAME,
    SPARE_NAME,
    EmptyFile,
    SegmentBirth,
)
from pegasus_server.mutation_log.segment_header import HEADER_BYTES
from pegasus_server.mutation_log.segment_writer import SegmentWriter, disk_errors
from pegasus_tab.base.ids import Ballot, Decree, Gpid
from pegasus_tab.base.limits import KIB

_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})

_UNFINISHED = frozenset({NEW_NAME, SPARE_NAME, NEW_MANIFEST_NAME})

_NO_MANIFEST = (
    "the manifest is missing or damaged (or older versions wrote this log): were the last segment"
    " missing as well, nothing would show it; the manifest is made anew"
)

SCANTY_SEGMENT_BYTES = 64 * KIB
"""Size of the first segment when the disk has no space for a whole one at start."""


class SharedLog:
    """The log, open for appending.

    Invariants: the last of ``_segments`` is the one being written; segments leave from the front
    only; ``_doubted`` is part of ``_suspects``.

    Args:
        birth: makes its segments.
        manifest: of the segments found on disk.
        segment_bytes_max: size of a segment; only a block larger than that makes a larger one.
        recovery: what was found on disk.
        number: of the segment to begin.
    """

    def __init__(
        self,
        birth: SegmentBirth,
        manifest: Manifest,
        segment_bytes_max: int,
        recovery: Recovery,
        number: int,
    ) -> None:
        assert segment_bytes_max > HEADER_BYTES
        self._birth = birth
        self._manifest = manifest
        self._folder = birth.folder
        self._segment_bytes_max = segment_bytes_max
        self._segments = recovery.segments
        self._highest = recovery.highest
        self._doubted = recovery.doubted
        self._suspects = {
            gpid for gpid, replica in recovery.replay.replicas.items() if replica.suspect
        }
        self._closed_bytes = sum(segment.bytes_held for segment in self._segments)
        self._spare: EmptyFile | None = None
        empty = self._first_file()
        self._writer = self._begin(empty, number, recovery.start_offset, recovery.carried)

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        cluster: str,
        node: str,
        segment_bytes_max: int,
        durable: Mapping[Gpid, Decree],
        entropy: Callable[[int], bytes],
        content_of: ContentOf = whole_body,
    ) -> tuple[Self, Replay]:
        """Open the log in a folder, making it when missing. Blocks; reads the whole log.

        Args:
            folder: its parent must exist. Only one process may have it open.
            cluster: id of the cluster, checked against what the segments say.
            node: id of the node, likewise.
            segment_bytes_max: size of a segment, > 4096.
            durable: the durable decree of EVERY replica of this node, also of dropped tables that
                can still be recalled. Mutations of partitions not named are skipped, and will be
                deleted.
            entropy: gives as many random bytes as asked for.
            content_of: what two records of one (ballot, decree) must have in common (A7).

        Returns:
            The log, and what it gives back to the replicas.

        Raises:
            LogRefusedError: newer format, another node's, unreadable or read-only; nothing changed.
            LogFullError: no space even for a small segment.
            LogFailedError: the disk failed.
        """
        try:
            disk_folder = DiskFolder(folder)
        except OSError as error:
            raise LogRefusedError(f"cannot make {folder}: {error.strerror or error}") from error
        birth = SegmentBirth(disk_folder, cluster, node, entropy)
        return cls.open_with(birth, segment_bytes_max, durable, content_of)

    @classmethod
    def open_with(
        cls,
        birth: SegmentBirth,
        segment_bytes_max: int,
        durable: Mapping[Gpid, Decree],
        content_of: ContentOf = whole_body,
    ) -> tuple[Self, Replay]:
        """Open a log in any LogFolder; otherwise as ``open``."""
        folder = birth.folder
        noted = noted_numbers(folder)
        readings = read_segments(folder, birth.cluster, birth.node)
        recovery = recover(readings, durable, noted, content_of)
        if noted is None and segment_numbers(folder):
            recovery.replay.findings.append(_NO_MANIFEST)
        try:
            with disk_errors("clear the log folder"):
                folder.delete(sorted(_UNFINISHED & set(folder.names())))
                if recovery.last_end is not None:
                    folder.trim(*recovery.last_end)
            numbers = numbers_from_now(folder, noted)
            manifest = Manifest.begin(folder, numbers)
            number = max(next_number(folder), numbers.stop)
            log = cls(birth, manifest, segment_bytes_max, recovery, number)
        except LogFailedError as error:
            if isinstance(error.__cause__, OSError) and error.__cause__.errno in _FORBIDDEN:
                raise LogRefusedError(f"the log is not writable: {error}") from error
            raise
        return log, recovery.replay

    @property
    def bytes_held(self) -> int:
        """How many bytes the segments hold, not counting what is only preallocated."""
        return self._closed_bytes + self._writer.offset

    def append_group(self, mutations: Sequence[Mutation]) -> None:
        """Append mutations as one block; on disk only after ``sync``.

        Args:
            mutations: at least one, in the order in which they must be replayed; below 4 GiB.

        Raises:
            LogFullError: no space. Nothing of the group is in the log; the same call may be
                repeated, and must be before any later group: decrees have no holes.
            LogFailedError: the disk failed; the log must not be used any more.
        """
        self._append(lambda place: encode_block(place, mutations))
        segment = self._segments[-1]
        highest = self._highest
        for mutation in mutations:
            gpid, ballot, decree, _, _ = mutation
            if decree > segment.highest.get(gpid, 0):
                segment.highest[gpid] = decree
            known = highest.get(gpid)
            if known is None or decree >= known.decree:
                highest[gpid] = Written(gpid, ballot, decree)

    def sync(self) -> None:
        """Return when everything appended is on disk.

        Raises:
            LogFailedError: as for ``append_group``.
        """
        self._writer.sync()

    def mark(self) -> None:
        """Prove in the log that what was synced was synced; for idle moments. Not itself synced.

        Raises:
            LogFailedError: as for ``append_group``.
        """
        if self._writer.synced_upto == self._writer.proven_upto:
            return
        content = [*self._index_blocks(), Block(0, BlockKind.MUTATIONS)][0]
        block = content.encode_at(self._writer.place)
        if self._writer.has_room(block):
            # On a full disk the proof is left out; the next append will meet and report the same.
            with suppress(LogFullError):
                self._writer.append(block)

    def delete_below(self, durable: Mapping[Gpid, Decree]) -> list[Path]:
        """Delete the oldest segments that no replica needs any more (A14 of reliability 2.1).

        Args:
            durable: as for ``open``; a partition not named was dropped for good.

        Returns:
            Names of the files removed, or set aside because they are damaged.

        Raises:
            LogFullError: no space, on a file system that needs some to overwrite; nothing is gone.
            LogFailedError: the disk failed.
        """
        self._forget_all_but(durable)
        gone: list[KeptSegment] = []
        for segment in self._segments[:-1]:
            if not self._is_deletable(segment, durable):
                break
            gone.append(segment)
        if gone:
            self._manifest.note_needless(gone[-1].number)
        with_file = [segment for segment in gone if not segment.is_missing]
        with disk_errors("delete log segments"):
            for segment in with_file:
                if segment.is_damaged:
                    self._folder.rename(segment.name, segment.name + DAMAGED_SUFFIX)
                else:
                    self._folder.delete([segment.name])
                self._closed_bytes -= segment.bytes_held
        del self._segments[: len(gone)]
        return [Path(segment.name) for segment in with_file]

    def _is_deletable(self, segment: KeptSegment, durable: Mapping[Gpid, Decree]) -> bool:
        if segment.is_damaged and self._suspects:
            return False
        return all(
            decree <= durable[gpid] for gpid, decree in segment.highest.items() if gpid in durable
        )

    def _forget_all_but(self, durable: Mapping[Gpid, Decree]) -> None:
        self._suspects &= durable.keys()
        self._doubted &= durable.keys()
        for gpid in self._highest.keys() - durable.keys():
            del self._highest[gpid]

    def pins(self, durable: Mapping[Gpid, Decree]) -> Pins:
        """Tell which of some replicas hold closed segments back; ``durable`` names only these."""
        return find_pins(self._segments, durable)

    def discard_above(self, gpid: Gpid, decree: Decree) -> None:
        """Void what the log holds of a partition above ``decree``, durably.

        For a suspect replica that was rebuilt from elsewhere, or whose owner gives up the lost
        mutations: the next replay begins at ``decree`` + 1 and finds nothing amiss.

        Args:
            gpid: the partition.
            decree: the last decree that stays; readable in the log, or durable in the engine.

        Raises:
            LogFullError: as for ``append_group``.
            LogFailedError: as for ``append_group``.
        """
        entry = Written(gpid, Ballot(0), decree)  # its own ballot stands with the mutation
        self._append(lambda place: encode_listing(place, BlockKind.DISCARD, [entry]))
        self._writer.sync()
        self._highest[gpid] = entry
        self._suspects.discard(gpid)
        self._doubted.discard(gpid)
        for segment in self._segments:
            segment.discard_above(gpid, decree)

    def settle(self, gpid: Gpid) -> None:
        """Take a suspect replica as whole: its engine has on disk whatever the log lost of it.

        Damaged segments may then be set aside like others that nobody needs.
        """
        self._suspects.discard(gpid)
        self._doubted.discard(gpid)

    @property
    def wants_spare(self) -> bool:
        """Tell whether it is time to call ``prepare_spare``."""
        is_scanty = self._writer.capacity < self._segment_bytes_max
        return self._spare is None and (
            is_scanty or self._writer.offset * 2 > self._writer.capacity
        )

    def prepare_spare(self) -> None:
        """Make the next segment's file ahead of time. For another thread than the log's own.

        One slot, filled here and emptied by the log's thread: needs no lock.

        Raises:
            LogFullError: no space. The log goes on in the current segment until that is full.
            LogFailedError: the disk failed.
        """
        if self._spare is None:
            self._spare = self._birth.empty_file(SPARE_NAME, self._segment_bytes_max)

    def close(self) -> None:
        """Sync, prove it, give back unused space. The log must not be used after.

        Raises:
            LogFailedError: the disk failed; what was synced before is safe.
        """
        self._writer.sync()
        self.mark()
        self._writer.sync()
        self._writer.close(trim=True)
        self._manifest.close()
        if self._spare is not None:
            with disk_errors("remove the spare log segment"):
                self._spare.file.close()
                self._folder.delete([self._spare.name])

    def _append(self, encode: Callable[[BlockPlace], EncodedBlock]) -> None:
        block = encode(self._writer.place)
        if not self._writer.has_room(block):
            self._roll()
            block = encode(self._writer.place)
        self._writer.append(block)

    def _roll(self) -> None:
        """Go on in the next segment. The old one is synced first: the new header says so."""
        old = self._writer
        old.sync()
        empty, self._spare = self._spare, None
        if empty is None:
            empty = self._birth.empty_file(NEW_NAME, self._segment_bytes_max)
        self._writer = self._begin(empty, old.number + 1, old.start_offset + old.offset, [])
        self._segments[-2].bytes_held = old.offset
        self._closed_bytes += old.offset
        old.close(trim=False)

    def _first_file(self) -> EmptyFile:
        """Make the file of the first segment; when space is short, a small one is enough to start."""
        try:
            return self._birth.empty_file(NEW_NAME, self._segment_bytes_max)
        except LogFullError:
            scanty = min(SCANTY_SEGMENT_BYTES, self._segment_bytes_max)
            return self._birth.empty_file(NEW_NAME, scanty)

    def _begin(
        self, empty: EmptyFile, number: int, start_offset: int, carried: list[Block]
    ) -> SegmentWriter:
        first = [*self._index_blocks(), *carried]
        writer = self._birth.begin(empty, number, start_offset, first)
        try:
            self._manifest.note_born(number)
        except LogFullError as error:
            # There is no way back: the header of the new segment ends the old one.
            raise LogFailedError(str(error)) from error
        segment = KeptSegment(segment_name(number), number)
        for block in carried:
            for gpid, _, decree, _, _ in block.mutations:
                segment.note(gpid, decree)
        self._segments.append(segment)
        return writer

    def _index_blocks(self) -> list[Block]:
        """Give the index block, or none while the log cannot vouch for every partition."""
        if self._doubted:
            return []
        return [Block(0, BlockKind.INDEX, entries=list(self._highest.values()))]
