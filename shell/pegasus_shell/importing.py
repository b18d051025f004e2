"""``pegasus-tab import``: COPY ... FROM, put together from options."""

import sys
from collections.abc import Mapping

import click

from pegasus_shell.copy_run import quoted_name, quoted_text, run_copies

INTERRUPTED = "Interrupted; rows whose write was under way may have been written"


def _pairs(
    _context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]
) -> dict[str, str]:
    """Read ``FILE=TABLE`` column names."""
    pairs = {}
    for text in given:
        name, sign, column = text.rpartition("=")
        if not (sign and name and column):
            raise click.BadParameter(f"{text!r} is not FILE_COLUMN=TABLE_COLUMN")
        pairs[name] = column
    return pairs


def _time(text: str) -> str:
    """Return a time to live as SQL has it: seconds, or an interval."""
    return text if text.isascii() and text.isdigit() else f"INTERVAL {quoted_text(text)}"


@click.command("import")
@click.argument("table")
@click.argument("sources", nargs=-1, required=True)
@click.option("--dsn", default="file:./pegasus-data", show_default=True, help="Node or cluster.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["parquet", "csv", "arrow"]),
    help="How the files are written.  [default: as their names say]",
)
@click.option("--columns", help="The table's columns to fill, with commas between.")
@click.option(
    "--map",
    "mapping",
    multiple=True,
    callback=_pairs,
    metavar="FILE=TABLE",
    help="A column's name in the files and in the table; may repeat.",
)
@click.option(
    "--on-conflict",
    type=click.Choice(["upsert", "ignore", "fail"]),
    default="upsert",
    show_default=True,
    help="What happens to a row whose key exists.",
)
@click.option("--rejects", metavar="FILE", help="Where rows that do not fit are written.")
@click.option(
    "--max-rejects",
    type=click.IntRange(min=0),
    help="How many of them there may be.  [default: 0; any number with --rejects]",
)
@click.option("--state", metavar="FILE", help="Keeps what is done: run again to go on.")
@click.option(
    "--parallel",
    type=click.IntRange(min=1),
    help="Batches made ready at once.  [default: half the CPUs, at most 4]",
)
@click.option("--ttl", metavar="TIME", help="When the rows expire: seconds, or '30 days'.")
@click.option("--no-header", is_flag=True, help="CSV: the first line is a row.")
@click.option("--delimiter", help="CSV: between values.  [default: ,]")
@click.option("--null", help="CSV: what stands for NULL.  [default: nothing]")
@click.option("--quote", help='CSV: around values; empty for none.  [default: "]')
@click.option("-q", "--quiet", is_flag=True, help="Say only errors.")
def import_(table: str, sources: tuple[str, ...], dsn: str, quiet: bool, **options: object) -> None:
    """Load files into TABLE; each of SOURCES is a file, a folder, a quoted pattern or a URL.

    The same as the statement COPY ... FROM, see the page on importing files.
    """
    statements = [statement(table, source, options) for source in sources]
    sys.exit(run_copies(dsn, statements, quiet=quiet, interrupted=INTERRUPTED))


def statement(table: str, source: str, options: Mapping[str, object]) -> str:
    """Return the COPY statement that some options mean.

    Args:
        table: its name as typed.
        source: a file, folder, pattern or URL.
        options: values of the command's options, by parameter name.
    """
    columns = str(options.get("columns") or "")
    listed = (
        f" ({', '.join(quoted_name(one.strip()) for one in columns.split(','))})" if columns else ""
    )
    parts = [
        f"{word} {quoted_text(str(options[name]))}"
        for name, word in (
            ("format_", "FORMAT"),
            ("on_conflict", "ON_CONFLICT"),
            ("rejects", "REJECTS"),
            ("state", "STATE"),
            ("delimiter", "DELIMITER"),
            ("null", "NULL"),
            ("quote", "QUOTE"),
        )
        if options.get(name) is not None
    ]
    parts += [
        f"{name.upper()} {options[name]}"
        for name in ("max_rejects", "parallel")
        if options.get(name) is not None
    ]
    if options.get("ttl") is not None:
        parts.append(f"TTL {_time(str(options['ttl']))}")
    if options.get("no_header"):
        parts.append("HEADER FALSE")
    mapping = options.get("mapping")
    if isinstance(mapping, dict) and mapping:
        pairs = ", ".join(
            f"{quoted_text(file)} = {quoted_name(name)}" for file, name in mapping.items()
        )
        parts.append(f"MAPPING ({pairs})")
    return f"COPY {quoted_name(table)}{listed} FROM {quoted_text(source)} ({', '.join(parts)})"
