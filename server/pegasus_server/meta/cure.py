"""What a partition needs next (pegasus-features.md d9): the one place that decides it.

``decide`` looks at one partition and names one step: a proposal, or what it waits for. It is
asked again whenever something changed, so a step that got lost is simply named again.
Who becomes primary is decided in ``succession``, how many replicas there are in ``redundancy``.
"""

from pegasus_server.meta.cure_case import Case, Decision, Propose, Replace, Wait
from pegasus_server.meta.redundancy import next_repair
from pegasus_server.meta.succession import next_primary
from pegasus_tab.base.cluster import ProposalKind, ReplicaStatus
from pegasus_tab.base.ids import NodeName


def decide(case: Case) -> Decision:
    """Name the next step of a partition."""
    primary = case.config.primary
    if primary is None or case.watch.gone_us is not None:
        return next_primary(case)
    return _doubt(case, primary) or next_repair(case)


def _doubt(case: Case, primary: NodeName) -> Decision | None:
    """Look whether the primary, though its server is alive, does not serve.

    A server that restarted before this meta server led, or whose replica broke, reports so. One
    report may be older than the configuration, so it only leads to a question; a proposal to the
    primary itself is safe at any time, and replacing it needs an answer to that question.
    """
    report = case.reports.report(primary, case.gpid)
    if not case.reports.is_later(primary, case.watch.config_us + case.numbers.settle_us):
        return None
    if report is not None and report.status is ReplicaStatus.PRIMARY:
        return None
    if not case.reports.has_answered(primary, case.watch.asked):
        return Wait(f"asks {primary} whether it serves", (primary,))
    if report is None or report.suspect or report.status is ReplicaStatus.ERROR:
        return Replace(f"{primary} cannot serve its replica")
    return Propose(ProposalKind.UPGRADE_TO_PRIMARY, primary, primary)
