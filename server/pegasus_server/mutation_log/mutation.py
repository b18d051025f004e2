"""What the log keeps: one numbered change of one partition."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from pegasus_tab.base.ids import Ballot, Decree, Gpid


class Mutation(NamedTuple):
    """One change of one partition, as its primary ordered it (PacificA section 2).

    Attributes:
        gpid: the partition.
        ballot: the configuration it was prepared under, 0 <= ballot < 2**64.
        decree: its number in the partition, 1 <= decree < 2**64, without holes.
        timestamp_us: time its primary gave it, microseconds since 1970.
        body: the encoded physical batch; opaque to the log. Empty for a NOOP.
    """

    gpid: Gpid
    ballot: Ballot
    decree: Decree
    timestamp_us: int
    body: bytes


ContentOf: TypeAlias = Callable[[bytes], bytes]
"""What of a body (ballot, decree) names: all but what its writer knew when it logged it (A7)."""


def whole_body(body: bytes) -> bytes:
    """Return a body as it is: nothing in it depends on when it was logged."""
    return body
