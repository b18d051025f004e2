"""The commands of ``pegasus-tab admin`` that change who holds what, and what meta may do."""

from typing import TYPE_CHECKING

import click

from pegasus_shell.admin_run import (
    NodeAddress,
    carry_out,
    dsn_option,
    format_option,
    show_rows,
    with_client,
)
from pegasus_tab.base.errors import ProgrammingError
from pegasus_tab.base.ids import Gpid

if TYPE_CHECKING:
    from pegasus_shell.narration import Narration
    from pegasus_tab.kv import Client
    from pegasus_tab.wire.messages import Address, PartitionDiagnosis

LEVELS = ("freezed", "steady", "lively")
EVIDENCE = ("table", "partition", "state", "node", "alive", "ballot", "committed", "prepared")


@click.command("propose")
@click.argument("table")
@click.argument("partition", type=click.IntRange(min=0))
@click.argument("change", type=click.Choice(["move-primary", "copy-replica", "remove-replica"]))
@click.option("--from", "source", type=NodeAddress(), help="The secondary to take it from.")
@click.option("--to", "target", type=NodeAddress(), help="The server to give it to.")
@dsn_option
def propose(
    table: str,
    partition: int,
    change: str,
    source: "Address | None",
    target: "Address | None",
    dsn: str,
) -> None:
    """Change who holds PARTITION of TABLE.

    move-primary makes the secondary --to the primary. copy-replica gives --to the replica that the
    secondary --from has. remove-replica takes the replica from the secondary --from; another server
    gets one if there is one.
    """
    if (source is None) != (change == "move-primary"):
        raise click.UsageError(f"{change} needs {'--to alone' if source else '--from'}")
    if (target is None) != (change == "remove-replica"):
        raise click.UsageError(f"{change} needs {'--from alone' if target else '--to'}")

    def act(client: "Client") -> str:
        gpid, cluster = gpid_of(client, table, partition), client.cluster()
        if target is not None and source is not None:
            cluster.copy_replica(gpid, source, target)
        elif target is not None:
            cluster.move_primary(gpid, target)
        elif source is not None:
            cluster.remove_replica(gpid, source)
        return f"ordered; watch it with: pegasus-tab admin partitions {table}"

    carry_out(dsn, act)


@click.command("level")
@click.argument("level", type=click.Choice(LEVELS), required=False)
@dsn_option
def set_level(level: str | None, dsn: str) -> None:
    """Tell what meta does by itself, or set it to LEVEL.

    freezed: nothing but answer. steady: replace what is lost, and delete what is proven superfluous.
    lively: balance as well.
    """

    def act(client: "Client") -> str:
        from pegasus_tab.wire.codes import FunctionLevel

        if level is None:
            return client.cluster().level().name.lower()
        before = client.cluster().set_level(FunctionLevel[level.upper()])
        return f"{level}, was {before.name.lower()}"

    carry_out(dsn, act)


@click.command("diagnose")
@click.argument("table", required=False)
@click.option("--partition", type=click.IntRange(min=0), help="Only this one.")
@click.option(
    "--force-from",
    type=NodeAddress(),
    help="Make this server's replica the primary, although writes it lacks are lost then.",
)
@dsn_option
@format_option
def diagnose(
    table: str | None,
    partition: int | None,
    force_from: "Address | None",
    dsn: str,
    output_format: str,
) -> None:
    """List the partitions that are not whole, with what is known of each replica.

    A partition whose members are all lost is never given to a server that was dropped before: that
    server may lack acknowledged writes. Compare the decrees, then choose with --force-from.
    """
    if partition is not None and table is None:
        raise click.UsageError("--partition needs TABLE")
    if force_from is not None and partition is None:
        raise click.UsageError("--force-from needs TABLE and --partition")

    def run(client: "Client", narration: "Narration") -> None:
        app_id = -1 if table is None else gpid_of(client, table, partition or 0).app_id
        gpid = Gpid(app_id, -1 if partition is None else partition)
        if force_from is not None:
            client.cluster().force_primary(gpid, force_from)
            narration.say(f"{force_from} becomes primary of {table} {partition} with what it has")
            return
        found = client.cluster().diagnose(gpid)
        names = {each.app_id: each.app_name for each in client.list_tables()}
        rows = [row for each in found for row in _evidence_rows(each, names)]
        if rows:
            show_rows(narration, output_format, EVIDENCE, rows)
        else:
            narration.say("every partition has all its replicas")

    with_client(dsn, run)


def _evidence_rows(
    diagnosis: "PartitionDiagnosis", names: dict[int, str]
) -> list[tuple[object, ...]]:
    """Render a partition and each replica that is known of it."""
    from pegasus_tab.execute.show_cluster import partition_state

    config = diagnosis.config
    name = names.get(config.pid.app_id, str(config.pid.app_id))
    head = (name, config.pid.partition_index, partition_state(config, diagnosis.reason))
    rows: list[tuple[object, ...]] = [
        (
            *head,
            str(each.node),
            each.is_alive,
            _known(each.ballot),
            _known(each.last_committed_decree),
            _known(each.last_prepared_decree),
        )
        for each in diagnosis.evidence
    ]
    return rows or [(*head, None, None, None, None, None)]


def _known(number: int) -> int | None:
    return None if number < 0 else number


@click.command("recover")
@click.option(
    "--nodes",
    help="All replica servers, as host:port,...  [default: those that meta hears of]",
)
@click.option("--skip-silent", is_flag=True, help="Go on without servers that do not answer.")
@click.option("--skip-lost", is_flag=True, help="Make partitions without any replica anew, empty.")
@dsn_option
def recover(nodes: str | None, skip_silent: bool, skip_lost: bool, dsn: str) -> None:
    """Rebuild the metadata from the replica servers, when meta's store is lost.

    The store must be empty. Nothing is changed unless every table and partition is accounted for.
    """
    kind = NodeAddress()
    named = [kind.convert(each.strip(), None, None) for each in (nodes or "").split(",") if each]

    def act(client: "Client") -> str:
        findings = client.cluster().recover(named, skip_silent=skip_silent, skip_lost=skip_lost)
        recovered = len(client.list_tables())
        return "\n".join(filter(None, [findings, f"{recovered} tables are back"]))

    carry_out(dsn, act)


def gpid_of(client: "Client", table: str, index: int) -> Gpid:
    """Return a partition's id.

    Raises:
        ProgrammingError: there is no such table, or no such partition.
    """
    info = client.table_info(table)
    if info is None:
        raise ProgrammingError(f'table "{table}" does not exist', sqlstate="42P01")
    if index >= info.partition_count:
        raise ProgrammingError(
            f'table "{table}" has the partitions 0 to {info.partition_count - 1}', sqlstate="22023"
        )
    return Gpid(info.app_id, index)


COMMANDS = (propose, set_level, diagnose, recover)
