"""A secondary of one partition: holds what its primary prepares, applies what it commits."""

from pegasus_server.replication.effects import Effect
from pegasus_server.replication.follower import Follower
from pegasus_server.replication.messages import NO_SIGNATURE, GroupCheck, Prepare
from pegasus_server.replication.replica_state import ReplicaState
from pegasus_tab.base.ids import Ballot, NodeName


class Secondary:
    """Follows one primary under one ballot (PacificA section 2, pegasus-features.md d4).

    Args:
        state: the replica's; its ballot is the primary's.
        primary: whom it follows; None while the configuration has no primary.

    Attributes:
        ballot: the configuration it serves under.
        primary: whom it follows.
    """

    def __init__(self, state: ReplicaState, primary: NodeName | None) -> None:
        self.ballot: Ballot = state.ballot
        self.primary = primary
        self._state = state
        self._follower = Follower(
            state.mutations,
            primary or NodeName(""),
            state.ballot,
            NO_SIGNATURE,
            state.timestamps,
            state.mutations.committed,
        )

    def on_prepare(self, message: Prepare) -> list[Effect] | None:
        """Take a prepare of this ballot.

        Returns:
            None if this replica lacks committed mutations and so cannot be a secondary.
        """
        if not self._follower.note_commit_point(message.committed):
            return None
        effects = self._follower.on_prepare(message)
        return [*effects, *self._state.commit(self._follower.commit_limit)]

    def on_group_check(self, message: GroupCheck) -> list[Effect] | None:
        """Take the commit point; None as in ``on_prepare``."""
        if not self._follower.note_commit_point(message.committed):
            return None
        return [*self._state.commit(self._follower.commit_limit)]

    def on_log_appended(self) -> list[Effect]:
        """Acknowledge and commit what the disk holds by now."""
        acks = self._follower.acknowledge()
        return [*acks, *self._state.commit(self._follower.commit_limit)]
