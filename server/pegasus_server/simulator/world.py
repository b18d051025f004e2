"""A whole cluster: machines, network, store, clients, and what goes wrong.

A run has two phases. In the safety phase faults happen as scheduled, and nothing may go wrong for
good: the judges watch. Then everything is healed, and within a minute the cluster must be whole
again, take writes everywhere, and hold the same data on all replicas (reliability reference 5.4).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from pegasus_server.mutation_log.errors import LogFailedError, LogFullError
from pegasus_server.simulator.client import Client
from pegasus_server.simulator.clock import Clock, MachineClock
from pegasus_server.simulator.encoding import Encoding
from pegasus_server.simulator.entropy import Entropy
from pegasus_server.simulator.faults import DAMAGING, Faults
from pegasus_server.simulator.history import End, History
from pegasus_server.simulator.judges import Judges, Violation
from pegasus_server.simulator.knobs import Knobs
from pegasus_server.simulator.machine import Machine, Program
from pegasus_server.simulator.machine_disk import MachineDisk
from pegasus_server.simulator.meta_server import AdminAnswer, AdminQuestion, MetaServer
from pegasus_server.simulator.meta_store import STORE, MetaStore, StoreQuestion, StoreReply
from pegasus_server.simulator.network import Network, Weather
from pegasus_server.simulator.operator import OPERATOR, Operator
from pegasus_server.simulator.parcels import ClientAnswer, ClientQuestion
from pegasus_server.simulator.replica_server import ReplicaServer, Surroundings
from pegasus_server.simulator.schedule import Schedule
from pegasus_server.simulator.trace import Trace
from pegasus_server.simulator.watch import Watch
from pegasus_server.simulator.wholeness import lacking
from pegasus_tab.base.ids import NodeName

US_PER_SECOND = 1_000_000
BOOT_US_MAX = 1_000 * US_PER_SECOND
LOOK_US = 100_000
FOUNDING_US_MAX = 60 * US_PER_SECOND
HEALING_US_MAX = 60 * US_PER_SECOND
TIDYING_US_MAX = 60 * US_PER_SECOND
LAST_WRITES_US = 5 * US_PER_SECOND
LOG_SEGMENTS_MAX = 16
STORM_MESSAGES = 5_000
"""Messages sent within LOOK_US that no work explains: answers that beget answers."""
TABLE = "rows"

_ONCE = (ClientQuestion, ClientAnswer, StoreQuestion, StoreReply, AdminQuestion, AdminAnswer)
"""What goes over a connection, where nothing comes twice."""

Running = TypeVar("Running", bound=Program)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run was.

    Attributes:
        violation: what went wrong, None if nothing did.
        digest: of the trace.
        events: how many the world saw.
        simulated_us: how long it lasted.
        operations: how many clients began.
        acknowledged: how many of them succeeded.
        unknown: how many of them have no known outcome.
    """

    violation: str | None
    digest: str
    events: int
    simulated_us: int
    operations: int
    acknowledged: int
    unknown: int


class World:
    """One cluster under one schedule.

    Args:
        schedule: knobs and faults.
        keeps_trace: keep every line of the trace.
        acks_early: plant the canary's bug.

    Attributes:
        schedule: see above.
        knobs: of the schedule.
        clock: true time.
        entropy: of the schedule's seed.
        network: between all machines.
        store: of the metas.
        trace: what happened.
        watch: writes it.
        history: what clients saw.
        disks: of the replica servers.
        operator: of the cluster.
    """

    def __init__(
        self, schedule: Schedule, *, keeps_trace: bool = False, acks_early: bool = False
    ) -> None:
        self.schedule = schedule
        self.knobs = Knobs(**schedule.knobs)
        self.clock = Clock()
        self.entropy = Entropy(schedule.seed)
        self.network = Network(self.clock, self.entropy, self._deliver)
        self.store = MetaStore(self.clock, partial(self._send, STORE))
        self.trace = Trace(keeps_all=keeps_trace)
        self.history = History()
        self.disks: dict[str, MachineDisk] = {}
        self._judges = Judges()
        self.watch = Watch(self.clock, self.trace, self._judges)
        self._surroundings = Surroundings(
            self.knobs, self.entropy, self.watch, self._send, acks_early
        )
        self._faults = Faults(self)
        self._weather = Weather()
        self._sent_before = 0
        self._meta_names = tuple(NodeName(f"m{n + 1}") for n in range(self.knobs.metas))
        self._metas: dict[str, Machine[MetaServer]] = {
            name: self._machine(name, self._start_meta) for name in self._meta_names
        }
        names = [f"s{number + 1}" for number in range(self.knobs.servers)]
        self._servers = {name: self._machine(name, self._start_server) for name in names}
        self._clients: dict[str, Client] = {}
        carry = partial(self._send, OPERATOR)
        self.operator = Operator(self.clock, self._meta_names, self.store, carry)
        self._encoding = Encoding(self.knobs.encoded_share, self.entropy.stream("encoding"))

    # Machines.

    def _machine(self, name: str, start: Callable[[Machine[Running]], Running]) -> Machine[Running]:
        stream = self.entropy.stream("machine", name)
        error = self.knobs.clock_error_per_million
        rate = stream.between(-error, error)
        clocks = MachineClock(self.clock, rate, stream.below(BOOT_US_MAX))
        return Machine(name, self.clock, clocks, start)

    def _start_meta(self, machine: Machine[MetaServer]) -> MetaServer:
        self.watch.note_life(machine.name, "starts")
        carry = partial(self._send, machine.name)
        name, return_us = NodeName(machine.name), self.knobs.return_us
        return MetaServer(name, machine.process, carry, return_us)

    def _start_server(self, machine: Machine[ReplicaServer]) -> ReplicaServer | None:
        disk = self.disks.setdefault(machine.name, MachineDisk())
        self.watch.note_life(machine.name, "starts")
        try:
            return ReplicaServer(
                NodeName(machine.name),
                self._meta_names,
                machine.process,
                disk,
                self._surroundings,
                partial(self._crash, machine),
            )
        except (LogFullError, LogFailedError) as error:
            self.watch.note_life(machine.name, f"cannot start: {error}")
            return None

    def _crash(self, machine: Machine[ReplicaServer]) -> None:
        """End a server whose disk failed; something starts it again."""
        self.watch.note_life(machine.name, "ends: its disk failed")
        machine.end()

    @property
    def machines(self) -> Mapping[str, Machine[Any]]:
        """Every machine by name."""
        machines: dict[str, Machine[Any]] = {}
        machines.update(self._metas)
        machines.update(self._servers)
        return machines

    @property
    def servers(self) -> Mapping[str, Machine[ReplicaServer]]:
        """The replica servers among them."""
        return self._servers

    @property
    def _running(self) -> list[ReplicaServer]:
        return [each.program for each in self._servers.values() if each.program is not None]

    # Messages.

    def _send(self, source: str, target: str, message: object) -> None:
        if self.network.sent - self._sent_before > STORM_MESSAGES:
            name = type(message).__name__
            raise Violation("message_storm", f"{source} sends {target} {name} again and again")
        once = isinstance(message, _ONCE)
        self.network.send(source, target, self._encoding.carry(message), once=once)

    def _deliver(self, source: str, target: str, message: object) -> None:
        if target in self._servers:
            self._servers[target].receive(source, message)
        elif target in self._metas:
            self._metas[target].receive(source, message)
        elif target in self._clients:
            self._clients[target].receive(source, message)
        elif target == STORE:
            assert isinstance(message, StoreQuestion)
            self.store.receive(NodeName(source), message)
        else:
            assert target == OPERATOR
            assert isinstance(message, AdminAnswer)
            self.operator.receive(message)

    def storm(self, loss: float) -> None:
        """Have the network lose this share more."""
        lost = min(max(self._weather.loss + loss, 0.0), 1.0)
        self._weather = self.network.weather = replace(self._weather, loss=lost)

    # Phases.

    def run(self) -> Outcome:
        """Run both phases and judge."""
        violation = None
        try:
            self._found()
            self._suffer()
            self._heal()
            self._judges.judge_end(self.history, self._running)
        except Violation as found:
            violation = str(found)
        except AssertionError as broken:
            violation = f"judge=invariant {_place(broken)}: {broken}"
        except Exception as crash:  # noqa: BLE001 -- whatever a machine raises is a finding
            violation = f"judge=crash {_place(crash)}: {type(crash).__name__}: {crash}"
        if violation is not None:
            self.watch.note(f"FAILED {violation}")
        return Outcome(
            violation,
            self.trace.digest,
            self.clock.events,
            self.clock.now_us,
            len(self.history.operations),
            sum(each.end is End.OK for each in self.history.operations),
            self.history.unknown,
        )

    def _found(self) -> None:
        """Start everything and make the table, in good weather."""
        for machine in self.machines.values():
            machine.start()
        self.operator.create(TABLE, self.knobs.partitions, self.knobs.replicas)
        self.clock.after(LOOK_US, self._look)
        self._wait("founding", FOUNDING_US_MAX, self._lacking)

    def _look(self) -> None:
        self._sent_before = self.network.sent
        self._judges.look(self._running)
        self.clock.after(LOOK_US, self._look)

    def _suffer(self) -> None:
        """Let clients work and faults happen."""
        knobs = self.knobs
        self._weather = self.network.weather = Weather(
            knobs.loss, knobs.duplication, knobs.delay_us, knobs.lateness, knobs.reorders
        )
        self._employ(range(knobs.clients))
        began_us = self.clock.now_us
        for fault in self.schedule.faults:
            self.clock.at(began_us + fault.time_us, self._faults.begin, fault)
        self.clock.run_until(began_us + knobs.safety_us)
        self._faults.end_all()

    def _employ(self, numbers: range) -> None:
        for number in numbers:
            name = f"c{number}"
            self._clients[name] = Client(
                number,
                self.clock,
                self.knobs,
                self.entropy.stream("client", name),
                self.history,
                self._meta_names,
                partial(self._send, name),
            )

    def _heal(self) -> None:
        """Make everything work, and demand that the cluster is whole in time."""
        self.watch.note("healing")
        self._weather = self.network.weather = Weather()
        self._dismiss()
        if self.knobs.leaves_minority:
            self._abandon_minority()
        self._wait("wholeness", HEALING_US_MAX, self._lacking)
        self._employ(range(self.knobs.clients, 2 * self.knobs.clients))
        self.clock.run_until(self.clock.now_us + LAST_WRITES_US)
        self._dismiss()
        self._wait("wholeness", HEALING_US_MAX, self._lacking)
        self._wait("tidiness", TIDYING_US_MAX, self._untidy)

    def _abandon_minority(self) -> None:
        """Kill for good what a healthy core can do without: one meta of three, spare servers."""
        stream = self.entropy.stream("minority")
        spare = max(self.knobs.servers - self.knobs.replicas, 0)
        chosen = stream.subset(tuple(self._servers), stream.below(spare + 1))
        configs = [record.config for record, _ in self.store.partitions.values()]
        members = [set(config.members) for config in configs]
        damaged = any(fault.kind in DAMAGING for fault in self.schedule.faults)
        if not damaged and all(each - set(chosen) for each in members):
            for name in chosen:
                self._abandon(self._servers[name])
        if len(self._metas) > 2 and stream.chance(0.5):
            self._abandon(self._metas[stream.choice(self._meta_names)])

    def _abandon(self, machine: Machine[Any]) -> None:
        self.watch.note_life(machine.name, "is given up")
        machine.downs += 1
        machine.kill()

    def _dismiss(self) -> None:
        for client in self._clients.values():
            client.is_done = True

    def _lacking(self) -> str | None:
        knobs = self.knobs
        copies = min(knobs.replicas, knobs.servers)
        return lacking(self.store, self._running, knobs.partitions, copies)

    def _wait(self, judge: str, longest_us: int, fault: Callable[[], str | None]) -> None:
        until_us = self.clock.now_us + longest_us
        while (found := fault()) is not None:
            if self.clock.now_us >= until_us:
                raise Violation(judge, f"not within {longest_us // 10**6} s: {found}")
            self.clock.run_until(self.clock.now_us + LOOK_US)

    def _untidy(self) -> str | None:
        """Say what replica servers keep that nobody needs: dropped tables, long logs."""
        if not self.operator.is_content:
            return "the operator still waits"
        bytes_max = LOG_SEGMENTS_MAX * self.knobs.segment_bytes
        tables = self.store.tables.tables
        for server in self._running:
            if any(gpid.app_id not in tables for gpid in server.replicas):
                return f"{server.node} has replicas of a table that is gone"
            if server.log_bytes > bytes_max:
                return f"the log of {server.node} holds {server.log_bytes} bytes"
        return None


def _place(error: BaseException) -> str:
    """Return where an error was raised, as module and line."""
    traceback = error.__traceback__
    assert traceback is not None
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    code = traceback.tb_frame.f_code
    return f"{code.co_filename.rpartition('/')[2]}:{traceback.tb_lineno} in {code.co_name}"
