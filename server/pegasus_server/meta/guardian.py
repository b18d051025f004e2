"""Watches over all partitions: takes events and keeps what they mean.

Theory of operation. Events (a server lost, a configuration stored, a report) only mark partitions;
at the end of a step ``settle`` asks the cure about the marked ones and carries its decisions out
(``treatment``). Partitions that are not whole stay on the list and are looked at again with every
tick, so that a lost message costs time and nothing else. Decisions about a partition wait while
one of its changes is on its way to the store.
"""

from collections.abc import Iterable

from pegasus_server.meta.cluster_effects import ClusterEffect, Resign, Send
from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.config_sync import answer_sync
from pegasus_server.meta.config_update import Accepted, AlreadyCurrent, Refused, Standing, judge
from pegasus_server.meta.failure_detector import (
    Liveness,
    NodeAppeared,
    NodeLost,
    NodeRestarted,
)
from pegasus_server.meta.messages import Bye
from pegasus_server.meta.moves import Moves
from pegasus_server.meta.partition_configurations import Confirmed, StoreAnswer, Superseded
from pegasus_server.meta.partition_watch import PartitionWatch
from pegasus_server.meta.slowness import left_learners
from pegasus_server.meta.table import Table, TableStatus
from pegasus_server.meta.table_news import TableNews, notice
from pegasus_server.meta.treatment import ask, note_gone, settle
from pegasus_server.meta.ward import Ward, gpids
from pegasus_tab.base.cluster import (
    Beacon,
    ConfigNotice,
    ConfigQuery,
    ConfigSync,
    ConfigUpdate,
    ConfigUpdateReply,
    ReplicaReport,
    ReplicaStatus,
    UpdateReason,
)
from pegasus_tab.base.ids import Gpid, NodeName


class Guardian:
    """All partitions in the time of one leader.

    Invariants: a configuration is spoken of only after the store confirmed it; a primary that
    lost its lease hears nothing of its partition until the ballot changed; only one server at a
    time is appointed to a partition.

    Args:
        ward: what the leader knows.
    """

    def __init__(self, ward: Ward) -> None:
        self.ward = ward
        self.moves = Moves()
        self._news = TableNews()
        self._requested: dict[Gpid, ConfigUpdate] = {}
        self._waiting: dict[Gpid, ConfigUpdate] = {}

    @property
    def is_settled(self) -> bool:
        """Tell whether every partition is whole and no move is under way."""
        return not self.ward.unsettled and not self.ward.dirty and len(self.moves) == 0

    def settle(self, now_us: int) -> list[ClusterEffect]:
        """Decide and take the next step of every marked partition; ends every step of meta."""
        return settle(self.ward, now_us)

    def on_tables(self, tables: ClusterState, now_us: int) -> list[ClusterEffect]:
        """Take a newly stored catalog."""
        before, self.ward.tables = self.ward.tables, tables
        if before.level != tables.level:
            self.ward.mark(self.ward.unsettled)
        for gpid in self.ward.forget_purged():
            self._requested.pop(gpid, None)
            self._waiting.pop(gpid, None)
        self.ward.recount()
        self.ward.add_unborn(now_us)
        effects: list[ClusterEffect] = []
        for app_id, table in tables.tables.items():
            if before.tables.get(app_id) != table:
                self.ward.mark(gpids(table))
                holders = self.ward.holders(table)
                effects += [Send(node, notice(table)) for node in holders]
                if table.status == TableStatus.RECALLING:
                    effects += self._call_back(table, holders, now_us)
        return effects

    def _call_back(self, table: Table, holders: list[NodeName], now_us: int) -> list[ClusterEffect]:
        """Whether a recalled table is served only its servers can tell; they are asked."""
        for gpid in gpids(table):
            self.ward.watch_anew(gpid, now_us)
        return ask(self.ward, holders, now_us)

    def on_beacon(self, beacon: Beacon, now_us: int) -> bool:
        """Take a beacon; tell whether it may be acknowledged."""
        changes = self.ward.detector.on_beacon(beacon, now_us)
        for change in changes or ():
            self._on_liveness(change, now_us)
        return changes is not None

    def on_bye(self, bye: Bye, now_us: int) -> None:
        """Take a server's leave."""
        for change in self.ward.detector.on_bye(bye):
            self._on_liveness(change, now_us)

    def look(self, now_us: int) -> None:
        """Let time pass: find lost servers, look at everything that is not whole."""
        for change in self.ward.detector.look(now_us):
            self._on_liveness(change, now_us)
        self._forget_nodes(now_us)
        self.ward.mark(self.ward.unsettled)
        if not self.ward.is_frozen:
            ward = self.ward
            ward.mark(self.moves.look(ward.config, ward.watch, ward.detector.is_alive, now_us))

    def _on_liveness(self, change: Liveness, now_us: int) -> None:
        self.ward.reports.expire(change.node)
        self._news.introduce(change.node)
        match change:
            case NodeAppeared():
                self.ward.mark(self.ward.unsettled)
            case NodeRestarted() | NodeLost():
                self._lose(change.node, now_us)

    def _lose(self, node: NodeName, now_us: int) -> None:
        for gpid, record in self.ward.partitions.records():
            watch = self.ward.watch(gpid)
            if record.config.primary == node and watch.gone_us is None:
                note_gone(self.ward, watch, now_us)
            if node in record.config.members or (watch.sent and watch.sent.proposal.node == node):
                self.ward.mark((gpid,))

    def _forget_nodes(self, now_us: int) -> None:
        """Stop counting servers that died long ago and hold nothing any more."""
        dead = [each for each in self.ward.detector.nodes.values() if not each.is_alive]
        long_ago = [
            each.name for each in dead if now_us - each.heard_us > self.ward.numbers.cure.return_us
        ]
        if long_ago:
            held = {
                node
                for _, record in self.ward.partitions.records()
                for node in record.config.members
            }
            for name in long_ago:
                if name not in held:
                    self.ward.detector.forget(name)
                    self.ward.slowness.forget(name)

    def on_sync(self, sync: ConfigSync, now_us: int) -> list[ClusterEffect]:
        """Take a server's account and answer it."""
        ward = self.ward
        left = self._left_learners(sync.node, sync.reports)
        if not ward.detector.is_alive(sync.node) or not ward.reports.take(sync, now_us):
            return []
        self._note_slow(left, now_us)
        ward.mark(gpid for gpid in ward.unsettled if self._involves(gpid, sync.node))
        ward.mark(each.gpid for each in sync.reports)
        ward.mark(ward.led_by(sync.node))
        known = ward.tables.tables
        app_ids = sorted({each.gpid.app_id for each in sync.reports} & set(known))
        notices = self._news.due(sync.node, [known[each] for each in app_ids], now_us)
        reply = answer_sync(sync, ward.facts())
        return [*(Send(sync.node, each) for each in notices), Send(sync.node, reply)]

    def _involves(self, gpid: Gpid, node: NodeName) -> bool:
        return node in self.ward.partitions.record(gpid).last_members()

    def on_query(self, query: ConfigQuery) -> list[ClusterEffect]:
        """Answer what a partition's configuration is, unless the asker must not hear it."""
        facts = self.ward.facts()
        if not facts.may_tell(query.sender, query.gpid):
            return []
        told = ConfigNotice(query.gpid, facts.spoken(query.gpid), query.sent_us)
        return [Send(query.sender, told)]

    def on_report(self, report: ReplicaReport, now_us: int) -> None:
        """Take the account of one replica, the answer to a proposal it cannot follow."""
        left = self._left_learners(report.node, (report,))
        if self.ward.detector.is_alive(report.node) and self.ward.reports.take_one(report):
            self._note_slow(left, now_us)
            self.ward.mark((report.gpid,))

    def on_update(self, update: ConfigUpdate) -> list[ClusterEffect]:
        """Judge a request for a new configuration; an accepted one goes to the store first."""
        gpid = update.gpid
        if gpid not in self.ward.partitions or not self.ward.detector.is_alive(update.sender):
            return []
        if self.ward.partitions.is_changing(gpid):
            # Judged once the change under way is decided; a newer request replaces an older one.
            self._waiting[gpid] = update
            return []
        watch = self.ward.watch(gpid)
        is_forced = watch.operator_choice == update.sender
        if (self.ward.is_frozen and not is_forced) or self.ward.is_dropped(gpid):
            return []
        standing = Standing(watch.appointed, watch.gone_us is not None, is_forced)
        judgement = judge(update, self.ward.partitions.record(gpid), standing)
        match judgement:
            case Accepted():
                self._requested[gpid] = update
                return [*self.ward.partitions.change(gpid, judgement.record)]
            case AlreadyCurrent():
                return self._reply(update, is_accepted=True)
            case Refused():
                return self._reply(update, is_accepted=False)

    def _reply(self, update: ConfigUpdate, *, is_accepted: bool) -> list[ClusterEffect]:
        facts = self.ward.facts()
        if not facts.may_tell(update.sender, update.gpid):
            return []
        spoken = facts.spoken(update.gpid)
        reply = ConfigUpdateReply(update.gpid, update.expected_ballot, is_accepted, spoken)
        return [Send(update.sender, reply)]

    def on_store_answer(self, answer: StoreAnswer, now_us: int) -> list[ClusterEffect]:
        """Take the store's answer about a partition."""
        requests, outcome = self.ward.partitions.on_answer(answer)
        match outcome:
            case Confirmed():
                return [*requests, *self._on_confirmed(outcome, now_us)]
            case Superseded():
                reason = f"the record of partition {outcome.gpid} was changed by another leader"
                return [*requests, Resign(reason)]
            case None:
                return [*requests]

    def _on_confirmed(self, confirmed: Confirmed, now_us: int) -> list[ClusterEffect]:
        gpid, config = confirmed.gpid, confirmed.after.config
        self.ward.recount()
        requested = self._requested.pop(gpid, None)
        if requested is not None:
            self._note_slowness(requested, now_us)
        watch = self._renew(gpid, now_us)
        watch.is_led = requested is not None and requested.sender == config.primary
        effects: list[ClusterEffect] = []
        if requested is not None:
            effects += self._reply(requested, is_accepted=True)
        facts = self.ward.facts()
        for node in dict.fromkeys((*config.members, *confirmed.before.config.members)):
            is_asker = requested is not None and node == requested.sender
            if not is_asker and facts.may_tell(node, gpid):
                effects += [Send(node, ConfigNotice(gpid, facts.spoken(gpid)))]
        waiting = self._waiting.pop(gpid, None)
        return effects + (self.on_update(waiting) if waiting is not None else [])

    def _note_slowness(self, update: ConfigUpdate, now_us: int) -> None:
        """Remember a secondary that its primary had removed of its own accord, not as told."""
        sent = self.ward.watch(update.gpid).sent
        is_told = sent is not None and sent.proposal.node == update.node
        report = self.ward.reports.report(update.node, update.gpid)
        is_sound = report is None or report.status is not ReplicaStatus.ERROR
        is_removal = update.reason is UpdateReason.DROP_SECONDARY
        if is_removal and is_sound and not is_told:
            self._note_slow((update.node,), now_us)

    def _note_slow(self, names: Iterable[NodeName], now_us: int) -> None:
        nodes = self.ward.detector.nodes
        for name in names:
            if name in nodes:
                self.ward.slowness.note_removal(nodes[name], now_us)

    def _left_learners(self, node: NodeName, reports: Iterable[ReplicaReport]) -> list[NodeName]:
        """Name the learners that a server gave up since it last spoke of its replicas."""
        known = self.ward.reports
        return [
            left for each in reports for left in left_learners(known.report(node, each.gpid), each)
        ]

    def _renew(self, gpid: Gpid, now_us: int) -> PartitionWatch:
        """Begin to watch a new configuration; what the operator or a move wants stays wanted."""
        before = self.ward.watch(gpid)
        watch = self.ward.watch_anew(gpid, now_us)
        if self.ward.partitions.record(gpid).config.primary is None:
            watch.operator_choice = before.operator_choice
        watch.wanted_primary = before.wanted_primary
        watch.wanted_learner = before.wanted_learner
        watch.wanted_away = before.wanted_away
        return watch
