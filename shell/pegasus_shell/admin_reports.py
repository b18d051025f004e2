"""The commands of ``pegasus-tab admin`` that look: each is the SQL statement of the same name."""

import click

from pegasus_shell.admin_run import dsn_option, format_option, run_statement


@click.command("tables")
@dsn_option
@format_option
def tables(dsn: str, output_format: str) -> None:
    """List the tables (SHOW TABLES)."""
    run_statement(dsn, "SHOW TABLES", output_format)


@click.command("nodes")
@dsn_option
@format_option
def nodes(dsn: str, output_format: str) -> None:
    """List the replica servers and what they hold (SHOW NODES)."""
    run_statement(dsn, "SHOW NODES", output_format)


@click.command("cluster")
@dsn_option
@format_option
def cluster(dsn: str, output_format: str) -> None:
    """Tell what the cluster is, and whether it is whole (SHOW CLUSTER)."""
    run_statement(dsn, "SHOW CLUSTER", output_format)


@click.command("partitions")
@click.argument("table")
@dsn_option
@format_option
def partitions(table: str, dsn: str, output_format: str) -> None:
    """List the partitions of TABLE: who holds them, how far they are, what they lack."""
    from pegasus_tab.sql.render import quoted

    run_statement(dsn, f"SHOW PARTITIONS OF {quoted(table)}", output_format)


@click.command("balance")
@click.option("--dry-run", is_flag=True, help="Only list the moves.")
@click.option(
    "--only",
    type=click.Choice(["primaries", "replicas"]),
    help="Moves of one kind.  [default: both]",
)
@click.option("--limit", type=click.IntRange(min=1), help="Plan at most so many moves.")
@dsn_option
@format_option
def balance(
    dry_run: bool, only: str | None, limit: int | None, dsn: str, output_format: str
) -> None:
    """Spread primaries and replicas evenly; list the moves (BALANCE)."""
    words = ["BALANCE", only or "", "" if limit is None else f"LIMIT {limit}"]
    words.append("DRY RUN" if dry_run else "")
    run_statement(dsn, " ".join(filter(None, words)), output_format)


COMMANDS = (tables, nodes, cluster, partitions, balance)
