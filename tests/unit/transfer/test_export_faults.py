"""An export whose filesystem fails at every single call in turn, in three ways.

What is left is complete, or resumable and not to be taken for complete; no reader ever sees a row
twice; and the next run ends well.
"""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest

from pegasus_tab.base.errors import Error
from pegasus_tab.export.filesystem import open_target
from pegasus_tab.export.verify import archives, verify_archive
from tests.fakes.exported_table import ROWS, ExportedTable
from tests.fakes.faulty_filesystem import WAYS, Died, FaultyFileSystem, Way

faults = FaultyFileSystem.faults


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("export")
    ExportedTable(folder, "").fill()
    yield folder
    faults.begin()


def visible_rows(target: Path) -> list[tuple[object, ...]]:
    """What an analyst's reader sees, whether the export is complete or not."""
    if not list(target.glob("people/*/*/*.parquet")):
        return []
    query = f"SELECT id, name, score FROM read_parquet('{target}/people/*/*/*.parquet') ORDER BY id"
    return duckdb.execute(query).fetchall()


def is_complete(target: Path) -> bool:
    return bool(list(target.glob("people/*/_SUCCESS")))


def assert_whole(target: Path) -> None:
    assert visible_rows(target) == ROWS
    place = open_target(str(target))
    (archive,) = archives(place)
    assert [each for each in verify_archive(place, archive) if each.fault] == []
    assert not (target / archive.temporaries).exists()


def calls_of_a_run(folder: Path, target: Path) -> list[str]:
    faults.begin()
    ExportedTable(folder, f"faulty://{target}").run()
    assert_whole(target)
    return faults.calls


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_a_fault_at_every_call(folder: Path, tmp_path: Path, way: Way) -> None:
    names = calls_of_a_run(folder, tmp_path / "calm")
    assert len(names) > 50
    for at, name in enumerate(names, 1):
        target = tmp_path / "target"
        table = ExportedTable(folder, f"faulty://{target}")
        faults.begin(at, way)
        with suppress(Error, Died):
            table.run()
        where = f"call {at}, {name}, {way}"
        seen = visible_rows(target)
        assert len(seen) == len(set(seen)), where
        if is_complete(target):
            assert seen == ROWS, where
        faults.begin()
        if not is_complete(target):
            table.run()
        assert visible_rows(target) == ROWS, where
        shutil.rmtree(target)


def test_two_faults_in_a_row(folder: Path, tmp_path: Path) -> None:
    """The run that goes on is cut short as well, at every tenth call of its own."""
    count = len(calls_of_a_run(folder, tmp_path / "calm"))
    for first in range(25, count, 25):
        for second in range(10, count, 20):
            target = tmp_path / "target"
            table = ExportedTable(folder, f"faulty://{target}")
            for at in (first, second):
                faults.begin(at, "dies")
                if not is_complete(target):
                    with suppress(Died):
                        table.run()
            faults.begin()
            if not is_complete(target):
                table.run()
            assert_whole(target)
            shutil.rmtree(target)
