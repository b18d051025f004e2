"""One run of the shell: connect, then take statements from -c, -f, stdin or the prompt."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pegasus_tab
from pegasus_shell.exit_code import ExitCode, exit_code
from pegasus_shell.metacommand import Quit, read_script, run_metacommand
from pegasus_shell.narration import Narration
from pegasus_shell.statement_run import StatementRun, View
from pegasus_tab.base.errors import Error, ProgrammingError
from pegasus_tab.base.record import record
from pegasus_tab.kv.dsn import parse_dsn

FULL_SCAN_DEFAULT = "warn"


@record
class Session:
    """Everything the options said.

    Attributes:
        dsn: where to connect.
        narration: the output streams.
        view: how results are shown at first.
        full_scan: what a statement that reads a whole table does; None leaves it to the DSN.
        timeout: seconds a statement may take; None leaves it to the DSN.
        guard: ask at the prompt before a statement that changes every row of a table.
    """

    dsn: str
    narration: Narration
    view: View
    full_scan: str | None = None
    timeout: float | None = None
    guard: bool = True

    def run(self, commands: Sequence[str], files: Sequence[Path]) -> ExitCode:
        """Run to the end; return the process's exit code."""
        try:
            scripts = [*commands, *(read_script(path) for path in files)]
            connection = self.connect()
        except ProgrammingError as error:
            self.narration.fault(error)
            return ExitCode.USAGE
        except Error as error:
            self.narration.fault(error)
            return (
                exit_code(error)
                if exit_code(error) is not ExitCode.STATEMENT
                else ExitCode.CONNECTION
            )
        except KeyboardInterrupt:
            return ExitCode.INTERRUPTED
        with connection:
            run = StatementRun(connection, self.narration, self.view)
            if scripts:
                return run_all(run, scripts)
            if not sys.stdin.isatty():
                return run_input(run)
            from pegasus_shell.prompt import Prompt

            run.guard = self.guard
            return Prompt(run, self.dsn).loop()

    def connect(self) -> pegasus_tab.Connection:
        """Open the connection: what the command line says, then the DSN, then the shell's defaults."""
        given = parse_dsn(self.dsn).options
        full_scan = self.full_scan
        if full_scan is None and "full_scan" not in given:
            full_scan = FULL_SCAN_DEFAULT
        settings = {} if full_scan is None else {"full_scan": full_scan}
        return pegasus_tab.connect(self.dsn, timeout=self.timeout, **settings)


def run_input(run: StatementRun) -> ExitCode:
    """Run what is piped in; nothing of it when it is not text."""
    try:
        text = sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        fault = ProgrammingError(f"the input is not UTF-8 text (byte {error.start})")
        run.narration.fault(fault)
        return ExitCode.USAGE
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    return run_lines(run, text)


def run_all(run: StatementRun, scripts: Sequence[str]) -> ExitCode:
    """Run scripts in order until one fails."""
    for script in scripts:
        code = run_lines(run, script)
        if code is not ExitCode.OK:
            return code
    return ExitCode.OK


def run_lines(run: StatementRun, text: str) -> ExitCode:
    """Run a text that may mix statements with backslash commands on lines of their own."""
    waiting: list[str] = []
    for line in text.splitlines(keepends=True):
        if not line.startswith("\\"):
            waiting.append(line)
            continue
        code = run.text("".join(waiting))
        waiting.clear()
        if code is not ExitCode.OK:
            return code
        try:
            code = run_metacommand(run, line)
        except Quit:
            return ExitCode.OK
        if code is not ExitCode.OK:
            return code
    return run.text("".join(waiting))
