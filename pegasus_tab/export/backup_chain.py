"""The backups of a table at a target, and which of them go together.

A backup's description names the one that it continues; the first of a chain continues none. Backups
are found by their folders, and count only once they are complete.
"""

from dataclasses import dataclass

from pegasus_tab.export.commit import committed_partition
from pegasus_tab.export.errors import DamagedExport, NoSuchFile
from pegasus_tab.export.filesystem import Target
from pegasus_tab.export.layout import Archive, archive_of, table_folder
from pegasus_tab.export.manifest import (
    Description,
    PartitionManifest,
    RootManifest,
    Success,
    decode_description,
    decode_root,
    decode_success,
    sha256,
)

CONTINUES = "continues"
"""Fact of a description: id of the backup that this one continues, empty for a full one."""
NEWEST_WRITE = "newest_write_us"
"""Fact of a partition's manifest: no pair in it, or in those it continues, was written later."""
ENVS = "envs"
REPLICAS = "replicas"
"""Facts of a description: the table's settings, and how many copies it had."""
CHAIN_MAX = 32
"""Backups of one chain; the next one is a full one."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A complete backup.

    Attributes:
        archive: its names.
        description: what it is.
        success: its totals.
    """

    archive: Archive
    description: Description
    success: Success

    @property
    def continues(self) -> str:
        """Id of the backup before it in its chain, empty for none."""
        return str(self.description.facts.get(CONTINUES, ""))

    @property
    def envs(self) -> dict[str, str]:
        """The table's settings; raises DamagedExport."""
        envs = self.description.facts.get(ENVS)
        if not isinstance(envs, dict) or not all(type(value) is str for value in envs.values()):
            raise _damaged(self.archive, self.archive.description)
        return envs

    @property
    def replicas(self) -> int:
        """How many copies the table had; raises DamagedExport."""
        replicas = self.description.facts.get(REPLICAS)
        if type(replicas) is not int:
            raise _damaged(self.archive, self.archive.description)
        return replicas


def backups(target: Target, table: str) -> list[Backup]:
    """Return the complete backups of a table, oldest first.

    Raises:
        DamagedExport: what one says of itself is damaged.
        TargetError: the target cannot be read.
    """
    folder = table_folder(table)
    found = []
    for name in sorted(target.folder_names(folder)):
        archive = archive_of(folder, name)
        if archive is None or archive.kind != "backup" or not target.exists(archive.success):
            continue
        description = decode_description(target.read(archive.description), archive.description)
        success = decode_success(target.read(archive.success), archive.success)
        found.append(Backup(archive, description, success))
    return found


def chain_to(target: Target, table: str, id_: str = "") -> list[Backup]:
    """Return the backups that together hold what a table was.

    Args:
        target: where they are.
        table: the table's name when it was backed up.
        id_: of the backup; empty for the latest.

    Returns:
        Newest first, so that the last is a full backup.

    Raises:
        NoSuchFile: there is no such backup.
        DamagedExport: one that it continues is gone.
    """
    known = {backup.archive.id: backup for backup in backups(target, table)}
    wanted = id_ or max(known, default="")
    if wanted not in known:
        raise NoSuchFile(
            f"there is no complete backup {id_ + ' ' if id_ else ''}of table {table}"
            f" in {target.shown(table_folder(table))}",
            name=table_folder(table),
            hint=f"These are there: {', '.join(sorted(known))}." if known else None,
        )
    chain = [known[wanted]]
    while before := chain[-1].continues:
        if before not in known or len(chain) > CHAIN_MAX:
            raise DamagedExport(
                f"backup {chain[-1].archive.id} of table {table} continues backup {before},"
                " which is not there",
                name=chain[-1].archive.folder,
                hint="Restore an earlier backup.",
            )
        chain.append(known[before])
    return chain


def continuable(target: Target, wanted: Description, length_max: int = CHAIN_MAX) -> list[Backup]:
    """Return the chain that a new backup can continue, newest first; empty for a full one.

    It can if it is of the very same table with the same partitions, and shorter than
    ``length_max``, which is at most CHAIN_MAX.
    """
    known = backups(target, wanted.table)
    if not known:
        return []
    chain = chain_to(target, wanted.table, known[-1].archive.id)
    earlier = chain[0].description
    is_same = (earlier.app_id, earlier.partitions) == (wanted.app_id, wanted.partitions)
    return chain if is_same and len(chain) < min(length_max, CHAIN_MAX) else []


def checked_manifests(target: Target, backup: Backup) -> list[PartitionManifest]:
    """Return what a backup says of its partitions, each held against its checksum.

    Raises:
        DamagedExport: something is not what was written.
    """
    archive = backup.archive
    content = target.read(archive.manifest)
    if sha256(content) != backup.success.manifest_sha256:
        raise _damaged(archive, archive.manifest)
    root: RootManifest = decode_root(content, archive.manifest)
    manifests = []
    for partition in range(backup.description.partitions):
        name = archive.partition_manifest(partition)
        manifest = committed_partition(target, archive, partition)
        known = {entry.partition: entry.sha256 for entry in root.partitions}
        if manifest is None or known.get(partition) != sha256(target.read(name)):
            raise _damaged(archive, name)
        manifests.append(manifest)
    return manifests


def _damaged(archive: Archive, name: str) -> DamagedExport:
    return DamagedExport(
        f"{name} is not what was written with backup {archive.id}",
        name=name,
        hint="Restore another backup.",
    )
