"""Where the files of an archive lie: one table, exported or backed up once, below a target.

::

    <target>/<table>/export_id=<id>/partition=00003/part-00000.parquet    rows, for any reader
                                   /_SUCCESS                              last of all: it is whole
                                   /_wc/archive.json                      first of all: what it is
                                   /_wc/partition-00003.jsonl             the partition is committed
                                   /_wc/manifest.json                     all partitions together
                                   /_wc/tmp/...                           unfinished files

Readers of Parquet folders skip names that begin with ``_``. A backup differs in ``backup_id=``.
"""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, unquote

ArchiveKind = Literal["export", "backup"]
KINDS: tuple[ArchiveKind, ...] = ("export", "backup")


@dataclass(frozen=True, slots=True)
class Archive:
    """The names in one archive, all relative to the target.

    Attributes:
        table: the table's name.
        kind: what made it.
        id: letters, digits and ``-``; the time of its beginning, so that ids sort by age.
    """

    table: str
    kind: ArchiveKind
    id: str

    @property
    def folder(self) -> str:
        """The archive's own folder."""
        return f"{table_folder(self.table)}/{self.kind}_id={self.id}"

    @property
    def success(self) -> str:
        """The marker that is written last."""
        return f"{self.folder}/_SUCCESS"

    @property
    def description(self) -> str:
        """What the archive is, written first; its name is what two jobs race for."""
        return f"{self.folder}/_wc/archive.json"

    @property
    def manifest(self) -> str:
        """All partitions together, written when each is committed."""
        return f"{self.folder}/_wc/manifest.json"

    @property
    def temporaries(self) -> str:
        """The folder of everything unfinished."""
        return f"{self.folder}/_wc/tmp"

    def partition_manifest(self, partition: int) -> str:
        """The file whose existence commits a partition."""
        return f"{self.folder}/_wc/partition-{partition:05}.jsonl"

    def partition_folder(self, partition: int) -> str:
        """The folder of a partition's rows."""
        return f"{self.folder}/partition={partition:05}"

    def part(self, partition: int, number: int, extension: str) -> str:
        """A file of rows."""
        return f"{self.partition_folder(partition)}/part-{number:05}.{extension}"

    def temporary(self, attempt: str, name: str) -> str:
        """The name a file has until it is published.

        Args:
            attempt: a name that no other attempt has.
            name: one of the names above.
        """
        return f"{self.temporaries}/{attempt}/{name.removeprefix(self.folder + '/')}"


def table_folder(table: str) -> str:
    """Return the folder of a table's archives; any name of a table makes a plain folder name."""
    return quote(table, safe=" ")


def archive_of(table_folder_name: str, folder_name: str) -> Archive | None:
    """Return the archive that a folder belongs to by its name, None when it is none."""
    for kind in KINDS:
        prefix = f"{kind}_id="
        if folder_name.startswith(prefix):
            return Archive(unquote(table_folder_name), kind, folder_name.removeprefix(prefix))
    return None
