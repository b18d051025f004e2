"""The layout of a node's data folder, and the checks before anything in it is touched.

node.lock            who holds the folder (node_lock)
node.json            format of the folder, cluster id, node id
node.log             what the node had to say
boot                 the machine's boot and the class of the log then (boot_note)
life                 number of the last start of a server of a cluster
meta/state.json      the tables (meta_store_file)
meta/*               the same and more in a cluster (meta_store_folder)
tables.json          what meta told a replica server (table_notes)
log/segment.*        the shared log
log/manifest         which segments there must be
replicas/<app>.<index>/db, side.json, remainder (remainder_file)
replicas/*.gone      replicas on their way out, swept at every start
replicas/*.tmp       replicas that were being made, likewise
quarantine/*         replicas that must not be used, with the reason (quarantine)
"""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pegasus_server.runtime.node_lock import NodeLock
from pegasus_server.runtime.quarantine import Quarantine
from pegasus_server.runtime.startup_fault import EXIT_BAD_FOLDER, StartupFault
from pegasus_server.storage.atomic_file import fsync_folder, replace_file
from pegasus_tab.base.ids import Gpid

FOLDER_FORMAT = 1
STANDALONE = "standalone"
"""Role of a node of its own; the others are "replica" and "meta"."""

_BEFORE_IDENTITY = frozenset({"node.lock", "node.log", "node.json.tmp"})
"""What may lie in a folder that is not a data folder yet."""


@dataclass(frozen=True, slots=True)
class DataFolder:
    """An open data folder; this process holds its lock.

    Attributes:
        path: the folder.
        lock: the held lock.
        cluster: id of the cluster, 16 hex digits.
        node: id of this node, 16 hex digits.
    """

    path: Path
    lock: NodeLock
    cluster: str
    node: str

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        started: float,
        entropy: Callable[[int], bytes],
        role: str = STANDALONE,
    ) -> "DataFolder":
        """Lock the folder, making it when missing, and check that this version may use it.

        Args:
            path: the folder.
            started: unix time of the process's start, for the lock file.
            entropy: gives as many random bytes as asked for.
            role: of the server; a folder belongs to one role for good.

        Raises:
            StartupFault: locked, read-only, foreign, damaged, or of a newer version or other role.
        """
        try:
            path.mkdir(parents=True, exist_ok=True)
            lock = NodeLock.take(path / "node.lock", started)
            cluster, node = _identity(path, entropy, role)
            for name in ("meta", "log", "replicas"):
                (path / name).mkdir(exist_ok=True)
            fsync_folder(path)
        except OSError as error:
            raise StartupFault(
                EXIT_BAD_FOLDER,
                f"data folder {path} cannot be written ({error.strerror}); check its owner, its "
                "mode and its file system",
            ) from error
        folder = cls(path, lock, cluster, node)
        folder.sweep()
        return folder

    @property
    def log_path(self) -> Path:
        """The folder of the shared log."""
        return self.path / "log"

    @property
    def meta_state_path(self) -> Path:
        """The file that holds the tables."""
        return self.path / "meta" / "state.json"

    def replica_path(self, gpid: Gpid) -> Path:
        """The folder of one replica."""
        return self.path / "replicas" / str(gpid)

    def replicas(self) -> Iterator[Gpid]:
        """Yield the replicas that have a folder, in no particular order."""
        for each in (self.path / "replicas").iterdir():
            app_id, point, index = each.name.partition(".")
            if point and app_id.isdecimal() and index.isdecimal():
                yield Gpid(int(app_id), int(index))

    def delete_replica(self, gpid: Gpid) -> None:
        """Delete a replica's folder; a crash in between leaves it to the next start's sweep."""
        path = self.replica_path(gpid)
        gone = path.with_name(path.name + ".gone")
        if path.exists():
            path.rename(gone)
            fsync_folder(path.parent)
            shutil.rmtree(gone)

    @property
    def quarantine(self) -> Quarantine:
        """Where damaged replicas go."""
        return Quarantine(self.path / "quarantine")

    def next_life(self, unix_seconds: int) -> int:
        """Return a number above that of every earlier start; durable when it returns.

        Args:
            unix_seconds: the wall clock. It puts the first life of a new folder above those of a
                lost one; after that the file counts, whatever the clock does.

        Raises:
            StartupFault: the file is damaged.
        """
        file = self.path / "life"
        try:
            life = max(int(file.read_text()) + 1, unix_seconds)
        except FileNotFoundError:
            life = unix_seconds
        except ValueError as error:
            raise StartupFault(
                EXIT_BAD_FOLDER,
                f"{file} is damaged ({error}); write a number larger than any before",
            ) from error
        replace_file(file, b"%d\n" % life)
        return life

    def sweep(self) -> None:
        """Finish deletions that a crash interrupted, and undo what it left half made (F34)."""
        for pattern in ("*.gone", "*.tmp"):
            for each in (self.path / "replicas").glob(pattern):
                shutil.rmtree(each)


def _identity(path: Path, entropy: Callable[[int], bytes], role: str) -> tuple[str, str]:
    """Read node.json, or write the first one into an empty folder."""
    file = path / "node.json"
    if file.exists():
        return _read_identity(file, role)
    foreign = sorted({each.name for each in path.iterdir()} - _BEFORE_IDENTITY)
    if foreign:
        raise StartupFault(
            EXIT_BAD_FOLDER,
            f"folder {path} has no node.json but holds {', '.join(foreign[:5])}; give an empty "
            "folder, or restore node.json if this was a data folder",
        )
    cluster, node = entropy(8).hex(), entropy(8).hex()
    content = {"format": FOLDER_FORMAT, "cluster": cluster, "node": node, "role": role}
    replace_file(file, json.dumps(content).encode() + b"\n")
    return cluster, node


def _read_identity(file: Path, role: str) -> tuple[str, str]:
    try:
        content = json.loads(file.read_bytes())
        found, cluster, node = content["format"], content["cluster"], content["node"]
        found_role = content.get("role", STANDALONE)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StartupFault(
            EXIT_BAD_FOLDER, f"{file} is damaged ({error!r}); restore it from a copy"
        ) from error
    if found != FOLDER_FORMAT:
        raise StartupFault(
            EXIT_BAD_FOLDER,
            f"{file.parent} has folder format {found!r}, this version reads {FOLDER_FORMAT}; "
            "start it with the version that wrote it or a newer one",
        )
    if found_role != role:
        raise StartupFault(
            EXIT_BAD_FOLDER,
            f"{file.parent} belongs to a {found_role} server and cannot be used by a {role} one",
        )
    return str(cluster), str(node)
