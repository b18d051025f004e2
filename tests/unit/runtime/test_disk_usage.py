"""How much a data folder takes on its disk."""

import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pegasus_server.runtime.disk_usage import DiskWatch, disk_usage, stored_bytes
from pegasus_tab.base.cluster import DiskUsage

BLOCKS = 64 * 1024


def test_files_of_all_folders_count_for_what_they_take(tmp_path: Path) -> None:
    empty = stored_bytes(tmp_path)
    (tmp_path / "replicas" / "1.0").mkdir(parents=True)
    (tmp_path / "replicas" / "1.0" / "data").write_bytes(os.urandom(BLOCKS))
    (tmp_path / "log").write_bytes(os.urandom(BLOCKS))
    assert 2 * BLOCKS <= stored_bytes(tmp_path) - empty < 3 * BLOCKS


def test_reserved_space_counts_and_holes_do_not(tmp_path: Path) -> None:
    with (tmp_path / "reserved").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, BLOCKS)
    with (tmp_path / "hole").open("wb") as file:
        file.truncate(100 * BLOCKS)
    assert BLOCKS <= stored_bytes(tmp_path) < 2 * BLOCKS


def test_a_file_with_two_names_counts_once(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(os.urandom(BLOCKS))
    once = stored_bytes(tmp_path)
    (tmp_path / "checkpoint").hardlink_to(tmp_path / "data")
    assert stored_bytes(tmp_path) == once


def test_links_lead_nowhere_and_what_vanished_takes_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "up").symlink_to(tmp_path)
    assert stored_bytes(tmp_path) < BLOCKS
    assert stored_bytes(tmp_path / "gone") == 0


def test_the_disk_has_room(tmp_path: Path) -> None:
    assert disk_usage(tmp_path).free_bytes > 0


class Jobs:
    """Runs a job when told to, or lets it fail."""

    def __init__(self) -> None:
        self.ends: list[tuple[Callable[[], None], Callable[[Exception], None]]] = []

    def run(
        self,
        job: Callable[[], DiskUsage],
        done: Callable[[DiskUsage], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self.ends.append((lambda: done(job()), failed))


def is_known(watch: DiskWatch) -> bool:
    return watch.usage is not None


def test_it_measures_one_at_a_time(tmp_path: Path) -> None:
    jobs = Jobs()
    watch = DiskWatch(tmp_path, jobs.run)
    watch.measure()
    watch.measure()
    assert not is_known(watch)
    [(finish, _)] = jobs.ends
    finish()
    assert is_known(watch)
    watch.measure()
    assert len(jobs.ends) == 2


def test_what_cannot_be_measured_is_unknown_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    jobs = Jobs()
    watch = DiskWatch(tmp_path, jobs.run)
    watch.measure()
    jobs.ends[0][0]()
    watch.measure()
    with caplog.at_level(logging.WARNING):
        jobs.ends[1][1](OSError("Input/output error"))
    assert not is_known(watch)
    assert "Input/output error" in caplog.text
    watch.measure()
    assert len(jobs.ends) == 3
