"""The command ``pegasus-tab``: one click group, a file for each command's work.

Imports are inside the commands on purpose: ``shell -c`` must answer within 200 ms, so nothing loads
what it does not use.
"""

import sys
from pathlib import Path
from typing import TypedDict, Unpack

import click

from pegasus_tab.base.version import VERSION

DEFAULT_DSN = "file:./pegasus-data"
FORMAT_NAMES = ("aligned", "csv", "tsv", "json", "jsonl")


class ShellOptions(TypedDict):
    """The options of ``shell`` that say how statements run and results look."""

    output_format: str
    full_scan: str | None
    timeout: float | None
    timing: bool
    no_guard: bool
    quiet: bool
    json_errors: bool


class Commands(click.Group):
    """A group whose interrupted command ends with 130, as scripts expect, where click says 1."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that was named."""
        from pegasus_shell.exit_code import ExitCode

        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            sys.exit(ExitCode.INTERRUPTED)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="pegasus-tab")
def main() -> None:
    """Pegasus Tab: SQL over a partitioned, replicated key-value store."""


@main.command()
@click.argument("dsn", default=DEFAULT_DSN)
@click.option(
    "-c", "--command", "commands", multiple=True, help="Run these statements and exit; may repeat."
)
@click.option(
    "-f",
    "--file",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Run a file and exit; may repeat.",
)
@click.option(
    "--format",
    "output_format",
    type=click.Choice(FORMAT_NAMES),
    default="aligned",
    show_default=True,
)
@click.option(
    "--full-scan",
    type=click.Choice(["allow", "warn", "error"]),
    help="What a statement that reads a whole table does.  [default: DSN's, or warn]",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.001),
    help="Seconds a statement may take, and each page of its rows after the first.  [default: DSN's, or 30]",
)
@click.option("--timing", is_flag=True, help="Say how long each statement takes.")
@click.option("--no-guard", is_flag=True, help="Do not ask before DELETE and UPDATE without WHERE.")
@click.option("-q", "--quiet", is_flag=True, help="Say only errors beside the data.")
@click.option("--json-errors", is_flag=True, help="Print errors as JSON objects.")
def shell(
    dsn: str, commands: tuple[str, ...], files: tuple[Path, ...], **options: Unpack[ShellOptions]
) -> None:
    """Open the SQL shell on DSN (default: an embedded node in ./pegasus-data).

    With -c, -f or piped input the statements run and the shell exits. Data goes to stdout, all else to
    stderr. Exit codes: 0 ok, 1 a statement failed, 2 wrong usage, 3 no connection, 4 timeout,
    130 interrupted.
    """
    from pegasus_shell.narration import Narration, unbroken_pipe
    from pegasus_shell.session import Session
    from pegasus_shell.statement_run import View

    session = Session(
        dsn=dsn,
        narration=Narration(quiet=options["quiet"], json_errors=options["json_errors"]),
        view=View(format=options["output_format"], timing=options["timing"]),
        full_scan=options["full_scan"],
        timeout=options["timeout"],
        guard=not options["no_guard"],
    )
    with unbroken_pipe():
        sys.exit(session.run(commands, files))


@main.command()
@click.argument("dsn", default=DEFAULT_DSN)
@click.option("--load-only", is_flag=True, help="Load the data and stop before the tour.")
@click.option("--queries-only", is_flag=True, help="Take the tour; the data is loaded already.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing about loading.")
def demo(dsn: str, load_only: bool, queries_only: bool, quiet: bool) -> None:
    """Load five tables of New York flights into DSN and show each access path with EXPLAIN."""
    from pegasus_shell.demo.run import run_demo

    sys.exit(run_demo(dsn, load=not queries_only, tour=not load_only, quiet=quiet))


@main.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def standalone(arguments: tuple[str, ...]) -> None:
    """Run a node: meta server and replica server in one process (--data DIR --port P)."""
    start_server("standalone", arguments)


def start_server(role: str, arguments: tuple[str, ...]) -> None:
    """Become a server: it is a program of its own, which the shell must not import."""
    import os

    os.execv(sys.executable, [sys.executable, "-m", "pegasus_server", role, *arguments])  # noqa: S606


@main.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def meta(arguments: tuple[str, ...]) -> None:
    """Run a meta server of a cluster (--config FILE)."""
    start_server("meta", arguments)


@main.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def replica(arguments: tuple[str, ...]) -> None:
    """Run a replica server of a cluster (--config FILE)."""
    start_server("replica", arguments)


@main.group()
def onebox() -> None:
    """Run a whole cluster on this machine."""


@main.group()
def admin() -> None:
    """Look after a cluster and its tables."""


def add_admin_commands() -> None:
    """Attach the admin commands; their file is small and loads nothing heavy."""
    from pegasus_shell.admin import COMMANDS
    from pegasus_shell.exporting import export
    from pegasus_shell.importing import import_
    from pegasus_shell.onebox_commands import COMMANDS as ONEBOX_COMMANDS

    for command in COMMANDS:
        admin.add_command(command)
    for command in ONEBOX_COMMANDS:
        onebox.add_command(command)
    main.add_command(import_)
    main.add_command(export)


add_admin_commands()
