"""Logs in a fake folder, opened, filled and damaged in few words."""

from collections.abc import Mapping
from itertools import count

from pegasus_server.mutation_log.files import SharedLog
from pegasus_server.mutation_log.replay import Replay
from pegasus_server.mutation_log.segment_birth import SegmentBirth
from pegasus_tab.base.ids import Decree, Gpid
from tests.fakes.log_bytes import CLUSTER, NODE, gpid, mutation
from tests.fakes.log_folder import FakeFolder

SEGMENT_BYTES = 8192
_ids = count(1)


def entropy(size: int) -> bytes:
    """Differ at every call, and look like nothing else in a segment: tests search for ids."""
    number: int = next(_ids) * 0x9E3779B97F4A7C15 % (1 << 8 * size)
    return number.to_bytes(size, "big")


def durable(decrees: Mapping[int, int]) -> dict[Gpid, Decree]:
    return {gpid(index): Decree(decree) for index, decree in decrees.items()}


def open_log(
    folder: FakeFolder, decrees: Mapping[int, int] | None = None, size: int = SEGMENT_BYTES
) -> tuple[SharedLog, Replay]:
    birth = SegmentBirth(folder, CLUSTER, NODE, entropy)
    return SharedLog.open_with(birth, size, durable({0: 0, 1: 0} if decrees is None else decrees))


def append(log: SharedLog, index: int, first: int, last: int, *, body_bytes: int = 1000) -> None:
    """Append decrees first..last of a partition, each synced."""
    for decree in range(first, last + 1):
        log.append_group([mutation(index, decree, body=b"x" * body_bytes)])
        log.sync()


def decrees(replay: Replay, index: int) -> list[int]:
    return [each.decree for each in replay.replicas[gpid(index)].mutations]


def segments(folder: FakeFolder) -> list[str]:
    return [name for name in folder.names() if name.startswith("segment.")]


def damaged_log(folder: FakeFolder) -> tuple[SharedLog, Replay]:
    """Decree 2 of partition 0 is lost; nobody can tell what else."""
    log, _ = open_log(folder)
    append(log, 0, 1, 3)
    del log
    data = folder.read("segment.000001")
    segment_id = data[24:32]
    index, first = 4096, data.index(segment_id, 4096 + 8)
    second = data.index(segment_id, first + 8)
    assert index < first < second
    folder.flip_bit("segment.000001", (second + 8) * 8)
    return open_log(folder)
