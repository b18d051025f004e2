"""Ports for servers that are started, stopped and started again on the same one."""

import random
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Final

_EPHEMERAL: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_FIRST: Final = 10_000
_ROOM: Final = 1000
"""Fewer ports than that below the ephemeral ones are too few to choose from."""
_TRIES: Final = 1000


def free_ports(count: int) -> list[int]:
    """Return loopback ports that nobody uses now, and that no outgoing connection will be given.

    The kernel takes the near end of a connection from its ephemeral ports; a server that is stopped
    for a moment and had one of those may find it taken when it comes back.

    Args:
        count: how many, all different, >= 1.

    Raises:
        OSError: there are not so many.
    """
    end = _lowest_ephemeral()
    found: list[int] = []
    with ExitStack() as held:
        for _ in range(_TRIES):
            probe = held.enter_context(socket.socket())
            wanted = random.randrange(_FIRST, end) if end >= _FIRST + _ROOM else 0  # noqa: S311 -- no secret
            try:
                probe.bind(("127.0.0.1", wanted))
            except OSError:
                probe.close()
                continue
            found.append(probe.getsockname()[1])
            if len(found) == count:
                return found
    raise OSError(f"no {count} free ports from {_FIRST} to {end} on 127.0.0.1")


def _lowest_ephemeral() -> int:
    try:
        return int(_EPHEMERAL.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 0
