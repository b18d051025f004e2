"""MemoryEngine: what the twin test does not show."""

from pathlib import Path

import pytest

from pegasus_server.storage.engine import EngineDamaged
from pegasus_server.storage.memory import MemoryEngine
from pegasus_tab.base.ids import Decree


def test_checkpoints_are_copies_kept_by_path() -> None:
    disk: dict[Path, MemoryEngine] = {}
    engine = MemoryEngine(disk)
    engine.apply([(b"a", b"1")], Decree(1))
    assert engine.checkpoint(Path("copy")) == 1
    engine.apply([(b"a", b"2")], Decree(2))
    assert disk[Path("copy")].get(b"a") == b"1"
    assert disk[Path("copy")].applied_decree == 1
    with pytest.raises(FileExistsError):
        engine.checkpoint(Path("copy"))


def test_a_closed_engine_refuses() -> None:
    engine = MemoryEngine()
    engine.close()
    with pytest.raises(EngineDamaged, match="closed"):
        engine.get(b"a")
