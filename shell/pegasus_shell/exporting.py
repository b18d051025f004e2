"""``pegasus-tab export``: COPY ... TO for each of several tables, put together from options."""

import sys
from collections.abc import Sequence

import click

from pegasus_shell.exit_code import ExitCode, exit_code
from pegasus_shell.narration import Narration


@click.command("export")
@click.argument("tables", nargs=-1, required=True)
@click.argument("target")
@click.option("--dsn", default="file:./pegasus-data", show_default=True, help="Node or cluster.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["parquet", "csv", "arrow"]),
    default="parquet",
    show_default=True,
    help="Of the files.",
)
@click.option(
    "--bytes-per-second",
    type=click.IntRange(min=1024),
    help="Limit of each server.  [default: none]",
)
@click.option("--no-wait", is_flag=True, help="Begin the jobs and print their numbers.")
@click.option("-q", "--quiet", is_flag=True, help="Say only errors.")
def export(
    tables: tuple[str, ...],
    target: str,
    dsn: str,
    format_: str,
    bytes_per_second: int | None,
    no_wait: bool,
    quiet: bool,
) -> None:
    """Export TABLES to TARGET, a folder or URL; each table gets a folder of its own in it.

    The same as the statement COPY ... TO. Ctrl-C ends the waiting, not the job.
    """
    options = [f"FORMAT {format_}"]
    if bytes_per_second is not None:
        options.append(f"BYTES_PER_SECOND {bytes_per_second}")
    if no_wait:
        options.append("WAIT FALSE")
    statements = [
        f"COPY {_name(table)} TO {_text(target)} ({', '.join(options)})" for table in tables
    ]
    sys.exit(_run(dsn, statements, quiet=quiet))


def _run(dsn: str, statements: Sequence[str], *, quiet: bool) -> ExitCode:
    import pegasus_tab
    from pegasus_shell.progress_bar import shown_progress

    narration = Narration(quiet=quiet)
    try:
        with pegasus_tab.connect(dsn) as connection:
            connection.add_notice_handler(lambda text: narration.say(f"NOTICE:  {text}"))
            for text in statements:
                with shown_progress(connection, narration.terminal):
                    cursor = connection.execute(text)
                if cursor.description is None:
                    narration.say(f"COPY {cursor.rowcount}")
                else:
                    narration.rows(f"{job}\n" for (job,) in cursor.fetchall())
    except pegasus_tab.Error as error:
        error.position = None  # it would point into a statement that nobody has written
        narration.fault(error)
        return exit_code(error)
    except KeyboardInterrupt as interrupt:
        for note in getattr(interrupt, "__notes__", ()):
            narration.say(note)
        return ExitCode.INTERRUPTED
    return ExitCode.OK


def _name(text: str) -> str:
    """Return a name for SQL; quoted, so that it means the very table typed."""
    return '"' + text.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
