"""One replica of one partition: its ballot, and what reaches it from outside.

Theory of operation. A replica does nothing on its own account: meta decides configurations, and
every configuration has a ballot. Whoever brings a higher ballot than this replica's - a prepare or
a group check of the primary, meta's answer or notice - makes it *adopt* that ballot: it is written
to disk first, and only then does the replica take the role the configuration gives it (A6).
Messages that arrive meanwhile wait. A lower ballot is answered with Stale and changes nothing.

What a replica can be and may become is the table in ``status``; its role lives in ``roles``, what
the role makes of messages in ``exchange``, what it asks of meta in ``initiative``. What outlives a
role (mutations, ballot, timestamps) is ReplicaState.

A lapsed lease makes primary and secondary inactive, with the role set aside: when meta confirms the
same configuration the role goes on, when the ballot has moved it is dropped. After a restart no
role is there to go on with: the replica stays inactive until a higher ballot names it, or the
primary teaches it.
"""

from collections import deque
from dataclasses import dataclass
from typing import TypeAlias

from pegasus_server.replication.effects import (
    Effect,
    PersistBallot,
    Quarantine,
    Refuse,
    ReportToMeta,
    Send,
    StatusChanged,
)
from pegasus_server.replication.exchange import Exchange
from pegasus_server.replication.initiative import Initiative
from pegasus_server.replication.inputs import (
    Applied,
    BallotPersisted,
    ClientWrites,
    CopyFailed,
    Discarded,
    FilesCopied,
    Flushed,
    Installed,
    InstallFailed,
    LeaseLapsed,
    LogAppended,
    Received,
    ReplicaFailed,
    ReplicaInput,
    SourcesDescribed,
    Tick,
)
from pegasus_server.replication.learner import Learner
from pegasus_server.replication.lease import Lease
from pegasus_server.replication.messages import (
    NO_SIGNATURE,
    GroupCheck,
    GroupCheckAck,
    LearnAnswer,
    Message,
    Prepare,
    PrepareAck,
    PrepareOutcome,
    Stale,
)
from pegasus_server.replication.primary import NOT_SERVING, Primary
from pegasus_server.replication.reconfiguration import Reconfiguration
from pegasus_server.replication.replica_state import ReplicaState
from pegasus_server.replication.roles import Roles
from pegasus_server.replication.status import Occasion
from pegasus_tab.base.cluster import (
    ConfigNotice,
    ConfigProposal,
    ConfigQuery,
    ConfigUpdateReply,
    PartitionConfig,
    ReplicaReport,
    ReplicaStatus,
)
from pegasus_tab.base.cluster import Learner as LearnerName
from pegasus_tab.base.ids import Ballot, Decree, NodeName, Signature

DEFERRED_MESSAGES_MAX = 64
"""Messages that wait while a ballot is being persisted; more are dropped, their senders repeat."""
QUERY_RESEND_US = 1_000_000

LearningInput: TypeAlias = FilesCopied | CopyFailed | Installed | InstallFailed | Discarded
MetaInput: TypeAlias = ConfigProposal | ConfigUpdateReply | ConfigNotice


@dataclass(frozen=True, slots=True)
class Adoption:
    """What the replica takes over once it is on disk.

    Attributes:
        config: its role.
        signature: of the learning it begins, or knew before.
        asked_us: when meta was asked whose answer this is, 0 if it was not.
    """

    config: PartitionConfig
    signature: Signature
    asked_us: int


class Replica:
    """A replica's state machine.

    Invariants (reliability reference 2.1), asserted here and in its parts:
      A1   durable <= applied <= committed <= logged <= prepared (ReplicaState);
      A4   in Primary, Follower and Initiative; A2 and A7 in PrepareList;
      A5   a message of another primary under a ballot this replica is primary of never comes;
      A6   a ballot is on disk before anything is done under it, and never falls;
      A9, A11, A12  in Initiative, Learner, Teaching and Roles;
      A13  reads are answered only by a serving primary with a live lease of the epoch in which
           the configuration was confirmed (Roles);
      A18  one change of configuration at a time, and no commit while it is under way.

    Args:
        state: what the data folder gave back; nothing else may change it afterwards.
        lease: the node's.
        max_replica_count: of the table, until a configuration says.
    """

    def __init__(self, state: ReplicaState, lease: Lease, max_replica_count: int = 3) -> None:
        self.state = state
        config = PartitionConfig(state.ballot, None, (), max_replica_count)
        self._roles = Roles(state, lease, config)
        self._exchange = Exchange(state, self._roles)
        self._reconfiguration = Reconfiguration(state.gpid, state.node)
        self._initiative = Initiative(state, self._roles, self._reconfiguration)
        self._adopting: Adoption | None = None
        self._deferred: deque[Received | ConfigProposal] = deque()
        self._queried_us = 0

    @property
    def node(self) -> NodeName:
        """Where this replica is."""
        return self.state.node

    @property
    def ballot(self) -> Ballot:
        """The highest persisted ballot."""
        return self.state.ballot

    @property
    def status(self) -> ReplicaStatus:
        """What it is."""
        return self._roles.status

    @property
    def config(self) -> PartitionConfig:
        """The configuration this replica knows, as far as its primary told it."""
        return self._roles.config

    @property
    def is_lapsed(self) -> bool:
        """Tell whether a role is set aside until meta confirms it."""
        return self._roles.is_lapsed

    @property
    def learner(self) -> Learner | None:
        """The attempt at learning under way."""
        return self._roles.learner

    @property
    def primary(self) -> Primary | None:
        """The primary's role, also while it is set aside."""
        return self._roles.leadership.primary if self._roles.leadership else None

    def may_reply_read(self, now_us: int) -> bool:
        """Tell whether a read that was just done may be answered (A13).

        Args:
            now_us: CLOCK_BOOTTIME *after* the engine was read, microseconds.
        """
        if self._adopting is not None and self._adopting.config.primary != self.node:
            return False
        return self._roles.may_reply_read(now_us)

    def report(self) -> ReplicaReport:
        """Give an account of this replica, for meta."""
        return self._initiative.report()

    def step(self, event: ReplicaInput, now_us: int) -> list[Effect]:
        """Advance by one input.

        Args:
            event: what happened.
            now_us: CLOCK_BOOTTIME, microseconds; never falls.

        Returns:
            Effects in the order to carry them out.
        """
        state, roles = self.state, self._roles
        status, ballot = roles.status, state.ballot
        effects = self._react(event, now_us)
        if not (is_routine(event) and self._initiative.is_content):
            effects += self._pursue(now_us)
            roles.check()
        if roles.status != status or state.ballot != ballot:
            effects.append(StatusChanged(roles.status, state.ballot))
            roles.check()
        assert state.ballot >= ballot, "A6: ballots never fall"
        state.mutations.check(state.durable)
        return effects

    def _react(self, event: ReplicaInput, now_us: int) -> list[Effect]:
        if isinstance(event, Received):  # most inputs are
            return self._on_received(event, now_us)
        match event:
            case ClientWrites() | LogAppended() | Applied() | Flushed() | BallotPersisted():
                return self._on_local(event, now_us)
            case Tick():
                return self._on_tick(now_us)
            case ConfigProposal() | ConfigUpdateReply() | ConfigNotice():
                return self._on_meta(event, now_us)
            case LeaseLapsed():
                return self._lapse(now_us)
            case ReplicaFailed():
                return self._on_failure(event.reason, now_us)
            case SourcesDescribed():
                leadership = self._roles.leadership
                return leadership.teaching.on_sources(event, now_us) if leadership else []
            case FilesCopied() | CopyFailed() | Installed() | InstallFailed() | Discarded():
                return self._on_learning(event, now_us)

    # Clients, disk and engine.

    def _on_local(
        self,
        event: ClientWrites | LogAppended | Applied | Flushed | BallotPersisted,
        now_us: int,
    ) -> list[Effect]:
        match event:
            case ClientWrites():
                leadership = self._roles.serving
                if leadership is None:
                    return [Refuse(NOT_SERVING, event.token)]
                return leadership.primary.react(event, now_us)
            case LogAppended():
                return self._on_log_appended(event, now_us)
            case Applied():
                self.state.mutations.note_applied(event.decree)
                return self.learner.on_applied(now_us) if self.learner else []
            case Flushed():
                self.state.durable = max(self.state.durable, event.durable)
                return []
            case BallotPersisted():
                return self._on_ballot_persisted(event, now_us)

    def _on_log_appended(self, event: LogAppended, now_us: int) -> list[Effect]:
        roles = self._roles
        if roles.leadership is not None:
            return roles.leadership.primary.react(event, now_us)
        if roles.learner is not None:
            return roles.learner.on_log_appended(event)
        self.state.mutations.note_logged(event.decree, event.ballot)
        if roles.status == ReplicaStatus.SECONDARY and roles.secondary is not None:
            return roles.secondary.on_log_appended()
        return []

    def _on_learning(self, event: LearningInput, now_us: int) -> list[Effect]:
        learner = self.learner
        if learner is None or learner.signature != event.signature:
            return self._on_overtaken(event, now_us)
        match event:
            case FilesCopied():
                return learner.on_files_copied(event)
            case CopyFailed():
                return learner.on_copy_failed(event, now_us)
            case Installed():
                return learner.on_installed(event, now_us)
            case InstallFailed():
                return learner.on_install_failed(event)
            case Discarded():
                return learner.on_discarded(event, now_us)

    def _on_overtaken(self, event: LearningInput, now_us: int) -> list[Effect]:
        """Take what an attempt did that is over: its files no longer matter, the engine does."""
        match event:
            case FilesCopied() | CopyFailed():
                return []
            case InstallFailed():
                return self._on_failure(f"given up while data was replaced: {event.reason}", now_us)
            case Installed() | Discarded():
                if self._roles.is_member:
                    return self._on_failure("its data was replaced under its role", now_us)
                applied = event.applied if isinstance(event, Installed) else Decree(0)
                self.state.durable = applied
                self.state.mutations = self.state.mutations.emptied(applied)
                return self.learner.start(now_us) if self.learner else []

    def _on_failure(self, reason: str, now_us: int) -> list[Effect]:
        """Quarantine this replica; a primary also lets meta find another one at once."""
        if self.status == ReplicaStatus.ERROR:
            return []
        primary = self.primary
        effects = self._roles.change(Occasion.FAILED)
        effects.append(Quarantine(reason))
        return effects + (self._initiative.resign(primary.config, now_us) if primary else [])

    # Messages of other replicas.

    def _on_received(self, event: Received, now_us: int) -> list[Effect]:
        if self._adopting is not None:
            return self._defer(event)
        message = event.message
        if isinstance(message, Stale):
            return self._on_higher_ballot(message.ballot, now_us)
        if message.ballot < self.ballot:
            return self._on_stale(event.sender, message)
        if message.ballot > self.ballot or self._is_invitation(message):
            return self._on_news(event.sender, message, now_us)
        return self._exchange.on_message(event.sender, message, now_us)

    def _is_invitation(self, message: Message) -> bool:
        """Tell whether the primary begins to teach this replica under the ballot it knows."""
        if not isinstance(message, GroupCheck) or self._roles.is_member:
            return False
        return self._roles.invites(message.config) != NO_SIGNATURE

    def _on_stale(self, sender: NodeName, message: Message) -> list[Effect]:
        """Answer a lower ballot (A6); what is an answer itself needs none."""
        if isinstance(message, PrepareAck | GroupCheckAck | LearnAnswer):
            return []
        return [Send((sender,), Stale(self.ballot))]

    def _on_higher_ballot(self, ballot: Ballot, now_us: int) -> list[Effect]:
        """Hear of a ballot without its configuration: a primary stops, and asks meta."""
        if ballot <= self.ballot or self.status != ReplicaStatus.PRIMARY:
            return []
        return self._lapse(now_us)

    def _on_news(self, sender: NodeName, message: Message, now_us: int) -> list[Effect]:
        """Take a message of a higher ballot: adopt that first, if it concerns this replica."""
        match message:
            case GroupCheck():
                config: PartitionConfig | None = message.config
            case Prepare() | LearnAnswer():
                config = self._config_of(sender, message)
            case _:
                return self._on_higher_ballot(message.ballot, now_us)
        failed = self.status == ReplicaStatus.ERROR
        if failed or config is None or self._roles.is_unfit(config):
            return self._exchange.decline(sender, message)
        self._deferred.append(Received(sender, message))
        return self._adopt(config)

    def _config_of(
        self, sender: NodeName, message: Prepare | LearnAnswer
    ) -> PartitionConfig | None:
        """Tell what a primary's message says about its configuration: it counts on this node."""
        count = self.config.max_replica_count
        if message.signature == NO_SIGNATURE:
            return PartitionConfig(message.ballot, sender, (self.node,), count)
        if self.learner is None or self.learner.signature != message.signature:
            return None
        learners = (LearnerName(self.node, message.signature),)
        return PartitionConfig(message.ballot, sender, (), count, learners)

    # Ballots.

    def _adopt(self, config: PartitionConfig, asked_us: int = 0) -> list[Effect]:
        """Persist a higher ballot or a new signature; the role follows when it is on disk (A6)."""
        assert config.ballot >= self.ballot, "A6"
        if self._adopting is not None and self._adopting.config.ballot >= config.ballot:
            return []
        invited = self._roles.invites(config)
        suspect = invited != NO_SIGNATURE
        if not suspect:
            suspect = self.state.suspect and self.node not in config.members
        self._adopting = Adoption(config, max(invited, self.state.signature), asked_us)
        return [PersistBallot(config.ballot, self._adopting.signature, suspect)]

    def _on_ballot_persisted(self, event: BallotPersisted, now_us: int) -> list[Effect]:
        adoption = self._adopting
        if adoption is None or event != BallotPersisted(adoption.config.ballot, adoption.signature):
            return self.learner.on_recorded(now_us) if self.learner else []
        self._adopting = None
        config = adoption.config
        begins_learning = event.signature > self.state.signature
        self.state.ballot, self.state.signature = event.ballot, event.signature
        self._reconfiguration.overtake(config.ballot)
        effects = self._roles.enter(config, now_us, begins_learning=begins_learning)
        self._roles.note_confirmed(adoption.asked_us)
        if self._roles.is_unconfirmed(now_us):
            effects += self._lapse(now_us)
        deferred, self._deferred = self._deferred, deque()
        for each in deferred:
            effects += self._react(each, now_us)
        return effects

    def _defer(self, event: Received | ConfigProposal) -> list[Effect]:
        """Keep what came while a ballot is being persisted; it may be about that very ballot."""
        if len(self._deferred) < DEFERRED_MESSAGES_MAX:
            self._deferred.append(event)
        return []

    # Meta.

    def _on_meta(self, event: MetaInput, now_us: int) -> list[Effect]:
        if event.config.ballot < self.ballot:
            return [ReportToMeta(self.report())]
        match event:
            case ConfigProposal():
                if self._adopting is not None:
                    return self._defer(event)
                return self._initiative.on_proposal(event, now_us)
            case ConfigUpdateReply():
                if self._reconfiguration.settle(event, now_us):
                    return self._on_config(event.config, self._reconfiguration.begun_us, now_us)
                return self._on_config(event.config, 0, now_us)
            case ConfigNotice():
                return self._on_config(event.config, event.asked_us, now_us)

    def _on_config(self, config: PartitionConfig, asked_us: int, now_us: int) -> list[Effect]:
        """Take what meta said is current, some time after it was asked."""
        if config.ballot > self.ballot:
            return self._adopt(config, asked_us) if self._concerns_this(config) else []
        if self._adopting is not None:
            return []
        free = self._reconfiguration.pending is None
        if self.is_lapsed:
            return self._roles.confirm(config, asked_us, now_us, settled=free)
        leadership = self._roles.serving
        if leadership is None or not free or not leadership.primary.frozen:
            return []
        return leadership.primary.thaw(now_us)

    def _concerns_this(self, config: PartitionConfig) -> bool:
        """Tell whether a configuration gives or takes a role; meta's names no learners."""
        if self.status == ReplicaStatus.ERROR or self._roles.is_unfit(config):
            return False
        if self.learner is not None and config.primary == self.node:
            return False
        return self.node in config.members or self._roles.is_member

    def _lapse(self, now_us: int) -> list[Effect]:
        """Serve nothing until meta confirms the configuration (reliability reference 2.2)."""
        return self._query(now_us) if self._roles.lapse() else []

    def _query(self, now_us: int) -> list[Effect]:
        self._queried_us = now_us
        return [ReportToMeta(ConfigQuery(self.state.gpid, self.node, now_us))]

    # Time.

    def _pursue(self, now_us: int) -> list[Effect]:
        if self.learner is not None and self.learner.has_given_up(now_us):
            return self._roles.change(Occasion.GAVE_UP)
        if self._adopting is not None:
            return []
        return self._initiative.pursue(now_us)

    def _on_tick(self, now_us: int) -> list[Effect]:
        effects = self._reconfiguration.on_tick(now_us)
        if self.is_lapsed and now_us >= self._queried_us + QUERY_RESEND_US:
            effects += self._query(now_us)
        if self._roles.serving is not None:
            effects += self._roles.serving.primary.react(Tick(), now_us)
        if self.learner is not None:
            effects += self.learner.on_tick(now_us)
        return effects

    def next_deadline(self, now_us: int) -> int | None:
        """Return when a Tick is due, CLOCK_BOOTTIME in microseconds; None for never."""
        due = [self._reconfiguration.next_deadline(now_us)]
        if self._adopting is None:
            due.append(self._initiative.next_deadline())
        if self.is_lapsed:
            due.append(self._queried_us + QUERY_RESEND_US)
        if self._roles.serving is not None:
            due.append(self._roles.serving.primary.next_deadline())
        if self.learner is not None:
            due.append(self.learner.next_deadline())
        return min([each for each in due if each is not None], default=None)


def is_routine(event: ReplicaInput) -> bool:
    """Tell whether an input is one of two-phase commit as it goes day in, day out.

    None of these gives a replica a reason to ask meta for something that the next Tick would not
    find as well, so they are spared the question.
    """
    if isinstance(event, Received):
        message = event.message
        if isinstance(message, PrepareAck):
            return message.outcome == PrepareOutcome.OK
        return isinstance(message, Prepare)
    return isinstance(event, ClientWrites | LogAppended | Applied)
