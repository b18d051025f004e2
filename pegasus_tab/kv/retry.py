"""When a failed attempt is repeated, and after how long; pure tables and arithmetic.

Which error means what follows protocol reference 3.3, where this client takes the union of what the
careful clients do: an error that says "wrong server" leads to a look at the partition table first, an
error that says "not now" to a wait.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from pegasus_tab.wire import codes


class Reaction(Enum):
    """What to do about a framework error."""

    REFRESH = auto()
    """Ask meta where the partition is, then repeat."""
    WAIT = auto()
    """Repeat at the same place after a while."""
    FAIL = auto()
    """Hand the error to the caller."""


_REACTIONS: Final = {
    codes.ERR_OBJECT_NOT_FOUND: Reaction.REFRESH,
    codes.ERR_INVALID_STATE: Reaction.REFRESH,
    codes.ERR_INACTIVE_STATE: Reaction.REFRESH,
    codes.ERR_PARENT_PARTITION_MISUSED: Reaction.REFRESH,
    codes.ERR_CHILD_NOT_READY: Reaction.REFRESH,
    codes.ERR_NOT_ENOUGH_MEMBER: Reaction.WAIT,
    codes.ERR_CAPACITY_EXCEEDED: Reaction.WAIT,
    codes.ERR_BUSY: Reaction.WAIT,
    codes.ERR_SPLITTING: Reaction.WAIT,
    codes.ERR_SERVICE_NOT_ACTIVE: Reaction.WAIT,
    codes.ERR_UNDER_RECOVERY: Reaction.WAIT,
}

NOT_EXECUTED: Final = frozenset(_REACTIONS) | {
    codes.ERR_HANDLER_NOT_FOUND,
    codes.ERR_INVALID_PARAMETERS,
    codes.ERR_INVALID_DATA,
    codes.ERR_INVALID_VERSION,
    codes.ERR_NOT_IMPLEMENTED,
    codes.ERR_ACL_DENY,
    codes.ERR_UNAUTHENTICATED,
    codes.ERR_OPERATION_DISABLED,
    codes.ERR_DISK_INSUFFICIENT,
    # A replica that is not served, or stops being served before the write has a decree; writes under
    # way at that moment are answered ERR_TIMEOUT.
    codes.ERR_CORRUPTION,
}
"""Errors a server gives before a write has a decree (reliability reference 4 and 5.1).

After any other error a write may or may not have been applied.
"""


def reaction(error: str) -> Reaction:
    """Look up what a framework error asks for; unknown names fail."""
    return _REACTIONS.get(error, Reaction.FAIL)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """The session's numbers; nothing in it waits, queues or repeats without one of them.

    Attributes:
        delay_ms_first: wait before the second repetition (the first that follows a refresh is
            immediate), > 0; doubles from one repetition to the next.
        delay_ms_max: longest wait, >= delay_ms_first.
        attempts_max: failed attempts after which a call fails even before its deadline, >= 1.
        calls_max: calls a session holds at once, >= 1.
        connect_ms: longest wait for a connection to open, > 0.
        query_ms: longest wait for one answer about a partition table, > 0.
        doubt_ms: of a server that owes answers and sent nothing for so long, meta is asked
            whether others serve its partitions now, > 0.
        silence_ms: a connection on which requests wait and nothing arrives for so long is given
            up when the next of them expires, > 0.
    """

    delay_ms_first: int = 10
    delay_ms_max: int = 1000
    attempts_max: int = 100
    calls_max: int = 4096
    connect_ms: int = 3000
    query_ms: int = 2000
    doubt_ms: int = 2000
    silence_ms: int = 10_000

    def __post_init__(self) -> None:
        assert 0 < self.delay_ms_first <= self.delay_ms_max
        assert self.attempts_max >= 1
        assert self.calls_max >= 1
        assert self.connect_ms > 0
        assert self.query_ms > 0
        assert self.doubt_ms > 0
        assert self.silence_ms > 0

    def delay_seconds(self, attempts: int, fraction: float) -> float:
        """Compute the wait before a repetition.

        Half of the wait is fixed and half drawn, so that clients which failed together do not
        return together.

        Args:
            attempts: failed attempts so far that count, >= 1.
            fraction: 0 <= fraction < 1, drawn by the caller.

        Returns:
            Seconds, > 0.
        """
        assert attempts >= 1
        assert 0 <= fraction < 1
        doublings = min(attempts - 1, 30)
        longest_ms = min(self.delay_ms_first << doublings, self.delay_ms_max)
        return longest_ms * (0.5 + fraction / 2) / 1000
