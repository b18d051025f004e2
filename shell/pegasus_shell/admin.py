"""``pegasus-tab admin ...``: for scripts and operators. The commands that make and drop tables."""

from typing import TYPE_CHECKING

import click

from pegasus_shell import admin_orders, admin_reports
from pegasus_shell.admin_run import carry_out, dsn_option
from pegasus_tab.base.limits import PARTITIONS_DEFAULT, REPLICAS_DEFAULT, REPLICAS_MAX

if TYPE_CHECKING:
    from pegasus_tab.kv import Client


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


COMMANDS = (create_table, drop_table, *admin_reports.COMMANDS, *admin_orders.COMMANDS)
