"""What a PROPOSE_BALANCER asks for (protocol reference 9), as the order meta carries out.

The ancestor's tools write a move as the steps it takes; ours takes those steps by itself, so only
what the steps lead to counts.
"""

from collections.abc import Callable

from pegasus_server.meta.cluster_inputs import (
    ForcePrimary,
    MovePrimary,
    MoveReplica,
    RemoveReplica,
)
from pegasus_server.meta.effects import Reply
from pegasus_server.runtime.node_address import node_of
from pegasus_tab.base.ids import NodeName
from pegasus_tab.wire.codes import ConfigType, MoveType
from pegasus_tab.wire.messages import ProposeRequest

ProposedOrder = MovePrimary | MoveReplica | ForcePrimary | RemoveReplica
_ADD = (ConfigType.ADD_SECONDARY, ConfigType.ADD_SECONDARY_FOR_LB)
_REMOVE = (ConfigType.REMOVE, ConfigType.DOWNGRADE_TO_INACTIVE)


class UnknownProposalError(Exception):
    """The request asks for nothing this server does; the text says what it does."""


def order_of(request: ProposeRequest, token: Callable[[Reply], None]) -> ProposedOrder:
    """Read what a request leads to.

    Args:
        request: a move, or a single action.
        token: of the order.

    Raises:
        UnknownProposalError: see there.
    """
    types = sorted(action.type for action in request.actions)
    match request.kind:
        case MoveType.MOVE_PRIMARY:
            target = _node(request, (ConfigType.UPGRADE_TO_PRIMARY,))
            return MovePrimary(request.gpid, target, token)
        case MoveType.COPY_SECONDARY:
            source, target = _node(request, _REMOVE), _node(request, _ADD)
            return MoveReplica(request.gpid, source, target, token)
        case None if types == [ConfigType.UPGRADE_TO_PRIMARY]:
            target = _node(request, (ConfigType.UPGRADE_TO_PRIMARY,))
            return MovePrimary(request.gpid, target, token)
        case None if types == [ConfigType.ASSIGN_PRIMARY]:
            target = _node(request, (ConfigType.ASSIGN_PRIMARY,))
            return ForcePrimary(request.gpid, target, token)
        case None if len(types) == 1 and types[0] in _REMOVE:
            return RemoveReplica(request.gpid, _node(request, _REMOVE), token)
    raise UnknownProposalError(
        "a proposal moves a primary to a secondary, moves a secondary's replica to another server, "
        "removes a secondary, or assigns a primary to a partition that lost all"
    )


def _node(request: ProposeRequest, types: tuple[ConfigType, ...]) -> NodeName:
    """Return whom the one action of these types is about."""
    nodes = [each.node for each in request.actions if each.type in types and each.node]
    if len(nodes) != 1:
        wanted = " or ".join(each.name for each in types)
        raise UnknownProposalError(f"the proposal needs one action {wanted} that names a node")
    return node_of(nodes[0])
