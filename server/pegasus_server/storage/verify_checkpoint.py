"""Reads a checkpoint from end to end before it is sent to anybody, in a process of its own.

A damaged block must not spread to the servers that learn: their files would have the checksums of the
damage. Reading a row holds the interpreter, so a server that did it itself would serve nobody
meanwhile. ``python -m pegasus_server.storage.verify_checkpoint PATH``
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from pegasus_server.storage.engine import EngineDamaged, EngineUnavailable
from pegasus_server.storage.rocks import verify

DAMAGED: Final = 3
"""Exit code when the checkpoint is damaged; the last line printed says where."""
VERIFY_SECONDS_MAX: Final = 3600
NICENESS: Final = 10


class Verification:
    """A reading under way.

    Args:
        path: the checkpoint.

    Raises:
        OSError: no process could be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process = subprocess.Popen(  # noqa: S603 -- our own module, a path of ours
            [sys.executable, "-m", "pegasus_server.storage.verify_checkpoint", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def wait(self) -> None:
        """Return when all is read and found well. Blocks.

        Raises:
            EngineDamaged: a block is damaged.
            EngineUnavailable: it could not be read for another reason.
        """
        try:
            printed, _ = self._process.communicate(timeout=VERIFY_SECONDS_MAX)
        except subprocess.TimeoutExpired as error:
            self._process.kill()
            self._process.communicate()
            raise EngineUnavailable(f"{self._path} was not read in time: {error}") from error
        said = printed.decode(errors="replace").strip().rpartition("\n")[2]
        if self._process.returncode == DAMAGED:
            raise EngineDamaged(said)
        if self._process.returncode != 0:
            raise EngineUnavailable(f"{self._path} could not be read: {said}")


def main(path: Path) -> int:
    """Read a checkpoint; return the exit code."""
    os.nice(NICENESS)
    try:
        verify(path)
    except EngineDamaged as error:
        print(error)  # noqa: T201 -- this is how the parent learns it
        return DAMAGED
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
