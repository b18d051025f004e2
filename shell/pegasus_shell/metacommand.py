"""The backslash commands: a table from name to function, so that help and completion know them all."""

import shlex
from collections.abc import Callable
from pathlib import Path

from pegasus_shell.exit_code import ExitCode
from pegasus_shell.output_format import FORMATS
from pegasus_shell.statement_run import StatementRun
from pegasus_tab.base.errors import ProgrammingError
from pegasus_tab.base.record import record

SCRIPT_BYTES_MAX = 64 * 1024 * 1024


class Quit(Exception):  # noqa: N818 -- not an error: the user wants to leave
    r"""Raised by ``\q``."""


@record
class Metacommand:
    r"""One backslash command.

    Attributes:
        usage: as shown by ``\?``.
        help: one line.
        run: called with the statement run and the words behind the command.
    """

    usage: str
    help: str
    run: Callable[[StatementRun, list[str]], ExitCode]


def describe(run: StatementRun, words: list[str]) -> ExitCode:
    r"""``\d``: list the tables, or describe one."""
    return run.statement(f"DESCRIBE {quoted(words[0])}" if words else "SHOW TABLES")


def tables(run: StatementRun, _: list[str]) -> ExitCode:
    r"""``\dt``: list the tables."""
    return run.statement("SHOW TABLES")


def partitions(run: StatementRun, words: list[str]) -> ExitCode:
    r"""``\dp``: the partitions of a table."""
    if not words:
        return usage(run, "dp")
    return run.statement(f"SHOW PARTITIONS OF {quoted(words[0])}")


def timing(run: StatementRun, words: list[str]) -> ExitCode:
    r"""``\timing``: say how long statements take."""
    run.view.timing = switched(run.view.timing, words)
    run.narration.say(f"Timing is {'on' if run.view.timing else 'off'}.")
    return ExitCode.OK


def expand(run: StatementRun, words: list[str]) -> ExitCode:
    r"""``\x``: one record after the other."""
    run.view.expanded = switched(run.view.expanded, words)
    run.narration.say(f"Expanded display is {'on' if run.view.expanded else 'off'}.")
    return ExitCode.OK


def guard(run: StatementRun, words: list[str]) -> ExitCode:
    r"""``\guard``: ask before DELETE and UPDATE without WHERE."""
    run.guard = switched(run.guard, words)
    run.narration.say(f"Guard is {'on' if run.guard else 'off'}.")
    return ExitCode.OK


def set_format(run: StatementRun, words: list[str]) -> ExitCode:
    r"""``\format``: choose the output format."""
    if words:
        if words[0] not in FORMATS:
            return usage(run, "format")
        run.view.format = words[0]
    run.narration.say(f"Output format is {run.view.format}.")
    return ExitCode.OK


def include(run: StatementRun, words: list[str]) -> ExitCode:
    r"""``\i``: run a file of statements."""
    if not words:
        return usage(run, "i")
    try:
        return run.text(read_script(Path(words[0])))
    except ProgrammingError as error:
        run.narration.fault(error)
        return ExitCode.USAGE


def leave(_: StatementRun, __: list[str]) -> ExitCode:
    r"""``\q``: leave the shell."""
    raise Quit


def show_help(run: StatementRun, _: list[str]) -> ExitCode:
    r"""``\?``: list these commands."""
    width = max(len(c.usage) for c in METACOMMANDS.values())
    for command in METACOMMANDS.values():
        run.narration.say(f"  {command.usage:<{width}}  {command.help}")
    return ExitCode.OK


METACOMMANDS: dict[str, Metacommand] = {
    "d": Metacommand("\\d [TABLE]", "list the tables, or describe one", describe),
    "dt": Metacommand("\\dt", "list the tables", tables),
    "dp": Metacommand("\\dp TABLE", "list the partitions of a table", partitions),
    "timing": Metacommand("\\timing [on|off]", "say how long each statement takes", timing),
    "x": Metacommand("\\x [on|off]", "show one record after the other", expand),
    "format": Metacommand(
        f"\\format [{'|'.join(FORMATS)}]", "choose the output format", set_format
    ),
    "guard": Metacommand(
        "\\guard [on|off]", "ask at the prompt before DELETE and UPDATE without WHERE", guard
    ),
    "i": Metacommand("\\i FILE", "run the statements of a file", include),
    "?": Metacommand("\\?", "show this list", show_help),
    "q": Metacommand("\\q", "leave the shell", leave),
}


def run_metacommand(run: StatementRun, line: str) -> ExitCode:
    r"""Run a line that begins with a backslash.

    Raises:
        Quit: for ``\q``.
    """
    try:
        name, *words = shlex.split(line.strip().rstrip(";").replace("\\", "", 1)) or [""]
    except ValueError as error:  # an open quote
        run.narration.fault(
            ProgrammingError(f"cannot read this command: {error}", sqlstate="42601")
        )
        return ExitCode.USAGE
    command = METACOMMANDS.get(name)
    if command is None:
        hint = "\\? lists the commands"
        run.narration.fault(
            ProgrammingError(f"there is no command \\{name}", sqlstate="42601", hint=hint)
        )
        return ExitCode.USAGE
    return command.run(run, words)


def usage(run: StatementRun, name: str) -> ExitCode:
    """Say how a command is written."""
    error = ProgrammingError(f"usage: {METACOMMANDS[name].usage}", sqlstate="42601")
    run.narration.fault(error)
    return ExitCode.USAGE


def switched(now: bool, words: list[str]) -> bool:
    """Return the new state of an on/off switch; without a word it toggles."""
    return {"on": True, "off": False}.get(words[0].lower(), not now) if words else not now


def quoted(name: str) -> str:
    """Quote a name that is not a plain lower-case word."""
    plain = name.isidentifier() and name == name.lower()
    return name if plain else '"' + name.replace('"', '""') + '"'


def read_script(path: Path) -> str:
    """Read a file of statements.

    Raises:
        ProgrammingError: the file cannot be read, is larger than SCRIPT_BYTES_MAX or is not UTF-8.
    """
    try:
        if path.stat().st_size > SCRIPT_BYTES_MAX:
            raise ProgrammingError(f"{path} is larger than {SCRIPT_BYTES_MAX} bytes; split it")
        return path.read_text(encoding="utf-8-sig")  # editors on Windows begin with a mark
    except OSError as error:
        raise ProgrammingError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ProgrammingError(f"{path} is not UTF-8 text (byte {error.start})") from error
