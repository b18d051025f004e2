"""What the commands of ``pegasus-tab admin`` share: options, the connection, output, exit codes.

Data goes to stdout and all else to stderr, as in the shell; what is needed to connect is imported
when a command runs.
"""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

import click

from pegasus_tab.base.errors import Error

if TYPE_CHECKING:
    from pegasus_shell.narration import Narration
    from pegasus_tab.kv import Client
    from pegasus_tab.wire.messages import Address

    _AddressType = click.ParamType[Address]
else:
    _AddressType = click.ParamType  # not generic in older versions

FORMAT_NAMES = ("aligned", "csv", "tsv", "json", "jsonl")

dsn_option = click.option(
    "--dsn", default="file:./pegasus-data", show_default=True, help="Which node or cluster."
)
format_option = click.option(
    "--format",
    "output_format",
    type=click.Choice(FORMAT_NAMES),
    default="aligned",
    show_default=True,
)


def carry_out(dsn: str, act: "Callable[[Client], str]") -> NoReturn:
    """Connect, act, print what it returned; exit with the code of what went wrong."""

    def run(client: "Client", _: "Narration") -> None:
        text = act(client)
        if text:
            click.echo(text)

    with_client(dsn, run)


def with_client(dsn: str, run: "Callable[[Client, Narration], None]") -> NoReturn:
    """Connect and run; exit with the code of what went wrong, 0 when nothing did."""
    from pegasus_shell.exit_code import ExitCode, exit_code
    from pegasus_shell.narration import Narration, unbroken_pipe
    from pegasus_tab.kv import connect

    narration = Narration()
    try:
        with unbroken_pipe(), connect(dsn) as client:
            run(client, narration)
    except Error as error:
        narration.fault(error)
        sys.exit(exit_code(error))
    sys.exit(ExitCode.OK)


def show_rows(
    narration: "Narration",
    output_format: str,
    names: Sequence[str],
    rows: Sequence[Sequence[object]],
) -> None:
    """Print rows in one of FORMAT_NAMES."""
    from pegasus_shell.output_format import FORMATS

    narration.rows(FORMATS[output_format](names, rows))


def run_statement(dsn: str, sql: str, output_format: str) -> NoReturn:
    """Run a SQL statement and print its rows: the statement and the command never disagree."""
    from pegasus_shell.narration import Narration, unbroken_pipe
    from pegasus_shell.session import Session
    from pegasus_shell.statement_run import View

    session = Session(dsn, Narration(quiet=True), View(format=output_format))
    with unbroken_pipe():
        sys.exit(session.run([sql], []))


class NodeAddress(_AddressType):
    """A server's name, as ``admin nodes`` prints it."""

    name = "host:port"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> "Address":
        """Read it."""
        from pegasus_tab.wire.messages import Address

        if isinstance(value, Address):
            return value
        host, _, port = str(value).rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            self.fail(f"{value!r} is not a server's name; `admin nodes` lists them", param, ctx)
        return Address(host, int(port))
