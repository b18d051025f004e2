"""Runs statements and prints what comes of them; shared by -c, -f, stdin and the prompt."""

import time
from dataclasses import dataclass

import pegasus_tab
from pegasus_shell.exit_code import ExitCode, exit_code
from pegasus_shell.narration import Narration
from pegasus_shell.output_format import FORMATS
from pegasus_tab.base.errors import Error
from pegasus_tab.sql.split import split_statements


@dataclass(slots=True)
class View:
    r"""How results are shown; changed by ``\x``, ``\timing`` and ``\format``.

    Attributes:
        format: a name of FORMATS.
        expanded: show one record after the other (only for aligned).
        timing: say how long each statement took.
    """

    format: str = "aligned"
    expanded: bool = False
    timing: bool = False

    @property
    def shown(self) -> str:
        """The format in force."""
        return "expanded" if self.expanded and self.format == "aligned" else self.format


class StatementRun:
    """Statements of one connection, one after the other.

    Attributes:
        guard: whether the prompt asks before a statement that changes every row of a table.
    """

    def __init__(
        self, connection: pegasus_tab.Connection, narration: Narration, view: View
    ) -> None:
        self.connection = connection
        self.narration = narration
        self.view = view
        self.guard = True
        connection.add_notice_handler(self.notice)

    def notice(self, text: str) -> None:
        """Print a notice; that a whole table is read comes while there is time for Ctrl-C."""
        self.narration.say(f"NOTICE:  {text}")

    def text(self, sql: str) -> ExitCode:
        """Run every statement of a text; stop at the first that fails.

        Returns:
            OK, or the exit code of the statement that failed.
        """
        for start, statement in split_statements(sql):
            code = self.statement(statement, start, sql)
            if code is not ExitCode.OK:
                return code
        return ExitCode.OK

    def statement(self, sql: str, start: int = 0, whole: str | None = None) -> ExitCode:
        """Run one statement and print its rows, its tag and its notices.

        Args:
            sql: the statement without its semicolon.
            start: where it begins in ``whole``, so that carets point into the user's text.
            whole: the text it came from.
        """
        begin = time.perf_counter()
        try:
            self.show(sql)
        except Error as error:
            self.narration.fault(placed(error, sql, start, whole))
            return exit_code(error)
        except KeyboardInterrupt as interrupt:
            said = getattr(interrupt, "__notes__", None) or [
                "Cancelled; a write that was under way may have been applied in part"
            ]
            for line in said:
                self.narration.say(line)
            return ExitCode.INTERRUPTED
        if self.view.timing:
            self.narration.say(f"Time: {(time.perf_counter() - begin) * 1e3:.3f} ms")
        return ExitCode.OK

    def show(self, sql: str) -> None:
        """Execute and print; errors pass through."""
        with self.connection.cursor() as cursor:
            with self.narration.progress(self.connection):
                cursor.execute(sql)
            if cursor.description is None:
                self.narration.say(tag(sql, cursor.rowcount))
                return
            names = [str(column[0]) for column in cursor.description]
            rows = Counted(cursor)
            self.narration.rows(FORMATS[self.view.shown](names, rows))
            if self.view.format == "aligned":
                self.narration.say(f"({rows.count} row{'' if rows.count == 1 else 's'})")


class Counted:
    """Counts rows as they pass."""

    def __init__(self, cursor: pegasus_tab.Cursor) -> None:
        self.cursor = cursor
        self.count = 0

    def __iter__(self) -> "Counted":
        return self

    def __next__(self) -> tuple[object, ...]:
        row = self.cursor.fetchone()
        if row is None:
            raise StopIteration
        self.count += 1
        return row


READ_HEADS = ("SELECT", "WITH", "VALUES", "SHOW", "DESCRIBE", "EXPLAIN")


def cancelled(sql: str) -> str:
    """Say that a statement was cancelled, and what that means for one that writes."""
    if sql.lstrip(" \n\t(").upper().startswith(READ_HEADS):
        return "Cancelled"
    return "Cancelled; rows whose write was under way may have been written"


def tag(sql: str, rowcount: int) -> str:
    """Say what a statement without rows did: ``UPSERT 3``, ``CREATE TABLE``."""
    head, what = [word.upper() for word in (*sql.split(None, 2), "", "")[:2]]
    if head in {"CREATE", "DROP", "ALTER", "RECALL", "UNDROP"}:
        # A raw table is a table, too.
        return f"{head} BACKUP POLICY" if what == "BACKUP" else f"{head} TABLE"
    return f"{head} {rowcount}" if rowcount >= 0 else head


def placed(error: Error, sql: str, start: int, whole: str | None) -> Error:
    """Move an error's position from its statement into the whole text, for the right line number."""
    if error.position is not None and whole is not None and error.statement in (None, sql):
        error.position += start
        error.statement = whole
    return error
