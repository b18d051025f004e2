"""What meta's store keeps of one partition: its configuration and who dropped out of it last.

Every member of a configuration holds every write acknowledged under it, because a commit waits for
all of them (A4). So the members of the newest configuration that had any are the ones to ask when
all are gone; that is what the drops remember.
"""

from dataclasses import dataclass

from pegasus_tab.base.cluster import PartitionConfig
from pegasus_tab.base.ids import Ballot, NodeName

DROPS_MAX = 8
"""Servers remembered per partition; the ones dropped longest ago are forgotten first."""


@dataclass(frozen=True, slots=True)
class Drop:
    """A server that left the configuration.

    Attributes:
        node: which.
        ballot: of the last configuration it was a member of.
    """

    node: NodeName
    ballot: Ballot


@dataclass(frozen=True, slots=True)
class PartitionRecord:
    """One partition in the store.

    Invariants: no member is among the drops; drops are in order of their ballots, each below the
    configuration's; learners are never stored.
    """

    config: PartitionConfig
    drops: tuple[Drop, ...] = ()

    def __post_init__(self) -> None:
        assert not self.config.learners, "only the primary knows its learners"
        assert len(self.drops) <= DROPS_MAX
        ballots = [each.ballot for each in self.drops]
        assert ballots == sorted(ballots)
        assert all(each < self.config.ballot for each in ballots)
        assert not {each.node for each in self.drops} & set(self.config.members)

    @property
    def is_unborn(self) -> bool:
        """Tell whether nobody ever held the partition."""
        return self.config.ballot == 0

    def followed_by(self, config: PartitionConfig) -> "PartitionRecord":
        """Return the record with the next configuration, remembering who left (A8)."""
        assert config.ballot == self.config.ballot + 1, "A8: ballots rise by one"
        left = [each for each in self.config.members if each not in config.members]
        drops = [
            each for each in self.drops if each.node not in config.members and each.node not in left
        ]
        drops += [Drop(node, self.config.ballot) for node in left]
        return PartitionRecord(config, tuple(drops[-DROPS_MAX:]))

    def last_members(self) -> tuple[NodeName, ...]:
        """Return who surely holds every acknowledged write: the last configuration with members."""
        if self.config.members or not self.drops:
            return self.config.members
        newest = self.drops[-1].ballot
        return tuple(each.node for each in self.drops if each.ballot == newest)


def unborn(replica_count: int) -> PartitionRecord:
    """Return the record of a partition nobody holds yet."""
    return PartitionRecord(PartitionConfig(Ballot(0), None, max_replica_count=replica_count))


def shape(config: PartitionConfig) -> tuple[Ballot, NodeName | None, frozenset[NodeName]]:
    """Return what decides: two configurations of one shape are the same configuration."""
    return config.ballot, config.primary, frozenset(config.secondaries)
