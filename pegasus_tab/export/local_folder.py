"""Names in local folders that survive a power cut: folders made, files published, names removed.

A name is durable once the folder it stands in is synced; a file that is synced itself may still be
nowhere after a power cut. So every folder that gains or loses a name is synced before the next step.
"""

import ctypes
import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path

_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
"""What a filesystem without hard links says (FAT, exFAT, some that are mounted through FUSE)."""
_NO_FLAGS = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})
"""What one says that cannot rename without replacing."""
_HERE = -100
_RENAME_NOREPLACE = 1


def make_folders(path: Path) -> None:
    """Make a folder and those above it, as far as they are missing. Blocks.

    Raises:
        OSError: one cannot be made, or is a file.
    """
    missing = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for folder in reversed(missing):
        with suppress(FileExistsError):  # another process made it a moment ago, or it is a file
            folder.mkdir()
        _sync_names(folder.parent)
    if missing and not missing[0].is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(missing[0]))


def publish_file(source: Path, path: Path) -> None:
    """Give a finished file its real name, which must not exist: one step, decided by the kernel.

    Raises:
        FileExistsError: the name exists; nothing was changed.
        OSError: the filesystem refused, or can do this in no way.
    """
    try:
        os.link(source, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _rename_without_replacing(source, path)
    else:
        source.unlink()
    _sync_names(path.parent)


def remove_tree(path: Path) -> None:
    """Remove a file, or a folder with everything in it, for good. Blocks.

    Raises:
        OSError: it does not exist, or is not to be removed.
    """
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
    _sync_names(path.parent)


def _rename_without_replacing(source: Path, path: Path) -> None:
    """Use renameat2(2), which Python does not have."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    number = errno.ENOSYS
    if rename is not None:
        if rename(_HERE, os.fsencode(source), _HERE, os.fsencode(path), _RENAME_NOREPLACE) == 0:
            return
        number = ctypes.get_errno()
    if number in _NO_FLAGS:
        text = "this filesystem has neither hard links nor renames that do not replace"
        raise OSError(errno.EOPNOTSUPP, text)
    raise OSError(number, os.strerror(number), str(path))


def _sync_names(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
