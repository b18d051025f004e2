"""From what went wrong to the error a caller sees: class, SQLSTATE, hint, retryable, ambiguous.

The rule behind ``ambiguous``: a write that left and has no verdict may have been applied, and the
error says so; a framework error of ``retry.NOT_EXECUTED`` is a verdict.
"""

import copy
from collections.abc import Callable
from typing import Final

from pegasus_tab.base.errors import (
    DataError,
    Error,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    QueryCanceled,
    UnknownOutcome,
)
from pegasus_tab.base.limits import PARTITIONS_MAX, PARTITIONS_MIN
from pegasus_tab.kv.call import Effect, Pending
from pegasus_tab.kv.retry import NOT_EXECUTED, Reaction, reaction
from pegasus_tab.wire import codes
from pegasus_tab.wire.codes import Status
from pegasus_tab.wire.errors import RemoteProtocolError

UNDEFINED_TABLE: Final = "42P01"
DUPLICATE_TABLE: Final = "42P07"
INVALID_ARGUMENT: Final = "22023"
TIMEOUT_EXPIRED: Final = "HYT00"
"""ODBC's state; PostgreSQL's 57014 is kept for what its user cancelled."""
DISK_FULL: Final = "53100"
DISK_FULL_HINT: Final = (
    "the server's disk is full, or cannot keep up; free space there, its node.log says more"
)
UNKNOWN_OUTCOME_HINT: Final = (
    "read the row to see whether the write was applied before repeating it"
)

_REFUSALS: Final[dict[str, Callable[[str], Error]]] = {
    codes.ERR_INVALID_DATA: lambda text: DataError(
        text, sqlstate="54000", hint="the request is too large; split it into smaller ones"
    ),
    codes.ERR_HANDLER_NOT_FOUND: lambda text: NotSupportedError(
        text, hint="the server does not know this operation; is it of an older version?"
    ),
    codes.ERR_NOT_IMPLEMENTED: NotSupportedError,
    codes.ERR_INVALID_PARAMETERS: lambda text: DataError(text, sqlstate="22023"),
    codes.ERR_CORRUPTION: lambda text: InternalError(
        text,
        sqlstate="XX001",
        hint="the replica is not served: its files are damaged or could not be written; node.log "
        "on the server says which, the other partitions are served",
    ),
    codes.ERR_ACL_DENY: lambda text: ProgrammingError(text, sqlstate="42501"),
    codes.ERR_UNAUTHENTICATED: lambda text: OperationalError(text, sqlstate="28000"),
    codes.ERR_OPERATION_DISABLED: lambda text: OperationalError(text, sqlstate="55000"),
    codes.ERR_DISK_INSUFFICIENT: lambda text: OperationalError(
        text, sqlstate=DISK_FULL, hint="free disk space on the server"
    ),
}


def describe(pending: Pending) -> str:
    """Name a call for an error text, e.g. ``GET on table "t" partition 3``."""
    operation = operation_name(pending.call.method.name)
    if not pending.call.table:
        return f"{operation} to meta"
    return f'{operation} on table "{pending.call.table}" partition {pending.gpid.partition_index}'


def operation_name(name: bytes) -> str:
    """Shorten an RPC's name to the operation's."""
    text = name.decode()
    for prefix in ("RPC_RRDB_RRDB_", "RPC_CM_", "RPC_"):
        text = text.removeprefix(prefix)
    return text


def is_write(pending: Pending) -> bool:
    """Tell whether a lost reply leaves the state of the store open."""
    return pending.call.method.effect is not Effect.READ


def refused(pending: Pending, error: str, place: str) -> Error:
    """Turn a framework error that is not repeated (any more) into the caller's error.

    Args:
        pending: the call, ``sent`` no longer.
        error: framework error name.
        place: the server that gave it.
    """
    text = f"{describe(pending)}: {place} answered {error}"
    if is_write(pending) and (pending.may_have_run or error not in NOT_EXECUTED):
        return UnknownOutcome(text, hint=UNKNOWN_OUTCOME_HINT)
    build = _REFUSALS.get(error)
    if build is not None:
        return build(text)
    return OperationalError(text, retryable=reaction(error) is not Reaction.FAIL)


def unanswered(pending: Pending, reason: str, sqlstate: str | None = None) -> Error:
    """Build the error of a call that ends without a verdict: lost, expired or out of attempts.

    Args:
        pending: the call; ``sent`` says whether its last attempt is still out.
        reason: what happened, to follow the call's description.
        sqlstate: other than that of a lost connection.
    """
    text = f"{describe(pending)}: {reason}"
    if is_write(pending) and (pending.sent or pending.may_have_run):
        return UnknownOutcome(text, hint=UNKNOWN_OUTCOME_HINT, sqlstate=sqlstate)
    if reason.endswith(codes.ERR_CAPACITY_EXCEEDED):
        # Said of a full disk as well: no other name for it is known to every client build (3.2).
        return OperationalError(text, retryable=True, sqlstate=DISK_FULL, hint=DISK_FULL_HINT)
    return OperationalError(text, retryable=True, sqlstate=sqlstate)


def expired(pending: Pending) -> Error:
    """Build the error of a call whose deadline passed; it tells what the last attempt met."""
    last = f"; before that: {pending.failure}" if pending.failure else ""
    state = None if pending.failure else TIMEOUT_EXPIRED
    return unanswered(pending, f"no answer within {pending.timeout_ms} ms{last}", state)


def abandoned(pending: Pending) -> Error:
    """Build the result of a call whose caller went away."""
    if is_write(pending) and pending.may_have_run:
        return UnknownOutcome(f"{describe(pending)} was abandoned after it left")
    return QueryCanceled(f"{describe(pending)} was abandoned")


def no_such_table(name: str, hint: str | None = None) -> Error:
    """Build the error of a table that meta does not know."""
    return ProgrammingError(f'table "{name}" does not exist', sqlstate=UNDEFINED_TABLE, hint=hint)


def replaced(name: str) -> Error:
    """Build the error of a call to a table that is gone, though another has its name now."""
    return ProgrammingError(
        f'table "{name}" was dropped, and another was made under its name',
        sqlstate=UNDEFINED_TABLE,
        hint="run the statement again to use the new table",
    )


def unreachable(text: str) -> Error:
    """Build the error of a client that never got through to any meta server."""
    return OperationalError(
        text,
        sqlstate="08001",
        hint="check the address, and that a server is running there",
        retryable=True,
    )


def unrouted(pending: Pending, error: Error) -> Error:
    """Build the error of a call whose table's partitions could not be found.

    Args:
        pending: the call; an earlier attempt of it may have been carried out.
        error: what meta's answer came to; shared by all calls that waited, so it is copied.
    """
    if is_write(pending) and pending.may_have_run:
        return unanswered(pending, error.message)
    return copy.copy(error)


def undecodable(pending: Pending, fault: RemoteProtocolError) -> Error:
    """Build the error of a call that was carried out and answered with unreadable bytes."""
    text = f"{describe(pending)}: the reply cannot be read: {fault.message}"
    return RemoteProtocolError(text, ambiguous=is_write(pending))


def forgotten(pending: Pending) -> Error:
    """Build the error of a call whose session was ended by an interrupt in another thread."""
    pending.may_have_run = is_write(pending)
    return unanswered(pending, "its connection was closed because of an interrupt")


def overloaded(calls: int) -> Error:
    """Build the error of one call too many."""
    return OperationalError(
        f"no more than {calls} calls can wait for their results at once",
        sqlstate="53300",
        hint="wait for some of them first",
        retryable=True,
    )


def closed() -> Error:
    """Build the error of a client that was closed."""
    return InterfaceError("the client is closed", sqlstate="08003", hint="open a new one")


TABLE_RULES: Final = (
    "a table's name has 1 to 64 letters, digits and _ . : -, its partitions are a power of two "
    f"from {PARTITIONS_MIN} to {PARTITIONS_MAX}"
)

_META_ERRORS: Final[dict[str, Callable[[str], Error]]] = {
    codes.ERR_APP_EXIST: lambda text: ProgrammingError(text, sqlstate=DUPLICATE_TABLE),
    codes.ERR_APP_NOT_EXIST: lambda text: ProgrammingError(text, sqlstate=UNDEFINED_TABLE),
    codes.ERR_OBJECT_NOT_FOUND: lambda text: ProgrammingError(text, sqlstate=UNDEFINED_TABLE),
    codes.ERR_INVALID_PARAMETERS: lambda text: ProgrammingError(text, sqlstate=INVALID_ARGUMENT),
    codes.ERR_INVALID_VERSION: lambda text: OperationalError(
        text, sqlstate="40001", hint="read the table's schema again and repeat", retryable=True
    ),
    codes.ERR_INVALID_STATE: lambda text: OperationalError(text, sqlstate="55000"),
    codes.ERR_STATE_FREEZED: lambda text: OperationalError(text, sqlstate="55000", retryable=True),
    codes.ERR_BUSY: lambda text: OperationalError(text, sqlstate="55006", retryable=True),
    codes.ERR_BUSY_CREATING: lambda text: OperationalError(text, retryable=True),
    codes.ERR_BUSY_DROPPING: lambda text: OperationalError(text, retryable=True),
}


_META_REASONS: Final[dict[str, str]] = {
    codes.ERR_APP_EXIST: 'table "{}" exists already',
    codes.ERR_APP_NOT_EXIST: 'table "{}" does not exist',
    codes.ERR_OBJECT_NOT_FOUND: 'table "{}" does not exist',
}


def refused_by_meta(name: bytes, err: str, reason: str | None, table: str = "") -> Error:
    """Turn the error a meta server answered with into the caller's.

    Args:
        name: RPC name.
        err: error name, not ERR_OK.
        reason: what the server said about it, None when it said nothing; what it advises follows
            behind a semicolon.
        table: name of the table it is about, "" when the request has none.
    """
    what, _, advice = (reason or "").partition("; ")
    text = f"{what} ({err})" if reason else f"{operation_name(name)}: meta answered {err}"
    if table and err in _META_REASONS:
        text = _META_REASONS[err].format(table)
    if not reason and (name, err) == (codes.CREATE_APP, codes.ERR_INVALID_PARAMETERS):
        advice = TABLE_RULES
    build = _META_ERRORS.get(err)
    error = OperationalError(text) if build is None else build(text)
    error.hint = error.hint or advice or None
    return error


_STATUS_ERRORS: Final[dict[int, Callable[[str], Error]]] = {
    Status.CORRUPTION: lambda text: InternalError(text, sqlstate="XX001"),
    Status.NOT_SUPPORTED: NotSupportedError,
    Status.INVALID_ARGUMENT: lambda text: DataError(text, sqlstate="22023"),
    Status.IO_ERROR: lambda text: OperationalError(text, sqlstate="58030"),
    Status.SHUTDOWN_IN_PROGRESS: lambda text: OperationalError(
        text, sqlstate="57P01", retryable=True
    ),
    Status.BUSY: lambda text: OperationalError(text, retryable=True),
    Status.TIMED_OUT: lambda text: OperationalError(text, retryable=True),
    Status.INCOMPLETE: lambda text: OperationalError(text, retryable=True),
}


def bad_status(name: bytes, status: int, *, write: bool = False) -> Error:
    """Turn a status that the operation does not expect into the caller's error.

    Args:
        name: RPC name.
        status: RocksDB code of the reply (protocol reference 6.1), not OK.
        write: True when the operation may have changed something.
    """
    assert status != Status.OK
    known = Status(status).name if status in Status._value2member_map_ else "an unknown status"
    text = f"{operation_name(name)} failed on the server: {known} ({status})"
    build = _STATUS_ERRORS.get(status)
    if build is not None:
        return build(text)
    if write:
        return UnknownOutcome(text, hint=UNKNOWN_OUTCOME_HINT)
    return OperationalError(text)
