"""A checkpoint is read from end to end before it goes anywhere."""

from pathlib import Path

import pytest

from pegasus_server.storage.engine import EngineDamaged, EngineUnavailable
from pegasus_server.storage.rocks import RocksEngine, verify
from pegasus_server.storage.verify_checkpoint import DAMAGED, Verification, main
from pegasus_tab.base.ids import Decree

ROWS = 500


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    engine = RocksEngine.open(tmp_path / "db", durable_decree=Decree(0))
    engine.apply([(b"\0\4%04d" % row, b"%d " % row * 50) for row in range(ROWS)], Decree(1))
    engine.flush()
    engine.checkpoint(tmp_path / "checkpoint")
    engine.close()
    return tmp_path / "checkpoint"


def damage(checkpoint: Path) -> None:
    """Turn a bit in the middle of the only table file over."""
    (table,) = checkpoint.glob("*.sst")
    content = bytearray(table.read_bytes())
    content[len(content) // 3] ^= 1
    table.write_bytes(content)


def test_a_sound_checkpoint_passes_unchanged(checkpoint: Path) -> None:
    before = {path.name: path.read_bytes() for path in checkpoint.iterdir()}
    assert verify(checkpoint) == ROWS + 1, "the rows and the decree"
    Verification(checkpoint).wait()
    assert {path.name: path.read_bytes() for path in checkpoint.iterdir()} == before


def test_a_damaged_block_is_found(checkpoint: Path) -> None:
    damage(checkpoint)
    with pytest.raises(EngineDamaged, match="checksum"):
        verify(checkpoint)
    assert main(checkpoint) == DAMAGED
    with pytest.raises(EngineDamaged, match="checksum"):
        Verification(checkpoint).wait()


def test_what_cannot_be_read_is_not_called_damaged(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EngineUnavailable):
        Verification(tmp_path / "file").wait()
