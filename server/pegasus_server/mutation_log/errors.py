"""What can go wrong with the log, by what its owner must do next."""


class LogRefusedError(Exception):
    """The log cannot be opened by this server at all: newer format, or another node's. Nothing was changed."""


class LogFullError(Exception):
    """The disk is full. Nothing of the group is in the log; the same call may succeed once space returns."""


class LogFailedError(Exception):
    """The disk failed. What was not acknowledged yet must never be: stop the process.

    Never retried: after a failed fsync the kernel marks the pages clean, so a second fsync
    succeeds without the data being on disk (reference/reliability.md 1, "fsync failure").
    """
