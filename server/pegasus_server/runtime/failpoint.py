"""Places where a test has this server die, as by kill -9, to see what the next start makes of it.

``PEGASUS_TAB_DIE_AT=<name>`` in the environment names one; in production there is none, and a
place costs a comparison.
"""

import os
import signal
from typing import Final

VARIABLE: Final = "PEGASUS_TAB_DIE_AT"

_chosen: Final = os.environ.get(VARIABLE)


def reach(name: str) -> None:
    """Die if this is the place; any thread."""
    if name == _chosen:
        os.kill(os.getpid(), signal.SIGKILL)
