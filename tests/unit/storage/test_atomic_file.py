"""Replacing a file: the old content or the new, and fsync before the rename."""

import os
from pathlib import Path

import pytest

from pegasus_server.storage.atomic_file import replace_file


def test_replaces_the_content_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    replace_file(path, b"one")
    replace_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]


def test_a_leftover_of_a_crash_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "state.json.tmp").write_bytes(b"half of an earlier wri")
    replace_file(tmp_path / "state.json", b"new")
    assert [file.name for file in tmp_path.iterdir()] == ["state.json"]


def test_the_file_is_on_disk_before_it_is_renamed_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.json"
    replace_file(path, b"old")
    seen: list[tuple[str, bytes]] = []

    def watch(descriptor: int) -> None:
        seen.append((str(Path(f"/proc/self/fd/{descriptor}").readlink()), path.read_bytes()))

    monkeypatch.setattr(os, "fsync", watch)
    replace_file(path, b"new")
    assert seen == [(f"{path}.tmp", b"old"), (str(tmp_path), b"new")]


def test_a_disk_that_refuses_leaves_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.json"
    replace_file(path, b"old")

    def refuse(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="Input/output"):
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"
