"""How much of a file is made ready at once."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pegasus_tab.load import reader
from pegasus_tab.load.files import find_files
from pegasus_tab.load.parquet import ParquetReader
from pegasus_tab.load.reader import rebatched


def sizes(rows: int, value: bytes) -> list[int]:
    batch = pa.RecordBatch.from_pydict({"v": [value] * rows})
    return [piece.num_rows for piece in rebatched(iter([batch]))]


def test_batches_are_cut_by_rows_and_by_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "BATCH_ROWS", 10)
    monkeypatch.setattr(reader, "BATCH_BYTES", 1000)
    assert sizes(25, b"") == [10, 10, 5]
    assert sizes(4, b"x" * 400) == [2, 2]
    assert sizes(3, b"x" * 4000) == [1, 1, 1]
    assert sizes(0, b"") == []


def test_parquet_is_not_even_decoded_in_larger_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "BATCH_BYTES", 10_000)
    values = [b"%04d" % number * 250 for number in range(100)]
    pq.write_table(pa.table({"v": values}), tmp_path / "a.parquet")
    (file,), _ = find_files(str(tmp_path / "a.parquet"), None)
    source = ParquetReader(file)
    try:
        batches = list(source.batches(["v"], 5))
    finally:
        source.close()
    assert max(batch.num_rows for batch in batches) < 11
    assert [value for batch in batches for value in batch.column(0).to_pylist()] == values[5:]
