"""The judges: what must hold in every run, looked at from outside (reliability reference 2.1).

A7 and A16 rest on one rule: the first replica that applies a decree settles what that decree is for
all. Everything a client was told is compared with that.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain

from pegasus_server.replication.mutation import Change
from pegasus_server.replication.replica import Replica
from pegasus_server.simulator.history import End, History, RequestId
from pegasus_server.simulator.linearizability import Verdict
from pegasus_server.simulator.replica_server import ReplicaServer
from pegasus_server.simulator.row_model import Settled, check_objects
from pegasus_server.storage.engine import ROW_KEYS_END
from pegasus_server.storage.memory import MemoryEngine
from pegasus_tab.base.cluster import ReplicaStatus
from pegasus_tab.base.ids import Ballot, Decree, Gpid

CHECK_STEPS_MAX = 300_000


class Violation(Exception):  # noqa: N818 -- says what is the case
    """A promise was broken.

    Args:
        judge: which.
        text: what was seen.
    """

    def __init__(self, judge: str, text: str) -> None:
        super().__init__(f"judge={judge} {text}")
        self.judge = judge


@dataclass(slots=True)
class _Partition:
    """What is known of one partition.

    Attributes:
        applied: decree -> changes, as the first replica that applied it did.
        logged: (decree, ballot) -> timestamp and body.
        carried: decree -> client writes that were given it, by whichever primary.
        primaries: ballot -> node.
        served: highest ballot under which a read was answered.
        acknowledged: highest decree whose clients were answered.
    """

    applied: dict[Decree, Sequence[Change]] = field(default_factory=dict)
    logged: dict[tuple[Decree, Ballot], tuple[int, bytes]] = field(default_factory=dict)
    carried: dict[Decree, list[tuple[Sequence[Change], tuple[RequestId, ...]]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    primaries: dict[Ballot, str] = field(default_factory=dict)
    served: Ballot = Ballot(0)  # noqa: RUF009 - a NewType call makes no object
    acknowledged: Decree = Decree(0)  # noqa: RUF009 - a NewType call makes no object


class Judges:
    """Watches a run; raises Violation where it goes wrong."""

    def __init__(self) -> None:
        self._partitions: dict[Gpid, _Partition] = defaultdict(_Partition)

    # What the servers do.

    def note_life(self, node: str, event: str) -> None:
        """Lives and deaths break no promise."""

    def note_logged(
        self, node: str, gpid: Gpid, ballot: Ballot, decree: Decree, timestamp_us: int, body: bytes
    ) -> None:
        """A7: (decree, ballot) names one content."""
        content = (timestamp_us, body)
        known = self._partitions[gpid].logged.setdefault((decree, ballot), content)
        if known != content:
            raise Violation(
                "one_mutation_per_decree",
                f"partition {gpid}: {node} logs decree {decree} of ballot {ballot} "
                f"with another content",
            )

    def note_carried(
        self,
        gpid: Gpid,
        decree: Decree,
        changes: Sequence[Change],
        request_ids: Sequence[RequestId],
    ) -> None:
        """Remember whose writes a mutation carries."""
        self._partitions[gpid].carried[decree].append((changes, tuple(request_ids)))

    def note_applied(
        self, node: str, gpid: Gpid, decree: Decree, changes: Sequence[Change]
    ) -> None:
        """A7, A16: every replica applies the same at a decree."""
        known = self._partitions[gpid].applied.setdefault(decree, changes)
        if known is not changes and list(known) != list(changes):
            raise Violation(
                "one_mutation_per_decree",
                f"partition {gpid}: {node} applies something else at decree {decree}",
            )

    def note_status(self, node: str, gpid: Gpid, status: ReplicaStatus, ballot: Ballot) -> None:
        """A5: a ballot has one primary."""
        if status != ReplicaStatus.PRIMARY:
            return
        known = self._partitions[gpid].primaries.setdefault(ballot, node)
        if known != node:
            raise Violation(
                "one_primary", f"partition {gpid}: {known} and {node} in ballot {ballot}"
            )

    def note_acknowledged(self, gpid: Gpid, decree: Decree) -> None:
        """Remember what every later read must show."""
        partition = self._partitions[gpid]
        partition.acknowledged = max(partition.acknowledged, decree)

    def note_read(self, node: str, gpid: Gpid, ballot: Ballot, decree: Decree) -> None:
        """A5, A10, A13: a read shows every acknowledged write; earlier primaries serve no more."""
        partition = self._partitions[gpid]
        if ballot < partition.served:
            raise Violation(
                "one_serving_primary",
                f"partition {gpid}: {node} answers a read under ballot {ballot} after one was "
                f"answered under {partition.served}",
            )
        partition.served = ballot
        if decree < partition.acknowledged:
            raise Violation(
                "stale_read",
                f"partition {gpid}: {node} answers a read at decree {decree} under ballot "
                f"{ballot}, decree {partition.acknowledged} was acknowledged",
            )

    # The state of the whole.

    def look(self, servers: Iterable[ReplicaServer]) -> None:
        """A3: what is committed agrees among the members of one configuration."""
        replicas: dict[Gpid, list[ReplicaServer]] = defaultdict(list)
        for server in servers:
            for gpid in server.replicas:
                replicas[gpid].append(server)
        for gpid, holders in replicas.items():
            self._look_at(gpid, holders)

    def _look_at(self, gpid: Gpid, holders: Sequence[ReplicaServer]) -> None:
        machines = [each.replicas[gpid].machine for each in holders]
        for primary in machines:
            if primary.status != ReplicaStatus.PRIMARY:
                continue
            for machine in machines:
                if machine.status == ReplicaStatus.SECONDARY and machine.ballot == primary.ballot:
                    _compare(gpid, primary, machine)

    # The end of the run.

    def judge_end(self, history: History, servers: Sequence[ReplicaServer]) -> None:
        """Judge what clients were told, and compare all data.

        Args:
            history: of the run.
            servers: those alive, converged.
        """
        self._judge_data(servers)
        self._judge_acknowledged(history, servers)
        self._judge_history(history)

    def _judge_data(self, servers: Sequence[ReplicaServer]) -> None:
        """A16: an engine holds exactly what its decrees say."""
        for gpid, partition in self._partitions.items():
            rows: dict[bytes, bytes] = {}
            states = {Decree(0): dict(rows)}
            engines = [each.replicas[gpid] for each in servers if gpid in each.replicas]
            wanted = {each.engine.applied_decree for each in engines}
            for decree in sorted(partition.applied):
                for key, value in partition.applied[decree]:
                    if value is None:
                        rows.pop(key, None)
                    else:
                        rows[key] = value
                if decree in wanted:
                    states[decree] = dict(rows)
            for each in engines:
                if _rows(each.engine) != states[each.engine.applied_decree]:
                    raise Violation(
                        "digests",
                        f"partition {gpid}: {each.machine.node} differs at decree "
                        f"{each.engine.applied_decree}",
                    )

    def _judge_acknowledged(self, history: History, servers: Sequence[ReplicaServer]) -> None:
        """No acknowledged write is lost."""
        reached = {
            gpid: max(
                each.replicas[gpid].engine.applied_decree
                for each in servers
                if gpid in each.replicas
            )
            for gpid in {gpid for each in servers for gpid in each.replicas}
        }
        for operation in history.operations:
            if operation.end is not End.OK or operation.decree == 0:
                continue
            ids = set(chain.from_iterable(self._carried_by(operation.gpid, operation.decree)))
            if operation.decree > reached.get(operation.gpid, 0) or operation.request_id not in ids:
                raise Violation(
                    "acked_write_lost",
                    f"partition {operation.gpid} decree {operation.decree}: {operation.verb} of "
                    f"client {operation.request_id} was acknowledged by {operation.node} under "
                    f"ballot {operation.ballot}",
                )

    def _carried_by(self, gpid: Gpid, decree: Decree) -> list[tuple[RequestId, ...]]:
        """Return whose writes a decree holds: several answers where nothing tells them apart."""
        partition = self._partitions[gpid]
        changes = list(partition.applied.get(decree, ()))
        found = [ids for carried, ids in partition.carried[decree] if list(carried) == changes]
        return list(dict.fromkeys(found))

    def _settled(self, history: History) -> Settled:
        """Tell what became of every write, and in which order."""
        answered = {each.request_id for each in history.operations if each.end is End.OK}
        happened: list[RequestId] = []
        order: dict[RequestId, int] = {}
        for gpid, partition in self._partitions.items():
            for decree in sorted(partition.applied):
                candidates = self._carried_by(gpid, decree)
                for request_id in chain.from_iterable(candidates):
                    happened.append(request_id)
                    if len(candidates) == 1 or request_id in answered:
                        order[request_id] = len(order)
        return Settled(frozenset(happened), order)

    def _judge_history(self, history: History) -> None:
        settled = self._settled(history)
        for found in check_objects(history.operations, CHECK_STEPS_MAX, settled):
            if found.finding.verdict is not Verdict.LINEARIZABLE:
                suspects = "; ".join(
                    f"{each.verb} {each.request_id} -> {each.outcome} at {each.call_us}"
                    for each in found.suspects[:3]
                )
                raise Violation(
                    "linearizable",
                    f"{found.name}: {found.finding.verdict.name} over {found.operations} "
                    f"operations, first left over: {suspects}",
                )


def _compare(gpid: Gpid, primary: Replica, secondary: Replica) -> None:
    """A3: committed(secondary) <= committed(primary) <= logged(secondary).

    A primary that still reconciles may know less than a secondary which heard of the last commit
    point; it holds those mutations, and commits them before it serves.
    """
    first, second = primary.state.mutations, secondary.state.mutations
    serves = primary.primary is not None and primary.primary.is_serving
    known = first.committed if serves else first.prepared
    if not (second.committed <= known and first.committed <= second.logged):
        raise Violation(
            "committed_prefixes",
            f"partition {gpid}: primary {primary.node} committed {first.committed} of "
            f"{first.prepared}, {secondary.node} has {second.committed}..{second.logged}",
        )


def _rows(engine: MemoryEngine) -> dict[bytes, bytes]:
    return dict(engine.scan(b"", ROW_KEYS_END))
