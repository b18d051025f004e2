"""``pegasus-tab demo``: load the tables through the driver, then take the tour."""

import sys
import time
from collections.abc import Iterable, Iterator
from itertools import islice

import click

import pegasus_tab
from pegasus_shell.demo.dataset import TABLES, DemoTable
from pegasus_shell.demo.tour import TOUR, Stop
from pegasus_shell.exit_code import ExitCode, exit_code
from pegasus_shell.narration import Narration
from pegasus_shell.statement_run import StatementRun, View
from pegasus_tab.base.errors import Error, ProgrammingError

BATCH_ROWS = 5_000


def run_demo(dsn: str, *, load: bool, tour: bool, quiet: bool) -> ExitCode:
    """Load and show; return the process's exit code."""
    narration = Narration()
    try:
        with pegasus_tab.connect(dsn, timeout=120) as connection:
            if load:
                load_tables(connection, narration, quiet=quiet)
            return take_tour(connection, narration) if tour else ExitCode.OK
    except Error as error:
        narration.fault(error)
        return exit_code(error)
    except KeyboardInterrupt:
        narration.say("\nInterrupted; run it again and it goes on with the tables that are missing")
        return ExitCode.INTERRUPTED


def load_tables(connection: pegasus_tab.Connection, narration: Narration, *, quiet: bool) -> None:
    """Load every table that is not there whole; a table of the same name with other columns is left alone."""
    missing = [table for table in TABLES if not is_loaded(connection, table)]
    if not missing:
        if not quiet:
            narration.say("The demo tables are loaded already.")
        return
    start = time.perf_counter()
    for table in missing:
        load_table(connection, table, quiet=quiet)
    rows = sum(table.rows for table in missing)
    seconds = time.perf_counter() - start
    if not quiet:
        narration.say(f"Loaded {rows:,} rows in {seconds:.1f} s ({rows / seconds:,.0f} rows/s)")


def is_loaded(connection: pegasus_tab.Connection, table: DemoTable) -> bool:
    """Whether the table is there with all its rows.

    Raises:
        ProgrammingError: a table of that name has other columns.
    """
    found = connection.session.catalog.table(table.name)
    if found is None:
        return False
    names = tuple(column.name for column in found.schema.columns)
    if names != tuple(name for name, _ in table.columns):
        hint = f"drop or rename {table.name}, or give the demo another DSN"
        raise ProgrammingError(
            f"a table {table.name} of yours is in the way", sqlstate="42P07", hint=hint
        )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table.name}")  # noqa: S608 -- our own constant
        row = cursor.fetchone()
    return row is not None and row[0] == table.rows


def load_table(connection: pegasus_tab.Connection, table: DemoTable, *, quiet: bool) -> None:
    """Create a table and write its rows, with a progress bar on a terminal unless quiet."""
    with connection.cursor() as cursor:
        cursor.execute(table.definition.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1))
        label = f"Loading {table.name:<9}"
        with click.progressbar(
            length=table.rows, label=label, show_pos=True, file=sys.stderr, hidden=quiet
        ) as bar:
            for batch in batches(table.read()):
                cursor.executemany(table.upsert, batch)
                bar.update(len(batch))


def batches(rows: Iterable[tuple[object, ...]]) -> Iterator[list[tuple[object, ...]]]:
    """Cut rows into lists of BATCH_ROWS."""
    stream = iter(rows)
    while batch := list(islice(stream, BATCH_ROWS)):
        yield batch


def take_tour(connection: pegasus_tab.Connection, narration: Narration) -> ExitCode:
    """Show each stop; end at the first that fails."""
    run = StatementRun(connection, narration, View(timing=True))
    for number, stop in enumerate(TOUR, 1):
        narration.rows(heading(number, stop))
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {stop.sql}")
            narration.rows(f"    {row[0]}" for row in cursor.fetchall())
        narration.rows([""])
        code = run.statement(stop.sql)
        if code is not ExitCode.OK:
            return code
    return ExitCode.OK


def heading(number: int, stop: Stop) -> list[str]:
    """Return the lines above a query: the question, what to look at, the statement."""
    return ["", f"{number}. {stop.title}", f"   Look for: {stop.look}.", "", f"{stop.sql};", ""]
