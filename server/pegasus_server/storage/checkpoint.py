"""Write a checkpoint folder so that it exists either whole and durable, or not at all.

The steps are those of reference/reliability.md 2.4. The decree is read back from the copy itself,
never taken from a variable: counters sampled around the call bracket it, and are only good as a
check.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

from pegasus_server.storage.atomic_file import fsync_folder, fsync_tree
from pegasus_tab.base.ids import Decree


def write_checkpoint(
    path: Path, create: Callable[[Path], None], read_decree: Callable[[Path], Decree]
) -> Decree:
    """Make a checkpoint under a temporary name, fsync all of it, and rename it. Blocks.

    Args:
        path: the final folder; its parent must exist. ``<path>.tmp``, left by a crash, is removed.
        create: writes a consistent copy of the engine to a folder that does not exist.
        read_decree: opens such a copy without changing it and returns its decree.

    Returns:
        The decree the copy itself holds.

    Raises:
        FileExistsError: ``path`` exists already.
        OSError: the disk refused; ``path`` does not exist.
    """
    if path.exists():
        raise FileExistsError(f"checkpoint {path} exists")
    temporary = path.with_name(path.name + ".tmp")
    if temporary.exists():
        shutil.rmtree(temporary)
    create(temporary)
    decree = read_decree(temporary)
    fsync_tree(temporary)
    temporary.rename(path)
    fsync_folder(path.parent)
    return decree
