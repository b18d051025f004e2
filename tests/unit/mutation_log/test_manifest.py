"""The manifest: its last intact slot counts, whatever a crash or the disk did to the other."""

import pytest

from pegasus_server.mutation_log.manifest import MANIFEST_NAME, Manifest, read_manifest
from tests.fakes.log_folder import FakeFolder

SLOT_BYTES = 4096


@pytest.fixture
def folder() -> FakeFolder:
    return FakeFolder()


def numbers(folder: FakeFolder) -> range | None:
    return read_manifest(folder.read(MANIFEST_NAME)).numbers


def test_names_what_was_noted(folder: FakeFolder) -> None:
    manifest = Manifest.begin(folder, range(3, 5))
    assert numbers(folder) == range(3, 5)
    for number in (5, 6, 7):
        manifest.note_born(number)
        assert numbers(folder) == range(3, number + 1)
    manifest.note_needless(5)
    assert numbers(folder) == range(6, 8)
    manifest.note_needless(2)
    assert numbers(folder) == range(6, 8)
    manifest.close()


def test_a_log_without_segments(folder: FakeFolder) -> None:
    Manifest.begin(folder, range(1, 1)).note_born(1)
    assert numbers(folder) == range(1, 2)


def test_beginning_again_replaces_it(folder: FakeFolder) -> None:
    for first in (1, 2):
        Manifest.begin(folder, range(first, 4)).note_born(4)
    assert numbers(folder) == range(2, 5)
    assert folder.names() == [MANIFEST_NAME]


def test_everything_noted_survives_a_power_cut(folder: FakeFolder) -> None:
    for seed in range(10):
        Manifest.begin(folder, range(1, 4)).note_born(4)
        folder.power_cut(seed)
        assert numbers(folder) == range(1, 5)


@pytest.mark.parametrize("torn", range(4))
def test_a_torn_write_leaves_the_state_before(folder: FakeFolder, torn: int) -> None:
    manifest = Manifest.begin(folder, range(1, 1))
    for number in range(1, torn + 1):
        manifest.note_born(number)
    before = folder.read(MANIFEST_NAME)
    manifest.note_born(torn + 1)
    after = folder.read(MANIFEST_NAME)
    (slot,) = {at // SLOT_BYTES for at in range(len(after)) if before[at] != after[at]}
    half = slot * SLOT_BYTES + 30
    assert read_manifest(after[:half] + before[half:]).numbers == range(1, torn + 1)


def test_every_flipped_bit_is_noticed(folder: FakeFolder) -> None:
    Manifest.begin(folder, range(1, 4))  # one slot is written
    data = folder.read(MANIFEST_NAME)
    used = [at for at in range(len(data)) if at // SLOT_BYTES == 1 and at % SLOT_BYTES < 44]
    for at in used:
        flipped = data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]
        assert read_manifest(flipped).numbers is None
        assert read_manifest(flipped).newer_format is None


@pytest.mark.parametrize("data", [b"", b"PTABMAN\n", b"\xff" * 9000, bytes(8192)])
def test_rubbish(data: bytes) -> None:
    assert read_manifest(data).numbers is None
