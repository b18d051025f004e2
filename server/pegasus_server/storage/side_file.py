"""The side file: what a replica must remember outside its engine, above all its durable decree.

RocksDB can open with rows missing in silence after damage to its MANIFEST; an engine decree below
the durable decree kept here gives that away (reference/reliability.md 2.4, A15 of 2.1).

The file is JSON, ``{"format": 1, "crc32c": <of the bytes of record>, "record": {...}}``, and is
replaced in one step. A file that is missing, damaged or of a newer format is a typed error: the
caller decides whether the replica is new, is relearned, or must wait for a newer server.
"""

from pathlib import Path

import google_crc32c
import msgspec

from pegasus_server.storage.atomic_file import replace_file
from pegasus_tab.base.ids import Ballot, Decree, Signature

SIDE_FILE_FORMAT = 1


class SideFileMissing(Exception):  # noqa: N818 -- says what is the case
    """There is no side file: the replica was never finished creating, or lost it (F33)."""


class SideFileDamaged(Exception):  # noqa: N818 -- says what is the case
    """The side file is not what was written: empty, zeroed, cut or changed. Its replica is suspect."""


class SideFileTooNew(Exception):  # noqa: N818 -- says what is the case
    """A newer server wrote the side file; this one must leave the folder alone."""


class ReplicaRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a replica remembers outside its engine.

    Attributes:
        app_id: the table, >= 1.
        partition_index: which of the table's partitions, >= 0.
        ballot: the highest ballot the replica has acted under, >= 0 (A6: kept before acting).
        durable_decree: every decree up to this one is on disk in the engine, >= 0. Falls only when
            the engine is set aside to be learned anew.
        signature: of the replica's latest learning, 0 for none (A12).
        suspect: it may lack what it acknowledged, or never had it (A9).
    """

    app_id: int
    partition_index: int
    ballot: Ballot
    durable_decree: Decree
    signature: Signature = Signature(0)
    suspect: bool = False


class _Envelope(msgspec.Struct, frozen=True):
    format: int
    crc32c: int
    record: msgspec.Raw


class _Format(msgspec.Struct, frozen=True):
    """The one field that every format has, whatever else a newer one may change."""

    format: int


_encode = msgspec.json.Encoder().encode
_format = msgspec.json.Decoder(_Format)
_envelope = msgspec.json.Decoder(_Envelope)
_record = msgspec.json.Decoder(ReplicaRecord)


def write_side_file(path: Path, record: ReplicaRecord) -> None:
    """Replace the side file durably. Blocks on the disk.

    Args:
        path: the file; its folder must exist.
        record: what to remember.

    Raises:
        OSError: the disk refused; the old record is still there.
    """
    body = _encode(record)
    replace_file(
        path, _encode(_Envelope(SIDE_FILE_FORMAT, google_crc32c.value(body), msgspec.Raw(body)))
    )


def read_side_file(path: Path) -> ReplicaRecord:
    """Read a side file back.

    Args:
        path: as given to ``write_side_file``.

    Returns:
        The record written last.

    Raises:
        SideFileMissing: there is no such file.
        SideFileDamaged: it is not what was written.
        SideFileTooNew: its format is newer than this server's.
        OSError: the disk refused to read it.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise SideFileMissing(
            f"{path} is missing; if the folder holds data, relearn this replica from another copy"
        ) from None
    try:
        version = _format.decode(content).format
        if version > SIDE_FILE_FORMAT:
            raise SideFileTooNew(
                f"{path} has format {version}, this server knows up to {SIDE_FILE_FORMAT};"
                " start the newer server"
            )
        return _checked_record(_envelope.decode(content))
    except (msgspec.DecodeError, ValueError) as error:
        raise SideFileDamaged(
            f"{path} is damaged ({error}); keep the folder, relearn this replica from another copy"
        ) from None


def _checked_record(envelope: _Envelope) -> ReplicaRecord:
    body = bytes(envelope.record)
    if envelope.format != SIDE_FILE_FORMAT:
        raise ValueError(f"format {envelope.format} never existed")
    if google_crc32c.value(body) != envelope.crc32c:
        raise ValueError("the checksum does not fit")
    return _record.decode(body)
