"""The one error tree of the product: PEP 249's classes, each carrying what to do next.

Every error that reaches a user says who is at fault (its class and SQLSTATE), where (position in
the statement), what to try (hint), whether trying again can help (``retryable``) and whether a
write may have happened all the same (``ambiguous``).
"""

from typing import Self


class Warning(Exception):  # noqa: A001, N818 -- the name is PEP 249's
    """PEP 249 Warning: the statement ran, but something deserves a look."""


class Error(Exception):
    """PEP 249 Error, the root of everything the driver raises on purpose.

    Args:
        message: one sentence naming the fault, without a trailing full stop.
        sqlstate: five characters; the class's default when None.
        hint: what to do next, one sentence, or None.
        position: 0-based character offset into ``statement``, or None.
        length: characters to underline from ``position``, >= 1.
        statement: the SQL text ``position`` counts in, or None.
        retryable: True when the same call can succeed later without any change by the caller.
        ambiguous: True when a write may have been applied although this error was raised.
    """

    default_sqlstate = "58000"

    def __init__(
        self,
        message: str = "",
        *,
        sqlstate: str | None = None,
        hint: str | None = None,
        position: int | None = None,
        length: int = 1,
        statement: str | None = None,
        retryable: bool = False,
        ambiguous: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.sqlstate = sqlstate or self.default_sqlstate
        self.hint = hint
        self.position = position
        self.length = length
        self.statement = statement
        self.retryable = retryable
        self.ambiguous = ambiguous

    def in_statement(self, statement: str) -> Self:
        """Attach the SQL text that ``position`` counts in, unless one is attached already."""
        if self.statement is None:
            self.statement = statement
        return self

    def __str__(self) -> str:
        parts = [self.message]
        if self.position is not None and self.statement:
            parts.append(caret(self.statement, self.position, self.length))
        if self.hint:
            parts.append(f"HINT:  {self.hint}")
        return "\n".join(parts)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle with every field, so that errors cross process borders whole."""
        return (_rebuild, (type(self), self.args, self.__dict__))


def _rebuild(cls: type[Error], args: tuple[str, ...], fields: dict[str, object]) -> Error:
    error = cls(*args)
    error.__dict__.update(fields)
    return error


def caret(statement: str, position: int, length: int = 1) -> str:
    """Render the line of ``statement`` that holds ``position`` with carets below, as psql does.

    Args:
        statement: whole SQL text.
        position: 0-based character offset, clipped to the text.
        length: characters to underline, cut at the end of the line.

    Returns:
        Two lines, ``LINE n: text`` and the carets.
    """
    position = max(0, min(position, len(statement)))
    start = statement.rfind("\n", 0, position) + 1
    end = statement.find("\n", position)
    line = statement[start : len(statement) if end < 0 else end]
    prefix = f"LINE {statement.count(chr(10), 0, position) + 1}: "
    column = position - start
    width = max(1, min(length, len(line) - column))
    return f"{prefix}{line}\n{' ' * (len(prefix) + column)}{'^' * width}"


class InterfaceError(Error):
    """PEP 249 InterfaceError: the driver was used wrongly (closed cursor, bad DSN)."""

    default_sqlstate = "08000"


class DatabaseError(Error):
    """PEP 249 DatabaseError: the statement or the store is at fault."""


class DataError(DatabaseError):
    """PEP 249 DataError: a value does not fit (type, range, size, NULL in a key)."""

    default_sqlstate = "22000"


class OperationalError(DatabaseError):
    """PEP 249 OperationalError: the store could not do it now (node down, timeout, disk full)."""

    default_sqlstate = "08006"


class IntegrityError(DatabaseError):
    """PEP 249 IntegrityError: a key exists already, or a NOT NULL column got NULL."""

    default_sqlstate = "23000"


class InternalError(DatabaseError):
    """PEP 249 InternalError: the store contradicts itself (damaged data, unreadable row)."""

    default_sqlstate = "XX000"


class ProgrammingError(DatabaseError):
    """PEP 249 ProgrammingError: the statement is wrong (syntax, unknown name, parameter count)."""

    default_sqlstate = "42000"


class NotSupportedError(DatabaseError):
    """PEP 249 NotSupportedError: understood, and refused by name with a hint."""

    default_sqlstate = "0A000"


class QueryCanceled(OperationalError):  # noqa: N818 -- the SQLSTATE's name, 57014 query_canceled
    """The statement was cancelled by its user; the session goes on."""

    default_sqlstate = "57014"


class UnknownOutcome(OperationalError):  # noqa: N818 -- says what it means
    """The connection or the deadline was lost after a write left: it may or may not be applied."""

    default_sqlstate = "08007"

    def __init__(self, message: str = "", **fields: object) -> None:
        fields.setdefault("ambiguous", True)
        super().__init__(message, **fields)  # type: ignore[arg-type]
