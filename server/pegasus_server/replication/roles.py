"""The role a replica plays: primary with its learners, secondary, learner, or none.

Roles change only by the table in ``status``. A lapsed lease sets the role of a primary or
secondary aside; ``confirm`` takes it up again.
"""

from dataclasses import dataclass

from pegasus_server.replication.effects import Effect
from pegasus_server.replication.learner import Learner
from pegasus_server.replication.lease import Lease
from pegasus_server.replication.messages import NO_SIGNATURE
from pegasus_server.replication.primary import Primary
from pegasus_server.replication.replica_state import ReplicaState
from pegasus_server.replication.secondary import Secondary
from pegasus_server.replication.status import Occasion, move
from pegasus_server.replication.teaching import Teaching
from pegasus_tab.base.cluster import Learner as LearnerName
from pegasus_tab.base.cluster import PartitionConfig, ReplicaStatus
from pegasus_tab.base.ids import NodeName, Signature


@dataclass(slots=True)
class Leadership:
    """The primary's role: ordering writes and teaching learners."""

    primary: Primary
    teaching: Teaching


class Roles:
    """The present role of one replica.

    Invariants:
      A9   a learner never becomes primary;
      A12  a learning begins only under a signature above the last;
      a replica has one role at most, and an active status only with its role.

    Args:
        state: the replica's.
        lease: the node's.
        config: what is known of the configuration.

    Attributes:
        status: what the replica is.
        config: the configuration as far as its primary told it.
        leadership: set on a primary, also while it is set aside.
        secondary: likewise.
        learner: the attempt at learning under way.
    """

    def __init__(self, state: ReplicaState, lease: Lease, config: PartitionConfig) -> None:
        self._state = state
        self._lease = lease
        self._confirmed_us = -1
        self.status = ReplicaStatus.INACTIVE
        self.config = config
        self.leadership: Leadership | None = None
        self.secondary: Secondary | None = None
        self.learner: Learner | None = None

    @property
    def _node(self) -> NodeName:
        return self._state.node

    @property
    def serving(self) -> Leadership | None:
        """The primary's role unless it is set aside."""
        return self.leadership if self.status == ReplicaStatus.PRIMARY else None

    @property
    def is_member(self) -> bool:
        """Tell whether it is primary or secondary, or was when the lease lapsed."""
        return self.leadership is not None or self.secondary is not None

    @property
    def is_lapsed(self) -> bool:
        """Tell whether a role is set aside until meta confirms it."""
        return self.status == ReplicaStatus.INACTIVE and self.is_member

    def check(self) -> None:
        """Assert that status and role fit."""
        status, leadership = self.status, self.leadership
        if leadership is not None:
            assert self.secondary is None, "one role at most"
            assert self.learner is None, "one role at most"
            assert leadership.primary.ballot == self._state.ballot, "A6"
            assert status in (ReplicaStatus.PRIMARY, ReplicaStatus.INACTIVE)
        elif self.secondary is not None:
            assert self.learner is None, "one role at most"
            assert status in (ReplicaStatus.SECONDARY, ReplicaStatus.INACTIVE)
        else:
            assert status not in (ReplicaStatus.PRIMARY, ReplicaStatus.SECONDARY)
            assert (status == ReplicaStatus.LEARNER) == (self.learner is not None)

    def may_reply_read(self, now_us: int) -> bool:
        """Tell whether a read that was just done may be answered (A13)."""
        leadership = self.leadership
        if leadership is None or self.status != ReplicaStatus.PRIMARY:
            return False
        primary = leadership.primary
        if primary.leaving is not None or not primary.is_serving:
            return False
        return self._lease.covers(self._confirmed_us, now_us)

    def is_unfit(self, config: PartitionConfig) -> bool:
        """Tell whether a configuration counts on what this replica lost or never had."""
        if self._node not in config.secondaries:
            return False
        if self.learner is not None:
            return not self.learner.is_complete
        return self._state.suspect

    def enter(self, config: PartitionConfig, now_us: int, *, begins_learning: bool) -> list[Effect]:
        """Take the role that a configuration gives, now that its ballot is on disk.

        Args:
            config: the configuration.
            now_us: CLOCK_BOOTTIME, microseconds.
            begins_learning: its primary invites this replica, and the signature is on disk too.
        """
        self.config = config
        if self.status == ReplicaStatus.ERROR:
            return []
        if config.primary == self._node:
            return self._enter_primary(config, now_us)
        if self._node in config.secondaries:
            return self._enter_secondary(config)
        if begins_learning:
            return self._begin_learning(config, now_us)
        if self.is_taught(config) and self.learner is not None:
            return self.learner.follow(now_us)
        return self.change(Occasion.LEFT_OUT)

    def is_taught(self, config: PartitionConfig) -> bool:
        """Tell whether the primary still teaches this replica the attempt it is at."""
        learner = self.learner
        if learner is None:
            return False
        return LearnerName(self._node, learner.signature) in config.learners

    def _enter_primary(self, config: PartitionConfig, now_us: int) -> list[Effect]:
        assert self.learner is None, "A9: a learner never becomes primary"
        if self.leadership is not None:
            self.status = move(self.status, Occasion.NAMED_PRIMARY)
            for node in config.secondaries:
                self.leadership.teaching.graduate(node)
            return self.leadership.primary.reconfigure(config, now_us)
        effects = self.change(Occasion.NAMED_PRIMARY)
        primary = Primary(self._state, config, reconcile=True, now_us=now_us)
        self.leadership = Leadership(primary, Teaching(self._state, primary))
        self._state.suspect = False
        return effects + primary.check_group(now_us) + primary.advance(now_us)

    def _enter_secondary(self, config: PartitionConfig) -> list[Effect]:
        if self.is_unfit(config):
            return self.change(Occasion.BEHIND)
        effects = self.change(Occasion.NAMED_SECONDARY)
        self.secondary = Secondary(self._state, config.primary)
        self._state.suspect = False
        return effects

    def change(self, occasion: Occasion) -> list[Effect]:
        """Leave the present role for what the occasion makes of this replica."""
        self.status = move(self.status, occasion)
        if occasion == Occasion.BEHIND:
            self._state.suspect = True
        effects: list[Effect] = []
        if self.leadership is not None:
            effects += self.leadership.primary.retire()
        if self.learner is not None:
            effects += self.learner.stop()
        self.leadership, self.secondary, self.learner = None, None, None
        return effects

    def invites(self, config: PartitionConfig) -> Signature:
        """Return the signature under which a primary begins to teach this replica.

        NO_SIGNATURE if it does not, or if that attempt was begun here already (A12).
        """
        mine = [each.signature for each in config.learners if each.node == self._node]
        return mine[0] if mine and mine[0] > self._state.signature else NO_SIGNATURE

    def _begin_learning(self, config: PartitionConfig, now_us: int) -> list[Effect]:
        """Learn from the primary; the signature is on disk."""
        assert config.primary is not None
        effects = self.change(Occasion.TAUGHT)
        self._state.suspect = True
        self.learner = Learner(self._state, config.primary, self._state.signature, now_us)
        return effects + self.learner.start(now_us)

    def lapse(self) -> bool:
        """Set the role aside (reliability reference 2.2); tell whether there was one to."""
        if self.status not in (ReplicaStatus.PRIMARY, ReplicaStatus.SECONDARY):
            return False
        self.status = move(self.status, Occasion.LAPSED)
        if self.leadership is not None:
            self.leadership.primary.frozen = True
        return True

    def note_confirmed(self, asked_us: int) -> None:
        """Note that meta confirmed the configuration when asked at ``asked_us``, or later."""
        self._confirmed_us = max(self._confirmed_us, asked_us)

    def is_unconfirmed(self, now_us: int) -> bool:
        """Tell whether the lease is over, or lapsed since meta was asked for a primary's role."""
        return self.serving is not None and not self._lease.covers(self._confirmed_us, now_us)

    def confirm(
        self, config: PartitionConfig, asked_us: int, now_us: int, *, settled: bool
    ) -> list[Effect]:
        """Take up the role that was set aside, if meta named it when asked in this epoch.

        Args:
            config: of this replica's ballot.
            asked_us: CLOCK_BOOTTIME of the question meta answers, microseconds.
            now_us: CLOCK_BOOTTIME, microseconds.
            settled: no change of configuration is under way.
        """
        if not self._lease.covers(asked_us, now_us):
            return []
        self.note_confirmed(asked_us)
        if self.leadership is not None:
            assert config.primary == self._node, "A5: a ballot has one primary"
            self.status = move(self.status, Occasion.PRIMARY_CONFIRMED)
            return self.leadership.primary.thaw(now_us) if settled else []
        assert self.secondary is not None
        assert self._node in config.secondaries, "A8: a ballot has one configuration"
        self.status = move(self.status, Occasion.SECONDARY_CONFIRMED)
        return self.secondary.on_log_appended()
