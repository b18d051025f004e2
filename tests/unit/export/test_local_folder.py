"""Names in local folders: what is made, published or removed is synced; links are not needed."""

import ctypes
import errno
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from pegasus_tab.export.commit import commit_partition, committed_partition, settle_partition
from pegasus_tab.export.errors import NameTaken, Unwritable
from pegasus_tab.export.filesystem import open_target
from pegasus_tab.export.layout import Archive
from pegasus_tab.export.local_folder import make_folders, publish_file, remove_tree
from pegasus_tab.export.manifest import PartFile, PartitionManifest


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Note which folders are synced, and in which state of their names."""
    folders: list[Path] = []

    def fsync(descriptor: int) -> None:
        folders.append(Path(f"/proc/self/fd/{descriptor}").readlink())

    monkeypatch.setattr(os, "fsync", fsync)
    return folders


@pytest.fixture
def no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make links fail as they do on FAT."""

    def link(source: object, path: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(source), None, str(path))

    monkeypatch.setattr(os, "link", link)


def test_every_folder_that_gains_a_name_is_synced(tmp_path: Path, synced: list[Path]) -> None:
    make_folders(tmp_path / "a" / "b" / "c")
    assert synced == [tmp_path, tmp_path / "a", tmp_path / "a" / "b"]
    make_folders(tmp_path / "a" / "b" / "c")
    assert len(synced) == 3


def test_a_published_and_a_removed_name_are_synced(tmp_path: Path, synced: list[Path]) -> None:
    (tmp_path / "x").write_bytes(b"")
    (tmp_path / "f").mkdir()
    publish_file(tmp_path / "x", tmp_path / "f" / "y")
    assert synced == [tmp_path / "f"]
    remove_tree(tmp_path / "f" / "y")
    remove_tree(tmp_path / "f")
    assert synced[1:] == [tmp_path / "f", tmp_path]
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_removed_and_not_what_it_names(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    remove_tree(tmp_path / "link")
    assert [each.name for each in tmp_path.iterdir()] == ["kept"]


def test_a_commit_leaves_no_name_unsynced(tmp_path: Path, synced: list[Path]) -> None:
    """The rename of a manifest is durable before anybody moves the files that it names."""
    target, archive = open_target(str(tmp_path)), Archive("t", "export", "20300101T000000Z-1")
    file = PartFile("partition=00000/part-00000.parquet", 1, 1, "00", "", "")
    with target.create(archive.temporary("a", f"{archive.folder}/{file.path}")) as stream:
        stream.write(b"x")
    commit_partition(target, archive, PartitionManifest(0, 1, 1, 1, "a", (file,)))
    folder = tmp_path / archive.folder
    assert synced[-1] == folder / "_wc"
    manifest = committed_partition(target, archive, 0)
    assert manifest is not None
    settle_partition(target, archive, manifest)
    assert synced[-2:] == [folder, folder / "partition=00000"]


@pytest.mark.usefixtures("no_links")
def test_without_links_a_name_is_taken_once_all_the_same(tmp_path: Path) -> None:
    target = open_target(str(tmp_path))
    target.write("tmp/1", "a", b"first")
    with pytest.raises(NameTaken, match="exists already"):
        target.write("tmp/2", "a", b"second")
    assert target.read("a") == b"first"
    assert target.read("tmp/2") == b"second"
    assert [file.name for file in target.files()] == ["a", "tmp/2"]


def refuse(*_: object) -> int:
    ctypes.set_errno(errno.EINVAL)
    return -1


@pytest.mark.usefixtures("no_links")
@pytest.mark.parametrize("renameat2", [None, refuse])
def test_a_filesystem_that_can_do_neither_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renameat2: Callable[..., int] | None
) -> None:
    library = SimpleNamespace(**({} if renameat2 is None else {"renameat2": renameat2}))
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: library)
    target = open_target(str(tmp_path))
    with pytest.raises(Unwritable, match=r"a failed: .* neither hard links nor renames"):
        target.write("tmp/1", "a", b"first")
    assert not target.exists("a")


def test_a_file_in_the_way_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path in ("file", "file/below"):
        with pytest.raises(NotADirectoryError):
            make_folders(tmp_path / path)
