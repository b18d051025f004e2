"""What a replica makes of messages of its own ballot, role by role."""

from pegasus_server.replication.effects import Effect, Send
from pegasus_server.replication.messages import (
    NO_SIGNATURE,
    GroupCheck,
    GroupCheckAck,
    LearnAnswer,
    LearnCompleted,
    LearnRequest,
    Message,
    Prepare,
    PrepareAck,
    PrepareOutcome,
)
from pegasus_server.replication.replica_state import ReplicaState
from pegasus_server.replication.roles import Leadership, Roles
from pegasus_server.replication.status import Occasion
from pegasus_tab.base.cluster import ReplicaStatus
from pegasus_tab.base.ids import Decree, NodeName


class Exchange:
    """Messages between replicas that agree on the ballot.

    Invariant: A5, a ballot has one primary; a message that says otherwise stops this replica.

    Args:
        state: the replica's.
        roles: the replica's.
    """

    def __init__(self, state: ReplicaState, roles: Roles) -> None:
        self._state = state
        self._roles = roles

    def on_message(self, sender: NodeName, message: Message, now_us: int) -> list[Effect]:
        """Take a message of this replica's own ballot."""
        roles = self._roles
        match message:
            case Prepare():
                return self._on_prepare(sender, message, now_us)
            case GroupCheck():
                return self._on_group_check(sender, message, now_us)
            case LearnAnswer():
                return roles.learner.on_answer(message, now_us) if roles.learner else []
            case _:
                if roles.leadership is None:
                    return []
                return self._on_answer(sender, message, roles.leadership, now_us)

    def _on_answer(
        self, sender: NodeName, message: Message, leadership: Leadership, now_us: int
    ) -> list[Effect]:
        """As primary, take the word of a member or learner."""
        primary, teaching = leadership.primary, leadership.teaching
        match message:
            case PrepareAck():
                teaching.hear(sender, message.signature, now_us)
                return primary.on_prepare_ack(sender, message, now_us)
            case GroupCheckAck():
                return _on_group_check_ack(sender, message, leadership, now_us)
            case LearnRequest():
                return teaching.on_request(sender, message, now_us)
            case LearnCompleted():
                teaching.on_completed(sender, message, now_us)
            case _:
                pass
        return []

    def _on_prepare(self, sender: NodeName, message: Prepare, now_us: int) -> list[Effect]:
        roles = self._roles
        assert roles.leadership is None, "A5: a ballot has one primary"
        if roles.learner is not None:
            return roles.learner.on_prepare(message, now_us)
        if roles.is_lapsed:
            return []
        if roles.secondary is None or message.signature != NO_SIGNATURE:
            return self.decline(sender, message)
        assert roles.secondary.primary == sender, "A5: a ballot has one primary"
        effects = roles.secondary.on_prepare(message)
        return self._fall_behind(sender, message) if effects is None else effects

    def _on_group_check(self, sender: NodeName, message: GroupCheck, now_us: int) -> list[Effect]:
        roles = self._roles
        assert roles.leadership is None, "A5: a ballot has one primary"
        if roles.is_lapsed or roles.status == ReplicaStatus.ERROR:
            return [] if roles.is_lapsed else self.decline(sender, message)
        roles.config = message.config
        effects: list[Effect] = []
        if roles.learner is not None and not roles.is_taught(message.config):
            effects += roles.change(Occasion.LEFT_OUT)
        if roles.learner is not None:
            effects += roles.learner.on_group_check(message.committed, now_us)
        elif roles.secondary is not None:
            committed = roles.secondary.on_group_check(message)
            if committed is None:
                return self._fall_behind(sender, message)
            effects += committed
        return effects + self.decline(sender, message)

    def _fall_behind(self, sender: NodeName, message: Message) -> list[Effect]:
        """Stop being a secondary: mutations are committed that this replica does not hold."""
        return self._roles.change(Occasion.BEHIND) + self.decline(sender, message)

    def decline(self, sender: NodeName, message: Message) -> list[Effect]:
        """Tell a primary what this replica is; to a prepare, that it is no member."""
        match message:
            case Prepare():
                outcome, signature = PrepareOutcome.INACTIVE, message.signature
                ack = PrepareAck(message.ballot, Decree(0), outcome, signature)
                return [Send((sender,), ack)]
            case GroupCheck():
                return [Send((sender,), self._group_check_ack(message))]
            case _:
                return []

    def _group_check_ack(self, message: GroupCheck) -> GroupCheckAck:
        mutations = self._state.mutations
        return GroupCheckAck(
            message.ballot,
            self._roles.status,
            mutations.committed,
            mutations.logged,
            self._state.signature,
        )


def _on_group_check_ack(
    sender: NodeName, message: GroupCheckAck, leadership: Leadership, now_us: int
) -> list[Effect]:
    primary, teaching = leadership.primary, leadership.teaching
    taught = teaching.hear(sender, message.signature, now_us)
    if message.status == ReplicaStatus.LEARNER:
        return []
    member = primary.group.get(sender)
    if member is not None and message.status != ReplicaStatus.SECONDARY:
        member.lost = taught or member.signature == NO_SIGNATURE
    elif taught and member is None:
        # It gave this attempt up; meta will propose it again if it is wanted.
        return teaching.dismiss(sender, now_us)
    return []
