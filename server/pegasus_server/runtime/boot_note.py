"""Whether a machine went down since a server last ran, and what that may have cost.

A log that is not synced before every acknowledgement survives the death of its process, for the
kernel still has the bytes, but not that of the machine. So each start notes the machine's boot and
its durability class; the next one compares (the suspect rule, reliability reference 2.4).
"""

from pathlib import Path

import msgspec

from pegasus_server.storage.atomic_file import replace_file

BOOT_ID_PATH = Path("/proc/sys/kernel/random/boot_id")


class Boot(msgspec.Struct, frozen=True):
    """One life of a server.

    Attributes:
        boot_id: of the machine; another after every start of it.
        durability: class of the log, as in the configuration.
    """

    boot_id: str
    durability: str


def current_boot(durability: str) -> Boot:
    """Describe the life that begins."""
    return Boot(BOOT_ID_PATH.read_text("ascii").strip(), durability)


def may_have_lost(path: Path, boot: Boot) -> bool:
    """Tell whether the life before this one may have lost what it logged.

    Args:
        path: the note.
        boot: of this life.

    Returns:
        True if the machine went down since and the class was weaker than sync, or if that cannot be
        told any more.

    Raises:
        OSError: the disk refused.
    """
    try:
        before = msgspec.json.decode(path.read_bytes(), type=Boot)
    except FileNotFoundError:
        before = boot
    except msgspec.DecodeError:
        before = Boot("", "")
    return before.boot_id != boot.boot_id and before.durability != "sync"


def note_boot(path: Path, boot: Boot) -> None:
    """Note the life that begins, durably; only once every replica knows what the last one lost.

    Raises:
        OSError: the disk refused.
    """
    replace_file(path, msgspec.json.encode(boot))
