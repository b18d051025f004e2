"""The file beside a failed replica with what the shared log held of it (``mutation_log.remainder``).

It is written while the server runs, and consumed by the next start before anything is served: its
mutations go back into the log, so that from then on all is as if the log had never let go of them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from pegasus_server.mutation_log.files import SharedLog
from pegasus_server.mutation_log.mutation import Mutation
from pegasus_server.mutation_log.remainder import (
    RemainderDamaged,
    decode_remainder,
    encode_remainder,
)
from pegasus_server.mutation_log.segment_writer import disk_errors
from pegasus_server.storage.atomic_file import fsync_folder, replace_file
from pegasus_tab.base.ids import Decree, Gpid

NAME: Final = "remainder"
GROUP_MUTATIONS: Final = 1024
"""Mutations of a block when they go back into the log."""


def write_remainder(replica: Path, mutations: Sequence[Mutation]) -> None:
    """Keep mutations with a replica, durably. Blocks.

    Args:
        replica: its folder.
        mutations: at least one, ascending and without a hole.

    Raises:
        OSError: the disk refused; there is no file, or the one before.
    """
    replace_file(replica / NAME, encode_remainder(mutations))


def read_remainder(replica: Path, gpid: Gpid, applied: Decree) -> list[Mutation] | None:
    """Read what is kept with a replica and its engine lacks. Blocks.

    Args:
        replica: its folder.
        gpid: which it is.
        applied: decree of its engine.

    Returns:
        Mutations from ``applied`` + 1 on, which may be none; None if there is no file.

    Raises:
        RemainderDamaged: the file is damaged, or begins behind what the engine lacks.
        OSError: the disk refused.
    """
    try:
        data = (replica / NAME).read_bytes()
    except FileNotFoundError:
        return None
    kept = decode_remainder(data, gpid)
    if kept[0].decree > applied + 1:
        raise RemainderDamaged(
            f"{replica / NAME} begins at decree {kept[0].decree}, and the engine ends at {applied}"
        )
    return [each for each in kept if each.decree > applied]


def put_back(log: SharedLog, kept: Mapping[Path, Sequence[Mutation]]) -> None:
    """Put what was kept with replicas back into the log, and remove the files. Blocks.

    Args:
        log: was opened as if these mutations were durable.
        kept: mutations by the replica's folder, of every file that was read: also one whose
            mutations the engine has all must not be met again.

    Raises:
        LogFullError: no space; the files stay.
        LogFailedError: the disk failed; likewise.
    """
    if not kept:
        return
    for mutations in kept.values():
        for start in range(0, len(mutations), GROUP_MUTATIONS):
            log.append_group(mutations[start : start + GROUP_MUTATIONS])
    log.sync()
    for replica in kept:
        with disk_errors("remove what was put back into the log"):
            (replica / NAME).unlink(missing_ok=True)
            fsync_folder(replica)
