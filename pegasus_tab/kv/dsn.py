"""Where to connect, as one line of text.

``pegasus://host:port,host:port/`` names the meta servers of a cluster, ``file:path`` a folder with an
embedded node. Options follow a question mark, ``pegasus://h/?timeout_ms=2000``.
"""

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from pegasus_tab.base.errors import InterfaceError
from pegasus_tab.base.record import record
from pegasus_tab.wire.address import Address

META_PORT: Final = 34601
"""Where a meta server listens unless it says otherwise (protocol reference 1)."""

CLIENT_OPTIONS: Final = frozenset({"timeout_ms"})
"""Options of a DSN that the key-value client takes; a SQL connection also takes its settings."""

FORMS: Final = (
    "write pegasus://HOST:PORT/ or pegasus://HOST1:PORT1,HOST2:PORT2/ for a cluster "
    f"(the port is {META_PORT} when left out), file:FOLDER for an embedded node"
)


@record
class Dsn:
    """What a text said.

    Invariant: either there are addresses or there is a folder.

    Attributes:
        addresses: meta servers of a cluster, empty for an embedded node.
        folder: data folder of an embedded node, None for a cluster.
        options: what followed the question mark; values as text.
    """

    addresses: tuple[Address, ...] = ()
    folder: Path | None = None
    options: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert bool(self.addresses) != (self.folder is not None)


def parse_dsn(text: str) -> Dsn:
    """Read a DSN.

    Args:
        text: see the module's text.

    Returns:
        What it names; a relative folder stays relative.

    Raises:
        InterfaceError: it is not a DSN; the hint lists the forms.
    """
    scheme, colon, rest = text.strip().partition(":")
    if not colon or scheme not in {"pegasus", "file"}:
        raise _bad(text, "it begins with neither pegasus: nor file:")
    place, _, query = rest.partition("?")
    options = _options(text, query)
    if scheme == "file":
        return Dsn(folder=_folder(text, place), options=options)
    if not place.startswith("//"):
        raise _bad(text, "two slashes are missing behind pegasus:")
    hosts, _, path = place[2:].partition("/")
    if path:
        raise _bad(text, f'"/{path}" behind the hosts means nothing')
    return Dsn(addresses=tuple(_address(text, host) for host in hosts.split(",")), options=options)


def _folder(text: str, place: str) -> Path:
    if place.startswith("//"):
        host, slash, path = place[2:].partition("/")
        if host not in {"", "localhost"}:
            raise _bad(text, f'"{host}" is taken for a host; write file:{host}{slash}{path}')
        place = slash + path
    if not place:
        raise _bad(text, "the folder is missing")
    return Path(unquote(place))


def _address(text: str, host: str) -> Address:
    try:
        parts = urlsplit(f"//{host.strip()}")
        port = parts.port
    except ValueError as fault:
        raise _bad(text, f'"{host}" is not HOST:PORT') from fault
    if not parts.hostname or parts.netloc != host.strip() or parts.username is not None:
        raise _bad(text, f'"{host}" is not HOST:PORT' if host.strip() else "a host is missing")
    if port == 0:
        raise _bad(text, f'"{host}" has port 0')
    return Address(parts.hostname, META_PORT if port is None else port)


def _options(text: str, query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError as fault:
        raise _bad(text, f'"?{query}" is not ?NAME=VALUE&NAME=VALUE') from fault
    options = dict(pairs)
    if len(options) != len(pairs):
        raise _bad(text, "an option is given twice")
    return options


def _bad(text: str, reason: str) -> InterfaceError:
    return InterfaceError(f'"{text}" is not a DSN: {reason}', sqlstate="08001", hint=FORMS)
