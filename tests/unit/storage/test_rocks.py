"""RocksEngine: what the twin test cannot show, above all damage and the disk."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pegasus_server.storage.engine import (
    DECREE_KEY,
    ROW_KEYS_END,
    EngineDamaged,
    EngineUnavailable,
)
from pegasus_server.storage.rocks import RocksEngine
from pegasus_server.storage.rocks_options import RocksMemory
from pegasus_tab.base.ids import Decree

MEMORY = RocksMemory(1 << 20, 64 << 20)
ROWS = 5000


def open_engine(path: Path, durable: int = 0) -> RocksEngine:
    return RocksEngine.open(path, durable_decree=Decree(durable), memory=MEMORY)


def row_key(number: int) -> bytes:
    return b"\0\4user%08d" % number


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[RocksEngine]:
    engine = open_engine(tmp_path / "db")
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed engine of ROWS rows at decree 5, all in one table file of many blocks."""
    path = tmp_path_factory.mktemp("written") / "db"
    engine = open_engine(path)
    for decree in range(1, 6):
        first = (decree - 1) * 1000
        rows = [
            (row_key(n), (b"%08d" % (n * 2654435761))[:8] * 16) for n in range(first, first + 1000)
        ]
        engine.apply(rows, Decree(decree))
    engine.close()
    return path


@pytest.fixture
def damageable(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "db"))


def table_file(path: Path) -> Path:
    return max(path.glob("*.sst"), key=lambda file: file.stat().st_size)


def flip_a_bit_in_the_middle(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0x10
    file.write_bytes(content)


def test_the_write_ahead_log_stays_empty(engine: RocksEngine, tmp_path: Path) -> None:
    for decree in range(1, 50):
        engine.apply([(b"key", b"value" * 100)], Decree(decree))
    engine.discard([b"key"])
    assert [file.stat().st_size for file in (tmp_path / "db").glob("*.log")] == [0]


def test_the_decree_is_no_row_and_no_scan_meets_it(engine: RocksEngine) -> None:
    engine.apply([(b"\xff\xfe", b"last")], Decree(1))
    assert engine.get(DECREE_KEY) == (1).to_bytes(8, "big")
    assert list(engine.scan(b"", b"\xff" * 30)) == [(b"\xff\xfe", b"last")]
    assert engine.scan_chunk(b"", b"\xff" * 30, 10, 1000) == ([b"\xff\xfe"], [b"last"], True)


def test_a_row_at_the_reserved_keys_is_a_programming_error(engine: RocksEngine) -> None:
    with pytest.raises(AssertionError):
        engine.apply([(ROW_KEYS_END, b"value")], Decree(1))
    with pytest.raises(AssertionError):
        engine.discard([DECREE_KEY])
    assert engine.applied_decree == 0


def test_decrees_have_no_gap_and_no_repeat(engine: RocksEngine) -> None:
    engine.apply([], Decree(1))
    for wrong in (1, 3):
        with pytest.raises(AssertionError):
            engine.apply([], Decree(wrong))


def test_flush_makes_the_decree_survive_without_close(engine: RocksEngine, tmp_path: Path) -> None:
    engine.apply([(b"a", b"1")], Decree(1))
    assert engine.flush() == 1
    engine.apply([(b"b", b"2")], Decree(2))
    crashed = Path(shutil.copytree(tmp_path / "db", tmp_path / "crashed"))
    after = open_engine(crashed, durable=1)
    assert after.applied_decree == 1
    assert list(after.scan(b"", ROW_KEYS_END)) == [(b"a", b"1")]
    after.close()


def test_a_checkpoint_holds_the_decree_it_says(engine: RocksEngine, tmp_path: Path) -> None:
    for decree in range(1, 4):
        engine.apply([(b"key%d" % decree, b"value")], Decree(decree))
    copy = tmp_path / "checkpoint.3"
    assert engine.checkpoint(copy) == 3
    engine.apply([(b"later", b"value")], Decree(4))
    opened = open_engine(copy, durable=3)
    assert [key for key, _ in opened.scan(b"", ROW_KEYS_END)] == [b"key1", b"key2", b"key3"]
    opened.close()


def test_a_checkpoint_replaces_the_rest_of_a_crashed_one_but_never_a_finished_one(
    engine: RocksEngine, tmp_path: Path
) -> None:
    (tmp_path / "copy.tmp").mkdir()
    (tmp_path / "copy.tmp" / "000001.sst").write_bytes(b"half")
    assert engine.checkpoint(tmp_path / "copy") == 0
    assert not (tmp_path / "copy.tmp").exists()
    with pytest.raises(FileExistsError):
        engine.checkpoint(tmp_path / "copy")


def test_a_folder_without_the_durable_rows_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "db"
    with pytest.raises(EngineDamaged, match=r"decree 0, but decree 7 was durable.*relearn"):
        open_engine(folder, durable=7)
    assert not folder.exists()


def test_an_engine_behind_its_side_file_is_refused(damageable: Path) -> None:
    with pytest.raises(EngineDamaged, match="decree 5, but decree 6 was durable"):
        open_engine(damageable, durable=6)
    open_engine(damageable, durable=5).close()


def test_no_cut_of_the_manifest_loses_a_row_in_silence(written: Path, tmp_path: Path) -> None:
    # RocksDB itself opens most of these, with rows missing (reference/reliability.md 2.4).
    manifest = next(written.glob("MANIFEST-*")).name
    content = (written / manifest).read_bytes()
    refused = 0
    for number, end in enumerate(range(0, len(content), len(content) // 12)):
        folder = Path(shutil.copytree(written, tmp_path / str(number)))
        (folder / manifest).write_bytes(content[:end])
        try:
            engine = open_engine(folder, durable=5)
        except EngineDamaged:
            refused += 1
            continue
        assert len(list(engine.scan(b"", ROW_KEYS_END))) == ROWS
        engine.close()
    assert refused >= 8


def read_one(engine: RocksEngine) -> object:
    return [engine.get(row_key(number)) for number in range(ROWS)]


def scan_up(engine: RocksEngine) -> object:
    return list(engine.scan(b"", ROW_KEYS_END))


def scan_down(engine: RocksEngine) -> object:
    return list(engine.scan(b"", ROW_KEYS_END, reverse=True))


def scan_chunks(engine: RocksEngine) -> object:
    return engine.scan_chunk(b"", ROW_KEYS_END, ROWS, 1 << 30)


def write_checkpoint(engine: RocksEngine) -> object:
    return engine.checkpoint(Path("never"))


def apply_one(engine: RocksEngine) -> None:
    engine.apply([(b"key", b"value")], Decree(engine.applied_decree + 1))


def discard_one(engine: RocksEngine) -> None:
    engine.discard([b"key"])


@pytest.mark.parametrize("read", [read_one, scan_up, scan_down, scan_chunks])
def test_damage_is_raised_and_poisons_the_engine(
    damageable: Path, read: Callable[[RocksEngine], object]
) -> None:
    flip_a_bit_in_the_middle(table_file(damageable))
    engine = open_engine(damageable, durable=5)
    with pytest.raises(EngineDamaged, match="checksum"):
        read(engine)
    everything: list[Callable[[RocksEngine], object]] = [
        read_one,
        scan_up,
        scan_down,
        scan_chunks,
        apply_one,
        discard_one,
        write_checkpoint,
    ]
    for call in everything:
        with pytest.raises(EngineDamaged, match="checksum"):
            call(engine)
    with pytest.raises(EngineDamaged, match="checksum"):
        engine.flush()
    engine.close()


def test_a_lost_table_file_is_damage(damageable: Path) -> None:
    table_file(damageable).unlink()
    with pytest.raises(EngineDamaged, match="keep the folder"):
        open_engine(damageable, durable=5)


def test_a_lost_current_file_is_damage(damageable: Path) -> None:
    (damageable / "CURRENT").unlink()
    with pytest.raises(EngineDamaged):
        open_engine(damageable, durable=5)
    assert table_file(damageable).exists()


def test_a_decree_of_another_width_is_damage(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "db")
    engine.apply([], Decree(1))
    engine._database.put(DECREE_KEY, b"short", engine._write_options)
    engine.close()
    with pytest.raises(EngineDamaged, match="5 bytes, not 8"):
        open_engine(tmp_path / "db")


def test_a_folder_in_use_is_unavailable_not_damaged(engine: RocksEngine, tmp_path: Path) -> None:
    engine.apply([(b"a", b"1")], Decree(1))
    with pytest.raises(EngineUnavailable, match="nothing is known to be damaged"):
        open_engine(tmp_path / "db")
    assert engine.get(b"a") == b"1"


def test_a_file_in_place_of_the_folder_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "db").write_text("not a folder")
    with pytest.raises(EngineUnavailable):
        open_engine(tmp_path / "db")


def test_a_closed_engine_refuses_everything(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "db")
    engine.apply([(b"a", b"1")], Decree(1))
    engine.close()
    for call in (read_one, scan_up, scan_chunks, apply_one, discard_one):
        with pytest.raises(EngineDamaged, match="closed"):
            call(engine)


def compact(engine: RocksEngine) -> None:
    """Make so many table files that RocksDB merges them, then read everything."""
    for decree in range(engine.applied_decree + 1, engine.applied_decree + 10):
        engine.apply([(row_key(0), b"x")], Decree(decree))
        engine.flush()
    list(engine.scan(b"", ROW_KEYS_END))


def test_an_engine_that_failed_in_the_background_still_closes(
    damageable: Path, tmp_path: Path
) -> None:
    """RocksDB reports at close what a compaction met; the folder must be free all the same."""
    engine = RocksEngine.open(damageable, durable_decree=Decree(0))
    flip_a_bit_in_the_middle(table_file(damageable))
    with pytest.raises(EngineDamaged):
        compact(engine)
    engine.close()
    damageable.rename(tmp_path / "moved")
    RocksEngine.open(damageable, durable_decree=Decree(0)).close()
