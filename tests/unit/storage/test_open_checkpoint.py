"""A checkpoint is read as it is, by a process of its own, and nothing in its folder changes."""

from pathlib import Path

import pytest

from pegasus_server.storage.engine import ROW_KEYS_END, EngineDamaged
from pegasus_server.storage.rocks import RocksEngine, RocksMemory
from pegasus_tab.base.ids import Decree
from pegasus_tab.base.limits import MIB


def test_read_and_close(tmp_path: Path) -> None:
    engine = RocksEngine.open(tmp_path / "db", durable_decree=Decree(0))
    engine.apply([(b"\0\x01a", b"1"), (b"\0\x01b", b"2")], Decree(1))
    engine.checkpoint(tmp_path / "checkpoint")
    engine.apply([(b"\0\x01c", b"3")], Decree(2))
    before = {path.name: path.read_bytes() for path in (tmp_path / "checkpoint").iterdir()}
    copy = RocksEngine.open_checkpoint(tmp_path / "checkpoint", RocksMemory(8 * MIB, 0))
    assert copy.applied_decree == 1
    assert copy.rows_estimate() == 3  # the decree's own key is counted
    keys, values, exhausted = copy.scan_chunk(b"", ROW_KEYS_END, 10, MIB)
    assert (keys, values, exhausted) == ([b"\0\x01a", b"\0\x01b"], [b"1", b"2"], True)
    copy.close()
    engine.close()
    after = {path.name: path.read_bytes() for path in (tmp_path / "checkpoint").iterdir()}
    assert {name: after.get(name) for name in before} == before


def test_damage_is_an_error(tmp_path: Path) -> None:
    engine = RocksEngine.open(tmp_path / "db", durable_decree=Decree(0))
    engine.apply([(b"\0\x01a", b"1")], Decree(1))
    engine.checkpoint(tmp_path / "checkpoint")
    engine.close()
    (tmp_path / "checkpoint" / "CURRENT").write_text("nothing\n")
    with pytest.raises(EngineDamaged):
        RocksEngine.open_checkpoint(tmp_path / "checkpoint", RocksMemory(8 * MIB, 0))
