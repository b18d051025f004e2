"""Talking to meta servers: which one to ask, when to ask again, what counts as an answer."""

import math
from collections.abc import Callable, Sequence
from typing import Final

from pegasus_tab.kv import failure
from pegasus_tab.kv.call import Pending
from pegasus_tab.kv.metas import Metas
from pegasus_tab.kv.partition_table import Query
from pegasus_tab.wire import codes
from pegasus_tab.wire.address import NO_ADDRESS, Address

_NOT_NOW: Final = frozenset({codes.ERR_SERVICE_NOT_ACTIVE, codes.ERR_UNDER_RECOVERY})


class MetaDialogue:
    """The part of a session that speaks with meta.

    Until the first connection to any meta server, calls fail as soon as every server failed: the
    address is wrong or nothing runs there. Later they wait for a server to come back.

    Args:
        metas: addresses, presumed leader first.
        enqueue: (call, address, now) sends a call to a meta server.
        later: (call, attempts, now) asks again after a wait.
        ask_whom: (address, now) asks a server that does not lead who does, beside all calls.
        conclude: (call, result, now) gives a call its result.
    """

    def __init__(
        self,
        metas: Sequence[Address],
        *,
        enqueue: Callable[[Pending, Address, float], None],
        later: Callable[[Pending, int, float], None],
        ask_whom: Callable[[Address, float], None],
        conclude: Callable[[Pending, object, float], None],
    ) -> None:
        self._metas = Metas(metas)
        self._enqueue = enqueue
        self._later = later
        self._ask_whom = ask_whom
        self._conclude = conclude
        self._reached = False

    def connected(self, address: Address) -> None:
        """Note that a connection opened, to whichever server."""
        self._reached |= address in self._metas.addresses

    def failed(self, address: Address) -> None:
        """Note that a server, meta or not, did not help."""
        self._metas.failed(address)

    def replace_metas(self, addresses: Sequence[Address]) -> None:
        """Ask other servers from now on."""
        self._metas.replace(addresses)

    def ask(self, pending: Pending, now: float) -> None:
        """Send a call to the presumed leader."""
        self._enqueue(pending, self._metas.leader, now)

    def ask_again(self, pending: Pending, text: str, now: float) -> None:
        """Repeat a call: at once while servers are left to try, else after a wait.

        Args:
            pending: the call, not on its way.
            text: what its last attempt met.
            now: monotonic seconds.
        """
        assert not pending.sent
        pending.attempts += 1
        pending.failure = text
        if isinstance(pending, Query):
            pending.deadline = math.inf
            if not pending.table.waiting:
                pending.table.query = None  # a look ahead that nobody waits for
                return
        rounds = pending.attempts - len(self._metas.addresses)
        if not self._reached and self._metas.all_failed():
            self._conclude(pending, failure.unreachable(text), now)
        elif rounds <= 0 and not pending.abandoned:
            self.ask(pending, now)
        else:
            self._later(pending, max(1, rounds), now)

    def refused(self, pending: Pending, error: str, address: Address, now: float) -> None:
        """Pass over a server that answered with a framework error."""
        self._metas.failed(address)
        self.ask_again(pending, f"{address} answered {error}", now)

    def answered(self, pending: Pending, response: object, address: Address, now: float) -> None:
        """Take in an answer; forwards and "not now" are no results (protocol reference 4.1)."""
        err = getattr(response, "err", codes.ERR_OK)
        if err == codes.ERR_FORWARD_TO_OTHERS:
            was_asked = address == self._metas.leader  # not so of those still asked meanwhile
            self._metas.forwarded(address, _forward_address(response))
            if was_asked and self._metas.all_failed() and not isinstance(pending, Query):
                # Only the answer to a question about a table has room for the leader's address.
                self._ask_whom(address, now)
            self.ask_again(pending, f"{address} answered {err}", now)
        elif err in _NOT_NOW:
            self.refused(pending, err, address, now)
        elif err == codes.ERR_BUSY_CREATING and isinstance(pending, Query):
            self.ask_again(pending, f"{address} answered {err}", now)
        else:
            self._metas.answered()
            self._conclude(pending, response, now)


def _forward_address(response: object) -> Address:
    """Read whom a meta server forwards to: ``partitions[0].primary``."""
    partitions = getattr(response, "partitions", ())
    return partitions[0].primary if partitions else NO_ADDRESS
