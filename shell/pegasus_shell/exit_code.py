"""What the process's exit code says; the numbers are a promise to scripts."""

from enum import IntEnum

from pegasus_tab.base.errors import DatabaseError, Error, InterfaceError, OperationalError

TIMEOUT_STATES = frozenset({"HYT00", "57014"})


class ExitCode(IntEnum):
    """0 all well, 1 a statement failed, 2 wrong usage, 3 no connection (try again), 4 timeout, 130 interrupted."""

    OK = 0
    STATEMENT = 1
    USAGE = 2
    CONNECTION = 3
    TIMEOUT = 4
    INTERRUPTED = 130


def exit_code(error: Error) -> ExitCode:
    """Say which exit code an error of the driver ends a run with."""
    if error.sqlstate in TIMEOUT_STATES:
        return ExitCode.TIMEOUT
    if isinstance(error, OperationalError) and error.sqlstate.startswith("08"):
        return ExitCode.CONNECTION
    if isinstance(error, InterfaceError) and not isinstance(error, DatabaseError):
        return ExitCode.USAGE
    return ExitCode.STATEMENT
