"""Who becomes primary (A9).

Only a member of the newest configuration that had members may: it holds every acknowledged write,
unless it says itself that its log may be short (suspect) or that it is broken. Never a learner,
never a server that was dropped before; those are the operator's to choose, who sees the evidence.
"""

from pegasus_server.meta.cure_case import Case, Decision, Propose, Wait
from pegasus_server.meta.placement import choose_primary
from pegasus_tab.base.cluster import ProposalKind, ReplicaReport, ReplicaStatus
from pegasus_tab.base.ids import NodeName

_RUNNING = (ReplicaStatus.PRIMARY, ReplicaStatus.SECONDARY)


def next_primary(case: Case) -> Decision:
    """Name the next step towards a primary."""
    if case.watch.operator_choice is not None:
        return _as_told(case, case.watch.operator_choice)
    if case.record.is_unborn:
        return _first(case)
    members = case.record.last_members()
    silent = [each for each in members if case.is_alive(each) and not _has_answered(case, each)]
    if silent and case.now_us - case.watch.asked_us < case.numbers.survey_us:
        return Wait(f"asks {', '.join(silent)}", tuple(silent))
    usable = [report for each in members if (report := _evidence(case, each)) is not None]
    absent = [each for each in members if not _has_answered(case, each)]
    since_us = case.watch.config_us if case.watch.gone_us is None else case.watch.gone_us
    has_outage = not any(each.status in _RUNNING for each in usable)
    if has_outage and absent and case.now_us - since_us < case.numbers.outage_us:
        # Damage to the last synced block looks like a torn tail: the others may know more (A9).
        return Wait(f"after an outage, waits for {', '.join(absent)}", tuple(silent))
    if not usable:
        return Wait(_why_none(case, members), tuple(silent))
    return _appoint(case, _best(case, usable).node)


def _first(case: Case) -> Decision:
    sent = case.watch.sent
    excluded: frozenset[NodeName] = frozenset()
    if sent is not None:
        if case.is_alive(sent.to) and case.now_us - sent.first_us < case.numbers.learn_start_us:
            return _appoint(case, sent.to)
        excluded = frozenset((sent.to,))
    resting = frozenset(case.resting)
    node = choose_primary(case.gpid.app_id, case.nodes, case.loads, excluded | resting)
    node = node or choose_primary(case.gpid.app_id, case.nodes, case.loads, excluded)
    node = node or choose_primary(case.gpid.app_id, case.nodes, case.loads)
    return Wait("no replica server is alive") if node is None else _appoint(case, node)


def _as_told(case: Case, node: NodeName) -> Decision:
    if not case.is_alive(node):
        return Wait(f"{node}, the operator's choice, is not alive")
    return Propose(ProposalKind.ASSIGN_PRIMARY, node, node)


def _appoint(case: Case, node: NodeName) -> Propose:
    is_member = node in case.config.members
    kind = ProposalKind.UPGRADE_TO_PRIMARY if is_member else ProposalKind.ASSIGN_PRIMARY
    return Propose(kind, node, node)


def _has_answered(case: Case, node: NodeName) -> bool:
    return case.is_alive(node) and case.reports.has_answered(node, case.watch.asked)


def _evidence(case: Case, node: NodeName) -> ReplicaReport | None:
    """Return the fresh report of a member that may become primary."""
    report = case.reports.report(node, case.gpid) if _has_answered(case, node) else None
    if report is None or report.suspect or report.status is ReplicaStatus.ERROR:
        return None
    # A learner that replaced a lost replica in place does not hold what its predecessor did.
    return None if report.status is ReplicaStatus.LEARNER else report


def _best(case: Case, usable: list[ReplicaReport]) -> ReplicaReport:
    """Take the one with the longest log; a move's wish and the load decide between equals.

    A member that runs needs no recovery; it goes before one that restarted.
    """
    return max(
        usable,
        key=lambda each: (
            each.status in _RUNNING,
            each.node == case.watch.wanted_primary,
            each.logged_ballot,
            each.prepared,
            -case.loads.primaries(each.node),
            each.node,
        ),
    )


def _why_none(case: Case, members: tuple[NodeName, ...]) -> str:
    """Say what every member lacks; the operator decides on it."""
    return "no member can lead: " + ", ".join(f"{each} {_lack(case, each)}" for each in members)


def _lack(case: Case, node: NodeName) -> str:
    if not case.is_alive(node):
        return "is not alive"
    if not _has_answered(case, node):
        return "does not answer"
    report = case.reports.report(node, case.gpid)
    if report is None:
        return "has no replica"
    if report.failure:
        return f"failed ({report.failure}); restart it to have its replica opened again"
    return "is suspect" if report.suspect else f"is {report.status}"
