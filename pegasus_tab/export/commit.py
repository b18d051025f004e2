"""How an archive comes to be whole: opened, committed partition by partition, finished.

Protocol. The existence of a partition's manifest decides which attempt wrote the partition, and it
is written once: published under a name that must not exist. Only then are the files that it names
moved out of the attempt's temporary folder into sight, by whoever comes by (``settle_partition``
may be repeated). So a dead or late attempt never shows a file, and never mixes with another.
``_SUCCESS`` is written when every file of every partition is in place.

A crash at any point leaves an archive without ``_SUCCESS`` that the next job goes on with.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress

from pegasus_tab.export.errors import DamagedExport, NameTaken, TargetError
from pegasus_tab.export.filesystem import Target
from pegasus_tab.export.layout import Archive, ArchiveKind, archive_of, table_folder
from pegasus_tab.export.manifest import (
    Description,
    PartitionEntry,
    PartitionManifest,
    RootManifest,
    Success,
    decode_description,
    decode_partition,
    decode_success,
    encode,
    encode_partition,
    sha256,
)


def open_archive(target: Target, wanted: Description, id_: str, attempt: str) -> Archive:
    """Begin an archive, or go on with the one that an earlier job left unfinished. May be repeated.

    Exports of a table do not lie beside each other, for a reader of the folder would see rows
    twice; backups do, and one that was left unfinished and would be another now is left alone.

    Args:
        target: the folder named by the user.
        wanted: what is to be written.
        id_: of the archive if it is a new one.
        attempt: a name for temporary files that nobody else uses.

    Returns:
        The archive to write into.

    Raises:
        NameTaken: the table's folder holds a complete archive, or one of something else.
        TargetError: the target cannot be written.
    """
    kind: ArchiveKind = "backup" if wanted.kind == "backup" else "export"
    folder = table_folder(wanted.table)
    others = [archive_of(folder, name) for name in target.folder_names(folder)]
    for found in others:
        if found is None or found.kind != kind or _is_superseded(target, found, others):
            continue
        fault = _adoption_fault(target, found, wanted)
        if fault is None:
            _describe(target, found, wanted, attempt)
            return found
        if kind == "export":
            raise fault
    strangers = [] if any(others) else target.files(folder)
    if strangers:
        raise NameTaken(
            f"folder {target.shown(folder)} holds other files, such as {strangers[0].name}",
            name=folder,
            hint="Choose an empty folder.",
        )
    archive = Archive(wanted.table, kind, id_)
    _describe(target, archive, wanted, attempt)
    return archive


def _is_superseded(target: Target, archive: Archive, others: Sequence[Archive | None]) -> bool:
    """Tell whether there is a later backup that is complete.

    An older one is finished no more: it may be one that is being removed.
    """
    return archive.kind == "backup" and any(
        other.id > archive.id and target.exists(other.success)
        for other in others
        if other is not None and other.kind == "backup"
    )


def _describe(target: Target, archive: Archive, wanted: Description, attempt: str) -> None:
    if target.exists(archive.description):
        return
    temporary = archive.temporary(attempt, archive.description)
    with suppress(NameTaken):  # another attempt of the job was faster
        target.write(temporary, archive.description, encode(wanted))


def _adoption_fault(target: Target, found: Archive, wanted: Description) -> NameTaken | None:
    """Say why an archive is not the one to go on with, None if it is."""
    if target.exists(found.success):
        return NameTaken(
            f"{target.shown(found.folder)} is a complete {found.kind} of this table",
            name=found.folder,
            hint="Choose another folder, or remove that one.",
        )
    if not target.exists(found.description):
        return None  # its very first file was being written; there is nothing else yet
    earlier = decode_description(target.read(found.description), found.description)
    for what in ("app_id", "partitions", "file_format", "schema_version", "facts"):
        if getattr(earlier, what) != getattr(wanted, what):
            return NameTaken(
                f"{target.shown(found.folder)} is an unfinished {found.kind} of something else:"
                f" its {what} is {getattr(earlier, what)}, not {getattr(wanted, what)}",
                name=found.folder,
                hint="Choose another folder, or remove that one.",
            )
    return None


def committed_partition(
    target: Target, archive: Archive, partition: int
) -> PartitionManifest | None:
    """Return the manifest of a partition that is committed, None when it is not.

    Raises:
        DamagedExport: the manifest is not what was written.
    """
    name = archive.partition_manifest(partition)
    if not target.exists(name):
        return None
    manifest = decode_partition(target.read(name), name)
    if manifest.partition != partition or not manifest.files:
        raise DamagedExport(
            f"{name} is damaged: it is of partition {manifest.partition}", name=name
        )
    return manifest


def commit_partition(
    target: Target, archive: Archive, manifest: PartitionManifest
) -> PartitionManifest:
    """Decide that this attempt wrote the partition, unless another was faster.

    The files lie complete under the attempt's temporary names.

    Returns:
        The manifest that holds: this one, or the other's.
    """
    name = archive.partition_manifest(manifest.partition)
    try:
        temporary = archive.temporary(manifest.attempt, name)
        target.write(temporary, name, encode_partition(manifest))
    except NameTaken:
        # Another attempt, or this one: the answer to its rename may have been lost.
        faster = committed_partition(target, archive, manifest.partition)
        if faster is None:
            raise TargetError(
                f"file {target.shown(name)} came and went while partition {manifest.partition} "
                "was committed",
                name=name,
                hint="Let one job at a time write there, then run the same statement again.",
            ) from None
        return faster
    return manifest


def settle_partition(target: Target, archive: Archive, manifest: PartitionManifest) -> None:
    """Move the files of a committed partition into sight. May be repeated.

    Raises:
        DamagedExport: a file is neither in its place nor where the attempt wrote it.
    """
    for file in manifest.files:
        name = f"{archive.folder}/{file.path}"
        if target.exists(name):
            continue
        temporary = archive.temporary(manifest.attempt, name)
        if not target.exists(temporary):
            raise DamagedExport(
                f"file {name} of a committed partition is gone", name=name,
                hint="Somebody removed it; remove the archive and export again.",
            )  # fmt: skip
        try:
            target.publish(temporary, name)
        except NameTaken:
            continue  # moved by somebody else at the same time: it is the same file
    stray = {file.name for file in target.files(archive.partition_folder(manifest.partition))}
    stray -= {f"{archive.folder}/{file.path}" for file in manifest.files}
    if stray:
        raise TargetError(
            f"folder {target.shown(archive.partition_folder(manifest.partition))} holds a file that"
            f" nobody here wrote: {min(stray)}",
            name=min(stray),
            hint="Remove it, then run the same statement again: it resumes.",
        )


def void_partition(target: Target, archive: Archive, partition: int) -> None:
    """Take back the commit of a partition whose files are damaged; it is then written anew.

    The manifest goes last: until then the files belong to it.
    """
    target.remove(archive.partition_folder(partition))
    target.remove(archive.partition_manifest(partition))


def finish_archive(
    target: Target, archive: Archive, attempt: str, now: Callable[[], float]
) -> Success:
    """Write the root manifest and the marker of an archive whose partitions are all committed.

    May be repeated.

    Raises:
        DamagedExport: a partition is not committed, or its files are not in place.
    """
    if target.exists(archive.success):
        return decode_success(target.read(archive.success), archive.success)
    described = target.read(archive.description)
    description = decode_description(described, archive.description)
    entries, origins = [], set()
    for partition in range(description.partitions):
        manifest = committed_partition(target, archive, partition)
        if manifest is None:
            name = archive.partition_manifest(partition)
            raise DamagedExport(f"partition {partition} has no manifest {name}", name=name)
        settle_partition(target, archive, manifest)
        content = target.read(archive.partition_manifest(partition))
        entries.append(_entry(manifest, sha256(content)))
        origins.add((manifest.job, bool(manifest.facts.get("repeated"))))
    mixed = len(origins) > 1 or any(repeated for _, repeated in origins)
    root = RootManifest(
        archive.table,
        archive.id,
        archive.kind,
        description.schema_version,
        mixed,
        sha256(described),
        tuple(entries),
    )
    content = encode(root)
    _replace(target, archive.temporary(attempt, archive.manifest), archive.manifest, content)
    success = Success(
        archive.table,
        archive.id,
        archive.kind,
        root.files,
        root.rows,
        root.bytes,
        sha256(content),
        int(now()),
    )
    target.remove(archive.temporaries)
    temporary = archive.temporary(attempt, archive.success)
    target.write(temporary, archive.success, encode(success.sealed()))
    target.remove(archive.temporaries)
    return success


def _entry(manifest: PartitionManifest, checksum: str) -> PartitionEntry:
    return PartitionEntry(
        manifest.partition,
        manifest.decree,
        manifest.pinned,
        manifest.rows,
        manifest.bytes,
        len(manifest.files),
        checksum,
    )


def _replace(target: Target, temporary: str, name: str, content: bytes) -> None:
    """Write a file that an earlier finish may have written already; nobody relies on it before."""
    if target.exists(name):
        target.remove(name)
    target.write(temporary, name, content)


def abandon_archive(target: Target, archive: Archive) -> None:
    """Remove what is unfinished; committed partitions stay, for a later job to go on with."""
    if not target.exists(archive.description) or target.exists(archive.success):
        return
    description = decode_description(target.read(archive.description), archive.description)
    for partition in range(description.partitions):
        manifest = committed_partition(target, archive, partition)
        if manifest is not None:
            settle_partition(target, archive, manifest)
    target.remove(archive.temporaries)


def remove_archive(target: Target, archive: Archive) -> None:
    """Remove an archive with everything in it. May be repeated.

    The marker goes first: what a crash leaves does not read as complete.
    """
    target.remove(archive.success)
    target.remove(archive.folder)
