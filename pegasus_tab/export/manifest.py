"""What an archive says of itself: description, partition manifests, root manifest and marker.

All are JSON, and every reader checks what it reads: they come from a place that others can write.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeVar

from pegasus_tab.export.errors import DamagedExport

FORMAT_VERSION = 1

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Description:
    """What an archive is, fixed before its first row is written (``_wc/archive.json``).

    Attributes:
        table: the table's name.
        app_id: its id in the cluster.
        partitions: how many it has.
        kind: export or backup.
        file_format: of the part files.
        schema: the table's schema as JSON, empty for a raw table.
        schema_version: counts ALTERs; 0 for a raw table.
        ddl: the CREATE TABLE statement, for people.
        created: unix seconds.
        version: of the software.
        facts: what the kind adds.
    """

    table: str
    app_id: int
    partitions: int
    kind: str
    file_format: str
    schema: str
    schema_version: int
    ddl: str
    created: int
    version: str
    facts: dict[str, Any] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION


@dataclass(frozen=True, slots=True)
class PartFile:
    """One file of rows.

    Attributes:
        path: relative to the archive's folder.
        rows: in it.
        bytes: its size.
        sha256: of all its bytes, hexadecimal.
        first_key: key of its first row (u16 length, hash key, sort key), hexadecimal; empty
            without rows.
        last_key: likewise of its last row.
    """

    path: str
    rows: int
    bytes: int
    sha256: str
    first_key: str
    last_key: str


@dataclass(frozen=True, slots=True)
class PartitionManifest:
    """One committed partition (``_wc/partition-N.jsonl``: a line for it, then one for each file).

    Attributes:
        partition: its index.
        decree: the rows are those of exactly this decree.
        pinned: unix seconds at which they were.
        job: number of the job that wrote it.
        attempt: name of the attempt; its temporary files lie under it.
        files: in key order; at least one, which may be empty.
        facts: what the kind of archive adds.
    """

    partition: int
    decree: int
    pinned: int
    job: int
    attempt: str
    files: tuple[PartFile, ...]
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(file.rows for file in self.files)

    @property
    def bytes(self) -> int:
        """Bytes of all files."""
        return sum(file.bytes for file in self.files)


@dataclass(frozen=True, slots=True)
class PartitionEntry:
    """What the root manifest says of a partition; ``sha256`` is of its manifest."""

    partition: int
    decree: int
    pinned: int
    rows: int
    bytes: int
    files: int
    sha256: str


@dataclass(frozen=True, slots=True)
class RootManifest:
    """All partitions together (``_wc/manifest.json``).

    Attributes:
        table: the table's name.
        id: of the archive.
        kind: export or backup.
        schema_version: of every row's schema.
        mixed_snapshot: True when partitions were pinned by more than one attempt or job, so
            perhaps at very different times.
        description_sha256: checksum of ``_wc/archive.json``.
        partitions: by index.
    """

    table: str
    id: str
    kind: str
    schema_version: int
    mixed_snapshot: bool
    description_sha256: str
    partitions: tuple[PartitionEntry, ...]
    format_version: int = FORMAT_VERSION

    @property
    def rows(self) -> int:
        """Rows of all partitions."""
        return sum(each.rows for each in self.partitions)

    @property
    def bytes(self) -> int:
        """Bytes of all part files."""
        return sum(each.bytes for each in self.partitions)

    @property
    def files(self) -> int:
        """How many part files there are."""
        return sum(each.files for each in self.partitions)


@dataclass(frozen=True, slots=True)
class Success:
    """The marker: the archive is whole, and its root manifest is this one (``_SUCCESS``).

    ``seal`` is the checksum of the other fields: nothing else guards this file.
    """

    table: str
    id: str
    kind: str
    files: int
    rows: int
    bytes: int
    manifest_sha256: str
    finished: int
    seal: str = ""

    def sealed(self) -> "Success":
        """Return the marker with its seal."""
        bare = replace(self, seal="")
        return replace(bare, seal=sha256(encode(bare)))


def sha256(content: bytes) -> str:
    """Return a checksum, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def encode(record: Description | RootManifest | Success) -> bytes:
    """Return a record as one JSON object, readable by people."""
    return json.dumps(asdict(record), indent=1).encode() + b"\n"


def decode_description(content: bytes, name: str) -> Description:
    """Read ``archive.json``; raises DamagedExport."""
    found = _object(content, name)
    _check_format(found, name)
    return _record(Description, found, name)


def decode_root(content: bytes, name: str) -> RootManifest:
    """Read ``manifest.json``; raises DamagedExport."""
    found = _object(content, name)
    _check_format(found, name)
    entries = _sequence(found.pop("partitions", None), name)
    found["partitions"] = tuple(_record(PartitionEntry, each, name) for each in entries)
    return _record(RootManifest, found, name)


def decode_success(content: bytes, name: str) -> Success:
    """Read ``_SUCCESS``; raises DamagedExport."""
    success = _record(Success, _object(content, name), name)
    if success != success.sealed():
        raise _damaged(name, "its seal does not fit")
    return success


def encode_partition(manifest: PartitionManifest) -> bytes:
    """Return a partition manifest as JSON lines."""
    head = asdict(manifest)
    files = head.pop("files")
    return b"".join(json.dumps(line).encode() + b"\n" for line in (head, *files))


def decode_partition(content: bytes, name: str) -> PartitionManifest:
    """Read a partition manifest; raises DamagedExport."""
    head, *lines = [_object(line, name) for line in content.splitlines()] or [{}]
    head["files"] = tuple(_record(PartFile, line, name) for line in lines)
    return _record(PartitionManifest, head, name)


def _record(kind: type[Record], found: Mapping[str, Any], name: str) -> Record:
    """Make a dataclass of plain values, refusing a missing, strange or mistyped one."""
    kinds = {key: each.type for key, each in kind.__dataclass_fields__.items()}  # type: ignore[attr-defined]
    for key, value in found.items():
        expected = _PLAIN.get(kinds.get(key))
        if key not in kinds or (expected is not None and type(value) is not expected):
            raise _damaged(name, f'"{key}" is not what it should be')
    try:
        return kind(**found)
    except TypeError as error:
        raise _damaged(name, str(error)) from error


_PLAIN: dict[object, type] = {str: str, int: int, bool: bool, dict[str, Any]: dict}


def _object(content: bytes, name: str) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _damaged(name, "it is no JSON") from error
    if not isinstance(found, dict):
        raise _damaged(name, "it is no JSON object")
    return found


def _sequence(found: object, name: str) -> Sequence[dict[str, Any]]:
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise _damaged(name, '"partitions" is not a list of objects')
    return found


def _check_format(found: Mapping[str, Any], name: str) -> None:
    version = found.get("format_version")
    if version != FORMAT_VERSION:
        raise DamagedExport(
            f"{name} has format version {version}, this software reads {FORMAT_VERSION}",
            name=name,
            hint="Use the version of pegasus-tab that wrote it, or a newer one.",
        )


def _damaged(name: str, what: str) -> DamagedExport:
    return DamagedExport(
        f"{name} is damaged: {what}", name=name, hint="Export again to another folder."
    )
