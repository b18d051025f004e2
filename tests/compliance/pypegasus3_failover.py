"""The unmodified PyPI client `pypegasus3` writing on while servers die.

Usage: pypegasus3_failover.py HOST:PORT TABLE ROWS. Writes row after row, repeating each until it is
accepted, and prints the number of each row that was.
"""

import sys
from collections.abc import Generator
from typing import Any

from pypegasus.pgclient import Pegasus
from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks

PAUSE_SECONDS = 0.2


def pause(seconds: float) -> "Deferred[None]":
    """Fire after a while."""
    done: Deferred[None] = Deferred()
    reactor.callLater(seconds, done.callback, None)
    return done


@inlineCallbacks
def session(meta: str, table: str, rows: int) -> Generator[Any, Any, None]:
    """Write all rows."""
    client = Pegasus([meta], table)
    yield client.init()
    for number in range(rows):
        while True:
            answer = yield client.set(f"row {number}", "s", f"value {number}")
            if answer[0] == 0:
                break
            yield pause(PAUSE_SECONDS)
        print(number, flush=True)  # noqa: T201 -- the answer to the parent process
        yield pause(0.01)
    client.close()


reactor.callWhenRunning(
    lambda: session(sys.argv[1], sys.argv[2], int(sys.argv[3])).addBoth(lambda _: reactor.stop())
)
reactor.run()
