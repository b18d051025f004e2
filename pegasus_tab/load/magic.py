"""What a file is by its first bytes, whatever its name or the statement says."""

from typing import BinaryIO, Final

from pegasus_tab.load.errors import BadFile
from pegasus_tab.load.files import SourceFile

_NAMES: Final = {"parquet": "Parquet", "arrow": "Arrow IPC", "csv": "CSV"}
_MAGIC: Final = {
    b"PAR1": "parquet",
    b"PARE": "parquet",
    b"ARROW1": "arrow",
    b"\xff\xff\xff\xff": "arrow",
}
"""PARE begins a Parquet file with an encrypted footer, the last one a stream of Arrow's."""
_HEAD_BYTES: Final = 8
"""Both formats go on with bytes that are no text, so a CSV file may well begin with their letters."""


def check_format(file: SourceFile, stream: BinaryIO, format_: str) -> None:
    """Refuse a file that is surely of another format than it is to be read as.

    Args:
        file: the file, for the message.
        stream: open at its beginning, and left there.
        format_: ``parquet``, ``csv`` or ``arrow``.

    Raises:
        BadFile: it begins as files of another format do.
    """
    head = stream.read(_HEAD_BYTES)
    stream.seek(0)
    found = _format_of(head)
    if found is None or found == format_:
        return
    what = "text, perhaps CSV" if found == "csv" else f"of the format {_NAMES[found]}"
    raise BadFile(
        f"{file.name} is {what}, not {_NAMES[format_]}", hint=f"FORMAT {found} reads such files"
    )


def _format_of(head: bytes) -> str | None:
    if _is_text(head):
        return "csv" if len(head) == _HEAD_BYTES else None
    return next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)


def _is_text(head: bytes) -> bool:
    return head.isascii() and all(byte >= 0x20 or byte in b"\t\r\n" for byte in head)
