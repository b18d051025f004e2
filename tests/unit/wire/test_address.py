"""What can be sent as a server's address."""

import pytest

from pegasus_tab.base.errors import DataError
from pegasus_tab.wire.address import NO_ADDRESS, Address, pack_rpc_address, unpack_rpc_address


@pytest.mark.parametrize("host", ["1.0.0.0", "10.20.30.40", "255.255.255.255"])
def test_ipv4(host: str) -> None:
    address = Address(host, 65535)

    assert unpack_rpc_address(pack_rpc_address(address)) == address


@pytest.mark.parametrize(
    "address",
    [
        Address("localhost", 1),
        Address("", 1),
        Address("1.2.3", 1),
        Address("1.2.3.4.5", 1),
        Address("1.2.3.256", 1),
        Address("1.2.3.-4", 1),
        Address("1.2.3.\u0664", 1),
        Address("1.2.3.4", 65536),
        Address("1.2.3.4", -1),
    ],
)
def test_not_ipv4(address: Address) -> None:
    with pytest.raises(DataError, match="not an IPv4 address"):
        pack_rpc_address(address)


def test_no_address_is_falsy() -> None:
    assert not NO_ADDRESS
    assert Address("127.0.0.1", 1)
    assert str(Address("127.0.0.1", 1)) == "127.0.0.1:1"
