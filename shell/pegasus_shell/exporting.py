"""``pegasus-tab export``: COPY ... TO for each of several tables, put together from options."""

import sys

import click

from pegasus_shell.copy_run import quoted_name, quoted_text, run_copies


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
        f"COPY {quoted_name(table)} TO {quoted_text(target)} ({', '.join(options)})"
        for table in tables
    ]
    sys.exit(run_copies(dsn, statements, quiet=quiet))
