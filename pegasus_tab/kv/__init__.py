"""Key-value client: a sans-I/O session and its drivers; ``connect`` is the way in."""

from collections.abc import Sequence
from typing import Final

from pegasus_tab.base.errors import InterfaceError
from pegasus_tab.kv.blocking import BlockingClient
from pegasus_tab.kv.client import Client
from pegasus_tab.kv.cluster import ClusterHandle
from pegasus_tab.kv.dsn import CLIENT_OPTIONS, Dsn, parse_dsn
from pegasus_tab.kv.table import Check, Checked, KeyFilter, TableHandle
from pegasus_tab.wire.address import Address
from pegasus_tab.wire.codes import CasCheckType, FilterType
from pegasus_tab.wire.keys import encode_key

__all__ = [
    "TIMEOUT_MS_DEFAULT",
    "CasCheckType",
    "Check",
    "Checked",
    "Client",
    "ClusterHandle",
    "FilterType",
    "KeyFilter",
    "TableHandle",
    "connect",
    "encode_key",
]

TIMEOUT_MS_DEFAULT: Final = 5000


def connect(where: str | Dsn | Sequence[Address], *, timeout_ms: int | None = None) -> Client:
    """Open a key-value client; an embedded node is started or joined now, a cluster asked later.

    Args:
        where: a DSN, as text or parsed (``kv.dsn``), or addresses of meta servers.
        timeout_ms: for each call, repetitions included, >= 1; the DSN's or 5000 when None.

    Returns:
        The client, to be closed by the caller; it is a context manager.

    Raises:
        InterfaceError: the DSN or the timeout is wrong.
        OperationalError: the embedded node does not start.
    """
    dsn = parse_dsn(where) if isinstance(where, str) else where
    if not isinstance(dsn, Dsn):
        dsn = Dsn(addresses=tuple(dsn))
    stated = _timeout_ms(dsn)
    limit = stated if timeout_ms is None else timeout_ms
    if limit < 1:
        raise InterfaceError(f"a timeout of {limit} ms is too short", sqlstate="22023")
    folder = dsn.folder
    if folder is None:
        return Client(BlockingClient(dsn.addresses, timeout_ms=limit))
    # What starting a process needs takes 5 ms to import, and most clients never start one.
    from pegasus_tab.kv.embedded import open_embedded  # noqa: PLC0415 -- see above

    def find_node() -> list[Address]:
        return [open_embedded(folder)]

    return Client(BlockingClient(find_node(), timeout_ms=limit, find_metas=find_node))


def _timeout_ms(dsn: Dsn) -> int:
    unknown = sorted(set(dsn.options) - CLIENT_OPTIONS)
    if unknown:
        raise InterfaceError(
            f'unknown option "{unknown[0]}" in the DSN',
            sqlstate="22023",
            hint="the only option of a key-value client is timeout_ms",
        )
    text = dsn.options.get("timeout_ms", str(TIMEOUT_MS_DEFAULT))
    if not (text.isascii() and text.isdigit()):
        raise InterfaceError(f'timeout_ms in the DSN is "{text}", not a number', sqlstate="22023")
    return int(text)
