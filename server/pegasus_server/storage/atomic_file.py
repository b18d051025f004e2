"""Replace a small file so that a crash at any moment leaves the old content or the new, never a mix.

The four steps of reference/reliability.md 2.3 ("small files lost at power cut"): write a temporary
file, fsync it, rename it over the old one, fsync the folder. Leaving out any one of them has lost
files in the field.
"""

import os
from pathlib import Path


def replace_file(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path``, durably and in one step. Blocks on the disk.

    Args:
        path: its folder must exist; ``<path>.tmp`` beside it is overwritten.
        content: the whole file.

    Raises:
        OSError: the disk refused; ``path`` still has its old content.
    """
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    fsync_folder(path.parent)


def fsync_folder(folder: Path) -> None:
    """Make the names in a folder durable: files made, renamed and removed in it. Blocks.

    Raises:
        OSError: the folder is missing, or the disk refused.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def fsync_tree(folder: Path) -> None:
    """Make a folder with everything below it durable. Blocks.

    Raises:
        OSError: the disk refused.
    """
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            fsync_folder(path)
        else:
            with path.open("rb") as file:
                os.fsync(file.fileno())
    fsync_folder(folder)
