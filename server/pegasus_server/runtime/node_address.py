"""A server's name inside the cluster and its address on the wire: the same thing, written twice."""

from pegasus_tab.base.ids import NodeName
from pegasus_tab.wire.messages import NO_ADDRESS, Address


def address_of(node: NodeName | None) -> Address:
    """Turn a server's name into an address, none into the address for none."""
    if node is None:
        return NO_ADDRESS
    host, _, port = node.rpartition(":")
    return Address(host, int(port))


def node_of(address: Address) -> NodeName:
    """Turn an address into the name of the server that listens there."""
    return NodeName(str(address))
