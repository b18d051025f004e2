"""The commands ``pegasus-tab onebox ...``; what they need is imported when they run."""

import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from pegasus_shell.onebox import Onebox

REPLICAS_DEFAULT = 3
REPLICAS_MAX = 32
METAS_MAX = 5

folder_option = click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default="./pegasus-onebox",
    show_default=True,
    help="Where the cluster is.",
)


@click.command("start")
@click.option(
    "--replica-servers",
    type=click.IntRange(1, REPLICAS_MAX),
    default=REPLICAS_DEFAULT,
    show_default=True,
    help="How many, when the cluster is made.",
)
@click.option(
    "--metas",
    type=click.IntRange(1, METAS_MAX),
    default=1,
    show_default=True,
    help="Meta servers, when the cluster is made; several need --zookeeper.",
)
@click.option(
    "--zookeeper",
    is_flag=True,
    help="The meta servers keep their state in a ZooKeeper server of the cluster's own.",
)
@folder_option
def start(replica_servers: int, metas: int, zookeeper: bool, folder: Path) -> None:
    """Start the cluster, making it when there is none; print how to reach it."""
    from pegasus_shell.onebox import LIST_NAME, Onebox, Shape, has_server_package
    from pegasus_shell.onebox_server import OneboxError

    def act() -> str:
        if not has_server_package():
            raise OneboxError('the server is not installed; run: pip install "pegasus-tab[server]"')
        if (folder / LIST_NAME).exists():
            onebox = Onebox.open(folder)
        else:
            onebox = Onebox.make(folder, Shape(metas, replica_servers, zookeeper))
        onebox.start()
        await_members(onebox)
        return f"{len(onebox.servers)} servers run; connect with: pegasus-tab shell {onebox.dsn}"

    carry_out(act)


@click.command("stop")
@folder_option
def stop(folder: Path) -> None:
    """Stop the cluster; its data stays."""
    from pegasus_shell.onebox import Onebox

    carry_out(lambda: f"{Onebox.open(folder).stop()} servers stopped")


@click.command("status")
@folder_option
def status(folder: Path) -> None:
    """List the servers: name, address, process; and how to reach the cluster."""
    from pegasus_shell.onebox import Onebox

    def act() -> str:
        onebox = Onebox.open(folder)
        lines = [f"dsn\t{onebox.dsn}"]
        for server in onebox.servers:
            pid = server.pid()
            state = "stopped" if pid is None else f"running\t{pid}"
            lines.append(f"{server.name}\t{server.address}\t{state}")
        return "\n".join(lines)

    carry_out(act)


@click.command("add")
@folder_option
def add(folder: Path) -> None:
    """Add a replica server to the running cluster and start it."""
    from pegasus_shell.onebox import Onebox
    from pegasus_shell.onebox_server import OneboxError, await_start

    def act() -> str:
        onebox = Onebox.open(folder)
        if len(onebox.replicas) >= REPLICAS_MAX:
            raise OneboxError(f"there are {REPLICAS_MAX} replica servers; that is the most")
        server = onebox.add_replica()
        server.start()
        await_start(server)
        return f"{server.name} runs; spread replicas: pegasus-tab admin balance --dsn {onebox.dsn}"

    carry_out(act)


@click.command("kill")
@click.argument("node")
@folder_option
def kill(node: str, folder: Path) -> None:
    """End server NODE at once, as a crash would (SIGKILL)."""
    from pegasus_shell.onebox import Onebox
    from pegasus_shell.onebox_server import OneboxError, await_end

    def act() -> str:
        server = Onebox.open(folder).find(node)
        if not server.signal(signal.SIGKILL):
            raise OneboxError(f"{node} does not run")
        await_end(server)
        return f"{node} is killed; bring it back with: pegasus-tab onebox restart {node}"

    carry_out(act)


@click.command("restart")
@click.argument("node")
@folder_option
def restart(node: str, folder: Path) -> None:
    """Start server NODE, stopping it first if it runs."""
    from pegasus_shell.onebox import Onebox
    from pegasus_shell.onebox_server import await_end, await_start

    def act() -> str:
        server = Onebox.open(folder).find(node)
        if server.signal(signal.SIGTERM):
            await_end(server)
        server.start()
        await_start(server)
        return f"{node} runs"

    carry_out(act)


def await_members(onebox: "Onebox") -> None:
    """Wait until a meta server leads that knows all replica servers to be alive.

    Raises:
        OneboxError: it does not; says where to look.
    """
    from pegasus_shell.onebox_server import LOOK_SECONDS, START_SECONDS_MAX, OneboxError
    from pegasus_tab.base.errors import Error
    from pegasus_tab.kv import connect
    from pegasus_tab.wire.codes import NodeStatus

    wanted = {server.address for server in onebox.replicas}
    deadline = time.monotonic() + START_SECONDS_MAX
    missing = ""
    with connect(onebox.dsn) as client:
        while time.monotonic() < deadline:
            try:
                nodes = client.list_nodes()
            except Error as error:
                # After a crash the session of the leader before must end first.
                missing = f"no meta server leads ({error})"
                continue
            if wanted <= {str(each.address) for each in nodes if each.status == NodeStatus.ALIVE}:
                return
            missing = "not all replica servers reach the meta server"
            time.sleep(LOOK_SECONDS)
    raise OneboxError(f"{missing}; look at {onebox.folder}/*.output")


def carry_out(act: "Callable[[], str]") -> None:
    """Act and print what it returned; exit with 1 and the reason if that cannot be done."""
    from pegasus_shell.exit_code import ExitCode
    from pegasus_shell.onebox_server import OneboxError
    from pegasus_tab.base.errors import Error

    try:
        click.echo(act())
    except (OneboxError, OSError, Error) as error:
        click.echo(f"pegasus-tab: {error}", err=True)
        sys.exit(ExitCode.STATEMENT)


COMMANDS = (start, stop, status, add, kill, restart)
