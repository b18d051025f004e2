"""Two attempts at the same moment: one is faster, the other goes on with what that one wrote."""

from pathlib import Path

import pytest

from pegasus_tab.export.commit import commit_partition, committed_partition, open_archive
from pegasus_tab.export.errors import TargetError
from pegasus_tab.export.filesystem import Target, open_target
from pegasus_tab.export.layout import Archive
from pegasus_tab.export.manifest import Description, PartFile, PartitionManifest

WANTED = Description("t", 1, 1, "export", "parquet", "", 0, "", 0, "1")
ID = "20300101T000000Z-1"


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return open_target(str(tmp_path))


def manifest(attempt: str) -> PartitionManifest:
    file = PartFile("partition=00000/part-00000.parquet", 1, 1, "00", "", "")
    return PartitionManifest(0, 1, 1, 1, attempt, (file,))


def test_an_archive_that_another_attempt_began_meanwhile(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = open_archive(target, WANTED, ID, "first")
    description = target.read(begun.description)
    monkeypatch.setattr(target, "folder_names", lambda _: [])  # it looked a moment earlier
    monkeypatch.setattr(target, "files", lambda _: [])
    monkeypatch.setattr(target, "exists", lambda _: False)
    assert open_archive(target, WANTED, ID, "second") == begun
    assert target.read(begun.description) == description


def test_the_faster_attempt_wrote_the_partition(target: Target) -> None:
    archive = Archive("t", "export", ID)
    assert commit_partition(target, archive, manifest("first")).attempt == "first"
    assert commit_partition(target, archive, manifest("second")).attempt == "first"


def test_a_manifest_that_came_and_went_is_an_error_worth_another_try(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = Archive("t", "export", ID)
    commit_partition(target, archive, manifest("first"))
    monkeypatch.setattr(target, "exists", lambda _: False)
    assert committed_partition(target, archive, 0) is None
    with pytest.raises(TargetError, match="came and went") as caught:
        commit_partition(target, archive, manifest("second"))
    assert type(caught.value) is TargetError, "NameTaken would end the job"
