"""Which messages call for a replica on a server that has none of the partition.

Only what gives a server a task: to learn, or to be the first primary. Anything else was meant for a
replica that is gone; its sender finds out by itself, or from meta.
"""

from pegasus_server.replication.inputs import Received, ReplicaInput
from pegasus_server.replication.messages import GroupCheck
from pegasus_tab.base.cluster import ConfigProposal, ProposalKind
from pegasus_tab.base.ids import NodeName


def is_invitation(node: NodeName, event: ReplicaInput) -> bool:
    """Tell whether a server that has no replica should make an empty one for this input."""
    match event:
        case Received(message=GroupCheck() as check):
            return any(learner.node == node for learner in check.config.learners)
        case ConfigProposal():
            return event.kind is ProposalKind.ASSIGN_PRIMARY and event.node == node
        case _:
            return False
