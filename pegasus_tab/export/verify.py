"""Read an archive again and compare every byte with what its manifests say."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from pegasus_tab.base.limits import MIB
from pegasus_tab.export.commit import committed_partition
from pegasus_tab.export.errors import DamagedExport, NoSuchFile, TargetError
from pegasus_tab.export.filesystem import Target
from pegasus_tab.export.layout import Archive, archive_of
from pegasus_tab.export.manifest import (
    PartFile,
    PartitionManifest,
    RootManifest,
    decode_description,
    decode_root,
    decode_success,
    sha256,
)

_PIECE_BYTES = 4 * MIB
_OTHER_CHECKSUM = "its checksum is not the one in the root manifest"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about one file of an archive.

    Attributes:
        name: the file, relative to the target.
        rows: as the manifest says; 0 for a file without rows.
        bytes: likewise its size.
        fault: what is wrong; empty when nothing is.
    """

    name: str
    rows: int
    bytes: int
    fault: str = ""


def damaged_files(target: Target, archive: Archive, manifest: PartitionManifest) -> list[Finding]:
    """Compare the files of a committed partition; return those that are not what was written.

    Raises:
        TargetError: one cannot be read now, which says nothing about what it holds.
    """
    found = []
    for file in manifest.files:
        name = f"{archive.folder}/{file.path}"
        try:
            fault = _fault(target, name, file, "")
        except NoSuchFile:
            fault = "it is missing"
        if fault:
            found.append(Finding(name, file.rows, file.bytes, fault))
    return found


def archives(target: Target) -> list[Archive]:
    """Return every archive at a target, given as the target itself, a table's or its own folder."""
    own = target.root.rsplit("/", 2)
    found = []
    for folder in ("", *target.folder_names()):
        for name in target.folder_names(folder):
            archive = archive_of(folder or own[-1], name)
            if archive is not None and target.exists(f"{folder}/{name}" if folder else name):
                found.append(archive)
    return found


def verify_archive(target: Target, archive: Archive) -> Iterator[Finding]:
    """Read everything again; yields one finding for each file.

    An archive without ``_SUCCESS`` is not whole: the first finding says so, and what is committed
    of it is compared all the same.

    Raises:
        TargetError: the target cannot be read.
    """
    description_name = archive.description
    try:
        described = target.read(description_name)
        description = decode_description(described, description_name)
    except (DamagedExport, NoSuchFile) as error:
        yield Finding(description_name, 0, 0, error.message)
        return
    looked = _root(target, archive)
    root = looked if isinstance(looked, RootManifest) else None
    if isinstance(looked, Finding):
        yield looked
    if root is not None and root.description_sha256 != sha256(described):
        yield Finding(description_name, 0, len(described), _OTHER_CHECKSUM)
    entries = {} if root is None else {entry.partition: entry for entry in root.partitions}
    for partition in range(description.partitions):
        name = archive.partition_manifest(partition)
        entry = entries.get(partition)
        try:
            manifest = committed_partition(target, archive, partition)
            content = target.read(name) if manifest is not None else b""
        except DamagedExport as error:
            yield Finding(name, 0, 0, error.message)
            continue
        if manifest is None:
            yield Finding(name, 0, 0, f"partition {partition} is not committed")
            continue
        fault = ""
        if root is not None and (entry is None or entry.sha256 != sha256(content)):
            fault = _OTHER_CHECKSUM
        yield Finding(name, 0, len(content), fault)
        for file in manifest.files:
            yield _file(target, archive, file, description.file_format)
        yield from _strangers(target, archive, manifest)


def _root(target: Target, archive: Archive) -> RootManifest | Finding:
    """Read marker and root manifest; return what is wrong with them, or the root manifest."""
    if not target.exists(archive.success):
        return Finding(archive.success, 0, 0, f"the {archive.kind} is not complete")
    try:
        success = decode_success(target.read(archive.success), archive.success)
        content = target.read(archive.manifest)
        if sha256(content) != success.manifest_sha256:
            return Finding(archive.manifest, 0, len(content), "its checksum is not the marker's")
        root = decode_root(content, archive.manifest)
    except (DamagedExport, NoSuchFile) as error:
        return Finding(error.name, 0, 0, error.message)
    if (root.rows, root.bytes, root.files) != (success.rows, success.bytes, success.files):
        return Finding(archive.success, 0, 0, "its totals are not those of the manifest")
    return root


def _file(target: Target, archive: Archive, file: PartFile, file_format: str) -> Finding:
    name = f"{archive.folder}/{file.path}"
    try:
        fault = _fault(target, name, file, file_format)
    except NoSuchFile:
        fault = "it is missing"
    except TargetError as error:
        fault = f"it cannot be read: {error.message}"
    return Finding(name, file.rows, file.bytes, fault)


def _fault(target: Target, name: str, file: PartFile, file_format: str) -> str:
    checksum, size = hashlib.sha256(), 0
    with target.open(name) as stream:
        while piece := stream.read(_PIECE_BYTES):
            checksum.update(piece)
            size += len(piece)
        if size != file.bytes:
            return f"it has {size} bytes, {file.bytes} were written"
        if checksum.hexdigest() != file.sha256:
            return "its checksum is not the one in the manifest"
        if file_format == "parquet":
            stream.seek(0)
            return _parquet_fault(stream, file)
    return ""


def _parquet_fault(stream: object, file: PartFile) -> str:
    """Decode every page; a file with the right bytes was perhaps never a good one."""
    rows = 0
    try:
        with pq.ParquetFile(stream, page_checksum_verification=True) as parquet:
            for batch in parquet.iter_batches():
                rows += batch.num_rows
    except (pa.ArrowInvalid, OSError) as error:
        return f"it is no good Parquet file: {error}"
    return "" if rows == file.rows else f"it has {rows} rows, {file.rows} were written"


def _strangers(target: Target, archive: Archive, manifest: PartitionManifest) -> Iterator[Finding]:
    """Yield files that a reader would take for rows, and that nobody here wrote."""
    known = {f"{archive.folder}/{file.path}" for file in manifest.files}
    for file in target.files(archive.partition_folder(manifest.partition)):
        if file.name not in known:
            yield Finding(file.name, 0, file.bytes, "it is not named in the manifest")
