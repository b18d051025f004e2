"""The checks before anything in a data folder is touched."""

from pathlib import Path

import pytest

from pegasus_server.runtime.data_folder import DataFolder
from pegasus_server.runtime.startup_fault import EXIT_BAD_FOLDER, StartupFault
from pegasus_tab.base.ids import Gpid


def open_folder(path: Path) -> DataFolder:
    return DataFolder.open(path, started=0.0, entropy=lambda count: b"\x07" * count)


def fault(path: Path) -> str:
    with pytest.raises(StartupFault) as caught:
        open_folder(path)
    assert caught.value.exit_code == EXIT_BAD_FOLDER
    return str(caught.value)


def test_a_new_folder_gets_an_identity_that_stays(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"
    first = open_folder(path)
    assert first.node == "07" * 8
    assert first.log_path.is_dir()
    assert first.meta_state_path.parent.is_dir()
    first.lock.release()
    second = DataFolder.open(path, started=0.0, entropy=lambda count: b"\x08" * count)
    assert (second.cluster, second.node) == (first.cluster, first.node)
    second.lock.release()


def test_a_folder_with_somebody_elses_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    assert "thesis.tex" in fault(tmp_path)
    assert not (tmp_path / "replicas").exists()


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("", "damaged"),
        ("{}", "damaged"),
        ("[]", "damaged"),
        ('{"format": 2, "cluster": "c", "node": "n"}', "format 2"),
    ],
)
def test_an_unreadable_identity_is_refused(tmp_path: Path, content: str, named: str) -> None:
    (tmp_path / "node.json").write_text(content)
    assert named in fault(tmp_path)
    assert (tmp_path / "node.json").read_text() == content


def test_a_path_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot be written" in fault(tmp_path / "file")


def test_replicas_are_found_by_their_folders(tmp_path: Path) -> None:
    folder = open_folder(tmp_path)
    for name in ("1.0", "12.3", "2.0.tmp", "x.1", "3.0.gone", "node.log"):
        (tmp_path / "replicas" / name).mkdir()
    assert sorted(folder.replicas()) == [Gpid(1, 0), Gpid(12, 3)]
    folder.lock.release()


def test_a_deletion_that_a_crash_interrupted_is_finished(tmp_path: Path) -> None:
    folder = open_folder(tmp_path)
    for gpid in (Gpid(1, 0), Gpid(1, 1)):
        folder.replica_path(gpid).mkdir()
        (folder.replica_path(gpid) / "side.json").touch()
    folder.delete_replica(Gpid(1, 0))
    folder.delete_replica(Gpid(1, 0))
    assert list(folder.replicas()) == [Gpid(1, 1)]
    folder.replica_path(Gpid(1, 1)).rename(tmp_path / "replicas" / "1.1.gone")
    folder.lock.release()
    open_folder(tmp_path).lock.release()
    assert list((tmp_path / "replicas").iterdir()) == []
