"""The composition root: the command line, the reactor, and the one place where parts are joined."""

import argparse
import gc
import logging
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from twisted.internet.main import installReactor

from pegasus_server.mutation_log.durability import Durability
from pegasus_server.runtime.clock import boottime_seconds
from pegasus_server.runtime.cluster_config import (
    MetaConfig,
    ReplicaConfig,
    data_path,
    ipv4,
    read_config,
)
from pegasus_server.runtime.data_folder import STANDALONE, DataFolder
from pegasus_server.runtime.node import Node
from pegasus_server.runtime.node_log import report_startup_fault, start_logging
from pegasus_server.runtime.options import NodeOptions
from pegasus_server.runtime.round_reactor import RoundReactor
from pegasus_server.runtime.startup_fault import (
    EXIT_BAD_FOLDER,
    EXIT_FAILED,
    EXIT_USAGE,
    StartupFault,
)
from pegasus_tab.base.ids import Gpid
from pegasus_tab.base.limits import MIB
from pegasus_tab.base.version import VERSION

if TYPE_CHECKING:
    from pegasus_server.runtime.meta_server import MetaServer
    from pegasus_server.runtime.replica_server import ReplicaServer

logger = logging.getLogger(__name__)

COLLECTOR_OBJECTS = 20_000
"""New objects, less those gone again, between two looks of the garbage collector."""

EMBEDDED_SEGMENT_BYTES = 16 * MIB
"""A folder in somebody's project should not begin with a hundred megabytes of empty log."""


class ClusterRole(NamedTuple):
    """A server of a cluster.

    Attributes:
        name: "meta" or "replica".
        config: its configuration file.
    """

    name: str
    config: Path


def parse_options(arguments: Sequence[str]) -> NodeOptions | ClusterRole:
    """Read the command line; exits with a usage message if it is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m pegasus_server", description="A Pegasus Tab server."
    )
    parser.add_argument("--version", action="version", version=VERSION)
    roles = parser.add_subparsers(dest="role", required=True)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--version", action="version", version=VERSION)
    role = roles.add_parser(
        "standalone",
        help="meta server and replica server in one process",
        parents=[shared],
        argument_default=argparse.SUPPRESS,  # what is not given is NodeOptions' business
    )
    add = role.add_argument
    add("--data", type=Path, required=True, help="data folder")
    add("--host", help="IPv4 address to listen on (default 127.0.0.1)")
    add("--insecure", action="store_true", help="allow a --host that others can reach")
    add("--port", type=int, help="port (default 34601); 0 takes a free one")
    add("--advertise", help="IPv4 address told to clients")
    add("--port-file", type=Path, help="file to write the port to")
    add("--durability", help="sync (default), interval:<ms> or os")
    add("--free-bytes-min", type=int, help="refuse writes while the disk has less room")
    add("--embedded", action="store_true", help="end with the last client")
    add("--linger-seconds", type=float, help="how long after it (default 2)")
    add(
        "--accept-loss",
        dest="accepted_losses",
        metavar="APP.INDEX",
        action="append",
        type=_gpid,
        help="serve this partition without what the log lost of it; may be given several times",
    )
    for name in ("meta", "replica"):
        role = roles.add_parser(name, help=f"{name} server of a cluster", parents=[shared])
        role.add_argument("--config", type=Path, required=True, help="TOML file; see the docs")
    chosen = vars(parser.parse_args(arguments))
    name = chosen.pop("role")
    if name != STANDALONE:
        return ClusterRole(name, chosen["config"])
    chosen["accepted_losses"] = frozenset(chosen.get("accepted_losses", ()))
    if chosen.get("embedded"):
        chosen["segment_bytes_max"] = EMBEDDED_SEGMENT_BYTES
    try:
        for key in {"host", "advertise"} & chosen.keys():
            chosen[key] = ipv4(chosen[key])
        return NodeOptions(**chosen)
    except ValueError as error:
        parser.error(str(error))


def _gpid(text: str) -> Gpid:
    """Read a partition's name, as log messages have it."""
    app_id, _, index = text.partition(".")
    if not (app_id.isdecimal() and index.isdecimal()):
        raise argparse.ArgumentTypeError(f"a partition is named like 2.5, not {text!r}")
    return Gpid(int(app_id), int(index))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a node until it is told to stop.

    Args:
        arguments: the command line without the program's name; None takes the process's.

    Returns:
        The process's exit code: 0 after a clean stop, else one of startup_fault.
    """
    if not __debug__:
        sys.stderr.write("pegasus-tab: python -O removes the invariant checks; start without -O\n")
        return EXIT_USAGE
    options = parse_options(sys.argv[1:] if arguments is None else arguments)
    _raise_file_limit()
    if isinstance(options, NodeOptions):
        return _guarded(options.data, partial(_run_standalone, options))
    try:
        config = _read(options)
    except StartupFault as fault:
        print(f"pegasus-tab: {fault}", file=sys.stderr)  # noqa: T201 -- this is for a person
        return fault.exit_code
    data = data_path(options.config, config)
    return _guarded(data, partial(_run_cluster_role, config, data))


def _guarded(data: Path, run: Callable[[], int]) -> int:
    """Run a server; whatever keeps it from starting goes to its folder's log and an exit code."""
    try:
        return run()
    except StartupFault as fault:
        report_startup_fault(data, str(fault))
        return fault.exit_code
    except OSError as error:
        report_startup_fault(data, f"data folder {data} cannot be used: {error}")
        return EXIT_BAD_FOLDER
    except Exception as error:
        logger.exception("the node failed to start")
        report_startup_fault(data, f"the node failed to start: {error!r}; see node.log")
        return EXIT_FAILED


def _run_standalone(options: NodeOptions) -> int:
    reactor = _install_reactor()
    folder = DataFolder.open(options.data, started=time.time(), entropy=os.urandom)
    start_logging(folder.path, to_stderr=not options.embedded)
    _warn_of_durability(options.durability)
    return _serve(reactor, Node(reactor, options, folder))


def _read(role: ClusterRole) -> MetaConfig | ReplicaConfig:
    if role.name == "meta":
        return read_config(role.config, MetaConfig)
    return read_config(role.config, ReplicaConfig)


def _run_cluster_role(config: MetaConfig | ReplicaConfig, data: Path) -> int:
    reactor = _install_reactor()
    is_meta = isinstance(config, MetaConfig)
    folder = DataFolder.open(
        data, started=time.time(), entropy=os.urandom, role="meta" if is_meta else "replica"
    )
    start_logging(folder.path, to_stderr=True)
    if isinstance(config, MetaConfig):
        # A node of its own starts faster without what only a cluster needs.
        from pegasus_server.runtime.meta_server import MetaServer

        return _serve(reactor, MetaServer(reactor, config, folder))
    from pegasus_server.runtime.replica_server import ReplicaServer

    _warn_of_durability(config.durability)
    return _serve(reactor, ReplicaServer(reactor, config, folder))


def _warn_of_durability(durability: str) -> None:
    warning = Durability.parse(durability).warning
    if warning is not None:
        logger.warning("%s", warning)


def _serve(reactor: Any, server: "Node | MetaServer | ReplicaServer") -> int:
    server.start()
    _spare_the_collector()
    reactor.addSystemEventTrigger("before", "shutdown", server.stop)
    reactor.run()
    return 0


def _spare_the_collector() -> None:
    """Have Python look for reference cycles seldom: requests make many objects and no cycles.

    With the defaults a tenth of a busy server's time goes into looking. What is there at start
    stays to the end and is looked at no more.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECTOR_OBJECTS, 20, 50)


def _install_reactor() -> Any:
    """Install Twisted's epoll reactor on the boot clock, before anything else imports a reactor."""
    reactor = RoundReactor()
    # Twisted's default is the wall clock, and every timer would follow its steps.
    cast("Any", reactor).seconds = boottime_seconds
    cast("Any", installReactor)(reactor)
    return reactor


def _raise_file_limit() -> None:
    """Allow as many open files as the system lets us: every RocksDB keeps dozens."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
