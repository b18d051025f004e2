"""From meta's proposals to the configurations a replica asks for (pegasus-features.md d7)."""

from collections.abc import Iterable

from pegasus_tab.base.cluster import PartitionConfig
from pegasus_tab.base.ids import Ballot, NodeName


def with_primary(config: PartitionConfig, node: NodeName) -> PartitionConfig:
    """Return the next configuration, with ``node`` as its primary."""
    others = [each for each in config.secondaries if each != node]
    return _next(config, node, others)


def with_secondary(config: PartitionConfig, node: NodeName) -> PartitionConfig:
    """Return the next configuration, with ``node`` as one more secondary."""
    return _next(config, config.primary, [*config.secondaries, node])


def without(config: PartitionConfig, node: NodeName) -> PartitionConfig:
    """Return the next configuration, without ``node``."""
    primary = None if config.primary == node else config.primary
    return _next(config, primary, [each for each in config.secondaries if each != node])


def with_primary_as_secondary(config: PartitionConfig) -> PartitionConfig:
    """Return the next configuration, without primary; who was it is a secondary."""
    assert config.primary is not None
    return _next(config, None, [*config.secondaries, config.primary])


def _next(
    config: PartitionConfig, primary: NodeName | None, secondaries: Iterable[NodeName]
) -> PartitionConfig:
    ballot = Ballot(config.ballot + 1)
    return PartitionConfig(ballot, primary, tuple(secondaries), config.max_replica_count)
