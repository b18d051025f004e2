"""Why a node could not start, and the exit code that says so to whoever started it."""

import logging
import os

from pegasus_server.runtime.disk import DiskStoppedError

logger = logging.getLogger(__name__)

EXIT_USAGE = os.EX_USAGE
"""64: the command line or the way Python was started is wrong."""
EXIT_PORT_IN_USE = os.EX_UNAVAILABLE
"""69: the port cannot be listened on."""
EXIT_FAILED = os.EX_SOFTWARE
"""70: a defect of this program."""
EXIT_DISK_FAILED = os.EX_IOERR
"""74: the log could not be synced; nothing may be acknowledged any more."""
EXIT_LOCKED = os.EX_TEMPFAIL
"""75: another node holds the data folder."""
EXIT_BAD_FOLDER = os.EX_CONFIG
"""78: the data folder is damaged, read-only, foreign, or of a newer version."""


class StartupFault(Exception):  # noqa: N818 -- the fault lies outside the program
    """The node cannot start.

    Args:
        exit_code: one of the EXIT_ constants.
        text: one line: what is wrong and what to do.
    """

    def __init__(self, exit_code: int, text: str) -> None:
        super().__init__(text)
        self.exit_code = exit_code


def die_of_failed_disk(error: Exception) -> None:
    """End the process: the disk failed, and after a failed sync no acknowledgement is true."""
    logger.critical(
        "the log's disk failed: %s; the process ends, acknowledged writes are safe", error
    )
    logging.shutdown()
    os._exit(EXIT_DISK_FAILED)


def die_of_torn_turn(error: Exception) -> None:
    """End the process: a turn broke off, so writes may be with neither the log nor their client.

    Nothing acknowledged is lost: acknowledgements come from the log, which the next start replays.
    """
    if isinstance(error, DiskStoppedError):
        die_of_failed_disk(error)  # the turn came between the failure and the word of it
    logger.critical(
        "a defect of this program broke a turn off; the process ends, acknowledged writes are "
        "safe; start it again, and report what follows",
        exc_info=error,
    )
    logging.shutdown()
    os._exit(EXIT_FAILED)
