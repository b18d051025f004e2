"""``pegasus-tab admin ...``: tables by name, over the key-value client, for scripts and operators."""

import sys
from typing import TYPE_CHECKING

import click

from pegasus_shell.exit_code import ExitCode, exit_code
from pegasus_shell.narration import Narration
from pegasus_tab.base.errors import Error
from pegasus_tab.base.limits import PARTITIONS_DEFAULT, REPLICAS_DEFAULT, REPLICAS_MAX

if TYPE_CHECKING:
    from collections.abc import Callable

    from pegasus_tab.kv import Client

dsn_option = click.option(
    "--dsn", default="file:./pegasus-data", show_default=True, help="Which node or cluster."
)


@click.command("create-table")
@click.argument("name")
@click.option(
    "--partitions", type=int, default=PARTITIONS_DEFAULT, show_default=True, help="A power of two."
)
@click.option(
    "--replicas",
    type=click.IntRange(1, REPLICAS_MAX),
    help="Copies of each partition.  [default: 3, or as many as there are servers if fewer]",
)
@click.option("--if-not-exists", is_flag=True)
@dsn_option
def create_table(
    name: str, partitions: int, replicas: int | None, if_not_exists: bool, dsn: str
) -> None:
    """Create a raw key-value table NAME."""

    def act(client: "Client") -> str:
        client.create_table(
            name,
            partitions=partitions,
            replicas=replicas or REPLICAS_DEFAULT,
            if_not_exists=if_not_exists,
        )
        return f"created {name} with {partitions} partitions"

    carry_out(dsn, act)


@click.command("drop-table")
@click.argument("name")
@dsn_option
def drop_table(name: str, dsn: str) -> None:
    """Drop table NAME; it can be recalled until its hold time ends."""

    def act(client: "Client") -> str:
        client.drop_table(name)
        return f"dropped {name}; RECALL TABLE {name} brings it back"

    carry_out(dsn, act)


@click.command("list-tables")
@dsn_option
def list_tables(dsn: str) -> None:
    """List the tables: id, name, partitions."""

    def act(client: "Client") -> str:
        rows = [f"{t.app_id}\t{t.app_name}\t{t.partition_count}" for t in client.list_tables()]
        return "\n".join(rows)

    carry_out(dsn, act)


@click.command("nodes")
@dsn_option
def nodes(dsn: str) -> None:
    """List the replica servers: address, alive or not."""

    def act(client: "Client") -> str:
        from pegasus_tab.wire.codes import NodeStatus

        rows = [
            f"{each.address}\t{NodeStatus(each.status).name.lower()}"
            for each in client.list_nodes()
        ]
        return "\n".join(rows)

    carry_out(dsn, act)


@click.command("partitions")
@click.argument("table")
@dsn_option
def partitions(table: str, dsn: str) -> None:
    """List the partitions of TABLE: index, ballot, last committed decree, primary, secondaries."""

    def act(client: "Client") -> str:
        rows = [
            f"{each.pid.partition_index}\t{each.ballot}\t{each.last_committed_decree}\t"
            f"{each.primary or '-'}\t{','.join(map(str, each.secondaries))}"
            for each in client.partitions(table)
        ]
        return "\n".join(rows)

    carry_out(dsn, act)


def carry_out(dsn: str, act: "Callable[[Client], str]") -> None:
    """Connect, act, print what it returned; exit with the code of what went wrong."""
    from pegasus_tab.kv import connect

    try:
        with connect(dsn) as client:
            text = act(client)
    except Error as error:
        Narration().fault(error)
        sys.exit(exit_code(error))
    if text:
        click.echo(text)
    sys.exit(ExitCode.OK)


COMMANDS = (create_table, drop_table, list_tables, nodes, partitions)
