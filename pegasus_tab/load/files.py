"""Which files a source text names: one file, all of a folder, or those a pattern fits.

Names that begin with ``_`` or ``.`` below a folder or under a wildcard are left out, as every reader
of such folders does: they are markers and metadata.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, Final

from pegasus_tab.base.errors import ProgrammingError
from pegasus_tab.export.errors import NoSuchFile, TargetError

if TYPE_CHECKING:
    from pegasus_tab.export.filesystem import Target

SUFFIXES: Final = {
    "parquet": (".parquet", ".pq"),
    "csv": tuple(
        f".{form}{packed}"
        for form in ("csv", "tsv")
        for packed in ("", ".gz", ".zst", ".bz2", ".lz4")
    ),
    "arrow": (".arrow", ".feather", ".ipc", ".arrows"),
}
"""Names of the files of each format."""

_WILDCARD = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to load.

    Attributes:
        name: as messages and the state file name it: the whole path or URL.
        bytes: its size.
        version: its time of change, which tells a file written anew; empty for a remote one.
        open: opens it for reading.
    """

    name: str
    bytes: int
    version: str
    open: Callable[[], BinaryIO]


def find_files(source: str, format_: str | None) -> tuple[list[SourceFile], str]:
    """Find the files of a source.

    Args:
        source: a path, absolute, from the working folder or from ``~``, or a URL that fsspec knows; its last
            parts may be patterns with ``*``, ``?`` and ``[...]``, ``**`` for any folders.
        format_: ``parquet``, ``csv`` or ``arrow``; None when the names decide.

    Returns:
        (the files by name, their format).

    Raises:
        NoSuchFile: nothing is there, or nothing fits.
        BadTarget: an unknown scheme, or its package is missing (the hint names the extra).
        TargetError: the filesystem does not answer.
        ProgrammingError: the names do not say the format, or say several.
    """
    found = _local_files(source) if "://" not in source else _remote_files(source)
    single = len(found) == 1 and found[0].name == source
    chosen = format_ or _format_of(source, [file.name for file in found])
    if not single and not _WILDCARD.search(source):
        found = [file for file in found if file.name.lower().endswith(SUFFIXES[chosen])]
        if not found:
            raise NoSuchFile(
                f"folder {source} has no {chosen} files",
                hint=f"their names end in {', '.join(SUFFIXES[chosen])}; else write a pattern",
            )
    return found, chosen


def _format_of(source: str, names: Iterable[str]) -> str:
    formats = {
        format_
        for name in names
        for format_, suffixes in SUFFIXES.items()
        if name.lower().endswith(suffixes)
    }
    if len(formats) != 1:
        what = "names files of several formats" if formats else "does not say its format"
        raise ProgrammingError(
            f"source '{source}' {what}",
            sqlstate="22023",
            hint=f"add FORMAT {', '.join(SUFFIXES)}".replace(", arrow", " or arrow"),
        )
    return formats.pop()


def _is_hidden(relative: str) -> bool:
    return any(part.startswith(("_", ".")) for part in PurePosixPath(relative).parts)


def _check_complete(source: str, names: set[str]) -> None:
    """Refuse a folder with an export that is not complete: its rows are not the table's.

    Raises:
        ProgrammingError: 55000.
    """
    for name in sorted(names):
        if PurePosixPath(name).match("_wc/archive.json"):
            root = name.removesuffix("_wc/archive.json")
            if f"{root}_SUCCESS" not in names:
                raise ProgrammingError(
                    f"{source} has an export that is not complete: {root or 'it'} lacks _SUCCESS",
                    sqlstate="55000",
                    hint="run its COPY ... TO again; a pattern loads the files that are there",
                )


# ---- local --------------------------------------------------------------------------------------


def _local_files(source: str) -> list[SourceFile]:
    if not source:
        raise NoSuchFile("the source is empty", hint="Name a file, a folder or a pattern.")
    try:
        path = Path(source).expanduser()
        if path.is_file():
            return [_local_file(path, source)]
        if path.is_dir():
            below = (one.relative_to(path) for one in path.rglob("*") if one.is_file())
            names = {name.as_posix() for name in below}
            _check_complete(source, names)
            shown = sorted(name for name in names if not _is_hidden(name))
            return [_local_file(path / name, str(path / name)) for name in shown]
    except RuntimeError as error:  # no home folder
        raise NoSuchFile(f"file {source} does not exist", hint=str(error)) from error
    except OSError as error:
        raise TargetError(f"{source} cannot be read: {error.strerror}") from error
    if _WILDCARD.search(source):
        return _fitting(source)
    raise NoSuchFile(f"file {source} does not exist", hint="Check the path.")


def _fitting(source: str) -> list[SourceFile]:
    base, pattern = _split(source)
    root = Path(base or ".").expanduser()
    found = [one for one in root.glob(pattern) if one.is_file()] if root.is_dir() else []
    shown = sorted(one for one in found if not _is_hidden(one.relative_to(root).as_posix()))
    if not shown:
        raise NoSuchFile(f"no file fits {source}", hint="Check the pattern.")
    return [_local_file(one, str(one)) for one in shown]


def _split(source: str) -> tuple[str, str]:
    """Cut a pattern into the folder before its first wildcard and the rest."""
    head = source[: _WILDCARD.search(source).start()]  # type: ignore[union-attr]  # it has one
    base = head.rpartition("/")[0] if "/" in head else ""
    if head.startswith("/") and not base:
        base = "/"
    return base, source[len(base) :].lstrip("/")


def _local_file(path: Path, name: str) -> SourceFile:
    try:
        status = path.stat()
    except OSError as error:
        raise TargetError(f"{name} cannot be read: {error.strerror}") from error

    def open_file() -> BinaryIO:
        try:
            return path.open("rb")
        except OSError as error:
            raise TargetError(f"{name} cannot be read: {error.strerror}") from error

    return SourceFile(name, status.st_size, str(status.st_mtime_ns), open_file)


# ---- elsewhere ----------------------------------------------------------------------------------


def _remote_files(source: str) -> list[SourceFile]:
    from pegasus_tab.export.filesystem import open_target  # noqa: PLC0415 -- fsspec is optional

    if _WILDCARD.search(source):
        return _remote_fitting(source)
    parent, _, last = source.rstrip("/").rpartition("/")
    if parent.endswith(":/"):  # a bare root: memory://data, s3://bucket
        return _below(open_target(source), source.rstrip("/"))
    folder = open_target(parent)
    if not folder.exists(last):
        raise NoSuchFile(f"file {source} does not exist", hint="Check the path.")
    if last in folder.folder_names():
        return _below(open_target(source), source.rstrip("/"))
    return [_remote_file(folder, last, folder.size(last), source)]


def _remote_fitting(source: str) -> list[SourceFile]:
    from fsspec.utils import glob_translate  # noqa: PLC0415 -- fsspec is optional

    from pegasus_tab.export.filesystem import open_target  # noqa: PLC0415 -- fsspec is optional

    base, pattern = _split(source)
    fits = re.compile(glob_translate(pattern)).match
    folder = open_target(base)
    found = [
        _remote_file(folder, file.name, file.bytes, f"{base}/{file.name}")
        for file in folder.files()
        if fits(file.name) and not _is_hidden(file.name)
    ]
    if not found:
        raise NoSuchFile(f"no file fits {source}", hint="Check the pattern.")
    return found


def _below(folder: "Target", base: str) -> list[SourceFile]:
    files = list(folder.files())
    _check_complete(base, {file.name for file in files})
    return [
        _remote_file(folder, file.name, file.bytes, f"{base}/{file.name}")
        for file in files
        if not _is_hidden(file.name)
    ]


def _remote_file(folder: "Target", name: str, size: int, shown: str) -> SourceFile:
    def open_file() -> BinaryIO:
        return folder.open(name)

    return SourceFile(shown, size, "", open_file)
