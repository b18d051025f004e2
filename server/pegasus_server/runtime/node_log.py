"""Where a node's own words go: ``node.log`` in its data folder, bounded, and stderr."""

import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

from twisted.logger import STDLibLogObserver, globalLogBeginner

LOG_BYTES_MAX = 4 * 1024 * 1024
LOG_FILES_KEPT = 3
FORMAT = "%(asctime)s %(levelname)s %(message)s"


def start_logging(folder: Path, *, to_stderr: bool) -> None:
    """Send everything the node logs to its file; the folder's lock must be held.

    Args:
        folder: the data folder.
        to_stderr: also write to stderr; an embedded node has nobody who reads it.
    """
    targets: list[logging.Handler] = [
        RotatingFileHandler(
            folder / "node.log", maxBytes=LOG_BYTES_MAX, backupCount=LOG_FILES_KEPT, delay=True
        )
    ]
    if to_stderr:
        targets.append(logging.StreamHandler(sys.stderr))
    logging.basicConfig(level=logging.INFO, format=FORMAT, handlers=targets, force=True)
    logging.captureWarnings(capture=True)
    # Twisted reports what escaped a callback; without this it would go nowhere.
    globalLogBeginner.beginLoggingTo([STDLibLogObserver()], redirectStandardIO=False)
    logging.getLogger("twisted").setLevel(logging.WARNING)


def report_startup_fault(folder: Path, text: str) -> None:
    """Tell why the node did not start: stderr, and the last line of node.log if that can be written.

    Appends by itself because another node may hold the folder and rotate its files.
    """
    print(f"pegasus-tab: {text}", file=sys.stderr)  # noqa: T201 -- this is for a person
    line = text.replace("\n", " ")
    try:
        with (folder / "node.log").open("a", encoding="utf-8") as file:
            file.write(f"pegasus-tab: {line}\n")
    except OSError:
        # The folder may be the very thing that cannot be written; stderr has the text.
        return
