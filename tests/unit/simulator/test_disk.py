"""The simulated disk is a log folder that loses what was not synced, and only that."""

import errno
from collections.abc import Sequence

import pytest

from pegasus_server.mutation_log.files import SharedLog
from pegasus_server.mutation_log.mutation import Mutation
from pegasus_server.mutation_log.segment_birth import SegmentBirth
from pegasus_server.simulator.disk import SECTOR_BYTES, SimulatedDisk
from pegasus_server.simulator.entropy import Entropy
from pegasus_tab.base.ids import Ballot, Decree, Gpid

GPID = Gpid(1, 0)


def test_synced_sectors_survive_a_power_cut() -> None:
    disk = SimulatedDisk()
    file = disk.create("a", 4 * SECTOR_BYTES)
    disk.rename("a", "b")
    file.write([b"x" * SECTOR_BYTES], 0)
    file.sync()
    file.write([b"y" * 3 * SECTOR_BYTES], SECTOR_BYTES)
    disk.lose_power(Entropy(1).stream("power"))
    data = disk.read("b")
    assert data[:SECTOR_BYTES] == b"x" * SECTOR_BYTES
    for sector in range(1, 4):
        kept = data[sector * SECTOR_BYTES : (sector + 1) * SECTOR_BYTES]
        assert kept in (bytes(SECTOR_BYTES), b"y" * SECTOR_BYTES)


def test_some_power_cut_tears() -> None:
    kept = set()
    for seed in range(30):
        disk = SimulatedDisk()
        file = disk.create("a", 2 * SECTOR_BYTES)
        disk.rename("a", "b")
        file.write([b"y" * 2 * SECTOR_BYTES], 0)
        disk.lose_power(Entropy(seed).stream("power"))
        kept.add((disk.read("b")[0], disk.read("b")[-1]))
    assert kept == {(0, 0), (0, 121), (121, 0), (121, 121)}


def test_a_failed_sync_forgets_what_it_had_to_write() -> None:
    disk = SimulatedDisk()
    file = disk.create("a", SECTOR_BYTES)
    disk.rename("a", "b")
    file.write([b"lost"], 0)
    disk.fault.fails_sync = True
    with pytest.raises(OSError, match="injected") as caught:
        file.sync()
    assert caught.value.errno == errno.EIO
    disk.fault.fails_sync = False
    file.sync()
    assert disk.read("b")[:4] == b"lost"
    disk.lose_power(Entropy(1).stream("power"))
    assert disk.read("b")[:4] == bytes(4)


def test_a_full_disk_refuses_new_space_only() -> None:
    disk = SimulatedDisk()
    file = disk.create("a", SECTOR_BYTES)
    disk.fault.is_full = True
    file.write([b"fits"], 0)
    with pytest.raises(OSError, match="no space"):
        disk.create("b", 1)


def open_log(disk: SimulatedDisk, seed: int) -> tuple[SharedLog, Sequence[Mutation]]:
    birth = SegmentBirth(disk, "c", "n", Entropy(seed).stream("segment").bytes)
    log, replay = SharedLog.open_with(birth, 8192, {GPID: Decree(0)})
    assert replay.replicas[GPID].suspect is None
    return log, replay.replicas[GPID].mutations


@pytest.mark.parametrize("seed", range(20))
def test_the_real_log_keeps_its_promise_on_it(seed: int) -> None:
    """Whatever a power cut takes, what was synced comes back, in order, also a second time."""
    disk, stream = SimulatedDisk(), Entropy(seed).stream("test")
    synced = written = 0
    for opening in range(3):
        log, mutations = open_log(disk, 100 * seed + opening)
        assert [each.decree for each in mutations] == list(range(1, len(mutations) + 1))
        assert synced <= len(mutations) <= written
        written = len(mutations)
        for _ in range(stream.below(40)):
            written += 1
            body = b"%d" % written * stream.between(1, 300)
            log.append_group([Mutation(GPID, Ballot(1), Decree(written), written, body)])
            if stream.chance(0.4):
                log.sync()
                synced = written
        disk.lose_power(stream)
