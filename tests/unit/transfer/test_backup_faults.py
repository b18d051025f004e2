"""Backups, restores and prunes whose filesystem fails at every single call in turn.

Three ways of failing take turns from call to call; exports try all of them at each (test_export_faults).

What reads as a complete backup can be restored, and holds what the table held; the next run ends well.
"""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pegasus_tab.base.errors import Error
from pegasus_tab.export.backup_chain import backups
from pegasus_tab.export.filesystem import open_target
from pegasus_tab.export.verify import archives, verify_archive
from pegasus_tab.wire.keys import encode_key
from tests.fakes.backed_up_table import BackedUpTable, Pairs, Writes
from tests.fakes.faulty_filesystem import WAYS, Died, FaultyFileSystem, Way

faults = FaultyFileSystem.faults
PARTITIONS = 2

FIRST: Writes = {encode_key(b"h%d" % i, b""): (b"v%d" % i, 0) for i in range(8)}
LATER: Writes = {
    encode_key(b"h1", b""): (b"new", 0),
    encode_key(b"h2", b""): None,
    encode_key(b"h9", b""): (b"v", 0),
}


@pytest.fixture(autouse=True)
def _calm() -> Iterator[None]:
    faults.begin()
    yield
    faults.begin()


class Place:
    """A table and the folder that its backups go to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.table = BackedUpTable(f"faulty://{folder}", PARTITIONS)
        self.target = open_target(str(folder))

    def restored(self, id_: str = "") -> Pairs:
        self.table.restored.clear()
        self.table.run("restore", source="t", at=id_)
        return self.table.all_restored()

    def complete(self) -> list[str]:
        return [each.archive.id for each in backups(self.target, "t")]

    def assert_whole(self) -> None:
        """Every file there is, is of a complete backup, and as it was written."""
        for archive in archives(self.target):
            assert [each for each in verify_archive(self.target, archive) if each.fault] == []

    def copy(self, folder: Path) -> "Place":
        """The same again, with its own files and a table that goes on from here."""
        shutil.copytree(self.folder, folder)
        place = Place(folder)
        place.table.go_on_from(self.table)
        return place

    def remove(self) -> None:
        shutil.rmtree(self.folder)


def way_of(call: int) -> Way:
    return WAYS[call % len(WAYS)]


@pytest.mark.slow
def test_a_backup_that_continues_another(tmp_path: Path) -> None:
    made = Place(tmp_path / "made")
    with made.table.at_work():
        made.table.write(FIRST)
        made.table.run("backup")
    at = 0
    while True:
        at += 1
        way = way_of(at)
        place = made.copy(tmp_path / f"target{at}")
        table = place.table
        with table.at_work():
            table.write(LATER)
            faults.begin(at, way)
            with suppress(Error, Died):
                table.run("backup")
            is_past_the_end = len(faults.calls) < at
            where = f"call {at} of {faults.calls[-1]}, {way}"
            faults.begin()
            if len(place.complete()) == 2:
                assert place.restored() == table.living(), where
            table.run("backup")
            assert place.restored() == table.living(), where
        place.remove()
        if is_past_the_end:
            assert at > 40
            return


@pytest.mark.slow
def test_a_restore(tmp_path: Path) -> None:
    place = Place(tmp_path)
    table = place.table
    with table.at_work():
        table.write(FIRST)
        table.run("backup")
        table.write(LATER)
        table.run("backup")
        place.restored()
        faults.begin()
        assert place.restored() == table.living()
        for at, name in enumerate(list(faults.calls), 1):
            faults.begin(at, way_of(at))
            with suppress(Error, Died):
                assert place.restored() == table.living(), f"call {at}, {name}, {way_of(at)}"
        faults.begin()
        assert place.restored() == table.living()


@pytest.mark.slow
def test_a_prune(tmp_path: Path) -> None:
    made = Place(tmp_path / "made")
    states: dict[str, Pairs] = {}
    with made.table.at_work():
        for writes in (FIRST, LATER, FIRST):
            made.table.write(writes)
            is_last = len(states) == 2
            states[made.table.run("backup", full=is_last)["id"]] = made.table.living()
    newest = max(states)
    at = 0
    while True:
        at += 1
        way = way_of(at)
        place = made.copy(tmp_path / f"target{at}")
        with place.table.at_work():
            faults.begin(at, way)
            with suppress(Error, Died):
                place.table.run("prune", keep=1)
            is_past_the_end = len(faults.calls) < at
            where = f"call {at} of {faults.calls[-1]}, {way}"
            faults.begin()
            for id_ in place.complete():
                assert place.restored(id_) == states[id_], where
            place.table.run("prune", keep=1)
            assert place.complete() == [newest], where
            assert [path.name for path in (place.folder / "t").iterdir()] == [f"backup_id={newest}"]
            place.assert_whole()
        place.remove()
        if is_past_the_end:
            assert at > 20
            return


def test_a_damaged_newest_backup_protects_the_old_ones(tmp_path: Path) -> None:
    place = Place(tmp_path)
    table = place.table
    with table.at_work():
        for writes in (FIRST, LATER):
            table.write(writes)
            table.run("backup", full=True)
        complete = place.complete()
        (part, *_) = sorted(tmp_path.glob(f"t/backup_id={complete[1]}/*/*.parquet"))
        content = bytearray(part.read_bytes())
        content[len(content) // 2] ^= 1
        part.write_bytes(content)
        with pytest.raises(Error, match="is damaged") as caught:
            table.run("prune", keep=1)
        assert caught.value.sqlstate == "XX001"
        assert place.complete() == complete
        table.run("backup", full=True)
        table.run("prune", keep=1)
        assert len(place.complete()) == 1
        assert place.restored() == table.living()
