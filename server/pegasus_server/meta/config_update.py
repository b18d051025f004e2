"""Which configuration changes meta accepts from replicas (A8, A9, A11; pegasus-features.md d7).

Pure judgement of one request against the stored record. A request comes from outside: it is
refused with a reason, never asserted on.
"""

from dataclasses import dataclass, replace

from pegasus_server.meta.partition import PartitionRecord, shape
from pegasus_tab.base.cluster import ConfigUpdate, PartitionConfig, UpdateReason
from pegasus_tab.base.ids import NodeName

MEMBERS_MAX_EXTRA = 1
"""A move has one replica too many until the old one goes."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The request may become current."""

    record: PartitionRecord


@dataclass(frozen=True, slots=True)
class AlreadyCurrent:
    """The request was accepted before; its answer got lost."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The request must not become current; ``reason`` is for the log."""

    reason: str


Judgement = Accepted | AlreadyCurrent | Refused


@dataclass(frozen=True, slots=True)
class Standing:
    """What meta knows beside the record.

    Attributes:
        appointed: whom meta asked to become primary, if anyone.
        is_primary_gone: the primary surely serves nothing (FailureDetector) and was told nothing
            since that could make it serve again.
        is_forced: the operator appointed it, whatever it lacks.
    """

    appointed: NodeName | None
    is_primary_gone: bool
    is_forced: bool = False


def judge(update: ConfigUpdate, record: PartitionRecord, standing: Standing) -> Judgement:
    """Decide on a request.

    Args:
        update: the request.
        record: what the store holds.
        standing: see there.
    """
    current, wanted = record.config, update.new_config
    if shape(wanted) == shape(current):
        return AlreadyCurrent()
    if update.expected_ballot != current.ballot:
        return Refused(f"ballot {update.expected_ballot} is not current, {current.ballot} is")
    fault = _fault(update, current, standing)
    if fault is not None:
        return Refused(fault)
    stored = replace(wanted, learners=(), max_replica_count=current.max_replica_count)
    return Accepted(record.followed_by(stored))


def _fault(update: ConfigUpdate, current: PartitionConfig, standing: Standing) -> str | None:
    match update.reason:
        case UpdateReason.BECOME_PRIMARY:
            return _become_primary_fault(update, current, standing)
        case UpdateReason.STEP_DOWN:
            return _sender_fault(update, current) or _step_down_fault(update, current)
        case UpdateReason.DROP_SECONDARY:
            return _sender_fault(update, current) or _drop_fault(update, current)
        case UpdateReason.ADD_SECONDARY:
            return _sender_fault(update, current) or _add_fault(update, current)


def _sender_fault(update: ConfigUpdate, current: PartitionConfig) -> str | None:
    """Only the primary changes its group; also one that lost its lease, if it is back.

    The new ballot then makes it primary anew, and whoever was appointed in its place comes late.
    """
    if update.sender != current.primary:
        return f"{update.sender} is not the primary, {current.primary or 'nobody'} is"
    return None


def _become_primary_fault(
    update: ConfigUpdate, current: PartitionConfig, standing: Standing
) -> str | None:
    """A9: only whom meta appointed, and never while another primary may serve."""
    if update.sender != standing.appointed:
        return f"{update.sender} was not appointed"
    if update.new_config.primary != update.sender:
        return "the new primary must be the sender"
    is_other = current.primary not in (None, update.sender)
    if is_other and not standing.is_primary_gone:
        return f"primary {current.primary} may still serve"
    strangers = set(update.new_config.secondaries) - set(current.members)
    if strangers:
        return f"{', '.join(sorted(strangers))} is no member"
    if standing.is_forced:
        return "the operator's choice begins alone" if update.new_config.secondaries else None
    kept = set(current.secondaries) - {update.sender}
    if not kept <= set(update.new_config.secondaries):
        return "a new primary keeps the secondaries; it drops them afterwards"
    return None


def _step_down_fault(update: ConfigUpdate, current: PartitionConfig) -> str | None:
    members = set(update.new_config.members)
    if update.new_config.primary is not None:
        return "who steps down names no successor; meta does"
    if members not in (set(current.members), set(current.secondaries)):
        return "stepping down changes no other member"
    return None


def _drop_fault(update: ConfigUpdate, current: PartitionConfig) -> str | None:
    if update.node not in current.secondaries:
        return f"{update.node} is no secondary"
    wanted = set(current.secondaries) - {update.node}
    return _same(update, current, wanted)


def _add_fault(update: ConfigUpdate, current: PartitionConfig) -> str | None:
    if update.node in current.members:
        return f"{update.node} is a member already"
    if len(current.members) >= current.max_replica_count + MEMBERS_MAX_EXTRA:
        return f"there are {len(current.members)} replicas already"
    return _same(update, current, {*current.secondaries, update.node})


def _same(update: ConfigUpdate, current: PartitionConfig, secondaries: set[NodeName]) -> str | None:
    config = update.new_config
    if config.primary != current.primary or set(config.secondaries) != secondaries:
        return f"{update.reason} may only change {update.node}"
    return None
