"""Where replicas go that must not be used and must not be deleted.

A damaged replica may be the last that is known of its partition, so its bytes are moved, never
removed: whether they are of use is for the operator to say, and to delete them is too.

    quarantine/<app>.<index>.<number>/          the replica's folder as it was
    quarantine/<app>.<index>.<number>/reason    when and why
"""

import logging
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pegasus_server.storage.atomic_file import fsync_folder, replace_file
from pegasus_tab.base.ids import Gpid

logger = logging.getLogger(__name__)

QUARANTINED_MAX: Final = 4
"""Of one partition on one server: where so many copies broke, another one is no remedy."""
REASON_NAME: Final = "reason"

_NAME: Final = re.compile(r"([0-9]+)\.([0-9]+)\.([0-9]+)")


class Quarantine:
    """The quarantine of one server. Every call blocks.

    Args:
        path: its folder; made when something is put into it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def held(self, gpid: Gpid) -> list[Path]:
        """List what is kept of a partition, the oldest first."""
        numbered = [
            (int(found[3]), each)
            for each in (self.path.iterdir() if self.path.is_dir() else ())
            if (found := _NAME.fullmatch(each.name)) and (int(found[1]), int(found[2])) == gpid
        ]
        return [path for _, path in sorted(numbered)]

    def is_full(self, gpid: Gpid) -> bool:
        """Tell whether no further copy of a partition should be put here without being asked for."""
        return len(self.held(gpid)) >= QUARANTINED_MAX

    def take(self, replica: Path, gpid: Gpid, reason: str) -> Path:
        """Move a replica's folder here; nothing in it may be open.

        Args:
            replica: the folder.
            gpid: the partition.
            reason: one line for the operator.

        Returns:
            Where it is now.

        Raises:
            OSError: the disk refused; the folder is where it was.
        """
        self.path.mkdir(exist_ok=True)
        held = self.held(gpid)
        number = int(held[-1].suffix[1:]) + 1 if held else 1
        place = self.path / f"{gpid}.{number}"
        try:
            stamp = datetime.now(UTC).isoformat(timespec="seconds")
            replace_file(replica / REASON_NAME, f"{stamp} {reason}\n".encode())
        except OSError as error:
            # The disk may be why it is here; the bytes matter more than the note.
            logger.warning("no note of the reason in %s (%s): %s", place, error, reason)
        replica.rename(place)
        fsync_folder(self.path)
        fsync_folder(replica.parent)
        return place
