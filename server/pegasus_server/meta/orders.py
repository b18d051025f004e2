"""What the operator may order, beside the administration of tables."""

from pegasus_server.meta import error_names
from pegasus_server.meta.balance import Move, MoveKind, plan_balance
from pegasus_server.meta.cluster_inputs import (
    Balance,
    ForcePrimary,
    MovePrimary,
    MoveReplica,
    RemoveReplica,
)
from pegasus_server.meta.cure_case import QUORUM_MIN
from pegasus_server.meta.effects import Reply
from pegasus_server.meta.guardian import Guardian
from pegasus_tab.base.cluster import PartitionConfig
from pegasus_tab.base.ids import Gpid, NodeName

Order = Balance | MovePrimary | MoveReplica | RemoveReplica | ForcePrimary


def obey(order: Order, guardian: Guardian, now_us: int) -> Reply:
    """Carry an order out as far as it makes sense; the reply's hint says what comes of it.

    Args:
        order: what is wanted.
        guardian: of all partitions.
        now_us: CLOCK_BOOTTIME.
    """
    match order:
        case Balance():
            return _balance(order, guardian, now_us)
        case MovePrimary():
            return _move_primary(order, guardian)
        case MoveReplica():
            return _move_replica(order, guardian)
        case RemoveReplica():
            return _remove_replica(order, guardian)
        case ForcePrimary():
            return _force_primary(order, guardian)


def _balance(order: Balance, guardian: Guardian, now_us: int) -> Reply:
    ward = guardian.ward
    if ward.is_frozen:
        return Reply(order.token, error_names.STATE_FREEZED, ward.why_frozen)
    if len(guardian.moves):
        hint = f"{len(guardian.moves)} moves are under way; wait for them"
        return Reply(order.token, error_names.BUSY, hint)
    nodes, moves_max = ward.detector.nodes, max(order.moves_max, 0)
    resting = ward.resting(now_us)
    plan = plan_balance(ward.whole_configs(), nodes, moves_max, order.kinds, resting)
    if not order.is_rehearsal:
        guardian.moves.add(plan)
    return Reply(order.token, error_names.OK, moves=plan)


def _move_primary(order: MovePrimary, guardian: Guardian) -> Reply:
    config = guardian.ward.config(order.gpid)
    fault = _move_fault(order.gpid, order.target, config, guardian)
    if fault is None and config is not None and order.target not in config.secondaries:
        fault = f"{order.target} is no secondary of partition {order.gpid}"
    if fault is not None or config is None or config.primary is None:
        return Reply(order.token, error_names.INVALID_PARAMETERS, fault or "")
    return _add(order, Move(order.gpid, MoveKind.PRIMARY, config.primary, order.target), guardian)


def _move_replica(order: MoveReplica, guardian: Guardian) -> Reply:
    config = guardian.ward.config(order.gpid)
    fault = _move_fault(order.gpid, order.target, config, guardian)
    if fault is None and config is not None:
        if order.source not in config.secondaries:
            fault = f"{order.source} is no secondary of partition {order.gpid}"
        elif order.target in config.members:
            fault = f"{order.target} has a replica of partition {order.gpid} already"
    if fault is not None:
        return Reply(order.token, error_names.INVALID_PARAMETERS, fault)
    return _add(order, Move(order.gpid, MoveKind.REPLICA, order.source, order.target), guardian)


def _remove_replica(order: RemoveReplica, guardian: Guardian) -> Reply:
    config = guardian.ward.config(order.gpid)
    fault = _move_fault(order.gpid, order.source, config, guardian)
    if fault is None and config is not None:
        rest = len(config.members) - 1
        if order.source not in config.secondaries:
            fault = f"{order.source} is no secondary of partition {order.gpid}"
        elif rest < min(QUORUM_MIN, config.max_replica_count):
            fault = f"partition {order.gpid} would have {rest} replicas, too few to take writes"
    if fault is not None:
        return Reply(order.token, error_names.INVALID_PARAMETERS, fault)
    removal = Move(order.gpid, MoveKind.REMOVAL, order.source, order.source)
    return _add(order, removal, guardian)


def _move_fault(
    gpid: Gpid, target: NodeName, config: PartitionConfig | None, guardian: Guardian
) -> str | None:
    if config is None:
        return f"there is no partition {gpid}"
    if not guardian.ward.is_serving(gpid):
        return f"partition {gpid} has no primary at present"
    if not guardian.ward.detector.is_alive(target):
        return f"{target} is not alive"
    return None


def _add(order: MovePrimary | MoveReplica | RemoveReplica, move: Move, guardian: Guardian) -> Reply:
    guardian.moves.add((move,))
    return Reply(order.token, error_names.OK, moves=(move,))


def _force_primary(order: ForcePrimary, guardian: Guardian) -> Reply:
    ward = guardian.ward
    fault = None
    if order.gpid not in ward.partitions:
        fault = f"there is no partition {order.gpid}"
    elif ward.is_serving(order.gpid):
        fault = f"partition {order.gpid} has a primary; move it instead"
    elif not ward.detector.is_alive(order.target):
        fault = f"{order.target} is not alive"
    if fault is not None:
        return Reply(order.token, error_names.INVALID_PARAMETERS, fault)
    ward.watch(order.gpid).operator_choice = order.target
    ward.mark((order.gpid,))
    hint = f"{order.target} becomes primary of partition {order.gpid} with what it has"
    return Reply(order.token, error_names.OK, hint)
