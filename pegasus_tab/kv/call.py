"""One request as the session sees it: what to send, how to read the answer, when to repeat it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Generic, TypeAlias, TypeVar

from pegasus_tab.base.errors import Error
from pegasus_tab.base.ids import Gpid
from pegasus_tab.wire.frame import ResponseFrame

T_co = TypeVar("T_co", covariant=True)

TimeLimit: TypeAlias = int | Callable[[], int]
"""Milliseconds for each call, >= 1, or what tells them just before a call is sent; it may raise."""


class Effect(Enum):
    """What carrying out a request twice would do (protocol reference 6.3, column "idempotent")."""

    READ = auto()
    """Nothing: repeat it as often as needed."""
    REPEATABLE_WRITE = auto()
    """The same as once, unless another write came in between."""
    SINGLE_WRITE = auto()
    """Something else: once it may have been applied it is never sent again."""


@dataclass(frozen=True, slots=True, eq=False)
class Method(Generic[T_co]):
    """What all calls of one RPC share; T is what such a call results in.

    Attributes:
        name: RPC name, a constant of ``wire.codes``.
        decode: turns an ERR_OK reply into the call's result, a value or an ``Error`` instance;
            None for the one RPC that is never answered (CLEAR_SCANNER, protocol reference 8.3).
        effect: whether the call may be repeated.
    """

    name: bytes
    decode: Callable[[ResponseFrame], T_co | Error] | None
    effect: Effect


@dataclass(slots=True, eq=False)
class Call(Generic[T_co]):
    """One request, not yet addressed to a server; never changed after it was built.

    Attributes:
        table: table name; "" for a call to the meta server.
        method: the RPC.
        partition_hash: hash of the row's key; for a call to partition ``i`` as a whole, ``i``
            (it is taken modulo the partition count, so ``i`` maps to itself).
        arguments: the encoded argument struct, with wrapper and STOP.
        app_id: the table's id, 0 for whichever table has the name: rows encoded for one table must
            not reach another that was made under its name.
    """

    table: str
    method: Method[T_co]
    partition_hash: int
    arguments: bytes
    app_id: int = 0


class Waiting(Enum):
    """Type of ``WAITING``, the result of a call that has none yet."""

    WAITING = auto()


WAITING: Final = Waiting.WAITING

UNADDRESSED: Final = Gpid(0, 0)
"""What meta calls carry in place of a partition id (protocol reference 1.1)."""


class Pending:
    """A call inside a session, from submit to result.

    Attributes:
        call: what was asked.
        deadline: monotonic seconds after which it fails.
        timeout_ms: what the request's header says; shrinks with each repetition.
        result: ``WAITING``, then the decoded value or an ``Error`` instance; set once.
        gpid: the partition it was last addressed to.
        sent: True while its bytes are out and its reply is awaited.
        attempts: failed attempts so far.
        stale_version: version of the partition table that led it astray, -1 for none; it waits
            for a newer one.
        may_have_run: True once a write was lost after it left.
        abandoned: nobody waits any more; it is not repeated.
        failure: text of its last failed attempt, for the final error.
        owner: the session it was submitted to; drivers compare it, nobody calls it.
    """

    __slots__ = (
        "abandoned",
        "attempts",
        "call",
        "deadline",
        "failure",
        "gpid",
        "may_have_run",
        "owner",
        "result",
        "sent",
        "stale_version",
        "timeout_ms",
    )

    def __init__(self, call: Call[object], deadline: float, timeout_ms: int, owner: object) -> None:
        self.call = call
        self.owner = owner
        self.deadline = deadline
        self.timeout_ms = timeout_ms
        self.result: object = WAITING
        self.gpid = UNADDRESSED
        self.sent = False
        self.attempts = 0
        self.stale_version = -1
        self.may_have_run = False
        self.abandoned = False
        self.failure = ""

    @property
    def done(self) -> bool:
        """Tell whether there is a result."""
        return self.result is not WAITING
