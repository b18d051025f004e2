"""The one error of this package: the peer sent bytes that are not the protocol."""

from pegasus_tab.base.errors import OperationalError


class RemoteProtocolError(OperationalError):
    """The peer sent something that is not a Pegasus frame or struct.

    Nothing can be read from the connection after it: where the next frame starts is unknown, so
    whoever owns the connection closes it. SQLSTATE 08P01 is protocol_violation.
    """

    default_sqlstate = "08P01"
