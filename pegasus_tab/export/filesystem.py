"""A target URL -> a folder on some filesystem, with the few operations that files come and go by.

Everything below works on names relative to the folder, and no name can leave it. Local paths,
``file://`` and ``memory://`` need only fsspec; every other scheme is fsspec's with the package it
wants (``hdfs://`` is hdfs-native). Calls to remote filesystems have a deadline.

The commit of a file is ``publish``: written under a temporary name, then renamed to a name that
must not exist. Never close a stream as a sign of success: closing publishes nothing, and
hdfs-native closes (so finishes) a file also when its writer failed.
"""

import errno
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast
from urllib.parse import urlsplit

import fsspec
from fsspec.config import conf
from fsspec.core import url_to_fs

from pegasus_tab.base.limits import MIB
from pegasus_tab.export.deadline import within
from pegasus_tab.export.errors import (
    BadTarget,
    NameLeavesTarget,
    NameTaken,
    NoSuchFile,
    TargetError,
    Unwritable,
)
from pegasus_tab.export.hdfs import (
    CALL_SECONDS_MAX,
    PROTOCOLS,
    TRANSFER_SECONDS_MAX,
    hdfs_filesystem,
    hdfs_options,
    in_plain_words,
)
from pegasus_tab.export.local_folder import make_folders, publish_file, remove_tree
from pegasus_tab.export.remote_stream import RemoteStream

Value = TypeVar("Value")

_LOCAL = frozenset({"file", "local"})
_EXTRAS = {"hdfs": "hdfs", "viewfs": "hdfs"}
_BUFFER_BYTES = 4 * MIB
_FOR_GOOD = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EOPNOTSUPP}
)
"""What a filesystem says the next time, too."""


@dataclass(frozen=True, slots=True)
class File:
    """A file at a target: its name relative to the target and its size in bytes."""

    name: str
    bytes: int


class Target:
    """A folder at some filesystem; made by ``open_target``.

    Attributes:
        url: the folder, without credentials: for messages and manifests.
        filesystem: fsspec's object, for readers that want one (PyArrow, DuckDB).
        root: the folder's path at ``filesystem``.
    """

    def __init__(self, filesystem: fsspec.AbstractFileSystem, root: str, url: str) -> None:
        self.url = url
        self.filesystem = filesystem
        self.root = root.rstrip("/") or "/"
        self.protocol = _protocol(filesystem)
        remote = self.protocol not in _LOCAL | {"memory"}
        self._call_seconds = CALL_SECONDS_MAX if remote else None
        self._transfer_seconds = TRANSFER_SECONDS_MAX if remote else None

    @property
    def renames_atomically(self) -> bool:
        """True when two writers can never both publish a name (local folders, HDFS)."""
        return self.protocol in _LOCAL or self.protocol in PROTOCOLS

    def path(self, name: str) -> str:
        """Return the path at ``filesystem`` of a name relative to the folder.

        Args:
            name: names joined by ``/``; empty for the folder itself.

        Raises:
            NameLeavesTarget: absolute, with ``..``, a backslash or a control character, or leading
                outside by a symbolic link.
        """
        if not name:
            return self.root
        parts = name.split("/")
        if any(part in {"", ".", ".."} for part in parts) or not name.isprintable() or "\\" in name:
            raise self._leaves(name)
        path = f"{self.root.rstrip('/')}/{name}"
        if self.protocol in _LOCAL and not Path(path).resolve().is_relative_to(
            Path(self.root).resolve()
        ):
            raise self._leaves(name)
        return path

    def exists(self, name: str = "") -> bool:
        """Return whether a file or folder exists."""
        return bool(self._do(name, partial(self.filesystem.exists, self.path(name))))

    def size(self, name: str) -> int:
        """Return a file's size in bytes.

        Raises:
            NoSuchFile: it does not exist.
        """
        return int(self._do(name, partial(self.filesystem.info, self.path(name)))["size"])

    def files(self, folder: str = "") -> list[File]:
        """Return all files below a folder, by name; none when the folder does not exist."""
        if not self.exists(folder):
            return []
        return sorted(self._walk(folder), key=lambda file: file.name)

    def folder_names(self, folder: str = "") -> list[str]:
        """Return the last names of the folders directly in a folder, sorted; none without it."""
        if not self.exists(folder):
            return []
        return sorted(
            _last(entry["name"]) for entry in self._list(folder) if entry["type"] == "directory"
        )

    def _walk(self, folder: str) -> Iterator[File]:
        for entry in self._list(folder):
            name = f"{folder}/{_last(entry['name'])}" if folder else _last(entry["name"])
            if entry["type"] == "directory":
                yield from self._walk(name)
            else:
                yield File(name, int(entry["size"]))

    def _list(self, folder: str) -> list[dict[str, Any]]:
        return list(self._do(folder, partial(self._listing, self.path(folder))))

    def _listing(self, path: str) -> list[dict[str, Any]]:
        # A listing may be an iterator that asks on; it is run to its end inside the deadline.
        return list(self.filesystem.ls(path, detail=True))

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading; seekable.

        Raises:
            NoSuchFile: it does not exist.
        """
        stream = self._do(name, partial(self.filesystem.open, self.path(name), "rb"))
        return self._guarded(stream, name)

    def read(self, name: str, bytes_max: int = 64 * MIB) -> bytes:
        """Return a small file's bytes.

        Raises:
            NoSuchFile: it does not exist.
            TargetError: it is larger than ``bytes_max``.
        """
        with self.open(name) as stream:
            content = stream.read(bytes_max + 1)
        if len(content) > bytes_max:
            raise TargetError(
                f"file {self.shown(name)} is larger than {bytes_max} bytes, so it is no manifest",
                name=name,
            )
        return content

    def create(self, name: str) -> BinaryIO:
        """Open a new file for writing, with the folders it needs. Overwrites.

        The name is a temporary one; ``publish`` gives the file its real name after ``close``.
        """
        path = self.path(name)
        self._make_folders(name, path.rsplit("/", 1)[0])
        stream = self._do(name, partial(self.filesystem.open, path, "wb"))
        return self._guarded(stream, name)

    def publish(self, temporary: str, name: str) -> None:
        """Rename a finished file to its real name, which must not exist. The commit of a file.

        Raises:
            NameTaken: ``name`` exists; both files are as they were.
            TargetError: refused, or no answer (the rename may have happened).
        """
        source, path = self.path(temporary), self.path(name)
        self._make_folders(name, path.rsplit("/", 1)[0])
        if self.protocol in _LOCAL:
            self._do(name, partial(publish_file, Path(source), Path(path)))
            return
        if self.exists(name):
            raise self._taken(name)
        self._do(name, partial(self._rename, source, path))

    def _make_folders(self, name: str, path: str) -> None:
        if self.protocol in _LOCAL:
            self._do(name, partial(make_folders, Path(path)))
        else:
            self._do(name, partial(self.filesystem.makedirs, path, exist_ok=True))

    def _rename(self, source: str, path: str) -> None:
        if self.protocol in PROTOCOLS:
            # The NameNode itself refuses a name that came to exist since we looked.
            self.filesystem.mv(source, path, overwrite=False)
        else:
            self.filesystem.mv(source, path)

    def write(self, temporary: str, name: str, content: bytes) -> None:
        """Write and publish a small file.

        Raises:
            NameTaken: ``name`` exists.
        """
        with self.create(temporary) as stream:
            stream.write(content)
        self.publish(temporary, name)

    def remove(self, name: str) -> None:
        """Remove a file, or a folder with everything in it; nothing happens when there is none."""
        if not self.exists(name):
            return
        if self.protocol in _LOCAL:
            self._do(name, partial(remove_tree, Path(self.path(name))))
        else:
            self._do(name, partial(self.filesystem.rm, self.path(name), recursive=True))

    def shown(self, name: str) -> str:
        """Return a name as a user knows it, for messages."""
        return f"{self.url}/{name}" if name else self.url

    def _guarded(self, stream: Any, name: str) -> BinaryIO:
        if self.protocol == "memory":
            return cast("BinaryIO", stream)
        raw = RemoteStream(
            stream,
            self._transfer_seconds,
            partial(self._failed, name),
            sync=self.protocol in _LOCAL,
        )
        if raw.writable():
            return cast("BinaryIO", io.BufferedWriter(raw, _BUFFER_BYTES))
        return cast("BinaryIO", io.BufferedReader(raw, 128 * 1024))

    def _do(self, name: str, call: Callable[[], Value]) -> Value:
        """Make one call at the filesystem; its errors become ours."""
        try:
            return within(self._call_seconds, call)
        except Exception as error:
            raise self._failed(name, error) from error

    def _failed(self, name: str, error: BaseException) -> TargetError:
        if isinstance(error, TargetError):
            return error
        if self.protocol in PROTOCOLS:
            error = in_plain_words(error)
        if isinstance(error, FileExistsError):
            return self._taken(name)
        if isinstance(error, FileNotFoundError):
            return NoSuchFile(
                f"file {self.shown(name)} does not exist", name=name, hint="Check the path."
            )
        kind = (
            Unwritable if isinstance(error, OSError) and error.errno in _FOR_GOOD else TargetError
        )
        return kind(
            f"target {self.shown(name)} failed: {_reason(error)}", name=name, hint=_hint(error)
        )

    def _taken(self, name: str) -> NameTaken:
        return NameTaken(
            f"file {self.shown(name)} exists already",
            name=name,
            hint="Choose an empty folder, or remove what is there.",
        )

    def _leaves(self, name: str) -> NameLeavesTarget:
        return NameLeavesTarget(
            f"name {name!r} is not a name inside {self.url}",
            hint="Names are relative, joined by '/', and never contain '..'.",
        )


def open_target(url: str, options: dict[str, Any] | None = None) -> Target:
    """Return the folder a URL names; it need not exist, and is not looked at.

    Args:
        url: an absolute local path, or a URL of a scheme that fsspec knows.
        options: settings for fsspec's filesystem, before those of fsspec's configuration.

    Raises:
        BadTarget: no path, an unknown scheme, or a package is missing (the hint names the extra).
        TargetError: the filesystem could not be made ready (its configuration is wrong).
    """
    shown = without_credentials(url).rstrip("/")
    scheme = _scheme(url)
    configured = _configured(scheme)
    options = {**(hdfs_options(configured) if scheme in PROTOCOLS else {}), **(options or {})}
    try:
        if scheme in PROTOCOLS:
            filesystem = hdfs_filesystem(url, options, configured)
            root = urlsplit(url).path
        else:
            filesystem, root = url_to_fs(url, **options)
    except ImportError as error:
        raise _missing_package(scheme, error) from error
    except ValueError as error:
        raise BadTarget(f"target {shown} cannot be used: {error}") from error
    except Exception as error:
        raise TargetError(
            f"target {shown} cannot be opened: {_reason(error)}", hint=_hint(error)
        ) from error
    if not root.strip("/") and _protocol(filesystem) != "memory":
        raise BadTarget(
            f"target {shown} has no path",
            hint="Name a folder, such as hdfs://namenode:8020/exports.",
        )
    return Target(filesystem, root, shown)


def _configured(scheme: str) -> dict[str, Any]:
    """Return what the user set in fsspec's configuration for a scheme."""
    found = conf.get(scheme, {})
    return found if isinstance(found, dict) else {}


def knows_scheme(url: str) -> bool:
    """Return whether fsspec has a name for a URL's scheme, whatever package that wants."""
    return _scheme(url) in fsspec.available_protocols()


def without_credentials(url: str) -> str:
    """Return a URL without user, password and query, fit for messages and listings."""
    if "://" not in url:
        return url
    try:
        parts = urlsplit(url)
    except ValueError:  # what is no URL may have a password anywhere
        return f"{url.partition('://')[0]}://..."
    host = parts.netloc.rsplit("@", 1)[-1]
    return f"{parts.scheme}://{host}{parts.path}"


def _scheme(url: str) -> str:
    return url.split("://", 1)[0] if "://" in url else "file"


def _protocol(filesystem: fsspec.AbstractFileSystem) -> str:
    protocol = filesystem.protocol
    return str(protocol if isinstance(protocol, str) else protocol[0])


def _last(path: str) -> str:
    return path.rstrip("/").rsplit("/", 1)[-1]


def _missing_package(scheme: str, error: ImportError) -> BadTarget:
    extra = _EXTRAS.get(scheme)
    hint = f'pip install "pegasus-tab[{extra}]"' if extra else str(error)
    return BadTarget(f"a {scheme}:// target needs a package that is not installed", hint=hint)


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__


def _hint(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "Check that the servers of the filesystem are up and can be reached from here."
    if isinstance(error, OSError) and error.errno in _FOR_GOOD:
        return "Choose another folder, or change the rights of this one."
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "Make room at the target, then run the same statement again: it resumes."
    return "Check the address and the servers of the filesystem, then run it again."
