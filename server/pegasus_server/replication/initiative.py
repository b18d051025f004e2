"""What a replica asks of meta: proposals carried out, lost members dropped, learners promoted."""

from pegasus_server.replication.effects import Effect, ReportToMeta
from pegasus_server.replication.messages import NO_SIGNATURE
from pegasus_server.replication.proposals import (
    with_primary,
    with_primary_as_secondary,
    with_secondary,
    without,
)
from pegasus_server.replication.reconfiguration import Reconfiguration
from pegasus_server.replication.replica_state import ReplicaState
from pegasus_server.replication.roles import Leadership, Roles
from pegasus_tab.base.cluster import (
    ConfigProposal,
    PartitionConfig,
    ProposalKind,
    ReplicaReport,
    ReplicaStatus,
    UpdateReason,
)
from pegasus_tab.base.ids import Ballot, NodeName


class Initiative:
    """Changes of configuration this replica asks for.

    Invariants:
      A4   a secondary, and a learner meta was asked to promote, leave through meta alone;
      A9   a suspect replica and a learner do not ask to become primary on a proposal to upgrade;
      A18  a primary that asks for a change commits nothing until the outcome is known.

    Args:
        state: the replica's.
        roles: the replica's.
        reconfiguration: the request under way.
    """

    def __init__(self, state: ReplicaState, roles: Roles, reconfiguration: Reconfiguration) -> None:
        self._state = state
        self._roles = roles
        self._reconfiguration = reconfiguration

    def report(self) -> ReplicaReport:
        """Give an account of the replica."""
        mutations, roles = self._state.mutations, self._roles
        last = mutations.get(mutations.logged)
        return ReplicaReport(
            node=self._state.node,
            gpid=self._state.gpid,
            status=roles.status,
            ballot=self._state.ballot,
            durable=self._state.durable,
            applied=mutations.applied,
            committed=mutations.committed,
            prepared=mutations.logged,
            logged_ballot=last.ballot if last else Ballot(0),
            suspect=self._state.suspect,
            learners=roles.leadership.teaching.learners if roles.leadership else (),
        )

    def on_proposal(self, proposal: ConfigProposal, now_us: int) -> list[Effect]:
        """Bring about what meta wants; if that cannot be, answer with a report.

        Args:
            proposal: under this replica's ballot or a higher one.
            now_us: CLOCK_BOOTTIME, microseconds.
        """
        stands = proposal.kind in (ProposalKind.ASSIGN_PRIMARY, ProposalKind.UPGRADE_TO_PRIMARY)
        if stands:
            # Meta confirms nothing to a primary it counts as gone, also not that it accepted an
            # earlier request; that it proposes under a later ballot is all the answer there is.
            self._reconfiguration.overtake(proposal.config.ballot)
        if not self._reconfiguration.may_begin(now_us):
            return [ReportToMeta(self.report())]
        if stands:
            return self._stand_for_primary(proposal, now_us)
        leadership = self._roles.serving
        if leadership is None or proposal.config.ballot != self._state.ballot:
            return [ReportToMeta(self.report())]
        return self._as_primary(proposal, leadership, now_us)

    def _stand_for_primary(self, proposal: ConfigProposal, now_us: int) -> list[Effect]:
        config, node, roles = proposal.config, self._state.node, self._roles
        fit = config.primary in (None, node) and roles.learner is None
        if proposal.kind == ProposalKind.UPGRADE_TO_PRIMARY:
            # A9: the log must be whole; ASSIGN is meta's own choice among what is left.
            fit = fit and node in config.members and not self._state.suspect
        serves = roles.serving is not None and config.ballot == self._state.ballot
        if not fit or serves or proposal.node != node or roles.status == ReplicaStatus.ERROR:
            return [ReportToMeta(self.report())]
        wanted = with_primary(config, node)
        return self._reconfiguration.begin(wanted, UpdateReason.BECOME_PRIMARY, node, now_us)

    def _as_primary(
        self, proposal: ConfigProposal, leadership: Leadership, now_us: int
    ) -> list[Effect]:
        node, config = proposal.node, leadership.primary.config
        if proposal.kind == ProposalKind.ADD_LEARNER:
            if node in config.members:
                return [ReportToMeta(self.report())]
            return leadership.teaching.add(node, now_us)
        if node != self._state.node:
            return self._let_go(leadership, node, now_us)
        if proposal.kind == ProposalKind.DOWNGRADE_TO_SECONDARY:
            wanted = with_primary_as_secondary(config)
        else:
            wanted = without(config, node)
        return self._step_down(leadership, wanted, now_us)

    def _step_down(
        self, leadership: Leadership, config: PartitionConfig, now_us: int
    ) -> list[Effect]:
        """Ask not to be primary any more, until meta agrees: a refused request may linger."""
        leadership.primary.leaving = config
        node = self._state.node
        return self._request(leadership, config, UpdateReason.STEP_DOWN, node, now_us)

    @property
    def is_content(self) -> bool:
        """Tell whether nothing but time or bad news gives it more to ask for."""
        roles = self._roles
        if roles.learner is not None:
            return False
        leadership = roles.leadership
        if leadership is None:
            return True
        return leadership.primary.leaving is None and not leadership.teaching.has_pupils

    def pursue(self, now_us: int) -> list[Effect]:
        """As primary, ask for what the state of the group calls for."""
        leadership = self._roles.serving
        if leadership is None or not self._reconfiguration.may_begin(now_us):
            return []
        primary, teaching = leadership.primary, leadership.teaching
        if primary.leaving is not None:
            return self._step_down(leadership, primary.leaving, now_us)
        member = primary.member_to_drop(now_us)
        lost = member.node if member is not None else teaching.silent(now_us)
        if lost is not None:
            return self._let_go(leadership, lost, now_us)
        node = teaching.to_promote()
        if node is not None:
            return self._promote(leadership, node, now_us)
        stuck_us = self._disk_deadline(leadership)
        if stuck_us is not None and now_us >= stuck_us:
            return self._step_down(leadership, with_primary_as_secondary(primary.config), now_us)
        return []

    def _disk_deadline(self, leadership: Leadership) -> int | None:
        """Return when to hand over because of a stuck disk; never if there is nobody to take it."""
        primary = leadership.primary
        return primary.disk_deadline() if primary.config.secondaries else None

    def next_deadline(self) -> int | None:
        """Return when ``pursue`` has more to do, CLOCK_BOOTTIME in microseconds."""
        leadership = self._roles.serving
        if leadership is None or self._reconfiguration.pending is not None:
            return None
        due = (leadership.teaching.next_deadline(), self._disk_deadline(leadership))
        known = [each for each in due if each is not None]
        return max(min(known), self._reconfiguration.wait_until_us) if known else None

    def _let_go(self, leadership: Leadership, node: NodeName, now_us: int) -> list[Effect]:
        """Stop waiting for a node: through meta, unless it is a learner nobody promoted (A4)."""
        primary = leadership.primary
        member = primary.group.get(node)
        if member is None or (member.signature != NO_SIGNATURE and not member.pinned):
            return leadership.teaching.dismiss(node, now_us)
        wanted = without(primary.config, node)
        return self._request(leadership, wanted, UpdateReason.DROP_SECONDARY, node, now_us)

    def _promote(self, leadership: Leadership, node: NodeName, now_us: int) -> list[Effect]:
        pupil = leadership.primary.group.get(node)
        assert pupil is not None, "A11: only a learner that takes part is promoted"
        pupil.pinned = True
        wanted = with_secondary(leadership.primary.config, node)
        return self._request(leadership, wanted, UpdateReason.ADD_SECONDARY, node, now_us)

    def _request(
        self,
        leadership: Leadership,
        config: PartitionConfig,
        reason: UpdateReason,
        node: NodeName,
        now_us: int,
    ) -> list[Effect]:
        leadership.primary.frozen = True
        return self._reconfiguration.begin(config, reason, node, now_us)

    def resign(self, config: PartitionConfig, now_us: int) -> list[Effect]:
        """As a primary that failed, let meta find another one without waiting for the lease."""
        if not config.secondaries or self._reconfiguration.pending is not None:
            return []
        node = self._state.node
        wanted = without(config, node)
        return self._reconfiguration.begin(wanted, UpdateReason.STEP_DOWN, node, now_us)
