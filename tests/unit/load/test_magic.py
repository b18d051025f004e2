"""Files are told by their first bytes."""

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from pegasus_tab.load.errors import BadFile
from pegasus_tab.load.files import SourceFile
from pegasus_tab.load.magic import check_format

TABLE = pa.table({"id": [1, 2], "v": ["a", "b"]})


def contents(folder: Path) -> dict[str, bytes]:
    pq.write_table(TABLE, folder / "parquet")
    feather.write_feather(TABLE, folder / "arrow")
    stream = io.BytesIO()
    with pa.ipc.new_stream(stream, TABLE.schema) as writer:
        writer.write_table(TABLE)
    (folder / "stream").write_bytes(stream.getvalue())
    (folder / "csv").write_bytes(b"PAR1,id\n1,2\n")
    (folder / "short csv").write_bytes(b"id\n1\n")
    (folder / "empty csv").write_bytes(b"")
    return {each.name: each.read_bytes() for each in folder.iterdir()}


def check(content: bytes, format_: str) -> None:
    file = SourceFile("the file", len(content), "", lambda: io.BytesIO(content))
    with file.open() as stream:
        check_format(file, stream, format_)
        assert stream.tell() == 0


def test_each_is_what_it_is(tmp_path: Path) -> None:
    for name, content in contents(tmp_path).items():
        format_ = "arrow" if name == "stream" else name.split()[-1]
        check(content, format_)


@pytest.mark.parametrize(
    ("name", "format_", "message"),
    [
        ("parquet", "csv", "the file is of the format Parquet, not CSV"),
        ("parquet", "arrow", "the file is of the format Parquet, not Arrow IPC"),
        ("arrow", "csv", "the file is of the format Arrow IPC, not CSV"),
        ("stream", "csv", "the file is of the format Arrow IPC, not CSV"),
        ("csv", "parquet", "the file is text, perhaps CSV, not Parquet"),
        ("csv", "arrow", "the file is text, perhaps CSV, not Arrow IPC"),
    ],
)
def test_another_format_is_named(tmp_path: Path, name: str, format_: str, message: str) -> None:
    with pytest.raises(BadFile) as caught:
        check(contents(tmp_path)[name], format_)
    assert caught.value.message == message
    assert caught.value.hint == f"FORMAT {name.replace('stream', 'arrow')} reads such files"


@pytest.mark.parametrize("content", [b"", b"PAR", b"\0\1\2\3\4\5\6\7\x08", b"\xef\xbb\xbfid,v\n"])
def test_what_nobody_can_tell_is_left_to_the_reader(content: bytes) -> None:
    for format_ in ("parquet", "arrow", "csv"):
        check(content, format_)
