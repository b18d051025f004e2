"""Where a server listens, and the two ways the protocol writes that down (protocol reference 2.2)."""

from dataclasses import dataclass
from typing import Final

from pegasus_tab.base.errors import DataError
from pegasus_tab.wire.errors import RemoteProtocolError

_TYPE_INVALID: Final = 0
_TYPE_IPV4: Final = 1


@dataclass(frozen=True, slots=True)
class Address:
    """A server's host and port; falsy when there is no server.

    Attributes:
        host: an IPv4 address in dotted form when it came from an rpc_address, "" for none.
        port: 1 to 65535, 0 for none.
    """

    host: str = ""
    port: int = 0

    def __bool__(self) -> bool:
        return self.port != 0

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


NO_ADDRESS: Final = Address()


def pack_rpc_address(address: Address) -> int:
    """Turn an address into the protocol's 64-bit number.

    Args:
        address: an IPv4 address and port, or ``NO_ADDRESS``.

    Returns:
        IPv4 address in the top half, port in bits 16 to 31, type in the low 16; 0 for none.

    Raises:
        DataError: the host is not an IPv4 address or the port is out of range. The protocol has
            no room for names.
    """
    if not address:
        return 0
    parts = address.host.split(".")
    if (
        len(parts) != 4
        or not all(part.isdecimal() and part.isascii() and int(part) < 256 for part in parts)
        or not 0 < address.port < 65536
    ):
        raise DataError(
            f"{address} is not an IPv4 address and port",
            hint="clients get replica addresses as IPv4; resolve the name first",
        )
    ipv4 = int.from_bytes(map(int, parts), "big")
    return ipv4 << 32 | address.port << 16 | _TYPE_IPV4


def unpack_rpc_address(number: int) -> Address:
    """Turn the protocol's 64-bit number into an address.

    Args:
        number: unsigned, as packed by ``pack_rpc_address``.

    Returns:
        The address, ``NO_ADDRESS`` for type 0.

    Raises:
        RemoteProtocolError: a type that servers never send to clients.
    """
    kind = number & 0xFFFF
    if kind == _TYPE_INVALID:
        return NO_ADDRESS
    if kind != _TYPE_IPV4:
        raise RemoteProtocolError(f"an rpc_address has type {kind}, expected 0 (none) or 1 (IPv4)")
    return Address(".".join(map(str, (number >> 32).to_bytes(4, "big"))), number >> 16 & 0xFFFF)
