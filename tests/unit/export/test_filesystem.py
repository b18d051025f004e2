"""Targets: names stay inside, files appear whole or not at all, errors name the file."""

import time
from pathlib import Path

import pytest

from pegasus_tab.export.errors import (
    BadTarget,
    NameLeavesTarget,
    NameTaken,
    NoSuchFile,
    TargetError,
)
from pegasus_tab.export.filesystem import Target, open_target, without_credentials


@pytest.fixture(params=["local", "memory"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Target:
    return open_target(str(tmp_path) if request.param == "local" else f"memory://{tmp_path}")


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "a/../../x", "a//b", "a/./b", "a\\b", "a\nb", "a/"]
)
def test_no_name_leaves_the_folder(target: Target, name: str) -> None:
    with pytest.raises(NameLeavesTarget):
        target.path(name)


def test_no_symbolic_link_leaves_the_folder(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "link").symlink_to(tmp_path)
    with pytest.raises(NameLeavesTarget):
        open_target(str(tmp_path / "inside")).path("link/x")


def test_a_file_appears_when_it_is_published(target: Target) -> None:
    with target.create("tmp/a") as stream:
        stream.write(b"rows")
    assert not target.exists("folder/a")
    target.publish("tmp/a", "folder/a")
    assert target.read("folder/a") == b"rows"
    assert [(file.name, file.bytes) for file in target.files()] == [("folder/a", 4)]
    assert target.size("folder/a") == 4


def test_a_published_name_is_never_overwritten(target: Target) -> None:
    target.write("tmp/1", "a", b"first")
    with pytest.raises(NameTaken, match="exists already"):
        target.write("tmp/2", "a", b"second")
    assert target.read("a") == b"first"
    assert target.read("tmp/2") == b"second"


def test_a_stream_reads_and_seeks(target: Target) -> None:
    target.write("tmp/a", "a", bytes(range(200)) * 10_000)
    with target.open("a") as stream:
        stream.seek(-200, 2)
        assert stream.read() == bytes(range(200))
        stream.seek(1_000_003)
        assert stream.read(2) == bytes([3, 4])


def test_folders_and_removal(target: Target) -> None:
    target.write("tmp/x", "b/c/file", b"")
    target.write("tmp/x", "a/file", b"")
    target.remove("tmp")
    target.remove("never")
    assert target.folder_names() == ["a", "b"]
    target.remove("b")
    assert [file.name for file in target.files()] == ["a/file"]
    assert target.files("nowhere") == []


def test_a_missing_file_is_named(target: Target) -> None:
    with pytest.raises(NoSuchFile, match="nowhere/file"):
        target.read("nowhere/file")


def test_a_large_manifest_is_refused(target: Target) -> None:
    target.write("tmp/x", "large", bytes(1000))
    with pytest.raises(TargetError, match="larger than 999"):
        target.read("large", 999)


def test_an_unwritable_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(TargetError, match="file"):
        open_target(str(tmp_path / "file")).create("a")


@pytest.mark.parametrize(
    ("url", "text"),
    [("nonsense://a/b", "nonsense"), ("hdfs://namenode:8020", "no path"), ("/", "no path")],
)
def test_urls_that_cannot_be(url: str, text: str) -> None:
    with pytest.raises(BadTarget, match=text):
        open_target(url)


def test_a_dead_namenode_is_an_error_within_seconds() -> None:
    started = time.monotonic()
    with pytest.raises(TargetError, match=r"hdfs://127\.0\.0\.1:1/exports"):
        open_target("hdfs://127.0.0.1:1/exports").exists()
    # The promise is 5 s; a machine busy with other tests may take a little of its own.
    assert time.monotonic() - started < 20


def test_credentials_are_not_shown() -> None:
    assert without_credentials("s3://key:secret@bucket/a?token=x") == "s3://bucket/a"
    assert without_credentials("/a/b") == "/a/b"
    assert without_credentials("s3://key:secret@[bucket/a") == "s3://..."
