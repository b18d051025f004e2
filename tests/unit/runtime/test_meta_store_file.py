"""The file meta keeps its state in."""

from pathlib import Path

import pytest

from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.runtime.meta_store_file import MetaStoreFile
from pegasus_server.runtime.startup_fault import EXIT_BAD_FOLDER, StartupFault


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    store = MetaStoreFile(tmp_path / "state.json")
    assert store.load() is None
    store.save(ClusterState(7))
    assert store.load() == ClusterState(7)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"{}"])
def test_a_damaged_file_is_a_startup_fault(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(content)
    with pytest.raises(StartupFault, match=r"state\.json") as caught:
        MetaStoreFile(path).load()
    assert caught.value.exit_code == EXIT_BAD_FOLDER
    assert path.read_bytes() == content
