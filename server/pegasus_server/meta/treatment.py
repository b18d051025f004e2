"""Carries the cure's decisions out: proposals, questions, or patience."""

from collections.abc import Iterable
from dataclasses import replace

from pegasus_server.meta.cluster_effects import ClusterEffect, Send
from pegasus_server.meta.cure import decide
from pegasus_server.meta.cure_case import Propose, Replace, Wait, Whole
from pegasus_server.meta.messages import SyncRequest
from pegasus_server.meta.partition_watch import PartitionWatch, SentProposal
from pegasus_server.meta.table_news import notice
from pegasus_server.meta.ward import APPOINTING, Ward
from pegasus_tab.base.cluster import ConfigProposal, ProposalKind
from pegasus_tab.base.ids import Gpid, NodeName

_NEW_REPLICA = (ProposalKind.ASSIGN_PRIMARY, ProposalKind.ADD_LEARNER)


def settle(ward: Ward, now_us: int) -> list[ClusterEffect]:
    """Decide the next step of every marked partition and take it."""
    effects: list[ClusterEffect] = []
    is_frozen = ward.is_frozen
    # Sets differ in order from run to run; effects must not.
    for gpid in sorted(ward.dirty):
        ward.unsettled.add(gpid)
        if ward.partitions.is_changing(gpid):
            continue
        if ward.is_dropped(gpid):
            ward.unsettled.discard(gpid)
        elif is_frozen and ward.watch(gpid).operator_choice is None:
            ward.watch(gpid).reason = ward.why_frozen
        else:
            effects += _take_step(ward, gpid, now_us)
    ward.dirty.clear()
    return effects


def note_gone(ward: Ward, watch: PartitionWatch, now_us: int) -> None:
    """The primary serves nothing, and hears nothing from here until the ballot changed."""
    watch.gone_us = now_us
    watch.asked, watch.asked_us = ward.reports.asked, now_us
    watch.sent = watch.appointed = None


def _take_step(ward: Ward, gpid: Gpid, now_us: int) -> list[ClusterEffect]:
    watch = ward.watch(gpid)
    decision = decide(ward.case(gpid, now_us))
    if isinstance(decision, Replace):
        note_gone(ward, watch, now_us)
        decision = decide(ward.case(gpid, now_us))
    match decision:
        case Propose():
            watch.reason = f"{decision.kind} {decision.node}"
            return _propose(ward, gpid, decision, now_us)
        case Wait():
            watch.reason = decision.reason
            return ask(ward, decision.ask, now_us)
        case Replace():
            raise AssertionError("a primary that is gone cannot be given up again")
        case Whole():
            watch.reason = ""
            watch.sent = watch.appointed = None
            ward.unsettled.discard(gpid)
            return []


def _propose(ward: Ward, gpid: Gpid, step: Propose, now_us: int) -> list[ClusterEffect]:
    watch = ward.watch(gpid)
    config = ward.facts().spoken(gpid)
    if watch.operator_choice == step.node:
        # What the others hold may go beyond it, and is given up: they learn anew.
        config = replace(config, primary=None, secondaries=())
    elif watch.gone_us is not None and config.primary != step.node:
        config = replace(config, primary=None)
    proposal = ConfigProposal(gpid, step.kind, step.node, config)
    first_us = now_us
    sent = watch.sent
    if sent is not None:
        # One proposal at a time, also if another looks better now: the answer to the first may be
        # on its way, and two servers that refuse in turn must not keep meta busy.
        is_early = now_us - sent.last_us < ward.numbers.cure.resend_us
        if is_early and ward.detector.is_alive(sent.to):
            return []
        if (sent.to, sent.proposal) == (step.to, proposal):
            first_us = sent.first_us
    if first_us == now_us:
        ward.count(gpid, proposal)
    watch.sent = SentProposal(step.to, proposal, first_us, now_us)
    watch.appointed = step.node if step.kind in APPOINTING else None
    effects: list[ClusterEffect] = [Send(step.to, proposal)]
    if step.kind in _NEW_REPLICA:
        effects.insert(0, Send(step.node, notice(ward.tables.tables[gpid.app_id])))
    return effects


def ask(ward: Ward, nodes: Iterable[NodeName], now_us: int) -> list[ClusterEffect]:
    """Ask servers for an account, unless they were asked a moment ago."""
    effects: list[ClusterEffect] = []
    for node in nodes:
        if not ward.detector.is_alive(node):
            continue
        survey = ward.reports.ask(node, now_us, ward.numbers.cure.survey_us // 4)
        if survey is not None:
            effects.append(Send(node, SyncRequest(survey)))
    return effects
