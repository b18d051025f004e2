"""How many replicas a partition with a primary has, and what brings them to the wanted number."""

from pegasus_server.meta.cure_case import QUORUM_MIN, Case, Decision, Propose, Wait, Whole
from pegasus_server.meta.lease_numbers import US_PER_SECOND
from pegasus_server.meta.placement import choose_learner, choose_surplus
from pegasus_tab.base.cluster import ProposalKind, ReplicaStatus
from pegasus_tab.base.ids import NodeName


def next_repair(case: Case) -> Decision:
    """Name the next step towards full redundancy, then towards what a move wants."""
    primary = case.config.primary
    assert primary is not None
    for node in case.config.secondaries:
        if not case.is_alive(node) or _is_broken(case, node):
            return Propose(ProposalKind.DOWNGRADE_TO_INACTIVE, node, primary)
        if _seems_wiped(case, node):
            if case.reports.has_answered(node, case.watch.asked):
                return Propose(ProposalKind.DOWNGRADE_TO_INACTIVE, node, primary)
            return Wait(f"asks {node} whether it has its replica", (node,))
    surplus = len(case.config.members) - case.replica_count
    if surplus < 0:
        return _add(case, primary)
    if surplus > 0:
        return _remove(case, primary)
    return _move(case, primary)


def _is_broken(case: Case, node: NodeName) -> bool:
    """Tell whether a secondary says of itself that it is no use."""
    report = case.reports.report(node, case.gpid)
    if report is None or not case.reports.is_later(node, case.watch.config_us):
        return False
    return report.suspect or report.status is ReplicaStatus.ERROR


def _seems_wiped(case: Case, node: NodeName) -> bool:
    """Tell whether a secondary's server does not speak of it.

    It was wiped and came back before its lease ran out. Its account may be older than the
    configuration, so it only leads to a question. Without that an idle partition would never
    notice: a server answers nothing for a replica it does not have.
    """
    if case.reports.report(node, case.gpid) is not None:
        return False
    return case.reports.is_later(node, case.watch.config_us + case.numbers.settle_us)


def _add(case: Case, primary: NodeName) -> Decision:
    learning = _learner(case, primary)
    if learning is not None:
        return Wait(f"{learning} learns")
    sent = case.watch.sent
    is_urgent = len(case.config.members) < min(QUORUM_MIN, case.replica_count)
    excluded = _unwanted(case)
    resting = frozenset(case.resting)
    if sent is not None and sent.proposal.kind is ProposalKind.ADD_LEARNER:
        may_go_on = is_urgent or sent.proposal.node not in resting
        if may_go_on and _is_sensible(case, sent.proposal.node, sent.first_us):
            return Propose(ProposalKind.ADD_LEARNER, sent.proposal.node, primary)
        excluded |= {sent.proposal.node}
    last = case.record.drops[-1].node if case.record.drops else None
    barred = excluded | resting
    if last is not None and last not in barred and not _is_unstable(case, last):
        if case.is_alive(last):
            return Propose(ProposalKind.ADD_LEARNER, last, primary)
        # What it holds is worth waiting for: catching up costs less than learning anew.
        if not is_urgent and case.now_us - case.watch.config_us < case.numbers.return_us:
            return Wait(f"{last} may come back")
    node = _choose(case, barred) or _only(case, excluded - resting)
    if node is None and is_urgent:
        node = _choose(case, excluded) or _only(case, excluded)
    if node is None:
        return Wait(_why_short(case))
    return Propose(ProposalKind.ADD_LEARNER, node, primary)


def _choose(case: Case, excluded: frozenset[NodeName]) -> NodeName | None:
    members = case.config.members
    return choose_learner(case.gpid.app_id, members, case.nodes, case.loads, excluded)


def _why_short(case: Case) -> str:
    lack = f"{len(case.config.members)} of {case.replica_count} replicas; no server left"
    resting = {
        node: until_us
        for node, until_us in case.resting.items()
        if case.is_alive(node) and node not in case.config.members
    }
    if not resting:
        return lack
    node = min(resting, key=lambda each: (resting[each], each))
    seconds = -(-(resting[node] - case.now_us) // US_PER_SECOND)
    return f"{lack} but {node}, too slow lately: it learns again in {seconds} s"


def _is_unstable(case: Case, node: NodeName) -> bool:
    """Tell whether a server restarts so often that another is tried first."""
    return node in case.nodes and case.nodes[node].is_unstable


def _unwanted(case: Case) -> frozenset[NodeName]:
    """Return whom the operator took the replica from, so that it goes elsewhere if it can."""
    watch = case.watch
    if watch.wanted_away is None or watch.wanted_learner is not None:
        return frozenset()
    return frozenset((watch.wanted_away,))


def _learner(case: Case, primary: NodeName) -> NodeName | None:
    """Return the living learner the primary reports."""
    report = case.reports.report(primary, case.gpid)
    if report is None or report.status is not ReplicaStatus.PRIMARY:
        return None
    living = (each.node for each in report.learners if case.is_alive(each.node))
    return next((node for node in living if node not in case.config.members), None)


def _is_sensible(case: Case, node: NodeName, first_us: int) -> bool:
    if not case.is_alive(node) or node in case.config.members:
        return False
    return case.now_us - first_us < case.numbers.learn_start_us


def _only(case: Case, excluded: frozenset[NodeName]) -> NodeName | None:
    """Return an excluded server that is alive: better to try it again than nobody."""
    return next(
        (each for each in sorted(excluded) if _is_sensible(case, each, case.now_us)),
        None,
    )


def _remove(case: Case, primary: NodeName) -> Decision:
    away = case.watch.wanted_away
    if away not in case.config.secondaries:
        away = choose_surplus(case.gpid.app_id, case.config, case.nodes, case.loads)
    assert away is not None
    return Propose(ProposalKind.REMOVE, away, primary)


def _hand_over(case: Case, primary: NodeName, wanted: NodeName) -> Decision:
    """Let the primary step down once its successor has said that it can take over.

    Otherwise another one would, and would be told to step down at once, and so on for ever.
    """
    report = case.reports.report(wanted, case.gpid)
    is_fresh = case.reports.is_later(wanted, case.watch.config_us + case.numbers.settle_us)
    if not is_fresh and not case.reports.has_answered(wanted, case.watch.asked):
        return Wait(f"asks {wanted} whether it can take over", (wanted,))
    if report is None or report.suspect or report.status is not ReplicaStatus.SECONDARY:
        return Wait(f"{wanted} cannot take over")
    return Propose(ProposalKind.DOWNGRADE_TO_SECONDARY, primary, primary)


def _move(case: Case, primary: NodeName) -> Decision:
    watch = case.watch
    if watch.wanted_primary in case.config.secondaries:
        return _hand_over(case, primary, watch.wanted_primary)
    if watch.wanted_learner is not None and watch.wanted_learner not in case.config.members:
        return Propose(ProposalKind.ADD_LEARNER, watch.wanted_learner, primary)
    if watch.wanted_learner is None and watch.wanted_away in case.config.secondaries:
        return Propose(ProposalKind.REMOVE, watch.wanted_away, primary)
    return Whole()
