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
        last_signature: of the latest learning.
    """

    def __init__(self, state: ReplicaState, lease: Lease, config: PartitionConfig) -> None:
        self._state = state
        self._lease = lease
        self._confirmed_epoch = -1
        self.status = ReplicaStatus.INACTIVE
        self.config = config
        self.leadership: Leadership | None = None
        self.secondary: Secondary | None = None
        self.learner: Learner | None = None
        self.last_signature: Signature = NO_SIGNATURE

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
        roles = (self.leadership, self.secondary, self.learner)
        assert sum(each is not None for each in roles) <= 1, "one role at most"
        if self.leadership is not None:
            assert self.leadership.primary.ballot == self._state.ballot, "A6"
        if self.status == ReplicaStatus.PRIMARY:
            assert self.leadership is not None
        if self.status == ReplicaStatus.SECONDARY:
            assert self.secondary is not None
        assert (self.status == ReplicaStatus.LEARNER) == (self.learner is not None)

    def may_reply_read(self, now_us: int) -> bool:
        """Tell whether a read that was just done may be answered (A13)."""
        if self.serving is None or self._lease.epoch != self._confirmed_epoch:
            return False
        return self.serving.primary.is_serving and self._lease.is_live(now_us)

    def is_unfit(self, config: PartitionConfig) -> bool:
        """Tell whether a configuration counts on what this replica lost or never had."""
        if self._node not in config.secondaries:
            return False
        if self.learner is not None:
            return not self.learner.is_complete
        return self._state.suspect

    def enter(self, config: PartitionConfig, now_us: int) -> list[Effect]:
        """Take the role that a configuration gives whose ballot was just persisted."""
        self.config = config
        if self.status == ReplicaStatus.ERROR:
            return []
        if config.primary == self._node:
            return self._enter_primary(config, now_us)
        if self._node in config.secondaries:
            return self._enter_secondary(config)
        learner = self.learner
        if learner is not None and LearnerName(self._node, learner.signature) in config.learners:
            return learner.follow(now_us)
        effects = self.change(Occasion.LEFT_OUT)
        return effects + self.note_learning(config, now_us)

    def _enter_primary(self, config: PartitionConfig, now_us: int) -> list[Effect]:
        assert self.learner is None, "A9: a learner never becomes primary"
        self._confirmed_epoch = self._lease.epoch
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
        effects: list[Effect] = []
        if self.leadership is not None:
            effects += self.leadership.primary.retire()
        if self.learner is not None:
            effects += self.learner.stop()
        self.leadership, self.secondary, self.learner = None, None, None
        return effects

    def note_learning(self, config: PartitionConfig, now_us: int) -> list[Effect]:
        """Begin, or end, learning as the primary's list of learners says."""
        mine = [each.signature for each in config.learners if each.node == self._node]
        if not mine:
            return self.change(Occasion.LEFT_OUT) if self.learner is not None else []
        if mine[0] <= self.last_signature or config.primary is None:
            return []
        effects = self.change(Occasion.TAUGHT)
        self.last_signature = mine[0]
        self.learner = Learner(self._state, config.primary, mine[0], now_us)
        return effects + self.learner.start(now_us)

    def lapse(self) -> bool:
        """Set the role aside (reliability reference 2.2); tell whether there was one to."""
        if self.status not in (ReplicaStatus.PRIMARY, ReplicaStatus.SECONDARY):
            return False
        self.status = move(self.status, Occasion.LAPSED)
        if self.leadership is not None:
            self.leadership.primary.frozen = True
        return True

    def confirm(self, config: PartitionConfig, now_us: int, *, settled: bool) -> list[Effect]:
        """Take up the role that was set aside, now that meta named it again.

        Args:
            config: of this replica's ballot.
            now_us: CLOCK_BOOTTIME, microseconds.
            settled: no change of configuration is under way.
        """
        if not self._lease.is_live(now_us):
            return []
        self._confirmed_epoch = self._lease.epoch
        if self.leadership is not None:
            assert config.primary == self._node, "A5: a ballot has one primary"
            self.status = move(self.status, Occasion.PRIMARY_CONFIRMED)
            return self.leadership.primary.thaw(now_us) if settled else []
        assert self.secondary is not None
        assert self._node in config.secondaries, "A8: a ballot has one configuration"
        self.status = move(self.status, Occasion.SECONDARY_CONFIRMED)
        return self.secondary.on_log_appended()
