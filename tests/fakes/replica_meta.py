"""A meta server of one partition, just clever enough for replicas: it compares ballots."""

from pegasus_tab.base.cluster import (
    ConfigNotice,
    ConfigProposal,
    ConfigQuery,
    ConfigUpdate,
    ConfigUpdateReply,
    PartitionConfig,
    ProposalKind,
    ReplicaReport,
)
from pegasus_tab.base.ids import Ballot, NodeName
from tests.fakes.replica_node import GPID


class MetaStub:
    """The partition's configuration; every change is remembered by its ballot.

    Args:
        max_replica_count: of the table.

    Attributes:
        config: the current configuration.
        frozen: refuse changes.
        reports: the last report of each node.
    """

    def __init__(self, max_replica_count: int) -> None:
        self.config = PartitionConfig(Ballot(0), None, (), max_replica_count)
        self.frozen = False
        self.reports: dict[NodeName, ReplicaReport] = {}

    def take(
        self, message: ConfigUpdate | ConfigQuery | ReplicaReport
    ) -> ConfigUpdateReply | ConfigNotice | None:
        """Answer one message."""
        match message:
            case ConfigUpdate():
                return self._update(message)
            case ConfigQuery():
                return ConfigNotice(GPID, self.config, message.sent_us)
            case ReplicaReport():
                self.reports[message.node] = message
                return None

    def _update(self, update: ConfigUpdate) -> ConfigUpdateReply:
        accepted = update.new_config == self.config
        if update.expected_ballot == self.config.ballot and not self.frozen:
            self.config = update.new_config
            accepted = True
        return ConfigUpdateReply(GPID, update.expected_ballot, accepted, self.config)

    def propose(self, kind: str, node: str) -> tuple[NodeName, ConfigProposal]:
        """Return a proposal and whom it goes to."""
        proposal = ConfigProposal(GPID, ProposalKind(kind), NodeName(node), self.config)
        about_itself = kind in ("assign_primary", "upgrade_to_primary")
        receiver = proposal.node if about_itself else self.config.primary
        return receiver or proposal.node, proposal

    def bury(self) -> None:
        """Take the primary, whose lease is over, out of the configuration."""
        config = self.config
        ballot = Ballot(config.ballot + 1)
        self.config = PartitionConfig(ballot, None, config.secondaries, config.max_replica_count)
