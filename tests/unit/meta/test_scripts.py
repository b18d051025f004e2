"""Scenarios of a meta server as scripts: commands, ``---``, the exact trace (tests/scripts/meta).

The store answers at once; ``fate`` says how the next writes end. Servers named by ``alive`` send
their beacons while time passes; ``settle`` lets them also do what meta proposes, without trace.
``REWRITE_SCRIPTS=1`` writes the traces the code gives now; read the diff before you keep it.
"""

import os
import re
from collections import deque
from pathlib import Path

import pytest

from pegasus_server.meta.cluster_effects import ClusterEffect, Resign, Send
from pegasus_server.meta.cluster_inputs import (
    Administer,
    Balance,
    ClusterInput,
    ClusterTick,
    Deposed,
    Elected,
    ForcePrimary,
    MovePrimary,
    MoveReplica,
    Received,
    Recover,
    RemoveReplica,
    StoreAlive,
)
from pegasus_server.meta.cluster_meta import ClusterMeta
from pegasus_server.meta.cluster_numbers import ClusterNumbers
from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.describe import (
    describe_diagnosis,
    describe_effect,
    describe_node,
    describe_partition,
)
from pegasus_server.meta.diagnosis import diagnose
from pegasus_server.meta.effects import Reply
from pegasus_server.meta.function_level import FunctionLevel
from pegasus_server.meta.inputs import (
    CreateTable,
    DropTable,
    MetaRequest,
    RecallTable,
    SetLevel,
    SetReplicaCount,
)
from pegasus_server.meta.messages import Bye, Stored, TableNotice
from pegasus_server.meta.partition import Drop, PartitionRecord
from pegasus_server.meta.table import Table, TableStatus
from pegasus_tab.base.cluster import (
    Beacon,
    BeaconAck,
    ConfigQuery,
    ConfigSync,
    ConfigUpdate,
    Learner,
    PartitionConfig,
    ReplicaReport,
    ReplicaStatus,
    UpdateReason,
)
from pegasus_tab.base.ids import Ballot, Decree, Gpid, NodeName, Signature
from tests.fakes.meta_store import FakeStore, Fate

SCRIPTS = Path(__file__).parents[2] / "scripts" / "meta"
SECOND = 1_000_000
START_US = 1000 * SECOND
BEACON_US = 1_000_000
DROP, RECALL, REPLICAS, RECOVER, LEVEL = "drop", "recall", "replicas", "recover", "level"


class Scenario:
    """Runs the commands of one script against one meta server."""

    def __init__(self) -> None:
        self.now_us = START_US
        self.meta = ClusterMeta(ClusterNumbers())
        self.fates: deque[Fate] = deque()
        self.store = FakeStore(lambda: self.fates.popleft() if self.fates else Fate.DONE)
        self.alive: dict[str, tuple[int, str]] = {}
        self.store_is_alive = True
        self.trace: list[str] = []

    def run(self, command: str) -> list[str]:
        """Carry out one command; return its trace."""
        self.trace = []
        verb, *words = command.split(maxsplit=1)
        getattr(self, f"do_{verb}")(words[0] if words else "")
        return self.trace

    def feed(self, event: ClusterInput) -> None:
        for effect in self.meta.step(event, self.now_us):
            self.note(effect)
            if not isinstance(effect, Send | Reply | Resign):
                self.feed(self.store.perform(effect))

    def note(self, effect: ClusterEffect) -> None:
        is_ack = isinstance(effect, Send) and isinstance(effect.message, BeaconAck)
        if not is_ack or not self.alive:
            self.trace.append(describe_effect(effect))

    # Before the election.

    def do_table(self, text: str) -> None:
        """Put a table into the store: NAME replicas=N, one partition per later ``partition``."""
        name, replicas = re.fullmatch(r"(\w+) replicas=(\d)", text).groups()  # type: ignore[union-attr]
        table = Table(
            app_id=1,
            name=name,
            status=TableStatus.AVAILABLE,
            max_replica_count=int(replicas),
            ballots=(),
            create_second=0,
        )
        self.store.tables = ClusterState(2, {1: table})

    def do_partition(self, text: str) -> None:
        """Put the next partition into the store: {BALLOT, PRIMARY, [SECONDARIES]} dropped N@B."""
        config_text, _, drop_text = text.partition(" dropped ")
        table = self.store.tables.tables[1]
        drops = [each.split("@") for each in drop_text.split(", ") if each]
        record = PartitionRecord(
            config(config_text, table.max_replica_count),
            tuple(Drop(NodeName(node), Ballot(int(ballot))) for node, ballot in drops),
        )
        gpid = Gpid(1, table.partition_count)
        self.store.partitions[gpid] = (record, 0)
        self.store.ballots[gpid] = record.config.ballot
        grown = Table(
            app_id=1,
            name=table.name,
            status=table.status,
            max_replica_count=table.max_replica_count,
            ballots=(*table.ballots, Ballot(1)),
            create_second=0,
        )
        self.store.tables = ClusterState(2, {1: grown})

    # Leadership and the store.

    def do_lead(self, text: str) -> None:
        self.feed(Elected(int(text or 1), 10 * SECOND, self.now_us))

    def do_follow(self, text: str) -> None:
        self.feed(Deposed(NodeName(text) if text else None))

    def do_fate(self, text: str) -> None:
        self.fates.extend(Fate(each) for each in text.split(", "))

    def do_cut(self, _: str) -> None:
        """Let the store answer no more pings."""
        self.store_is_alive = False

    def do_usurp(self, text: str) -> None:
        """Have another leader change a partition: GPID CONFIG."""
        gpid_text, config_text = text.split(maxsplit=1)
        record, version = self.store.partitions[gpid(gpid_text)]
        changed = record.followed_by(config(config_text, record.config.max_replica_count))
        self.store.partitions[gpid(gpid_text)] = (changed, version + 1)

    # Servers.

    def do_alive(self, text: str) -> None:
        """Have servers send beacons from now on: NAME[@HOST] ..."""
        for word in text.split():
            name, _, host = word.partition("@")
            incarnation, known = self.alive.get(name, (1, host or name))
            self.alive[name] = (incarnation, host or known)
            self.beacon(name)

    def do_dead(self, text: str) -> None:
        for name in text.split():
            del self.alive[name]

    def do_restart(self, name: str) -> None:
        incarnation, host = self.alive[name]
        self.alive[name] = (incarnation + 1, host)
        self.beacon(name)

    def do_bye(self, name: str) -> None:
        incarnation, _ = self.alive.pop(name)
        self.feed(Received(Bye(NodeName(name), incarnation)))

    def do_beacon(self, text: str) -> None:
        """Send one beacon and show the answer: NAME INCARNATION."""
        name, incarnation = text.split()
        kept, self.alive = self.alive, {}
        self.feed(Received(Beacon(NodeName(name), int(incarnation), self.now_us, name)))
        self.alive = kept

    def beacon(self, name: str) -> None:
        incarnation, host = self.alive[name]
        self.feed(Received(Beacon(NodeName(name), incarnation, self.now_us, host)))

    def do_wait(self, text: str) -> None:
        """Let milliseconds pass."""
        until_us = self.now_us + int(text) * 1000
        while self.now_us < until_us:
            due_us = self.meta.next_deadline()
            step_us = self.now_us // BEACON_US * BEACON_US + BEACON_US
            self.now_us = min(until_us, step_us, max(due_us or until_us, self.now_us + 1))
            if self.now_us == step_us:
                for name in self.alive:
                    self.beacon(name)
            if self.store_is_alive:
                self.feed(StoreAlive(self.now_us))
            if due_us is not None and self.now_us >= due_us:
                self.feed(ClusterTick(self.now_us // SECOND))

    def do_update(self, text: str) -> None:
        """Request a configuration: SENDER GPID REASON NODE CONFIG."""
        sender, where, reason, node, config_text = text.split(maxsplit=4)
        wanted = config(config_text, 3)
        self.feed(
            Received(
                ConfigUpdate(
                    gpid(where),
                    NodeName(sender),
                    Ballot(wanted.ballot - 1),
                    wanted,
                    UpdateReason(reason),
                    NodeName(node),
                )
            )
        )

    def do_query(self, text: str) -> None:
        sender, where = text.split()
        self.feed(Received(ConfigQuery(gpid(where), NodeName(sender), self.now_us)))

    def do_sync(self, text: str) -> None:
        """Tell of replicas: NODE [survey=N] GPID STATUS BALLOT DECREE [suspect] [learner=N[/S]] [failure=W]; ..."""
        head, *rest = text.split(" ", 1)
        survey = 0
        body = rest[0] if rest else ""
        if match := re.match(r"survey=(\d+) ?", body):
            survey = int(match[1])
            body = body[match.end() :]
        reports = tuple(report(head, each) for each in body.split("; ") if each)
        incarnation = self.alive[head][0]
        sync = ConfigSync(NodeName(head), reports, incarnation, self.now_us, survey)
        self.feed(Received(sync))

    def do_stored(self, text: str) -> None:
        """Answer a StoredRequest: NODE TABLE REPLICA; ..."""
        node, name, body = text.split(maxsplit=2)
        reports = tuple(report(node, each) for each in body.split("; "))
        notice = TableNotice(7, name, TableStatus.AVAILABLE, 2, 3, {})
        self.feed(Received(Stored(NodeName(node), reports, (notice,))))

    # Administration.

    def do_create(self, text: str) -> None:
        name, replicas = text.split()
        self.administer(
            CreateTable(
                name=name,
                partition_count=2,
                replica_count=int(replicas),
                success_if_exist=False,
                envs={},
                token=name,
            )
        )

    def do_drop(self, name: str) -> None:
        self.administer(
            DropTable(name=name, success_if_not_exist=False, reserve_seconds=60, token=DROP)
        )

    def do_recall(self, app_id: str) -> None:
        self.administer(RecallTable(app_id=int(app_id), new_name="", token=RECALL))

    def do_replicas(self, text: str) -> None:
        name, replicas = text.split()
        self.administer(SetReplicaCount(name=name, replica_count=int(replicas), token=REPLICAS))

    def administer(self, request: MetaRequest) -> None:
        self.feed(Administer(request, self.now_us // SECOND))

    def do_level(self, name: str) -> None:
        self.administer(SetLevel(level=FunctionLevel[name.upper()], token=LEVEL))

    def do_balance(self, text: str) -> None:
        self.feed(Balance(10, text == "rehearsal", "balance"))

    def do_move(self, text: str) -> None:
        """Move: primary GPID TARGET, replica GPID SOURCE TARGET, or away GPID SOURCE."""
        kind, where, *nodes = text.split()
        names = [NodeName(each) for each in nodes]
        if kind == "primary":
            self.feed(MovePrimary(gpid(where), names[0], "move"))
        elif kind == "away":
            self.feed(RemoveReplica(gpid(where), names[0], "move"))
        else:
            self.feed(MoveReplica(gpid(where), names[0], names[1], "move"))

    def do_force(self, text: str) -> None:
        where, node = text.split()
        self.feed(ForcePrimary(gpid(where), NodeName(node), "force"))

    def do_recover(self, text: str) -> None:
        nodes = tuple(NodeName(each) for each in text.split())
        self.feed(Recover(nodes, skip_silent=False, skip_lost=False, token=RECOVER))

    def do_state(self, _: str) -> None:
        ward = self.meta.guardian.ward
        resting = ward.resting(self.now_us)
        for node in ward.detector.nodes.values():
            rests = f" rests {resting[node.name] - self.now_us} us" if node.name in resting else ""
            self.trace.append(describe_node(node) + rests)
        for each in ward.partitions:
            self.trace.append(describe_partition(self.meta.guardian, each))

    def do_diagnose(self, _: str) -> None:
        for each in diagnose(self.meta.guardian):
            self.trace += describe_diagnosis(each)


def gpid(text: str) -> Gpid:
    app_id, index = text.split(".")
    return Gpid(int(app_id), int(index))


def config(text: str, replica_count: int) -> PartitionConfig:
    match = re.fullmatch(r"\{(\d+), ([\w-]+), \[(.*)\]\}", text)
    assert match is not None, text
    ballot, primary, secondaries = match.groups()
    return PartitionConfig(
        Ballot(int(ballot)),
        None if primary == "-" else NodeName(primary),
        tuple(NodeName(each) for each in secondaries.split(", ") if each),
        replica_count,
    )


def learner(text: str) -> Learner:
    """Read NAME or NAME/SIGNATURE."""
    name, _, signature = text.partition("/")
    return Learner(NodeName(name), Signature(int(signature or 1)))


def report(node: str, text: str) -> ReplicaReport:
    where, status, ballot, decree, *rest = text.split()
    learners = [each.removeprefix("learner=") for each in rest if each.startswith("learner=")]
    return ReplicaReport(
        node=NodeName(node),
        gpid=gpid(where),
        status=ReplicaStatus(status),
        ballot=Ballot(int(ballot)),
        durable=Decree(0),
        applied=Decree(int(decree)),
        committed=Decree(int(decree)),
        prepared=Decree(int(decree)),
        logged_ballot=Ballot(int(ballot)),
        suspect="suspect" in rest,
        failure=next((each[8:] for each in rest if each.startswith("failure=")), ""),
        learners=tuple(map(learner, learners)),
    )


def replay(text: str) -> str:
    """Run a script's commands and write down what they give now."""
    scenario = Scenario()
    blocks = []
    for block in text.split("\n\n"):
        commands = block.split("\n---\n")[0].strip("\n").split("\n")
        lines = [line for line in commands if line and not line.startswith("#")]
        if not lines:
            blocks.append(block.strip("\n"))
            continue
        trace = [line for command in lines for line in scenario.run(command)]
        blocks.append("\n".join([*commands, "---", *trace]) if trace else "\n".join(commands))
    return "\n\n".join(blocks) + "\n"


@pytest.mark.parametrize("script", sorted(SCRIPTS.iterdir()), ids=lambda path: path.name)
def test_scenario_gives_its_trace(script: Path) -> None:
    expected = script.read_text()
    actual = replay(expected)
    if os.environ.get("REWRITE_SCRIPTS"):
        script.write_text(actual)
    assert actual == expected
