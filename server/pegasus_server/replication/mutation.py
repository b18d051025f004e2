"""A mutation: one numbered change of a partition, as its primary ordered it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from pegasus_tab.base.ids import Ballot, Decree

Change: TypeAlias = tuple[bytes, bytes | None]
"""One change of a physical batch, as the storage engine takes it; opaque here."""


class Mutation(NamedTuple):
    """A physical batch with its position (PacificA section 2).

    Attributes:
        ballot: the configuration it was last prepared under; (decree, ballot) names the content.
        decree: its position in the partition, >= 1.
        timestamp_us: given by the primary that made it, strictly rising in the decree. It stays
            when the mutation is prepared again, so it tells whether two mutations are the same.
        changes: the batch; opaque, and empty for a NOOP.
        bytes: size of its keys and values.
        born: the ballot it was first prepared under. A primary makes mutations only above all it
            took over, so along what is committed ``born`` never falls.
    """

    ballot: Ballot
    decree: Decree
    timestamp_us: int
    changes: Sequence[Change]
    bytes: int
    born: Ballot

    def under(self, ballot: Ballot) -> "Mutation":
        """Return the same change, prepared under a later ballot."""
        assert ballot > self.ballot, "A7: a mutation is prepared again only under a higher ballot"
        return self._replace(ballot=ballot)


@dataclass(slots=True)
class Prepared:
    """A mutation between prepare and commit, on this replica.

    Attributes:
        mutation: what and where.
        tokens: names of the client writes inside; empty unless this replica took them.
        logged: the own disk holds it under this ballot.
        sent_us: when a primary sent it out, microseconds of CLOCK_BOOTTIME.
    """

    mutation: Mutation
    tokens: tuple[object, ...] = ()
    logged: bool = False
    sent_us: int = 0

    @property
    def decree(self) -> Decree:
        """Its position."""
        return self.mutation.decree

    @property
    def ballot(self) -> Ballot:
        """The configuration it was prepared under."""
        return self.mutation.ballot
