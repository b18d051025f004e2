"""Imports what the first scan needs, in the first quiet moment.

Importing pyarrow takes a second. Inside the first RPC_TAB_SCAN it would hold up every client for
that long, and before the node listens it would delay its start, so a thread does it meanwhile.
"""

import logging
import threading
from collections.abc import Callable
from importlib import import_module

logger = logging.getLogger(__name__)

QUIET_LOOK_SECONDS = 0.5
"""How often ``look`` is to be called, and so how long no request may come in a quiet moment."""
SCAN_MODULE = "pegasus_server.data.tab_scan"


class WarmUp:
    """Watches for the moment, once in a node's life.

    Args:
        requests: how many requests came so far.
        requests_min: so many must have come first: 1 for an embedded node, whose first answer
            is waited for.
        import_scan: does it.
    """

    def __init__(
        self,
        requests: Callable[[], int],
        requests_min: int,
        import_scan: Callable[[], None] | None = None,
    ) -> None:
        self._requests = requests
        self._requests_min = requests_min
        self._import_scan = import_scan or in_a_thread
        self._seen = requests()
        self._is_begun = False

    def look(self) -> None:
        """Begin if no request came since the last look."""
        requests = self._requests()
        is_quiet, self._seen = requests == self._seen, requests
        if is_quiet and requests >= self._requests_min and not self._is_begun:
            self._is_begun = True
            self._import_scan()


def in_a_thread() -> None:
    """Import in a thread that nobody waits for."""
    threading.Thread(target=_import, name="warm-up", daemon=True).start()


def _import() -> None:
    try:
        import_module(SCAN_MODULE)
        import_module("pyarrow").array([])  # with its first array pyarrow imports pandas, if it can
    except ImportError as error:
        logger.warning("scans cannot be served: %s; install pegasus-tab[server] again", error)
